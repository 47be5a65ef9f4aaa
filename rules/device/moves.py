"""Moving lines that come too late to where they count: above the first thing that starts the GPU (no rule)."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from tfguard.rules.device.record import BARE, MAYBE, USES, events_of, what

from tfguard.analysis.calls import CallSite
from tfguard.analysis.file_model import FileModel
from tfguard.analysis.project import Event, Program, ProjectFacts
from tfguard.analysis.rewrite import holds_import
from tfguard.analysis.scopes import Binding, BindingKind, Scope, lookup
from tfguard.model import Edit, Span

#: What may be called in lines that are moved: it sets up devices, and has to do with nothing else of the program.
_LOOKS = frozenset({"len", "print", "str", "repr", "range", "enumerate", "int", "format", "bool"})
_ROOTS = ("tensorflow.config.", "os.environ.", "os.putenv")
_MOVABLE = (ast.Assign, ast.AnnAssign, ast.Expr, ast.For, ast.If, ast.Try)


def move_above(
    facts: ProjectFacts, program: Program, late: Event, start: Event, *, more: frozenset[str] = frozenset()
) -> tuple[Edit, ...] | None:
    """Move the lines of a late event above what starts the GPU, or may start it, in the same body."""
    kinds = {USES, MAYBE, BARE} | more
    earliest = next((event for event in events_of(program) if what(event) in kinds), start)
    for first in (earliest, start):
        depth = _divergence(first, late)
        if depth is None:
            continue
        path, offset = late.chain[depth]
        edits = _move_up(facts.open(path), late=offset, before=first.chain[depth][1])
        if edits is not None and (depth or path not in facts.imported):
            return edits if path == late.path else None
    return None


def _divergence(first: Event, second: Event) -> int | None:
    """How deep in the calls two events part, in one body."""
    for depth, (place, other) in enumerate(zip(first.chain, second.chain, strict=False)):
        if place != other:
            return depth if place[0] == other[0] else None
    return None


def _move_up(file: FileModel, *, late: int, before: int) -> tuple[Edit, ...] | None:
    """Move the statements around one offset above the one at another, when nothing else can change by that."""
    body = None if file.source.is_notebook else _common_body(file, late, before)
    if body is None:
        return None
    target = next(statement for statement in body if _holds(file, statement, before))
    block = _block_at(file, body, late)
    taken = _lines_of(file, block)
    if taken is None or not _is_movable(file, block, target, body) or not _begins_line(file, target):
        return None
    first, number = _first_line(file, target), body.index(target)
    placed = file.source.offset_of(first, 0)
    text = file.text_of(taken).replace("\r\n", "\n")
    text = text if text.endswith("\n") else f"{text}\n"
    is_apart = _is_blank(file, first - 1) or not number or holds_import(body[number - 1])
    is_top = isinstance(file.index.places[target].parent, ast.Module)
    gap = "\n" if is_top else ""
    lead = gap if not is_apart else ""
    removed = _with_blank_lines(file, taken, block[-1] is body[-1])
    return (Edit(Span(placed, placed), f"{lead}{text}{gap}"), Edit(removed, ""))


# -- what is moved ------------------------------------------------------------------------------------------


def _common_body(file: FileModel, late: int, before: int) -> list[ast.stmt] | None:
    """The innermost list of statements in which both offsets lie, in different statements."""
    waiting: list[list[ast.stmt]] = [file.tree.body]
    while waiting:
        body = waiting.pop()
        here = next((statement for statement in body if _holds(file, statement, late)), None)
        there = next((statement for statement in body if _holds(file, statement, before)), None)
        if here is None or there is None:
            continue
        if here is not there:
            return body if body.index(there) < body.index(here) and here is not file.main_guard else None
        waiting.extend(value for _, value in ast.iter_fields(here) if isinstance(value, list))
    return None


def _holds(file: FileModel, node: ast.AST, offset: int) -> bool:
    return isinstance(node, ast.stmt) and file.span(node).start <= offset < file.span(node).end


def _block_at(file: FileModel, body: Sequence[ast.stmt], offset: int) -> list[ast.stmt]:
    """The statement at an offset, and those right above it that bind what it reads."""
    number = next(n for n, statement in enumerate(body) if _holds(file, statement, offset))
    block = [body[number]]
    while number:
        number -= 1
        missing = {name.id for name in _reads(block)} - _bound_by(*block)
        if not missing & _bound_by(body[number]) or not isinstance(body[number], _MOVABLE):
            break
        block.insert(0, body[number])
    return block


def _is_movable(file: FileModel, block: Sequence[ast.stmt], target: ast.stmt, body: Sequence[ast.stmt]) -> bool:
    """Do the lines only set devices up, from nothing that is made between, and bind nothing of others?"""
    if not all(isinstance(statement, _MOVABLE) for statement in block):
        return False
    own, is_top = _bound_by(*block), body is file.tree.body
    before = file.span(target).start if is_top else None
    if not all(name.id in own or _is_ready(file, name, before) for name in _reads(block)):
        return False
    if not all(_is_harmless(file.call_site(node), before) for node in _calls_in(block)):
        return False
    inside = {node for statement in block for node in ast.walk(statement)}
    scope = file.index.places[target].scope
    others = [b for name in sorted(own) for b in scope.bindings.get(name, []) if b.node not in inside]
    return all(file.span(b.node).start > file.span(block[-1]).end for b in others)


def _is_ready(file: FileModel, name: ast.Name, before: int | None) -> bool:
    """Is a name that the lines read the same above: of an import, a parameter, a function, or the language's own?"""
    place = file.index.places.get(name)
    scope = lookup(place.scope, name.id) if place is not None else None
    if scope is None:
        return name.id in _LOOKS or name.id.endswith("Error") or name.id == "Exception"
    return all(_stays(file, scope, binding, before) for binding in scope.bindings[name.id])


