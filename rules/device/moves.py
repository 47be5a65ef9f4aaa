"""Moving lines that come too late to where they count: above the first thing that starts the GPU (no rule)."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from tfguard.analysis.calls import CallSite
from tfguard.analysis.file_model import FileModel
from tfguard.analysis.rewrite import holds_import
from tfguard.analysis.scopes import BindingKind
from tfguard.model import Edit, Span

#: What may be called in lines that are moved: it sets up devices, and has to do with nothing else of the program.
_LOOKS = frozenset({"len", "print", "str", "repr", "range", "enumerate", "int", "format", "bool"})
_MOVABLE = (ast.Assign, ast.AnnAssign, ast.Expr, ast.For, ast.If, ast.Try)


def move_up(file: FileModel, *, late: int, before: int) -> tuple[Edit, ...] | None:
    """Move the top-level lines around the offset `late` above those at `before`; None where that might change more."""
    if file.source.is_notebook:
        return None
    block = _block_at(file, late)
    target = _top_statement_at(file, before)
    if block is None or target is None or target is file.main_guard:
        return None
    body = file.tree.body
    first, last = body.index(block[0]), body.index(block[-1])
    if body.index(target) >= first or not _is_movable(file, block, file.span(target).start):
        return None
    taken = _lines_of(file, block)
    placed = file.source.offset_of(_first_line(file, target), 0)
    if taken is None or not _begins_line(file, target):
        return None
    text = file.text_of(taken).replace("\r\n", "\n")
    text = text if text.endswith("\n") else f"{text}\n"
    gap = [] if _is_blank(file, _first_line(file, target) - 1) or holds_import(body[body.index(target) - 1]) else [""]
    lead = "\n" if gap and body.index(target) else ""
    removed = _with_blank_lines(file, taken, last == len(body) - 1)
    return (Edit(Span(placed, placed), f"{lead}{text}\n"), Edit(removed, ""))


# -- what is moved ------------------------------------------------------------------------------------------


def _block_at(file: FileModel, offset: int) -> list[ast.stmt] | None:
    """The top-level statement at an offset, and those right above it that bind what it reads."""
    statement = _top_statement_at(file, offset)
    if statement is None or file.span(statement).start > offset or statement is file.main_guard:
        return None
    body = file.tree.body
    number = body.index(statement)
    block = [statement]
    while number:
        number -= 1
        missing = _reads(file, block) - _imported(file)
        if not missing & _bound_by(body[number]) or isinstance(body[number], (ast.FunctionDef, ast.ClassDef)):
            break
        block.insert(0, body[number])
    return block


def _is_movable(file: FileModel, block: Sequence[ast.stmt], before: int) -> bool:
    """Do the lines only set devices up, from nothing but imports that stand before, and bind nothing of others?"""
    if not all(isinstance(statement, _MOVABLE) for statement in block):
        return False
    own = set().union(*(_bound_by(statement) for statement in block))
    known = _imported(file, before) | _LOOKS
    errors = {name for name in _reads(file, block) if name.endswith("Error") or name == "Exception"}
    if _reads(file, block) - own - known - errors:
        return False
    if not all(_is_harmless(file.call_site(node)) for node in _calls_in(block)):
        return False
    inside = {node for statement in block for node in ast.walk(statement)}
    bindings = [b for name in sorted(own) for b in file.index.module.bindings.get(name, [])]
    early = [b for b in bindings if b.node not in inside]
    return all(file.span(b.node).start > file.span(block[-1]).end for b in early)


def _is_harmless(call: CallSite) -> bool:
    names = [call.file.knowledge.canonical(name) for name in call.names]
    roots = ("tensorflow.config.", "os.environ.", "os.putenv")
    return bool(names) and all(n.startswith(roots) or n.removeprefix("builtins.") in _LOOKS for n in names)


def _calls_in(block: Sequence[ast.stmt]) -> Iterator[ast.Call]:
    for statement in block:
        yield from (node for node in ast.walk(statement) if isinstance(node, ast.Call))


def _reads(file: FileModel, block: Sequence[ast.stmt]) -> set[str]:
    nodes = [node for statement in block for node in ast.walk(statement)]
    return {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}


def _bound_by(statement: ast.stmt) -> set[str]:
    nodes = list(ast.walk(statement))
    names = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    return names | {node.name for node in nodes if isinstance(node, ast.ExceptHandler) and node.name}


def _imported(file: FileModel, before: int | None = None) -> set[str]:
    """The names that only imports bind, in the module's own body (before an offset)."""
    found: set[str] = set()
    for name, bindings in file.index.module.bindings.items():
        is_import = all(b.kind is BindingKind.IMPORT and not b.branch and not b.from_inside for b in bindings)
        if is_import and (before is None or all(file.span(b.node).start < before for b in bindings)):
            found.add(name)
    return found


# -- lines -----------------------------------------------------------------------------------------------------


def _top_statement_at(file: FileModel, offset: int) -> ast.stmt | None:
    return next((s for s in file.tree.body if file.span(s).end > offset), None)


def _first_line(file: FileModel, statement: ast.stmt) -> int:
    """The first line of a statement or of the comments right above it."""
    line: int = min([statement.lineno, *(d.lineno for d in getattr(statement, "decorator_list", []))])
    while line > 1 and file.source.line_text(line - 1).startswith("#"):
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
    """The lines and the blank ones below them (above them, at the end of the file) where both sides are blank."""
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
