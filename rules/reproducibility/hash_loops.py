"""What the body of a loop over a set makes of its order (part of TFG105)."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from functools import cached_property, lru_cache
from typing import Any

from tfguard.rules.reproducibility.draws import draw_of
from tfguard.rules.reproducibility.hash_names import Names

from tfguard.analysis.file_model import FileModel
from tfguard.tables import load_toml

_ADD = frozenset({"append", "extend", "insert", "appendleft"})
_PICTURES = frozenset(
    {"plt", "ax", "axs", "axes", "fig", "figure", "sns", "pylab", "print", "logging", "logger", "plot"}
)
_WRITES = frozenset({"write", "writelines", "writerow"})


@lru_cache(maxsize=1)
def flow_table() -> Mapping[str, Any]:
    """hash_order.toml: what calls do with the order of what they are given."""
    return load_toml("hash_order.toml")


class Loop:
    """One `for` statement."""

    def __init__(self, file: FileModel, names: Names, node: ast.For | ast.AsyncFor) -> None:
        self.file = file
        self.names = names
        self.node = node

    @cached_property
    def inside(self) -> tuple[ast.AST, ...]:
        """All nodes of the body, in the order of a walk."""
        return tuple(node for statement in self.node.body for node in ast.walk(statement))

    @cached_property
    def variables(self) -> frozenset[str]:
        """The names that the loop binds."""
        bound = {n.id for n in ast.walk(self.node.target) if isinstance(n, ast.Name)}
        bound.update(n.id for n in self.inside if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store))
        return frozenset(bound)

    @property
    def yields(self) -> bool:
        """Does the body yield?"""
        return any(isinstance(node, (ast.Yield, ast.YieldFrom)) for node in self.inside)

    @cached_property
    def _counters(self) -> frozenset[str]:
        """Variables that the body counts up."""
        targets = (node.target for node in self.inside if isinstance(node, ast.AugAssign))
        return frozenset(target.id for target in targets if isinstance(target, ast.Name))

    def sinks(self) -> Iterator[tuple[ast.AST, str]]:
        """Places of the body where the order makes a difference."""
        for node in self.inside:
            if isinstance(node, ast.Assign) and self._numbers(node):
                yield node, "elements are numbered one after the other"
            elif isinstance(node, ast.Call):
                yield from self._call(node)

    def _numbers(self, node: ast.Assign) -> bool:
        """`index[word] = len(index)`, or with a variable that is counted up."""
        items = [t for t in node.targets if isinstance(t, ast.Subscript) and self._mentions(t.slice, self.variables)]
        return any(self._is_count(node.value, item.value) for item in items)

    def _is_count(self, value: ast.expr, container: ast.expr) -> bool:
        if isinstance(value, ast.Name):
            return value.id in self._counters
        same = ast.dump(container)
        for node in ast.walk(value):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "len" and len(node.args) == 1:
                return ast.dump(node.args[0]) == same
        return isinstance(value, ast.BinOp) and self._mentions(value, self._counters)

    def _mentions(self, node: ast.AST, names: frozenset[str]) -> bool:
        return any(isinstance(inner, ast.Name) and inner.id in names for inner in ast.walk(node))

    def _call(self, node: ast.Call) -> Iterator[tuple[ast.AST, str]]:
        function = node.func
        if isinstance(function, ast.Attribute) and function.attr == "setdefault" and len(node.args) == 2:
            if self._is_count(node.args[1], function.value):
                yield node, "elements are numbered one after the other"
        elif writes_of(node) and any(self._mentions(argument, self.variables) for argument in node.args):
            yield node, "it is written to a file"
        yield from counts(self.file, self.names, node)

    def filled(self) -> Iterator[tuple[ast.expr, bool]]:
        """The containers that the body puts something into, in its order; True for a dict."""
        for node in self.inside:
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _ADD:
                yield node.func.value, False
            elif isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Add):
                if isinstance(node.value, (ast.List, ast.ListComp, ast.Tuple)):
                    yield node.target, False
            elif isinstance(node, ast.Assign):
                for target in node.targets:
                    if isinstance(target, ast.Subscript) and self._mentions(target.slice, self.variables):
                        yield target.value, True


def writes_of(call: ast.Call) -> bool:
    """Does it write to a file (and not to the screen)?"""
    function = call.func
    if not isinstance(function, ast.Attribute) or function.attr not in _WRITES:
        return False
    owner = ast.unparse(function.value)
    return not any(word in owner for word in ("stdout", "stderr", "sys.", "log", "tqdm", "Writer", "summary"))


def counts(file: FileModel, names: Names, node: ast.AST | None) -> Iterator[tuple[ast.AST, str]]:
    """Draws of random numbers, initial weights too, in an expression or in the functions of the file that it calls."""
    if node is None:
        return
    for inner in ast.walk(node) if not isinstance(node, ast.Call) else [node]:
        if not isinstance(inner, ast.Call) or inner not in file.index.places:
            continue
        if _draws(file, inner):
            yield inner, f"`{file.call_site(inner).written}` draws random numbers in that order"
            continue
        for name in file.call_site(inner).names:
            function = names.function(name)
            if function is None:
                continue
            inside = (n for n in ast.walk(function) if isinstance(n, ast.Call) and n in file.index.places)
            if any(_draws(file, call) for call in inside):
                yield inner, f"`{file.call_site(inner).written}` draws random numbers in that order"


def _draws(file: FileModel, call: ast.Call) -> bool:
    """Does the call surely draw?"""
    found = draw_of(file.call_site(call)) or {}
    return any(sure for _, _, sure, _ in found.get("draws", ()))


def is_picture(node: ast.AST) -> bool:
    """Is it a loop whose body only draws pictures, or prints?"""
    if not isinstance(node, ast.For):
        return False
    for statement in node.body:
        if isinstance(statement, ast.Assign) and not any(isinstance(t, ast.Subscript) for t in statement.targets):
            continue
        call = statement.value if isinstance(statement, ast.Expr) else None
        root: ast.AST | None = call.func if isinstance(call, ast.Call) else None
        while isinstance(root, (ast.Attribute, ast.Subscript, ast.Call)):
            root = root.func if isinstance(root, ast.Call) else root.value
        if not isinstance(root, ast.Name) or root.id not in _PICTURES:
            return False
    return True


def keeps_apart(key: ast.Lambda) -> bool:
    """Does the key tell any two elements apart, because the element itself is (a part of) it?"""
    parameter = key.args.args[0].arg if key.args.args else ""
    body = key.body.elts if isinstance(key.body, (ast.Tuple, ast.List)) else [key.body]
    for part in body:
        if isinstance(part, ast.UnaryOp):
            part = part.operand
        if isinstance(part, ast.Name) and part.id == parameter:
            return True
        if isinstance(part, ast.Call) and not any(isinstance(n, ast.Subscript) for n in ast.walk(part)):
            method = part.func.attr if isinstance(part.func, ast.Attribute) else getattr(part.func, "id", "")
            if method in ("lower", "int", "str", "float", "zfill"):
                return True
    return False
