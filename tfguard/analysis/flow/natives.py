"""What Python's own functions and the methods of its containers do with abstract values."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tfguard.analysis.flow.machine import Frame, Machine, unknown_of
from tfguard.analysis.flow.operators import fold
from tfguard.analysis.flow.values import (
    NONE,
    Class,
    Const,
    External,
    Instance,
    Mapping,
    Sequence,
    Tensor,
    Unknown,
    Value,
    alternatives,
    join,
    nodes_of,
    value_of_key,
)

if TYPE_CHECKING:
    from tfguard.analysis.flow.calling import Given

_TEXT = {
    "capitalize", "count", "endswith", "find", "format", "index", "isdigit", "lower", "lstrip", "replace", "rfind",
    "rstrip", "startswith", "strip", "title", "upper", "zfill",
}  # fmt: skip
_NUMBERS: dict[str, Callable[..., Any]] = {
    "abs": abs,
    "bool": bool,
    "float": float,
    "int": int,
    "len": len,
    "max": max,
    "min": min,
    "round": round,
    "str": str,
    "sum": sum,
    "divmod": divmod,
    "ord": ord,
    "chr": chr,
    "pow": pow,
}
_NOTHING = frozenset({"print", "input", "open", "exit", "quit", "id", "hash", "repr", "format", "dir", "type", "vars"})
_MOST = 2000


def call_builtin(m: Machine, name: str, given: Given, node: ast.Call, frame: Frame) -> Value:
    """What one of Python's functions gives."""
    values = given.positional
    known = _BUILTINS.get(name)
    if known is not None and values and not given.has_more:
        found = known(m, given, node, frame)
        if found is not None:
            return found
    if name in _EMPTY and not values and not given.has_more:
        return Sequence(name, [], born=m.conditional)
    if name == "dict" and not values and not given.has_more:
        return Mapping(dict(given.keywords.items()), born=m.conditional)
    if name in _NUMBERS and values and all(isinstance(value, Const) for value in values):
        plain = [value.value for value in values if isinstance(value, Const)]
        return fold(lambda: _NUMBERS[name](*plain))
    if name == "len" and values and isinstance(values[0], (Sequence, Mapping)):
        return _length(values[0])
    if name in _NOTHING or name.endswith(("Error", "Exception")):
        return Unknown(f"`{name}` is not followed")
    return unknown_of(f"`{name}` is not followed", *given.values)


def _length(value: Sequence | Mapping) -> Value:
    if isinstance(value, Sequence):
        return Const(len(value.items)) if value.items is not None else Unknown("the length is not known")
    return Const(len(value.items)) if value.rest is None else Unknown("the length is not known")


def _range(m: Machine, given: Given, node: ast.Call, frame: Frame) -> Value | None:
    numbers = [value.value for value in given.positional if isinstance(value, Const)]
    if len(numbers) != len(given.positional) or not all(type(number) is int for number in numbers):
        return Sequence("range", None, Unknown("it is a number"))
    found: Any = numbers
    return Const(range(*found)) if len(found) < 3 or found[2] != 0 else None


def _as_sequence(kind: str) -> Callable[[Machine, Given, ast.Call, Frame], Value | None]:
    def convert(m: Machine, given: Given, node: ast.Call, frame: Frame) -> Value | None:
        from tfguard.analysis.flow.containers import element_of, items_of

        value = given.positional[0]
        items = items_of(value)
        if items is not None:
            return Sequence(kind, items)
        return Sequence(kind, None, element_of(m, value, node, frame))

    return convert


def _enumerate(m: Machine, given: Given, node: ast.Call, frame: Frame) -> Value | None:
    from tfguard.analysis.flow.containers import element_of, items_of

    items = items_of(given.positional[0])
    start = given.positional[1] if len(given.positional) > 1 else given.keywords.get("start", Const(0))
    first = start.value if isinstance(start, Const) else None
    if items is None or type(first) is not int:
        pair = Sequence("tuple", [Unknown("it is a number"), element_of(m, given.positional[0], node, frame)])
        return Sequence("generator", None, pair)
    return Sequence("generator", [Sequence("tuple", [Const(n), v]) for n, v in enumerate(items, first)])


def _zip(m: Machine, given: Given, node: ast.Call, frame: Frame) -> Value | None:
    from tfguard.analysis.flow.containers import element_of, items_of

    columns = [items_of(value) for value in given.positional]
    if all(column is not None for column in columns):
        rows = zip(*[column or [] for column in columns], strict=False)
        return Sequence("generator", [Sequence("tuple", list(row)) for row in rows])
    row = [element_of(m, value, node, frame) for value in given.positional]
    return Sequence("generator", None, Sequence("tuple", row))


