"""Containers and objects: reading and writing their elements, items and attributes."""

from __future__ import annotations

import ast

from tfguard.analysis.flow.machine import Frame, Machine, unknown_of
from tfguard.analysis.flow.operators import fold
from tfguard.analysis.flow.values import (
    Class,
    Const,
    External,
    Instance,
    Mapping,
    Module,
    Sequence,
    Tensor,
    Unknown,
    Value,
    alternatives,
    join,
    key_of,
    value_of_key,
)

LONGEST = 1000


def items_of(value: Value) -> list[Value] | None:
    """The elements of something that is iterated, when they are known."""
    if isinstance(value, Sequence):
        return list(value.items) if value.items is not None else None
    if isinstance(value, Mapping):
        return [value_of_key(key) for key in value.items] if value.rest is None else None
    if isinstance(value, Const) and isinstance(value.value, (str, range)):
        return [Const(item) for item in value.value] if len(value.value) <= LONGEST else None
    return None


def element_of(m: Machine, value: Value, place: ast.expr, frame: Frame) -> Value:
    """What an element of something that is iterated may be."""
    found: list[Value] = []
    for one in alternatives(value):
        if isinstance(one, Sequence):
            found.append(one.any_item())
        elif isinstance(one, Mapping):
            found += [value_of_key(key) for key in one.items] or [Unknown("it is a key")]
        elif isinstance(one, Tensor):
            found.append(m.library.element(m, one, place, frame.file, None))
        else:
            found.append(unknown_of("it is an element of something unknown", one))
    return join(found)


def get_item(m: Machine, owner: Value, index: Value, node: ast.expr, frame: Frame) -> Value:
    """What an item of one value holds."""
    number = index.value if isinstance(index, Const) else None
    if isinstance(owner, Sequence):
        if owner.items is not None and type(number) is int and -len(owner.items) <= number < len(owner.items):
            return owner.items[number]
        if owner.items is not None and isinstance(number, slice):
            return Sequence(owner.kind, owner.items[number])
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice):
            return Sequence(owner.kind, None, owner.any_item())
        return owner.any_item()
    if isinstance(owner, Mapping):
        found = read_item(owner, index)
        if found is not None:
            return found
        return owner.any_item() if owner.items or owner.rest is not None else Unknown("the key is not there", wild=True)
    if isinstance(owner, Tensor):
        return m.library.element(m, owner, node, frame.file, index)
    if isinstance(owner, Const) and isinstance(owner.value, str) and isinstance(number, (int, slice)):
        return fold(lambda: owner.value[number])  # type: ignore[index]
    return unknown_of("it is an item of something unknown", owner, index)


def read_item(owner: Mapping, index: Value) -> Value | None:
    """What a dict holds for a key that is known to be there."""
    key = key_of(index)
    return owner.items.get(key[0]) if key is not None else None


def set_item(m: Machine, owner: Value, index: Value, value: Value) -> None:
    """Write an item of a container."""
    if isinstance(owner, Mapping):
        key = key_of(index)
        if key is not None:
            owner.items[key[0]] = m.may_write(owner.born, owner.items.get(key[0]), value)
        else:
            owner.rest = join([v for v in (owner.rest, value) if v is not None])
    elif isinstance(owner, Sequence) and owner.items is not None:
        number = index.value if isinstance(index, Const) else None
        if type(number) is int and -len(owner.items) <= number < len(owner.items):
            owner.items[number] = m.may_write(owner.born, owner.items[number], value)
        else:
            owner.forget_length(value)
    elif isinstance(owner, Sequence):
        owner.forget_length(value)


def set_attribute(m: Machine, owner: Value, name: str, value: Value) -> None:
    """Write an attribute of one value."""
    if isinstance(owner, Instance):
        owner.attributes[name] = m.may_write(owner.born, owner.attributes.get(name), value)
    elif isinstance(owner, (Module, Class)):
        owner.names[name] = m.may_write(0, owner.names.get(name), value)
    elif isinstance(owner, External):
        owner.attributes[name] = value
