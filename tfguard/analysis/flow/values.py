"""What an expression may be while a program is followed: constants, tensors, containers, functions, objects.

Containers and objects have an identity and are changed in place, as in Python. `Unknown` remembers which tensors it may
have come from; when it is *wild* it may have come from any.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tfguard.analysis.flow.graph import Node, Reach

if TYPE_CHECKING:
    from tfguard.analysis.file_model import FileModel

_MOST_ALTERNATIVES = 8


class Value:
    """Anything that a name may hold."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Const(Value):
    """A constant: a number, a string, a truth value, None, `...`."""

    value: object


@dataclass(frozen=True, slots=True, eq=False)
class NoGradient(Value):
    """The None that a gradient is when nothing leads from the result to the variable."""

    of: Node
    call: ast.Call
    #: What proves it.
    proof: Reach
    #: Why the tape that was asked knows of no way, where the graph does; empty where there is none.
    cause: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Tensor(Value):
    """A node of the graph."""

    node: Node


@dataclass(slots=True, eq=False)
class Sequence(Value):
    """A list, tuple or set. `items` is None when its length is not known; `rest` then is any of its elements."""

    kind: str
    items: list[Value] | None
    rest: Value | None = None
    #: How many branches and loops of unknown outcome surrounded its making.
    born: int = 0

    def any_item(self) -> Value:
        """What an element may be."""
        if self.items is not None:
            return join(self.items) if self.items else Unknown("the sequence is empty")
        return self.rest if self.rest is not None else Unknown("nothing is known of the elements")

    def forget_length(self, more: Value | None = None) -> None:
        """It may hold fewer or more elements than known until now."""
        parts = [*(self.items or ()), *([self.rest] if self.rest is not None else ()), *([more] if more else ())]
        self.items, self.rest = None, join(parts) if parts else None


@dataclass(slots=True, eq=False)
class Mapping(Value):
    """A dict. Keys are constants and nodes (tensors); `rest` is what an unknown key may give, None: all are known."""

    items: dict[object, Value]
    rest: Value | None = None
    born: int = 0

    def any_item(self) -> Value:
        """What a value may be."""
        parts = [*self.items.values(), *([self.rest] if self.rest is not None else ())]
        return join(parts) if parts else Unknown("the dict is empty")


@dataclass(slots=True, eq=False)
class Class(Value):
    """A class of the project."""

    file: FileModel
    node: ast.ClassDef
    names: dict[str, Value]
    bases: list[Value]


@dataclass(slots=True, eq=False)
class Instance(Value):
    """An object of a class of the project."""

    cls: Class
    attributes: dict[str, Value] = field(default_factory=dict)
    born: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Super(Value):
    """What `super()` gives: an object whose names are looked up in the bases of a class."""

    receiver: Instance
    bases: list[Value]


@dataclass(slots=True, eq=False)
class Module(Value):
    """A module of the project."""

    file: FileModel
    names: dict[str, Value]


@dataclass(slots=True, eq=False)
class Pending(Value):
    """What an import binds that has not been carried out yet."""

    importer: FileModel
    dotted: str
    #: What `from dotted import name` takes.
    name: str | None = None
    value: Value | None = None


@dataclass(slots=True, eq=False)
class Function(Value):
    """A function or lambda of the project, with what it sees around it."""

    file: FileModel
    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
    around: Names
    defaults: dict[str, Value]
    #: The class in whose body it is defined.
    owner: Class | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Bound(Value):
    """A method of an object: the function (or a library's, or a container's, by name), and the object."""

    function: Function | External | str
    receiver: Value


