"""Is a mention protected against the name's absence: by a version test, `hasattr`, or `except AttributeError`?"""

from __future__ import annotations

import ast

from tfguard.analysis.index import Index

_CAUGHT = frozenset({"AttributeError", "ImportError", "ModuleNotFoundError"})
_CAUGHT_IF_SHORT = frozenset({"Exception", "BaseException"})
#: A `try` this short that catches everything is about the name; a longer one is about the run.
_SHORT = 2


def guard_of(index: Index, node: ast.AST, memo: dict[ast.AST, str | None]) -> str | None:
    """Why the node may be protected, None when nothing around it protects it."""
    path: list[ast.AST] = []
    here: ast.AST | None = node
    answer: str | None = None
    while here is not None and not isinstance(here, ast.Module):
        if here in memo:
            answer = memo[here]
            break
        path.append(here)
        place = index.places.get(here)
        parent = place.parent if place is not None else None
        answer = _protects(parent, here) if parent is not None else None
        if answer is not None:
            break
        here = parent
    for passed in path:
        memo[passed] = answer
    return answer


def _protects(parent: ast.AST, child: ast.AST) -> str | None:
    if isinstance(parent, ast.Try) and any(_catches(handler, len(parent.body)) for handler in parent.handlers):
        if child not in parent.finalbody:
            return "`try` that catches its absence"
    if isinstance(parent, ast.ExceptHandler) and _catches(parent, 1):
        return "the fallback of a `try`"
    if isinstance(parent, (ast.If, ast.IfExp, ast.While)) and child is not parent.test and _tests_version(parent.test):
        return "a test of the version"
    if isinstance(parent, ast.BoolOp) and child is not parent.values[0] and _tests_version(parent.values[0]):
        return "a test of the version"
    return None


def _catches(handler: ast.ExceptHandler, statements: int) -> bool:
    if handler.type is None:
        return statements <= _SHORT
    types = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    names = {t.id if isinstance(t, ast.Name) else t.attr for t in types if isinstance(t, (ast.Name, ast.Attribute))}
    return bool(names & _CAUGHT) or (statements <= _SHORT and bool(names & _CAUGHT_IF_SHORT))


def _tests_version(test: ast.expr) -> bool:
    for node in ast.walk(test):
        name = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
        if name == "hasattr" or "version" in name.lower() or name.lower() in ("tf2", "is_tf2", "executing_eagerly"):
            return True
    return False