def _dict(m: Machine, given: Given, node: ast.Call, frame: Frame) -> Value | None:
    from tfguard.analysis.flow.containers import items_of, set_item

    source = given.positional[0]
    found = Mapping({})
    if isinstance(source, Mapping):
        found.items.update(source.items)
        found.rest = source.rest
    else:
        items = items_of(source)
        for item in items or ():
            pair = items_of(item)
            if pair is None or len(pair) != 2:
                return Mapping({}, unknown_of("its items are not known", source))
            set_item(m, found, pair[0], pair[1])
        if items is None:
            found.rest = unknown_of("its items are not known", source)
    found.items.update(given.keywords)
    return found


def _sorted(m: Machine, given: Given, node: ast.Call, frame: Frame) -> Value | None:
    from tfguard.analysis.flow.containers import element_of, items_of

    value = given.positional[0]
    items = items_of(value)
    plain = [item.value for item in items or () if isinstance(item, Const)]
    if items is not None and len(plain) == len(items) and not given.keywords:
        ordered: Any = plain
        kinds = {type(item) for item in plain}
        if len(kinds) == 1 and kinds <= {int, float, str}:
            return Sequence("list", [Const(item) for item in sorted(ordered)])
    return Sequence("list", None, element_of(m, value, node, frame))


def _map(m: Machine, given: Given, node: ast.Call, frame: Frame) -> Value | None:
    from tfguard.analysis.flow.calling import Given as Arguments
    from tfguard.analysis.flow.calling import call_value
    from tfguard.analysis.flow.containers import element_of, items_of

    function, *sources = given.positional
    columns = [items_of(source) for source in sources]
    if sources and all(column is not None for column in columns):
        rows = list(zip(*[column or [] for column in columns], strict=False))
        if len(rows) <= _MOST:
            made = [call_value(m, function, Arguments(list(row), {}), node, frame) for row in rows]
            return Sequence("generator", made)
    with m.unsure(repeated=True):
        row = [element_of(m, source, node, frame) for source in sources]
        return Sequence("generator", None, call_value(m, function, Arguments(row, {}), node, frame))


def _isinstance(m: Machine, given: Given, node: ast.Call, frame: Frame) -> Value | None:
    if len(given.positional) != 2:
        return None
    value, wanted = given.positional
    names = {one.name for one in alternatives(wanted) if isinstance(one, External)}
    if isinstance(wanted, Sequence):
        names = {one.name for one in wanted.items or () if isinstance(one, External)}
        if len(names) != len(wanted.items or ()) or not names:
            return None
    kinds = {_type_name(one) for one in alternatives(value)}
    if None in kinds or not names or not all(name.startswith("builtins.") for name in names):
        return Unknown("the type is not known")
    found = {f"builtins.{kind}" in names for kind in kinds}
    return Const(found.pop()) if len(found) == 1 else Unknown("the type is not known")


def _type_name(value: Value) -> str | None:
    if isinstance(value, Const):
        return type(value.value).__name__
    if isinstance(value, Sequence):
        return value.kind
    if isinstance(value, Mapping):
        return "dict"
    return "object" if isinstance(value, (Tensor, Instance, Class)) else None


def _getattr(m: Machine, given: Given, node: ast.Call, frame: Frame) -> Value | None:
    from tfguard.analysis.flow.expressions import get_attribute

    if len(given.positional) < 2 or not isinstance(given.positional[1], Const):
        return None
    owner, name = given.positional[0], given.positional[1].value
    return join([get_attribute(m, one, str(name), frame) for one in alternatives(owner)])


def _setattr(m: Machine, given: Given, node: ast.Call, frame: Frame) -> Value | None:
    from tfguard.analysis.flow.containers import set_attribute

    if len(given.positional) != 3 or not isinstance(given.positional[1], Const):
        return None
    for owner in alternatives(given.positional[0]):
        set_attribute(m, owner, str(given.positional[1].value), given.positional[2])
    return NONE


def _sum(m: Machine, given: Given, node: ast.Call, frame: Frame) -> Value | None:
    from tfguard.analysis.flow.containers import element_of, items_of
    from tfguard.analysis.flow.operators import combine

    items = items_of(given.positional[0])
    if items is None:
        return unknown_of("it is a sum", element_of(m, given.positional[0], node, frame))
    total = given.positional[1] if len(given.positional) > 1 else Const(0)
    for item in items:
        total = combine(m, node, ast.Add(), total, item, frame)
    return total


