"""The whole program: which files import which, where programs start, and what they do in what order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from tfguard.analysis.summary import CALL, EFFECT, IMPORT, METHOD, Entry, FileSummary, Item

if TYPE_CHECKING:
    from tfguard.analysis.file_model import FileModel

#: A body is followed at most this often in one program: enough for what a second call undoes.
_ROUNDS = 2
_DEPTH = 60
_EVENTS = 50_000
#: A method of an unknown object is followed only when at most this many classes define it.
_CANDIDATES = 5


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

    @property
    def is_repeated(self) -> bool:
        """Does a loop on the way run it more than once?"""
        return any(item.is_repeated for item in self.trail)


@dataclass(frozen=True, slots=True, eq=False)
class Program:
    """An entry point and everything that runs from it."""

    summary: FileSummary
    entry: Entry
    events: tuple[Event, ...]
    #: Paths of the files that it loads, the entry's first, in order of loading.
    files: tuple[str, ...]

    def effects(self, rule: str) -> tuple[Event, ...]:
        """The effects that one rule recorded, in the order in which they happen."""
        return tuple(event for event in self.events if event.item.rule == rule)


class ProjectFacts:
    """Everything known of a set of files; the same whatever order the summaries come in."""

    def __init__(self, summaries: Iterable[FileSummary], open_file: Callable[[str], FileModel]) -> None:
        self.files: dict[str, FileSummary] = {s.path: s for s in sorted(summaries, key=lambda s: s.path)}
        self._open = open_file
        self._opened: dict[str, FileModel] = {}
        self._modules: dict[str, FileSummary] = {}
        self._suffixes: dict[str, list[FileSummary]] = {}
        for summary in self.files.values():
            self._modules.setdefault(summary.module, summary)
            parts = summary.module.split(".")
            for start in range(len(parts)):
                self._suffixes.setdefault(".".join(parts[start:]), []).append(summary)
        self._methods: dict[str, list[tuple[FileSummary, str]]] = {}
        for summary in self.files.values():
            for name, cls in summary.classes.items():
                for method in cls.methods:
                    self._methods.setdefault(method, []).append((summary, f"{name}.{method}"))

    def open(self, path: str) -> FileModel:
        """The model of a file, parsed again when a rule needs more than its summary."""
        if path not in self._opened:
            self._opened[path] = self._open(path)
        return self._opened[path]

    def facts_of(self, rule: str) -> dict[str, Any]:
        """What a rule noted of each file, by path in sorted order."""
        return {path: s.facts[rule] for path, s in self.files.items() if rule in s.facts}

    # -- modules and names --------------------------------------------------------------------------

    def find_module(self, importer: FileSummary, dotted: str) -> FileSummary | None:
        """The project's file that an import loads: beside the importer, above it, or anywhere if unique."""
        parts = importer.package.split(".") if importer.package else []
        for length in range(len(parts), -1, -1):
            found = self._modules.get(".".join([*parts[:length], dotted]))
            if found is not None:
                return found
        candidates = self._suffixes.get(dotted, [])
        return candidates[0] if len(candidates) == 1 else None

    def find_body(self, summary: FileSummary, name: str, depth: int = 0) -> tuple[FileSummary, str] | None:
        """The body that calling a qualified name runs: a function, a method, or a class's `__init__`."""
        if depth > 10:
            return None
        if name in summary.classes:
            return self._method(summary, name, ("__init__",), depth)
        if name in summary.bodies:
            return summary, name
        owner, _, last = name.rpartition(".")
        if owner in summary.classes:
            return self._method(summary, owner, ("__call__", "call") if last == "__call__" else (last,), depth)
        if name.startswith(f"{summary.module}."):
            return self._exported(summary, name[len(summary.module) + 1 :], depth)
        parts = name.split(".")
        for length in range(len(parts) - 1, 0, -1):
            module = self.find_module(summary, ".".join(parts[:length]))
            if module is not None and module is not summary:
                return self.find_body(module, ".".join([module.module, *parts[length:]]), depth + 1)
        return None

    def _exported(self, summary: FileSummary, rest: str, depth: int) -> tuple[FileSummary, str] | None:
        first, _, below = rest.partition(".")
        target = summary.exports.get(first)
        if target is not None:
            return self.find_body(summary, f"{target}.{below}" if below else target, depth + 1)
        for name, origin in summary.exports.items():
            if name.startswith("*"):
                module = self.find_module(summary, origin)
                found = self.find_body(module, f"{module.module}.{rest}", depth + 1) if module is not None else None
                if found is not None:
                    return found
        return None

    def _method(
        self, summary: FileSummary, cls: str, methods: tuple[str, ...], depth: int
    ) -> tuple[FileSummary, str] | None:
        """The first of the methods that a class or one of its bases in the project defines."""
        info = summary.classes[cls]
        for method in methods:
            if method in info.methods:
                return summary, f"{cls}.{method}"
        for base in info.bases:
            for method in methods:
                found = self.find_body(summary, f"{base}.{method}", depth + 1)
                if found is not None:
                    return found
        return None

    def methods_named(self, name: str) -> list[tuple[FileSummary, str]]:
        """The methods of this name in the project, when they are few enough to be meant."""
        found = self._methods.get(name, [])
        return found if len(found) <= _CANDIDATES else []

    @cached_property
    def imported(self) -> frozenset[str]:
        """Paths of files that another file of the project imports."""
        found: set[str] = set()
        for summary in self.files.values():
            for name in summary.imports:
                module = self.find_module(summary, name)
                if module is not None and module is not summary:
                    found.add(module.path)
        return frozenset(found)

    def loaded_from(self, summary: FileSummary) -> tuple[str, ...]:
        """The paths of a file and all that it imports, directly or not, in order of first mention."""
        found: dict[str, None] = {summary.path: None}
        waiting = [summary]
        while waiting:
            here = waiting.pop(0)
            for name in here.imports:
                module = self.find_module(here, name)
                if module is not None and module.path not in found:
                    found[module.path] = None
                    waiting.append(module)
        return tuple(found)

    # -- programs -------------------------------------------------------------------------------------

    @cached_property
    def programs(self) -> tuple[Program, ...]:
        """Every program of the project, in path order; a file that others import starts none unless it says so."""
        found: list[Program] = []
        for summary in self.files.values():
            for entry in summary.entries:
                if entry.kind == "script" and summary.path in self.imported:
                    continue
                events = tuple(_Run(self, summary, entry).events())
                found.append(Program(summary, entry, events, self.loaded_from(summary)))
        return tuple(found)


