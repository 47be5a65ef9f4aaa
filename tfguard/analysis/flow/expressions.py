"""Expressions, followed on abstract values."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from tfguard.analysis.flow.calling import (
    Given,
    call_value,
    define_function,
    find_in_class,
    inherited,
    invoke,
)
from tfguard.analysis.flow.containers import element_of, get_item, items_of, set_attribute, set_item
from tfguard.analysis.flow.importing import STARS, resolved
from tfguard.analysis.flow.machine import Frame, Machine, unknown_of
from tfguard.analysis.flow.operators import combine, compare, negate
from tfguard.analysis.flow.values import (
    NONE,
    Bound,
    Class,
    Const,
    External,
    Function,
    Instance,
    Mapping,
    Module,
    NoGradient,
    Sequence,
    Super,
    Tensor,
    Unknown,
    Value,
    alternatives,
    join,
)

#: Also those that only Python 2 has.
_BUILTINS = frozenset({*dir(builtins), "xrange", "unicode", "raw_input", "basestring", "long", "reduce"})


def evaluate(m: Machine, node: ast.expr, frame: Frame) -> Value:
    """The value of an expression."""
    m.step()
    follow = _EXPRESSIONS.get(type(node)) or _displays().get(type(node))
    return follow(m, node, frame) if follow is not None else Unknown("it is not followed", wild=True)


# -- names and attributes --------------------------------------------------------------------------------


def _name(m: Machine, node: ast.Name, frame: Frame) -> Value:
    value = resolved(m, frame.names.find(node.id))
    if value is not None:
        return value
    if node.id in _BUILTINS:
        return External(f"builtins.{node.id}")
    star = frame.names.find(STARS)
    if isinstance(star, External) and star.name:
        return External(f"{star.name}.{node.id}")
    return Unknown(f"`{node.id}` is not bound", wild=True)


def _attribute(m: Machine, node: ast.Attribute, frame: Frame) -> Value:
    owner = evaluate(m, node.value, frame)
    return join([get_attribute(m, one, node.attr, frame) for one in alternatives(owner)])


def get_attribute(m: Machine, owner: Value, name: str, frame: Frame) -> Value:
    """What an attribute of one value holds."""
    if isinstance(owner, Module):
        found = resolved(m, owner.names.get(name))
        return found if found is not None else _submodule(m, owner, name)
    if isinstance(owner, Instance):
        return _of_instance(m, owner, name)
    if isinstance(owner, Super):
        methods = [find_in_class(base, name) for base in owner.bases if isinstance(base, Class)]
        method = next((found for found in methods if isinstance(found, Function)), None)
        return Bound(method, owner.receiver) if method is not None else Unknown("a library's class has it", wild=True)
    if isinstance(owner, Class):
        found = find_in_class(owner, name)
        return _unbound(found, owner) if found is not None else unknown_of("it is not in the class", wild=True)
    if isinstance(owner, External) and owner.made_by is None:
        return External(f"{owner.name}.{name}")
    if isinstance(owner, (External, Tensor)):
        return _of_library(m, owner, name)
    if isinstance(owner, (Sequence, Mapping, Const)):
        return Bound(name, owner)
    if isinstance(owner, Function):
        return unknown_of("it is an attribute of a function", wild=True)
    return unknown_of("it is an attribute of something unknown", owner)


def _submodule(m: Machine, owner: Module, name: str) -> Value:
    dotted = f"{owner.file.module}.{name}" if owner.file.module else name
    found = m.find(owner.file, dotted)
    return m.load(found, dotted) if found is not None else Unknown(f"`{name}` is not in the module", wild=True)


def _of_library(m: Machine, owner: External | Tensor, name: str) -> Value:
    if isinstance(owner, External) and name in owner.attributes:
        return owner.attributes[name]
    found = m.library.attribute(m, owner, name)
    if found is not None:
        return found
    prefix = owner.name if isinstance(owner, External) else "<tensor>"
    return Bound(External(f"{prefix}.{name}"), owner)


def _of_instance(m: Machine, owner: Instance, name: str) -> Value:
    if name in owner.attributes:
        return owner.attributes[name]
    found = find_in_class(owner.cls, name)
    if found is None:
        if name == "__class__":
            return owner.cls
        return m.library.attribute(m, owner, name) or inherited(owner, name)
    if isinstance(found, Function):
        return Bound(found, owner)
    if isinstance(found, External) and found.name.startswith("builtins.") and found.arguments:
        function = found.arguments[0]
        if found.name in ("builtins.property", "builtins.cached_property"):
            return (
                invoke(m, function, Given([owner], {})) if isinstance(function, Function) else Unknown("?", wild=True)
            )
        if found.name == "builtins.classmethod" and isinstance(function, Function):
            return Bound(function, owner.cls)
        return function
    return found


def _unbound(found: Value, owner: Class) -> Value:
    """What a class's attribute is when it is read from the class itself."""
    if isinstance(found, External) and found.name.startswith("builtins.") and found.arguments:
        function = found.arguments[0]
        is_method = found.name == "builtins.classmethod" and isinstance(function, Function)
        return Bound(function, owner) if is_method and isinstance(function, Function) else function
    return found


