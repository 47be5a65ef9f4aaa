"""The statements around a call: the body of its `with`, lines put into that body or below the call's own statement."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from tfguard.analysis.calls import CallSite, Expr
from tfguard.analysis.preamble import Module, place_lines
from tfguard.model import Edit, Span

if TYPE_CHECKING:
    from tfguard.analysis.file_model import FileModel


def with_statement_of(call: CallSite) -> ast.With | None:
    """The `with` statement that a call is an item of."""
    item = call.file.index.places[call.node].parent
    if not isinstance(item, ast.withitem) or item.context_expr is not call.node:
        return None
    statement = call.file.index.places[item].parent
    return statement if isinstance(statement, ast.With) else None


def with_body_of(call: CallSite) -> Span | None:
    """What runs inside the `with` that a call is an item of, its later items included."""
    statement = with_statement_of(call)
    return Span(call.span.end, call.file.span(statement).end) if statement is not None else None


def maker_of(expr: Expr) -> CallSite | None:
    """The one call that made the object that a variable, or an attribute of `self`, holds."""
    origin = expr.origin
    node = origin.node
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        owner = expr.file.resolver.definitions.class_of_self(node.value)
        writes = owner.attributes.get(node.attr, []) if owner is not None else []
        value = writes[0][0] if len(writes) == 1 else None
        return expr.file.call_site(value) if isinstance(value, ast.Call) else None
    return origin.call


def consumer_of(call: CallSite) -> ast.AST:
    """The nearest call or statement that takes a call's value, bare or through operators and alternatives."""
    places = call.file.index.places
    here: ast.AST = places[call.node].parent
    while isinstance(here, (ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.IfExp, ast.keyword)):
        here = places[here].parent
    return here


def target_of(call: CallSite) -> str | None:
    """The variable or attribute, as written, that a call's value is assigned to, through conversions too."""
    here = consumer_of(call)
    while isinstance(here, ast.Call):
        here = consumer_of(call.file.call_site(here))
    if isinstance(here, ast.Assign) and len(here.targets) == 1:
        return call.file.text_of(call.file.span(here.targets[0]))
    return None


def feeds(call: CallSite, names: frozenset[str]) -> bool:
    """Does a call's value go into a call of one of the canonical names, directly or through a variable of its body?"""
    here = consumer_of(call)
    if isinstance(here, ast.Call):
        return _is_one_of(call.file.call_site(here), names)
    variable = here.targets[0] if isinstance(here, ast.Assign) and len(here.targets) == 1 else None
    if not isinstance(variable, ast.Name):
        return False
    takers = (other for other in call.file.calls if other.function == call.function and _is_one_of(other, names))
    return any(given.text == variable.id for taker in takers for given in _given_to(taker))


def _given_to(call: CallSite) -> Iterator[Expr]:
    yield from call.arguments
    for _, given in call.keywords:
        yield given


def _is_one_of(call: CallSite, names: frozenset[str]) -> bool:
    return any(call.file.knowledge.canonical(name) in names for name in call.names)


def call_at(file: FileModel, offset: int) -> CallSite | None:
    """The outermost call that begins at an offset."""
    found = [call for call in file.calls if call.span.start == offset]
    return max(found, key=lambda call: call.span.end, default=None)


def end_of_statement(file: FileModel, offset: int) -> int:
    """Where the innermost statement around an offset ends."""
    end = len(file.source.text)
    waiting: list[ast.AST] = [file.tree]
    while waiting:
        for child in ast.iter_child_nodes(waiting.pop()):
            if not isinstance(child, (ast.stmt, ast.ExceptHandler, ast.match_case)):
                continue
            if isinstance(child, ast.match_case):
                waiting.append(child)
            elif file.span(child).start <= offset < file.span(child).end:
                end, waiting = file.span(child).end, [child]
                break
    return end


def insert_below(
    file: FileModel,
    call: CallSite,
    *,
    modules: Mapping[str, Module],
    lines: Callable[[Mapping[str, str]], Sequence[str]],
) -> tuple[Edit, ...] | None:
    """Insert lines that run right after a call: first in the body of its `with`, else below its statement.

    None where the call is only a part of its statement, or where a module that the lines need cannot be imported.
    """
    block = with_statement_of(call)
    if block is not None:
        return place_lines(file, block.body[0], modules=modules, lines=lines, below=False, above_comments=True)
    statement = file.statement_of(call.node)
    if isinstance(statement, ast.Expr) and statement.value is call.node:
        return place_lines(file, statement, modules=modules, lines=lines, below=True)
    return None
