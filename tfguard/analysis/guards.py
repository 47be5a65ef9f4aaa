"""Is a mention protected against the name's absence: by a version test, `hasattr`, or `except AttributeError`?"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from tfguard.analysis.index import Index
from tfguard.analysis.scopes import BindingKind

if TYPE_CHECKING:
    from tfguard.analysis.file_model import FileModel

_CAUGHT = frozenset({"AttributeError", "ImportError", "ModuleNotFoundError"})
_CAUGHT_IF_SHORT = frozenset({"Exception", "BaseException"})
#: A `try` this short that catches everything is about the name; a longer one is about the run.
_SHORT = 2
#: Names in a test that ask for the version of a library, and those that ask for the version of Python.
_TESTS = re.compile(
    r"^hasattr$|^executing_eagerly$|(?:^|[^a-z])version|version$(?<!inversion)(?<!conversion)|^(?:is_)?tf2$",
    re.IGNORECASE,
)
_PYTHON = re.compile(r"^py(?:thon)?_?\d?_?version|^version_info$|^sys_version", re.IGNORECASE)


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


def guard_of_import(file: FileModel, node: ast.AST, name: str) -> str | None:
    """Why a chain may be protected by a guard around the import that it starts from, which already needs `name`."""
    while isinstance(node, ast.Attribute):
        node = node.value
    if not isinstance(node, ast.Name) or node not in file.index.places:
        return None
    imports = [b.node for b in file.resolver.bindings_of(node) if b.kind is BindingKind.IMPORT]
    return next((guard for one in imports if _needs(file, one, name) and (guard := file.guard_of(one))), None)


def _needs(file: FileModel, alias: ast.AST, name: str) -> bool:
    statement = file.index.places[alias].parent
    if not isinstance(alias, ast.alias):
        return False
    imported = alias.name
    if isinstance(statement, ast.ImportFrom):
        origin = file.resolver.absolute("." * statement.level + (statement.module or ""))
        imported = f"{origin}.{alias.name}"
    return imported == name or imported.startswith(f"{name}.")


def _protects(parent: ast.AST, child: ast.AST) -> str | None:
    if isinstance(parent, ast.Try) and child in parent.body and _catches_absence(parent):
        return "`try` that catches its absence"
    if isinstance(parent, ast.ExceptHandler) and _catches(parent, 1):
        return "the fallback of a `try`"
    if isinstance(parent, (ast.If, ast.IfExp, ast.While)) and child is not parent.test and _tests_version(parent.test):
        return "a test of the version"
    if isinstance(parent, ast.BoolOp) and child is not parent.values[0] and _tests_version(parent.values[0]):
        return "a test of the version"
    return None


def _catches_absence(statement: ast.Try) -> bool:
    return any(_catches(handler, len(statement.body)) for handler in statement.handlers)


def _catches(handler: ast.ExceptHandler, statements: int) -> bool:
    if handler.type is None:
        return statements <= _SHORT
    types = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    names = {t.id if isinstance(t, ast.Name) else t.attr for t in types if isinstance(t, (ast.Name, ast.Attribute))}
    return bool(names & _CAUGHT) or (statements <= _SHORT and bool(names & _CAUGHT_IF_SHORT))


def _tests_version(test: ast.expr) -> bool:
    for node in ast.walk(test):
        name = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
        of_python = isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "sys"
        if _TESTS.search(name) and not _PYTHON.search(name) and not of_python:
            return True
    return False


def is_main_test(test: ast.expr) -> bool:
    """Is it `__name__ == "__main__"`, either way round?"""
    if not (isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.ops[0], ast.Eq)):
        return False
    sides = [test.left, test.comparators[0]]
    names = [s.id for s in sides if isinstance(s, ast.Name)]
    texts = [s.value for s in sides if isinstance(s, ast.Constant)]
    return names == ["__name__"] and texts == ["__main__"]
