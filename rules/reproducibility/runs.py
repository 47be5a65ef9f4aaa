"""Follows a program through its draws and seeds, to what it draws without a seed (part of the TFG10x rules)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from tfguard.rules.reproducibility.draws import GENERATORS, Versions, load_draws

from tfguard.analysis.project import Event, Program, ProjectFacts
from tfguard.table_files import Version
from tfguard.targets import Target, keras_of

#: The two default graphs that TensorFlow's seed may belong to, when no `with` has entered another.
EAGER, DEFAULT_GRAPH = "eager", "default graph"


@dataclass(frozen=True, slots=True)
class Draw:
    """A draw from a generator that nothing has seeded before on the way."""

    generator: str
    event: Event
    #: Position in the order of events.
    position: int
    is_sure: bool
    #: Why it is this generator, where that may surprise.
    why: str = ""
    #: TensorFlow: the call that began the graph which has no seed, None for the graph that a program starts with.
    began: Event | None = None


@dataclass(frozen=True, slots=True)
class Seeding:
    """A call that seeds generators, and its position in the order of events."""

    event: Event
    generators: tuple[str, ...]
    position: int

    @property
    def literal(self) -> int | None:
        """The number that it seeds with, when it is one."""
        value: int | None = self.event.item.payload.get("literal")
        return value

    @property
    def text(self) -> str | None:
        """What the user wrote for the seed, where it may be written once more beside it."""
        value: str | None = self.event.item.payload.get("text")
        return value


@dataclass(slots=True)
class Course:
    """What a program does with its generators, in order."""

    versions: Versions
    #: The first unseeded draw from each generator, a sure one where there is one.
    unseeded: list[Draw] = field(default_factory=list)
    seedings: list[Seeding] = field(default_factory=list)
    #: The first unseeded draw of all, sure or not.
    earliest: Draw | None = None

    @property
    def position(self) -> int:
        """The position of the first unseeded draw in the order of events."""
        return self.earliest.position if self.earliest is not None else 0

    @property
    def sure(self) -> tuple[Draw, ...]:
        """What the program surely draws from generators that it has not seeded."""
        return tuple(sorted((draw for draw in self.unseeded if draw.is_sure), key=lambda draw: draw.position))

    @property
    def missing(self) -> tuple[str, ...]:
        """The generators that want a seed, in the order in which they are seeded and named."""
        found = {draw.generator for draw in self.unseeded}
        return tuple(generator for generator in GENERATORS if generator in found)

    def draw_from(self, generator: str) -> Draw | None:
        """The unseeded draw from a generator."""
        return next((draw for draw in self.unseeded if draw.generator == generator), None)


@dataclass(frozen=True, slots=True)
class _Graph:
    """A `with` whose body builds in a graph of its own."""

    path: str
    start: int
    end: int
    key: str

    def holds(self, event: Event) -> bool:
        """Does the event happen inside the body?"""
        return any(path == self.path and self.start <= offset < self.end for path, offset in event.chain)


def follow(facts: ProjectFacts, program: Program, rule: str, target: Target) -> Course:
    """The course of a program."""
    notes = [facts.files[path].facts.get(rule, {}) for path in program.files if path in facts.files]
    return _Follower(facts, versions_of(notes, target), notes).run(program.effects(rule))


def versions_of(notes: Iterable[Mapping[str, Any]], target: Target) -> Versions:
    """What a program runs on: the target, or what came before it where the program uses names that are gone there."""
    newest: Version = target.tensorflow
    graph = False
    for note in notes:
        bound = note.get("newest")
        newest = min(newest, (bound[0], bound[1])) if bound is not None else newest
        graph = graph or bool(note.get("graph"))
    known = target.keras or keras_of(target.tensorflow)
    keras = known if newest == target.tensorflow else min(known, keras_of(newest))
    return Versions(newest, keras, graph or newest < (2, 0))


class _Follower:
    """Carries the state of the generators through the events of one program."""

    def __init__(self, facts: ProjectFacts, versions: Versions, notes: Iterable[Mapping[str, Any]]) -> None:
        self.facts = facts
        self.course = Course(versions)
        notes = list(notes)
        self.initialises = any(note.get("initialises") for note in notes)
        self.is_scoped = any(note.get("scoped") for note in notes)
        self.trains = any(note.get("trains") for note in notes)
        self.has_keras = any(note.get("keras") for note in notes)
        #: Generators, and graphs of TensorFlow, that have a seed.
        self.seeded: set[str] = set()
        self.mode = DEFAULT_GRAPH if versions.graph else EAGER
        self.graphs: list[_Graph] = []
        #: The call that began each graph.
        self.began: dict[str, Event] = {}
        self.position = 0
        #: Draws of variables' initialisers, by graph, until something initialises the variables.
        self.pending: dict[str, list[Draw]] = {}
        self.has_initialised = False

    def run(self, events: Iterable[Event]) -> Course:
        """Pass through all events."""
        for self.position, event in enumerate(events):
            self.graphs = [graph for graph in self.graphs if graph.holds(event)]
            payload = event.item.payload
            for draw in payload.get("draws", ()):
                self.draw(event, *draw)
            if "seeds" in payload:
                self.seed(event, payload["seeds"])
            elif "helper" in payload:
                self.help(event, payload["helper"])
            elif "graph" in payload:
                self.enter(event, payload)
            elif "mode" in payload:
                self.switch(event, payload["mode"])
            elif "initialises" in payload:
                self.initialise()
            elif payload.get("reset") and self.mode == DEFAULT_GRAPH:
                self.begin(DEFAULT_GRAPH, event)
        if not self.has_initialised and self.initialises:
            self.initialise()
        return self.course

    # -- TensorFlow's seed belongs to a graph ---------------------------------------------------------

    @property
    def key(self) -> str:
        """What TensorFlow's seed belongs to at this moment."""
        return self.graphs[-1].key if self.graphs else self.mode

    def begin(self, key: str, event: Event) -> None:
        self.seeded.discard(key)
        self.pending.pop(key, None)
        self.began[key] = event

    def initialise(self) -> None:
        """The variables made so far get their values now."""
        self.has_initialised = True
        for draw in (draw for draws in self.pending.values() for draw in draws):
            self.note(draw)
        self.pending.clear()

    def enter(self, event: Event, payload: Mapping[str, Any]) -> None:
        start, end = payload["body"]
        key = f"{event.path}:{payload['graph']}"
        if payload["fresh"] or key not in self.began:
            self.begin(key, event)
        self.graphs.append(_Graph(event.path, start, end, key))

    def switch(self, event: Event, mode: str) -> None:
        before, self.mode = self.mode, DEFAULT_GRAPH if mode == "graph" else EAGER
        if before != self.mode:
            self.begin(self.mode, event)

    # -- seeds and draws -----------------------------------------------------------------------------------

    def seed(self, event: Event, generators: Iterable[str]) -> None:
        self.course.seedings.append(Seeding(event, tuple(generators), self.position))
        self.seeded.update(self.key if generator == "tensorflow" else generator for generator in generators)

    def help(self, event: Event, name: str) -> None:
        """A helper that is not part of the project is believed to seed everything."""
        if self.facts.find_body(self.facts.files[event.path], name) is None:
            self.seed(event, GENERATORS)

    def draw(self, event: Event, source: str, edition: str, is_sure: bool, needs: str) -> None:
        if needs == "training" and not self.trains:
            return
        if not edition and source.startswith("keras") and not self.has_keras:
            return
        in_graph = self.key != EAGER
        versions = replace(self.course.versions, graph=in_graph)
        generator, why = load_draws().behind(source, edition, versions)
        key = self.key if generator == "tensorflow" else generator
        if key in self.seeded:
            return
        is_sure = is_sure and not (needs == "scope" and self.is_scoped)
        draw = Draw(generator, event, self.position, is_sure, why, self.began.get(key))
        if needs in ("variable", "scope") and in_graph:
            self.pending.setdefault(key, []).append(draw)
        else:
            self.note(draw)

    def note(self, draw: Draw) -> None:
        course = self.course
        if course.earliest is None or draw.position < course.earliest.position:
            course.earliest = draw
        known = course.draw_from(draw.generator)
        if known is None:
            course.unseeded.append(draw)
        elif (not draw.is_sure, draw.position) < (not known.is_sure, known.position):
            course.unseeded[course.unseeded.index(known)] = draw
