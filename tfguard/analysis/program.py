"""What a program does, in the order in which it does it: calls inlined over files, modules loaded once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from tfguard.analysis.modules import Body, ClassKey, Modules
from tfguard.analysis.summary import CALL, EFFECT, IMPORT, METHOD, Entry, FileSummary, Item

#: A body is followed at most this often in one program: enough for what a second call undoes.
_ROUNDS = 2
_DEPTH = 60
_ITEMS = 50_000
#: How the body of a main guard is called.
_MAIN = ".<main>"


@dataclass(frozen=True, slots=True)
class Event:
    """An effect that a program has: where, on the way from which statement of the entry file."""

    path: str
    item: Item
    #: Call places from the entry to here: (path, offset) pairs, outermost first, the effect's own place last.
    chain: tuple[tuple[str, int], ...]
    #: The items at the places of `chain`: calls and imports, the effect itself last.
    trail: tuple[Item, ...]
    #: May the program run without it?
    is_conditional: bool
    #: Does a condition or an error on the way choose it (a loop or the body of a `try` does not count)?
    is_optional: bool = False

    @property
    def is_repeated(self) -> bool:
        """Does a loop on the way run it more than once?"""
        return any(item.is_repeated for item in self.trail)


@dataclass(frozen=True, eq=False)
class Program:
    """An entry point and everything that runs from it."""

    summary: FileSummary
    entry: Entry
    events: tuple[Event, ...]
    modules: Modules = field(repr=False)

    @cached_property
    def files(self) -> tuple[str, ...]:
        """Paths of the files that it loads, the entry's first, in order of loading."""
        return self.modules.loaded_from(self.summary)

    @cached_property
    def _paths(self) -> frozenset[str]:
        return frozenset(self.files)

    def loads(self, path: str) -> bool:
        """Does it load a file?"""
        return path in self._paths

    def effects(self, recorder: str) -> tuple[Event, ...]:
        """The effects that one recorder noted (a rule's own has its id), in the order in which they happen."""
        return self._effects.get(recorder, ())

    @cached_property
    def _effects(self) -> dict[str, tuple[Event, ...]]:
        found: dict[str, list[Event]] = {}
        for event in self.events:
            found.setdefault(event.item.rule, []).append(event)
        return {recorder: tuple(events) for recorder, events in found.items()}


class _Way(NamedTuple):
    """How a run came to where it is: one place after the other, the last one first."""

    before: _Way | None = None
    path: str = ""
    item: Item | None = None
    depth: int = 0
    is_conditional: bool = False
    is_optional: bool = False
    #: The class of the instance whose method runs, and the class that defines the method.
    receiver: ClassKey | None = None
    owner: str = ""

    def through(self, path: str, item: Item, body: str) -> _Way:
        """One place further, in a body."""
        branch = item.branch[1:] if body.endswith(_MAIN) else item.branch  # the main guard itself is none
        conditional = self.is_conditional or bool(branch)
        optional = self.is_optional or any(exclusive or arm > 0 for _, arm, exclusive in branch)
        return _Way(self, path, item, self.depth + 1, conditional, optional, self.receiver, self.owner)

    def event(self, path: str, item: Item) -> Event:
        """An effect at the end of the way."""
        places: list[tuple[str, Item]] = []
        here: _Way | None = self
        while here is not None:
            if here.item is not None:
                places.append((here.path, here.item))
            here = here.before
        places.reverse()
        chain = tuple((path, item.start) for path, item in places)
        return Event(path, item, chain, tuple(item for _, item in places), self.is_conditional, self.is_optional)


class Run:
    """Follows one program from its entry."""

    def __init__(self, modules: Modules, summary: FileSummary, entry: Entry) -> None:
        self.modules = modules
        self.summary = summary
        self.entry = entry
        self.loaded: set[str] = {summary.path}
        self.rounds: dict[tuple[str, str, ClassKey | None], int] = {}
        self.active: set[tuple[str, str]] = set()
        self.count = 0

    def events(self) -> Iterator[Event]:
        """The events of the module's body, then those of the main guard."""
        yield from self.body(Body(self.summary, self.summary.module), _Way())
        if self.entry.body != self.summary.module:
            yield from self.body(Body(self.summary, self.entry.body), _Way())

    def body(self, body: Body, way: _Way) -> Iterator[Event]:
        """What running a body does."""
        summary, name, receiver = body
        items = summary.bodies.get(name, ())
        key = (summary.path, name)
        if not items or key in self.active or way.depth > _DEPTH or self.count > _ITEMS:
            return
        again = (*key, receiver)
        if self.rounds.get(again, 0) >= _ROUNDS:
            return
        self.rounds[again] = self.rounds.get(again, 0) + 1
        self.active.add(key)
        way = way._replace(receiver=receiver, owner=_class_of(summary, name) if receiver is not None else "")
        for item in items:
            self.count += 1
            yield from self.item(summary, item, way.through(summary.path, item, name))
        self.active.discard(key)

    def item(self, summary: FileSummary, item: Item, way: _Way) -> Iterator[Event]:
        """What one item of a body does."""
        if item.kind == EFFECT:
            yield way.event(summary.path, item)
        elif item.kind == IMPORT:
            yield from self.load(summary, item.name, way)
        elif item.kind == CALL:
            found = self.target(summary, item.name, way)
            if found is not None:
                yield from self.body(found, way)
        elif item.kind == METHOD:
            yield from self.method(summary, item, way)

    def target(self, summary: FileSummary, name: str, way: _Way) -> Body | None:
        """The body that a call runs; methods that a method calls on `self` are those of the instance's own class."""
        found = self.modules.find_body(summary, name)
        if way.receiver is None:
            return found
        owner, _, method = name.rpartition(".")
        if owner == way.owner:
            return self.modules.find_method(way.receiver, method) or found
        if found is None:
            return None
        inside = found.summary is summary and found.name.startswith(f"{way.owner}.") and found.receiver is None
        if inside or (found.receiver in self.modules.ancestors(way.receiver) and name not in summary.classes):
            return found._replace(receiver=way.receiver)
        return found

    def method(self, summary: FileSummary, item: Item, way: _Way) -> Iterator[Event]:
        """What calling a method of an object may do of which only a guess is known, or nothing."""
        guesses = [self.target(summary, name, way) for name in item.payload or ()]
        known = [body for body in guesses if body is not None]
        for body in known:
            yield from self.body(body, way)
        if not known:
            for body in self.modules.methods_named(item.name, self.loaded):
                yield from self.body(body, way._replace(is_conditional=True, is_optional=True))

    def load(self, summary: FileSummary, name: str, way: _Way) -> Iterator[Event]:
        """What importing a module does, the first time."""
        for module in self.modules.loaded_by(summary, name):
            if module.path not in self.loaded:
                self.loaded.add(module.path)
                yield from self.body(Body(module, module.module), way)


def _class_of(summary: FileSummary, body: str) -> str:
    """The class whose method a body is or lies in."""
    owner = body
    while owner and owner not in summary.classes:
        owner = owner.rpartition(".")[0]
    return owner