# -- items ---------------------------------------------------------------------------------------------------


def _subscript(m: Machine, node: ast.Subscript, frame: Frame) -> Value:
    owner = evaluate(m, node.value, frame)
    index = evaluate(m, node.slice, frame)
    return join([get_item(m, one, index, node, frame) for one in alternatives(owner)])


def _slice(m: Machine, node: ast.Slice, frame: Frame) -> Value:
    parts = [evaluate(m, part, frame) if part is not None else NONE for part in (node.lower, node.upper, node.step)]
    if all(isinstance(part, Const) and isinstance(part.value, (int, type(None))) for part in parts):
        return Const(slice(*(part.value for part in parts if isinstance(part, Const))))
    return unknown_of("the slice is not known", *parts)


# -- targets ---------------------------------------------------------------------------------------------------


def assign(m: Machine, target: ast.expr, value: Value, frame: Frame) -> None:
    """Bind what a target names."""
    if isinstance(target, ast.Name):
        _label(value, target.id)
        home = frame.names.elsewhere.get(target.id)
        if home is not None:
            home.values[target.id] = m.may_write(0, home.values.get(target.id), value)
        else:
            frame.names.values[target.id] = value
    elif isinstance(target, (ast.Tuple, ast.List)):
        _unpack(m, target, value, frame)
    elif isinstance(target, ast.Attribute):
        _label(value, f"{_spelled(target.value)}.{target.attr}")
        for owner in alternatives(evaluate(m, target.value, frame)):
            set_attribute(m, owner, target.attr, value)
    elif isinstance(target, ast.Subscript):
        index = evaluate(m, target.slice, frame)
        for owner in alternatives(evaluate(m, target.value, frame)):
            set_item(m, owner, index, value)
    elif isinstance(target, ast.Starred):
        assign(m, target.value, value, frame)


def _spelled(node: ast.expr) -> str:
    return ast.unparse(node) if isinstance(node, (ast.Name, ast.Attribute)) else "…"


def _label(value: Value, label: str) -> None:
    if isinstance(value, Tensor) and not value.node.label:
        value.node.label = label


def _unpack(m: Machine, target: ast.Tuple | ast.List, value: Value, frame: Frame) -> None:
    items = items_of(value)
    star = next((n for n, part in enumerate(target.elts) if isinstance(part, ast.Starred)), None)
    if items is not None and star is not None and len(items) >= len(target.elts) - 1:
        behind = len(target.elts) - star - 1
        middle = items[star : len(items) - behind]
        items = [*items[:star], Sequence("list", middle), *items[len(items) - behind :]]
    if items is not None and len(items) == len(target.elts):
        for part, item in zip(target.elts, items, strict=True):
            assign(m, part, item, frame)
        return
    for number, part in enumerate(target.elts):
        item = join([get_item(m, one, Const(number), target, frame) for one in alternatives(value)])
        if isinstance(part, ast.Starred):
            item = Sequence("list", None, element_of(m, value, target, frame))
        assign(m, part, item, frame)


def enter(m: Machine, context: Value, place: ast.expr, frame: Frame) -> Value:
    """What a `with` binds."""
    if isinstance(context, Instance):
        start = find_in_class(context.cls, "__enter__")
        return invoke(m, start, Given([context], {})) if isinstance(start, Function) else context
    bound = m.library.enter(m, context)
    return bound if bound is not None else context


# -- operators ------------------------------------------------------------------------------------------------


def _binary(m: Machine, node: ast.BinOp, frame: Frame) -> Value:
    return combine(m, node, node.op, evaluate(m, node.left, frame), evaluate(m, node.right, frame), frame)


def _unary(m: Machine, node: ast.UnaryOp, frame: Frame) -> Value:
    if isinstance(node.op, ast.Not):
        truth = truth_of(m, node.operand, frame)
        return Const(not truth) if truth is not None else Unknown("the condition is not known")
    return negate(m, node, evaluate(m, node.operand, frame), frame)


def _bool(m: Machine, node: ast.BoolOp, frame: Frame) -> Value:
    found: list[Value] = []
    stop = isinstance(node.op, ast.Or)
    for part in node.values:
        value = evaluate(m, part, frame)
        answer = truth(value)
        if answer is stop:
            found.append(value)
            break
        if answer is None or part is node.values[-1]:
            found.append(value)
    return join(found)


def _compare(m: Machine, node: ast.Compare, frame: Frame) -> Value:
    left = evaluate(m, node.left, frame)
    found: list[Value] = []
    for op, right_node in zip(node.ops, node.comparators, strict=True):
        right = evaluate(m, right_node, frame)
        found.append(compare(m, node, op, left, right, frame))
        left = right
    truths = [truth(value) for value in found]
    if len(found) == 1:
        return found[0]
    if False in truths:
        return Const(False)
    return Const(True) if all(truths) else Unknown("the condition is not known")