@dataclass(slots=True, eq=False)
class External(Value):
    """A name of a library, or (`made_by` is set) an object of that type, with the arguments it was made with."""

    name: str
    made_by: ast.Call | None = None
    arguments: tuple[Value, ...] = ()
    keywords: dict[str, Value] = field(default_factory=dict)
    #: What was written to its attributes, and what the library's table keeps of it (the variables of a layer).
    attributes: dict[str, Value] = field(default_factory=dict)
    #: How many branches and loops of unknown outcome surrounded its making.
    born: int = 0
    #: Somebody who is not followed has it.
    is_passed_on: bool = False
    #: Where it was made, and whether with more arguments than are known.
    file: FileModel | None = None
    has_more: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Union(Value):
    """One of several, depending on the way that the program took."""

    alternatives: tuple[Value, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Unknown(Value):
    """Not known, and why; computed from these nodes at most, or (wild) from any."""

    reason: str
    nodes: tuple[Node, ...] = ()
    wild: bool = False
    #: The function of a library that made it, where that is known.
    made_by: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Inherited(Unknown):
    """What an object of a class of the project has from a library's class; called, it is a method."""

    name: str = ""
    receiver: Value | None = None


@dataclass(slots=True, eq=False)
class Names:
    """The names of one running body, and those around it."""

    values: dict[str, Value]
    parent: Names | None = None
    is_class: bool = False
    #: Names that `global` and `nonlocal` send elsewhere.
    elsewhere: dict[str, Names] = field(default_factory=dict)

    def find(self, name: str) -> Value | None:
        """The value of a name, by Python's rules."""
        if name in self.elsewhere:
            return self.elsewhere[name].values.get(name)
        here: Names | None = self
        while here is not None:
            if name in here.values and (here is self or not here.is_class):
                return here.values[name]
            here = here.parent
        return None

    @property
    def globals(self) -> Names:
        """The names of the module."""
        here = self
        while here.parent is not None:
            here = here.parent
        return here


NONE = Const(None)


def key_of(value: Value) -> tuple[object] | None:
    """What a dict keeps a value under as a key; None where that is not known."""
    if isinstance(value, Tensor) and not value.node.many:
        return (value.node,)
    plain = isinstance(value, Const) and isinstance(value.value, (str, int, float, bool, type(None), bytes))
    return (value.value,) if isinstance(value, Const) and plain else None


def value_of_key(key: object) -> Value:
    """The value that is kept as a key."""
    return Tensor(key) if isinstance(key, Node) else Const(key)


def alternatives(value: Value) -> tuple[Value, ...]:
    """What a value may be, without unions."""
    return value.alternatives if isinstance(value, Union) else (value,)


def join(values: Iterable[Value]) -> Value:
    """Any of the values."""
    found: list[Value] = []
    for value in values:
        for one in alternatives(value):
            if not any(_same(one, other) for other in found):
                found.append(one)
    if len(found) == 1:
        return found[0]
    if len(found) > _MOST_ALTERNATIVES:
        nodes, wild = nodes_of(Union(tuple(found)))
        return Unknown("it may be too many things", nodes, wild)
    return Union(tuple(found))


def _same(one: Value, other: Value) -> bool:
    if one is other:
        return True
    if isinstance(one, Const) and isinstance(other, Const):
        return type(one.value) is type(other.value) and one.value == other.value
    if isinstance(one, Tensor) and isinstance(other, Tensor):
        return one.node is other.node
    if isinstance(one, External) and isinstance(other, External):
        return one.name == other.name and one.made_by is None and other.made_by is None
    return False


def inside(*values: Value) -> Iterator[Value]:
    """The values and everything that they hold, at any depth, each once."""
    seen: set[int] = set()
    waiting: list[Value] = list(reversed(values))
    while waiting:
        value = waiting.pop()
        if id(value) not in seen:
            seen.add(id(value))
            yield value
            waiting.extend(reversed(list(_parts(value))))


def nodes_of(*values: Value) -> tuple[tuple[Node, ...], bool]:
    """The nodes that values hold, at any depth, and whether more may be in them."""
    found: dict[Node, None] = {}
    wild = False
    for value in inside(*values):
        if isinstance(value, Tensor):
            found[value.node] = None
        elif isinstance(value, Unknown):
            found.update(dict.fromkeys(value.nodes))
            wild = wild or value.wild
    return tuple(found), wild


def _parts(value: Value) -> Iterator[Value]:
    if isinstance(value, Union):
        yield from value.alternatives
    elif isinstance(value, Sequence):
        yield from value.items or ()
        if value.rest is not None:
            yield value.rest
    elif isinstance(value, Mapping):
        yield from value.items.values()
        if value.rest is not None:
            yield value.rest
    elif isinstance(value, Instance):
        yield from value.attributes.values()
    elif isinstance(value, External):
        yield from value.arguments
        yield from value.keywords.values()
        yield from value.attributes.values()
    elif isinstance(value, Bound):
        yield value.receiver
