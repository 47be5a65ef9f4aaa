"""Operators on abstract values: constants are computed, tensors make nodes, the rest is unknown."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from typing import Any

from tfguard.analysis.flow.graph import Mode
from tfguard.analysis.flow.machine import Frame, Machine, unknown_of
from tfguard.analysis.flow.values import (
    Class,
    Const,
    External,
    Function,
    Instance,
    Mapping,
    Module,
    NoGradient,
    Sequence,
    Tensor,
    Unknown,
    Value,
    alternatives,
    join,
)

_BINARY: dict[type[ast.operator], tuple[str, Callable[[Any, Any], Any]]] = {
    ast.Add: ("+", operator.add),
    ast.Sub: ("-", operator.sub),
    ast.Mult: ("*", operator.mul),
    ast.Div: ("/", operator.truediv),
    ast.FloorDiv: ("//", operator.floordiv),
    ast.Mod: ("%", operator.mod),
    ast.Pow: ("**", operator.pow),
    ast.MatMult: ("@", operator.matmul),
    ast.BitAnd: ("&", operator.and_),
    ast.BitOr: ("|", operator.or_),
    ast.BitXor: ("^", operator.xor),
    ast.LShift: ("<<", operator.lshift),
    ast.RShift: (">>", operator.rshift),
}
#: Through these a gradient surely passes; through the integer and bit operators none does.
_SMOOTH = frozenset({"+", "-", "*", "/", "**", "@"})
_BLOCKED = frozenset({"&", "|", "^", "<<", ">>"})
_COMPARISONS: dict[type[ast.cmpop], tuple[str, Callable[[Any, Any], Any]]] = {
    ast.Eq: ("==", operator.eq),
    ast.NotEq: ("!=", operator.ne),
    ast.Lt: ("<", operator.lt),
    ast.LtE: ("<=", operator.le),
    ast.Gt: (">", operator.gt),
    ast.GtE: (">=", operator.ge),
}
_LARGEST = 10_000
_PLAIN = (int, float, str, bool, bytes, tuple)


def combine(
    m: Machine, node: ast.AST, op: ast.operator, left: Value, right: Value, frame: Frame, *, in_place: bool = False
) -> Value:
    """The value of a binary operator."""
    sign, compute = _BINARY[type(op)]
    found = []
    for one in alternatives(left):
        for other in alternatives(right):
            found.append(_combine(m, node, sign, compute, one, other, frame, in_place))
    return join(found)


def _combine(
    m: Machine,
    node: ast.AST,
    sign: str,
    compute: Callable[[Any, Any], Any],
    left: Value,
    right: Value,
    frame: Frame,
    in_place: bool,
) -> Value:
    m.misused += [(value, node, frame.file) for value in (left, right) if isinstance(value, NoGradient)]
    if isinstance(left, Const) and isinstance(right, Const):
        return fold(lambda: compute(left.value, right.value))
    if isinstance(left, Tensor) or isinstance(right, Tensor):
        mode = Mode.FLOWS if sign in _SMOOTH else Mode.BLOCKED if sign in _BLOCKED else Mode.MAYBE
        made = m.make(sign, node, frame.file, inputs=[(left, mode), (right, mode)])
        return Tensor(made)
    if isinstance(left, Sequence) and isinstance(right, Sequence) and sign == "+":
        return _concatenated(m, left, right, in_place)
    if isinstance(left, Sequence) and sign == "*":
        return _repeated(left, right)
    if isinstance(right, Sequence) and sign == "*":
        return _repeated(right, left)
    return unknown_of(f"`{sign}` of something unknown", left, right)


def _concatenated(m: Machine, left: Sequence, right: Sequence, in_place: bool) -> Value:
    is_known = left.items is not None and right.items is not None
    if in_place and left.kind == "list":
        if is_known and not m.conditional:
            left.items = [*(left.items or ()), *(right.items or ())]
        else:
            left.forget_length(right.any_item() if right.items != [] else None)
        return left
    if is_known:
        return Sequence(left.kind, [*(left.items or ()), *(right.items or ())])
    return Sequence(left.kind, None, join([left.any_item(), right.any_item()]))


def _repeated(value: Sequence, times: Value) -> Value:
    count = times.value if isinstance(times, Const) else None
    if value.items is not None and type(count) is int and 0 <= count * len(value.items) <= _LARGEST:
        return Sequence(value.kind, value.items * count)
    return Sequence(value.kind, None, value.any_item())


def fold(compute: Callable[[], Any]) -> Value:
    """The constant that Python computes, unless it cannot or it grows too large."""
    try:
        value = compute()
    except (ArithmeticError, TypeError, ValueError, LookupError):
        return Unknown("Python cannot compute it")
    if isinstance(value, (str, bytes)) and len(value) > _LARGEST:
        return Unknown("it is too long")
    if isinstance(value, int) and value.bit_length() > 256:
        return Unknown("it is too large")
    return Const(value) if isinstance(value, _PLAIN) or value is None else Unknown("it is no plain value")


def negate(m: Machine, node: ast.UnaryOp, value: Value, frame: Frame) -> Value:
    """`-x`, `+x`, `~x`."""
    found: list[Value] = []
    for one in alternatives(value):
        if isinstance(one, Tensor):
            mode = Mode.BLOCKED if isinstance(node.op, ast.Invert) else Mode.FLOWS
            found.append(Tensor(m.make("-", node, frame.file, inputs=[(one, mode)])))
        elif isinstance(one, Const) and isinstance(one.value, (int, float)) and not isinstance(node.op, ast.Invert):
            found.append(Const(-one.value if isinstance(node.op, ast.USub) else +one.value))
        else:
            found.append(unknown_of("an operator of something unknown", one))
    return join(found)


def compare(m: Machine, node: ast.AST, op: ast.cmpop, left: Value, right: Value, frame: Frame) -> Value:
    """The value of one comparison."""
    if isinstance(op, (ast.Is, ast.IsNot)):
        m.checked += [one for value in (left, right) for one in alternatives(value) if isinstance(one, NoGradient)]
        return _identity(m, left, right, negated=isinstance(op, ast.IsNot))
    if isinstance(op, (ast.In, ast.NotIn)):
        return _contains(left, right, negated=isinstance(op, ast.NotIn))
    sign, compute = _COMPARISONS[type(op)]
    if isinstance(left, Const) and isinstance(right, Const):
        return fold(lambda: compute(left.value, right.value))
    if isinstance(left, Tensor) or isinstance(right, Tensor):
        return Tensor(m.make(sign, node, frame.file, inputs=[(left, Mode.BLOCKED), (right, Mode.BLOCKED)]))
    if sign in ("==", "!="):
        m.checked += [one for value in (left, right) for one in alternatives(value) if isinstance(one, NoGradient)]
        answer = _is_none(m, left, right)
        if answer is not None:
            return Const(answer == (sign == "=="))
    return Unknown("the condition is not known")


def _identity(m: Machine, left: Value, right: Value, *, negated: bool) -> Value:
    found = {_is_same(m, one, other) for one in alternatives(left) for other in alternatives(right)}
    answer = found.pop() if len(found) == 1 else None
    return Const(answer != negated) if answer is not None else Unknown("the condition is not known")


def _is_same(m: Machine, one: Value, other: Value) -> bool | None:
    if one is other:
        return True
    if isinstance(one, Const) and isinstance(other, Const):
        return type(one.value) is type(other.value) and one.value == other.value
    return _is_none(m, one, other)


def _is_none(m: Machine, one: Value, other: Value) -> bool | None:
    """Is one of them None and is the other, where both can be told?"""
    for a, b in ((one, other), (other, one)):
        if isinstance(a, Const) and a.value is None:
            if isinstance(b, NoGradient):
                return True
            if isinstance(b, (Tensor, Sequence, Mapping, Instance, Function, Class, Module)):
                return False
            if isinstance(b, External) and m.library.is_object(b):
                return False
    return None


def _contains(item: Value, container: Value, *, negated: bool) -> Value:
    answer: bool | None = None
    if isinstance(item, Const):
        if isinstance(container, Mapping) and container.rest is None:
            answer = item.value in container.items
        elif isinstance(container, Sequence) and container.items is not None:
            plain = [one.value for one in container.items if isinstance(one, Const)]
            answer = True if item.value in plain else (False if len(plain) == len(container.items) else None)
        elif isinstance(container, Const) and isinstance(container.value, str) and isinstance(item.value, str):
            answer = item.value in container.value
    return Const(answer != negated) if answer is not None else Unknown("the condition is not known")