def _if_expression(m: Machine, node: ast.IfExp, frame: Frame) -> Value:
    truth = truth_of(m, node.test, frame)
    if truth is not None:
        return evaluate(m, node.body if truth else node.orelse, frame)
    with m.unsure():
        return join([evaluate(m, node.body, frame), evaluate(m, node.orelse, frame)])


def truth_of(m: Machine, node: ast.expr, frame: Frame) -> bool | None:
    """Is a condition surely true, surely false, or not known?"""
    value = evaluate(m, node, frame)
    return True if isinstance(value, External) and m.library.is_object(value) else truth(value)


def truth(value: Value) -> bool | None:
    """The truth of a value, where it is known."""
    found = {_truth(one) for one in alternatives(value)}
    return found.pop() if len(found) == 1 else None


def _truth(value: Value) -> bool | None:
    if isinstance(value, Const):
        return bool(value.value)
    if isinstance(value, NoGradient):
        return False
    if isinstance(value, Sequence) and value.items is not None:
        return bool(value.items)
    if isinstance(value, Mapping) and value.rest is None:
        return bool(value.items)
    if isinstance(value, (Function, Class, Module, Bound)):
        return True
    return None


# -- the rest ----------------------------------------------------------------------------------------------------


def _call(m: Machine, node: ast.Call, frame: Frame) -> Value:
    function = evaluate(m, node.func, frame)
    positional: list[Value] = []
    keywords: dict[str, Value] = {}
    has_more = False
    for argument in node.args:
        if isinstance(argument, ast.Starred):
            items = items_of(evaluate(m, argument.value, frame))
            has_more = has_more or items is None
            positional += items or []
        else:
            positional.append(evaluate(m, argument, frame))
    for keyword in node.keywords:
        value = evaluate(m, keyword.value, frame)
        if keyword.arg is not None:
            keywords[keyword.arg] = value
        elif isinstance(value, Mapping) and value.rest is None and all(isinstance(key, str) for key in value.items):
            keywords.update({str(key): item for key, item in value.items.items()})
        else:
            has_more = True
    if isinstance(function, External) and function.name == "builtins.super":
        return _super(frame)
    return call_value(m, function, Given(positional, keywords, has_more=has_more), node, frame)


def _super(frame: Frame) -> Value:
    """`super()` in a method."""
    owner = frame.function.owner if frame.function is not None else None
    receiver = next(iter(frame.names.values.values()), None)
    if owner is None or not isinstance(receiver, Instance):
        return Unknown("`super()` is not in a method", wild=True)
    return Super(receiver, owner.bases)


def _joined(m: Machine, node: ast.JoinedStr, frame: Frame) -> Value:
    parts = [evaluate(m, part, frame) for part in node.values]
    if all(isinstance(part, Const) for part in parts):
        return Const("".join(str(part.value) for part in parts if isinstance(part, Const)))
    return Unknown("the text is not known")


def _formatted(m: Machine, node: ast.FormattedValue, frame: Frame) -> Value:
    value = evaluate(m, node.value, frame)
    plain = isinstance(value, Const) and node.format_spec is None and node.conversion == -1
    return value if plain else Unknown("the text is not known")


def _walrus(m: Machine, node: ast.NamedExpr, frame: Frame) -> Value:
    value = evaluate(m, node.value, frame)
    assign(m, node.target, value, frame)
    return value


def _yield(m: Machine, node: ast.Yield | ast.YieldFrom, frame: Frame) -> Value:
    value = evaluate(m, node.value, frame) if node.value is not None else NONE
    for context in m.contexts:
        if isinstance(context, External):
            context.is_passed_on = True
    is_from = isinstance(node, ast.YieldFrom) and node.value is not None
    frame.yields.append(element_of(m, value, node.value, frame) if is_from and node.value is not None else value)
    return Unknown("it is sent from outside")


_EXPRESSIONS: dict[type, Callable[[Machine, Any, Frame], Value]] = {
    ast.Constant: lambda m, node, frame: Const(node.value),
    ast.Name: _name,
    ast.Attribute: _attribute,
    ast.Call: _call,
    ast.Subscript: _subscript,
    ast.Slice: _slice,
    ast.BinOp: _binary,
    ast.UnaryOp: _unary,
    ast.BoolOp: _bool,
    ast.Compare: _compare,
    ast.IfExp: _if_expression,
    ast.JoinedStr: _joined,
    ast.FormattedValue: _formatted,
    ast.NamedExpr: _walrus,
    ast.Lambda: define_function,
    ast.Yield: _yield,
    ast.YieldFrom: _yield,
    ast.Await: lambda m, node, frame: evaluate(m, node.value, frame),
}


@lru_cache(maxsize=1)
def _displays() -> dict[type, Callable[[Machine, Any, Frame], Value]]:
    """Lists, dicts and comprehensions."""
    from tfguard.analysis.flow.displays import comprehension, mapping, sequence

    return {
        **dict.fromkeys((ast.List, ast.Tuple, ast.Set), sequence),
        ast.Dict: mapping,
        **dict.fromkeys((ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp), comprehension),
    }