_Native = Callable[["Machine", "Given", ast.Call, "Frame"], "Value | None"]
_BUILTINS: dict[str, _Native] = {
    "range": _range,
    "xrange": _range,
    "list": _as_sequence("list"),
    "tuple": _as_sequence("tuple"),
    "set": _as_sequence("set"),
    "iter": _as_sequence("generator"),
    "enumerate": _enumerate,
    "zip": _zip,
    "dict": _dict,
    "sorted": _sorted,
    "map": _map,
    "isinstance": _isinstance,
    "getattr": _getattr,
    "setattr": _setattr,
    "sum": _sum,
}
#: Without arguments.
_EMPTY = frozenset({"list", "tuple", "set"})


# -- methods of containers ----------------------------------------------------------------------------------------


def call_method(m: Machine, receiver: Value, name: str, given: Given, frame: Frame) -> Value:
    """What a method of a list, dict or text gives, and does to it."""
    if isinstance(receiver, Sequence):
        return _of_sequence(m, receiver, name, given)
    if isinstance(receiver, Mapping):
        return _of_mapping(m, receiver, name, given)
    if isinstance(receiver, Const) and isinstance(receiver.value, str) and name in _TEXT:
        if all(isinstance(value, Const) for value in given.positional) and not given.keywords:
            text, plain = receiver.value, [value.value for value in given.positional if isinstance(value, Const)]
            return fold(lambda: getattr(text, name)(*plain))
        return Unknown("the text is not known")
    nodes, wild = nodes_of(receiver, *given.values)
    return Unknown(f"`{name}` is not followed", nodes, wild)


def _of_sequence(m: Machine, receiver: Sequence, name: str, given: Given) -> Value:
    if name in ("append", "add", "insert") and given.positional:
        value = given.positional[-1]
        if receiver.items is not None and name == "append" and m.conditional <= receiver.born:
            receiver.items.append(value)
        else:
            receiver.forget_length(value)
        return NONE
    if name in ("extend", "update") and given.positional:
        _extend(m, receiver, given.positional[0])
        return NONE
    if name == "pop":
        last = receiver.any_item()
        if receiver.items and not given.positional and m.conditional <= receiver.born:
            return receiver.items.pop()
        receiver.forget_length()
        return last
    if name in ("index", "count"):
        return Unknown("it is a number")
    if name == "copy":
        return Sequence(receiver.kind, list(receiver.items) if receiver.items is not None else None, receiver.rest)
    receiver.forget_length()
    return unknown_of(f"`{name}` is not followed", receiver, *given.values)


def _extend(m: Machine, receiver: Sequence, more: Value) -> None:
    from tfguard.analysis.flow.containers import items_of

    items = items_of(more)
    if items is not None and receiver.items is not None and m.conditional <= receiver.born:
        receiver.items.extend(items)
    elif isinstance(more, Sequence) and (more.items or more.rest is not None):
        receiver.forget_length(more.any_item())
    else:
        receiver.forget_length(unknown_of("its elements are not known", more))


def _of_mapping(m: Machine, receiver: Mapping, name: str, given: Given) -> Value:
    from tfguard.analysis.flow.containers import read_item

    if name in ("get", "pop", "setdefault") and given.positional:
        found = read_item(receiver, given.positional[0])
        default = given.positional[1] if len(given.positional) > 1 else NONE
        if name == "pop":
            receiver.rest = receiver.any_item()
        return found if found is not None else join([receiver.any_item(), default]) if receiver.rest else default
    pairs = [Sequence("tuple", [value_of_key(key), value]) for key, value in receiver.items.items()]
    rest = Sequence("tuple", [Unknown("it is a key"), receiver.rest]) if receiver.rest is not None else None
    if name in ("items", "iteritems"):
        return Sequence("list", list(pairs)) if rest is None else Sequence("list", None, join([*pairs, rest]))
    if name in ("values", "itervalues"):
        if receiver.rest is None:
            return Sequence("list", list(receiver.items.values()))
        return Sequence("list", None, receiver.any_item())
    if name in ("keys", "iterkeys"):
        keys: list[Value] = [value_of_key(key) for key in receiver.items]
        return Sequence("list", keys) if receiver.rest is None else Sequence("list", None, Unknown("it is a key"))
    if name == "copy":
        return Mapping(dict(receiver.items), receiver.rest)
    if name == "update" and len(given.positional) <= 1:
        source = given.positional[0] if given.positional else Mapping({})
        if isinstance(source, Mapping) and not m.conditional:
            receiver.items.update(source.items)
            receiver.items.update(given.keywords)
            receiver.rest = source.rest if receiver.rest is None else receiver.rest
        else:
            receiver.rest = unknown_of("it was updated", receiver, *given.values)
        return NONE
    receiver.rest = unknown_of("it was changed", receiver, *given.values)
    return unknown_of(f"`{name}` is not followed", receiver, *given.values)
