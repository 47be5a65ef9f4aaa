"""The value of an expression, as far as the source settles it: Known, Absent or Unknown."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tfguard.analysis.names import Resolver, unpacked
from tfguard.analysis.scopes import BindingKind


@dataclass(frozen=True, slots=True)
class Known:
    """The value is this one on every path."""

    value: object


@dataclass(frozen=True, slots=True)
class Absent:
    """Nothing is given: the callee's default holds."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """The value cannot be told, and why."""

    reason: str


Value = Known | Absent | Unknown

_DEPTH = 20
_LARGEST_BASE, _LARGEST_POWER = 1_000_000, 64
_ARITHMETIC: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}


def value_of(resolver: Resolver, node: ast.expr, depth: int = 0) -> Value:
    """The constant that an expression has on every path; disagreeing writes give Unknown."""
    if isinstance(node, ast.Constant):
        return Known(node.value)
    if depth > _DEPTH:
        return Unknown("the chain of assignments is too long")
    if isinstance(node, ast.Name):
        return _of_name(resolver, node, depth)
    if isinstance(node, ast.UnaryOp):
        return _of_unary(resolver, node, depth)
    if isinstance(node, (ast.Tuple, ast.List)):
        return _of_sequence(resolver, node, depth)
    if isinstance(node, ast.Dict):
        return _of_dict(resolver, node, depth)
    if isinstance(node, ast.BinOp):
        return _of_binary(resolver, node, depth)
    return Unknown("the expression is not a constant")


def _of_name(resolver: Resolver, node: ast.Name, depth: int) -> Value:
    if node not in resolver.index.places:
        return Unknown("it stands in a string")
    bindings = resolver.bindings_of(node)
    values: list[Value] = []
    for binding in bindings:
        if binding.kind is not BindingKind.ASSIGN:
            return Unknown(f"`{node.id}` is bound by {binding.kind.value}")
        value = unpacked(binding)
        if value is None:
            return Unknown(f"`{node.id}` is unpacked")
        values.append(value_of(resolver, value, depth + 1))
    if not values:
        return Unknown(f"`{node.id}` is not bound here")
    return values[0] if all(_same(value, values[0]) for value in values) else Unknown(f"`{node.id}` has several values")


def _same(one: Value, other: Value) -> bool:
    """Equal, and of one type (True is not 1)."""
    if isinstance(one, Known) and isinstance(other, Known):
        return type(one.value) is type(other.value) and one.value == other.value
    return False


def _of_unary(resolver: Resolver, node: ast.UnaryOp, depth: int) -> Value:
    value = value_of(resolver, node.operand, depth + 1)
    if not isinstance(value, Known):
        return value
    if isinstance(node.op, ast.USub) and isinstance(value.value, (int, float)):
        return Known(-value.value)
    if isinstance(node.op, ast.Not):
        return Known(not value.value)
    return Unknown("the expression is not a constant")


def _of_sequence(resolver: Resolver, node: ast.Tuple | ast.List, depth: int) -> Value:
    found: list[object] = []
    for element in node.elts:
        value = value_of(resolver, element, depth + 1)
        if not isinstance(value, Known):
            return Unknown("an element is not a constant")
        found.append(value.value)
    return Known(tuple(found))


def _of_dict(resolver: Resolver, node: ast.Dict, depth: int) -> Value:
    found: list[tuple[object, object]] = []
    for key, element in zip(node.keys, node.values, strict=True):
        known_key = value_of(resolver, key, depth + 1) if key is not None else Unknown("`**` in a dict")
        value = value_of(resolver, element, depth + 1)
        if not isinstance(known_key, Known) or not isinstance(value, Known):
            return Unknown("an item is not a constant")
        found.append((known_key.value, value.value))
    return Known(tuple(found))


def _of_binary(resolver: Resolver, node: ast.BinOp, depth: int) -> Value:
    left, right = value_of(resolver, node.left, depth + 1), value_of(resolver, node.right, depth + 1)
    if not isinstance(left, Known) or not isinstance(right, Known):
        return Unknown("the expression is not a constant")
    a, b = left.value, right.value
    if isinstance(node.op, ast.Add) and isinstance(a, str) and isinstance(b, str):
        return Known(a + b)
    compute = _ARITHMETIC.get(node.op.__class__)
    if compute is None or not isinstance(a, (int, float)) or not isinstance(b, (int, float)):
        return Unknown("the expression is not a constant")
    if isinstance(node.op, ast.Pow) and not (0 <= b <= _LARGEST_POWER and abs(a) <= _LARGEST_BASE):
        return Unknown("the power is too large")
    try:
        result = compute(a, b)
    except ArithmeticError:
        return Unknown("the expression cannot be computed")
    return Known(result) if isinstance(result, (int, float)) else Unknown("the result is complex")