class _Run:
    """Follows one program from its entry, calls inlined, modules loaded once."""

    def __init__(self, project: ProjectFacts, summary: FileSummary, entry: Entry) -> None:
        self.project = project
        self.summary = summary
        self.entry = entry
        self.loaded: set[str] = {summary.path}
        self.rounds: dict[tuple[str, str], int] = {}
        self.active: set[tuple[str, str]] = set()
        self.count = 0

    def events(self) -> Iterator[Event]:
        yield from self.body(self.summary, self.summary.module, _Way())
        if self.entry.body != self.summary.module:
            yield from self.body(self.summary, self.entry.body, _Way())

    def body(self, summary: FileSummary, name: str, way: _Way) -> Iterator[Event]:
        key = (summary.path, name)
        if key in self.active or self.rounds.get(key, 0) >= _ROUNDS or len(way.chain) > _DEPTH or self.count > _EVENTS:
            return
        self.rounds[key] = self.rounds.get(key, 0) + 1
        self.active.add(key)
        for item in summary.bodies.get(name, ()):
            self.count += 1
            yield from self.item(summary, item, way.through(summary.path, item, _is_conditional(item, name)))
        self.active.discard(key)

    def item(self, summary: FileSummary, item: Item, way: _Way) -> Iterator[Event]:
        if item.kind == EFFECT:
            yield Event(summary.path, item, way.chain, way.trail, way.is_conditional)
        elif item.kind == IMPORT:
            yield from self.load(summary, item.name, way)
        elif item.kind == CALL:
            found = self.project.find_body(summary, item.name)
            if found is not None:
                yield from self.body(found[0], found[1], way)
        elif item.kind == METHOD:
            for owner, method in self.project.methods_named(item.name):
                yield from self.body(owner, method, replace(way, is_conditional=True))

    def load(self, summary: FileSummary, name: str, way: _Way) -> Iterator[Event]:
        module = self.project.find_module(summary, name)
        if module is not None and module.path not in self.loaded:
            self.loaded.add(module.path)
            yield from self.body(module, module.module, way)


@dataclass(frozen=True, slots=True)
class _Way:
    """How a run came to where it is."""

    chain: tuple[tuple[str, int], ...] = ()
    trail: tuple[Item, ...] = ()
    is_conditional: bool = False

    def through(self, path: str, item: Item, conditional: bool) -> _Way:
        """One place further."""
        return _Way((*self.chain, (path, item.start)), (*self.trail, item), self.is_conditional or conditional)


def _is_conditional(item: Item, body: str) -> bool:
    """Is the item on a branch (the main guard itself is none)?"""
    return bool(item.branch[1:] if body.endswith(".<main>") else item.branch)


def interesting(summaries: Mapping[str, FileSummary]) -> tuple[str, ...]:
    """Last components of the modules that hold something for a whole-program rule, sorted."""
    return tuple(sorted({s.module.rsplit(".", 1)[-1] for s in summaries.values() if s.is_interesting}))