def _stays(file: FileModel, scope: Scope, binding: Binding, before: int | None) -> bool:
    if binding.kind is BindingKind.PARAMETER:
        return True
    if binding.kind not in (BindingKind.IMPORT, BindingKind.FUNCTION) or binding.branch or binding.from_inside:
        return False
    if scope is not file.index.module:
        return False
    return before is None or file.span(binding.node).start < before


def _is_harmless(call: CallSite, before: int | None) -> bool:
    """Does a call only set devices up: one of `tf.config`, or of a function that does nothing else?"""
    names = [call.file.knowledge.canonical(name) for name in call.names]
    if names and all(n.startswith(_ROOTS) or n.removeprefix("builtins.") in _LOOKS for n in names):
        return True
    function = call.file.resolver.functions.get(call.name or "")
    if function is None or (before is not None and call.file.span(function).start > before):
        return False
    inner = [node for node in ast.walk(function) if isinstance(node, ast.Call)]
    sites = [call.file.call_site(node) for node in inner]
    canonical = [call.file.knowledge.canonical(name) for site in sites for name in site.names]
    is_named = all(site.names for site in sites) and not any(isinstance(n, ast.Global) for n in ast.walk(function))
    return is_named and all(n.startswith(_ROOTS) or n.removeprefix("builtins.") in _LOOKS for n in canonical)


def _calls_in(block: Sequence[ast.stmt]) -> Iterator[ast.Call]:
    for statement in block:
        yield from (node for node in ast.walk(statement) if isinstance(node, ast.Call))


def _reads(block: Sequence[ast.stmt]) -> list[ast.Name]:
    nodes = [node for statement in block for node in ast.walk(statement)]
    return [node for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)]


def _bound_by(*statements: ast.stmt) -> set[str]:
    nodes = [node for statement in statements for node in ast.walk(statement)]
    names = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    return names | {node.name for node in nodes if isinstance(node, ast.ExceptHandler) and node.name}


# -- lines -----------------------------------------------------------------------------------------------------


def _first_line(file: FileModel, statement: ast.stmt) -> int:
    """The first line of a statement or of the comments right above it."""
    line: int = min([statement.lineno, *(d.lineno for d in getattr(statement, "decorator_list", []))])
    indent = file.source.line_text(line)[: statement.col_offset]
    while line > 1 and file.source.line_text(line - 1).startswith(f"{indent}#"):
        line -= 1
    return line


def _begins_line(file: FileModel, statement: ast.stmt) -> bool:
    start = file.source.offset_of(statement.lineno, 0)
    return not file.source.text[start : file.span(statement).start].strip()


def _lines_of(file: FileModel, block: Sequence[ast.stmt]) -> Span | None:
    """The whole lines of the statements, with the comments right above them."""
    end = file.rewrite.line_end(block[-1])
    if end is None or not _begins_line(file, block[0]):
        return None
    start = file.source.offset_of(_first_line(file, block[0]), 0)
    return Span(start, _after_newline(file, end))


def _after_newline(file: FileModel, offset: int) -> int:
    width = 2 if file.source.text.startswith("\r\n", offset) else 1
    end: int = min(offset + width, len(file.source.text))
    return end


def _is_blank(file: FileModel, line: int) -> bool:
    return line < 1 or not file.source.line_text(line).strip()


def _with_blank_lines(file: FileModel, lines: Span, is_last: bool) -> Span:
    """The lines and the blank ones below them (above them, at the end of a body) where both sides are blank."""
    first, _ = file.source.position(lines.start)
    start, end = lines.start, lines.end
    if not _is_blank(file, first - 1):
        return lines
    if is_last:
        while first > 1 and _is_blank(file, first - 1):
            first -= 1
        return Span(file.source.offset_of(first, 0), end)
    line, _ = file.source.position(end)
    while line < len(file.source.line_starts) and _is_blank(file, line):
        line += 1
        end = file.source.offset_of(line, 0)
    return Span(start, end)
