"""Follows a program through its draws and seeds, to what it draws without a seed (part of the TFG10x rules)."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from tfguard.rules.reproducibility.draws import GENERATORS, Versions, load_draws

from tfguard.analysis.calls import CallSite
from tfguard.analysis.parameters import Parameter, call_without
from tfguard.analysis.project import Event, Program, ProjectFacts
from tfguard.table_files import Version
from tfguard.targets import Target, keras_of

#: The two default graphs that TensorFlow's seed may belong to, when no `with` has entered another.
EAGER, DEFAULT_GRAPH = "eager", "default graph"
#: The graphs that Estimators build.
ESTIMATOR = "estimator"


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
    #: The graph whose variables it gives their first values, "" for every other draw.
    initialises: str = ""
    #: What the seed of its generator belongs to: for TensorFlow's the graph, else the generator itself.
    key: str = ""
    #: A condition decides whether the program comes there.
    is_optional: bool = False


@dataclass(frozen=True, slots=True)
class Seeding:
    """A call that seeds generators, and its position in the order of events."""

    event: Event
    generators: tuple[str, ...]
    position: int
    #: What TensorFlow's seed belonged to at that moment.
    key: str = ""

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


class Cause(enum.Enum):
    """Why a seed has no effect on a draw from the very generator that it seeds."""

    AFTER = "it comes after the draw"
    THROWN_AWAY = "a graph that begins later throws it away"
    OTHER_GRAPH = "it belongs to another graph"


@dataclass(frozen=True, slots=True)
class Loss:
    """A seed that is without effect on a draw."""

    seeding: Seeding
    draw: Draw
    cause: Cause


@dataclass(frozen=True, slots=True)
class Unset:
    """A call that leaves a seed at None, and the parameter that wants one."""

    call: CallSite
    parameter: Parameter
    event: Event
    generators: tuple[str, ...]
    position: int


@dataclass
class Course:
    """What a program does with its generators, in order."""

    versions: Versions
    #: Everything that is drawn without a seed, in order.
    draws: list[Draw] = field(default_factory=list)
    seedings: list[Seeding] = field(default_factory=list)
    #: Seeds that are None because a call gives none.
    unset: list[Unset] = field(default_factory=list)
    #: The draw that ends the program, because op determinism is on.
    raising: Draw | None = None

    @cached_property
    def unseeded(self) -> tuple[Draw, ...]:
        """The first unseeded draw from each generator, a sure one where there is one, in order.

        One that no condition decides goes before one that stands behind an `if`.
        """
        first: dict[str, Draw] = {}
        for draw in sorted(self.draws, key=lambda draw: (not draw.is_sure, draw.is_optional, draw.position)):
            first.setdefault(draw.generator, draw)
        return tuple(sorted(first.values(), key=lambda draw: draw.position))

    @cached_property
    def earliest(self) -> Draw | None:
        """The first unseeded draw of all, sure or not."""
        return min(self.draws, key=lambda draw: draw.position, default=None)

    @property
    def position(self) -> int:
        """The position of the first unseeded draw in the order of events."""
        return self.earliest.position if self.earliest is not None else 0

    @property
    def sure(self) -> tuple[Draw, ...]:
        """What the program surely draws from generators without a seed; what conditions decide, where that is all."""
        sure = tuple(draw for draw in self.unseeded if draw.is_sure)
        return tuple(draw for draw in sure if not draw.is_optional) or sure

    @property
    def missing(self) -> tuple[str, ...]:
        """The generators that want a seed, in the order in which they are seeded and named."""
        found = {draw.generator for draw in self.unseeded}
        return tuple(generator for generator in GENERATORS if generator in found)

    @cached_property
    def losses(self) -> tuple[Loss, ...]:
        """The seeds that are without effect on what is surely drawn, those of the first draw first."""
        found = [
            Loss(seeding, draw, _cause_of(seeding, draw))
            for draw in self.sure
            for seeding in self.seedings
            if draw.generator in seeding.generators
        ]
        return tuple(sorted(found, key=lambda loss: loss.cause is Cause.AFTER))

    def draw_from(self, generator: str) -> Draw | None:
        """The unseeded draw from a generator."""
        return next((draw for draw in self.unseeded if draw.generator == generator), None)


def _cause_of(seeding: Seeding, draw: Draw) -> Cause:
    """Why a seed has no effect on a draw."""
    if seeding.position > draw.position or draw.generator != "tensorflow":
        return Cause.AFTER
    return Cause.THROWN_AWAY if seeding.key == draw.key else Cause.OTHER_GRAPH


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
        #: What the files of the program say of themselves.
        self.noted = {key for note in notes for key, value in note.items() if value}
        #: Generators, and graphs of TensorFlow, that have a seed.
        self.seeded: set[str] = set()
        self.mode = DEFAULT_GRAPH if versions.graph else EAGER
        self.graphs: list[_Graph] = []
        self.estimators: list[_Graph] = []
        self.is_estimating = False
        #: The call that began each graph.
        self.began: dict[str, Event] = {}
        self.position = 0
        #: First values until something initialises the variables; initialisers until something makes a variable.
        self.pending: list[Draw] = []
        self.made: list[Draw] = []
        self.has_initialised = False
        #: Does every graph that begins have a seed from now on?
        self.seeds_every_graph = False

    def run(self, events: Iterable[Event]) -> Course:
        """Pass through all events."""
        events = list(events)
        self.find_estimators(events)
        for self.position, event in enumerate(events):
            self.graphs = [graph for graph in self.graphs if graph.holds(event)]
            self.is_estimating = any(graph.holds(event) for graph in self.estimators)
            payload = event.item.payload
            for draw in payload.get("draws", ()):
                self.draw(event, *draw)
            if "seeds" in payload:
                self.seed(event, payload["seeds"])
            elif "helper" in payload:
                self.help(event, payload["helper"])
            elif "does" in payload:
                self.do(event, payload["does"], payload)
        if not self.has_initialised and "initialises" in self.noted:
            self.initialise()
        return self.course

    def do(self, event: Event, what: str, payload: Mapping[str, Any]) -> None:
        """What a call does to graphs and variables."""
        if what == "enter":
            self.enter(event, payload)
        elif what in ("graph", "eager"):
            self.switch(event, DEFAULT_GRAPH if what == "graph" else EAGER)
        elif what == "reset" and self.mode == DEFAULT_GRAPH:
            self.begin(DEFAULT_GRAPH, event)
        elif what == "reseed" and self.course.versions.tensorflow >= tuple(payload["since"]):
            self.seeded.update(["numpy"] if self.key in self.seeded else [])
        elif what == "initialise":
            self.initialise()
        elif what == "save":
            self.noted.add("partial")
        elif what == "restore" and not is_on_branch(event):
            self.restore()

    # -- TensorFlow's seed belongs to a graph ---------------------------------------------------------

    @property
    def key(self) -> str:
        """What TensorFlow's seed belongs to at this moment."""
        if self.graphs:
            return self.graphs[-1].key
        return ESTIMATOR if self.is_estimating else self.mode

    def find_estimators(self, events: Iterable[Event]) -> None:
        """The calls whose functions build in the graph of an Estimator, and the first that surely has no seed."""
        found = [event for event in events if event.item.payload.get("does") == "estimator"]
        made = [event for event in found if "unseeded" in event.item.payload]
        if not made:
            return
        for event in found:
            start, end = event.item.payload["body"]
            self.estimators.append(_Graph(event.path, start, end, ESTIMATOR))
        unseeded = [event for event in made if event.item.payload["unseeded"]]
        if unseeded:
            self.began[ESTIMATOR] = unseeded[0]
        else:
            self.seeded.add(ESTIMATOR)

    def begin(self, key: str, event: Event, *, keeps_seed: bool = False) -> None:
        if self.seeds_every_graph:
            self.seeded.add(key)
        elif not keeps_seed:
            self.seeded.discard(key)
        self.pending = [draw for draw in self.pending if draw.initialises != key]
        self.began[key] = event

    def enter(self, event: Event, payload: Mapping[str, Any]) -> None:
        start, end = payload["body"]
        key = f"{event.path}:{payload['graph']}"
        if payload["fresh"] or key not in self.began:
            self.begin(key, event, keeps_seed=not payload["fresh"])
        self.graphs.append(_Graph(event.path, start, end, key))

    def switch(self, event: Event, mode: str) -> None:
        if self.mode != mode:
            self.mode = mode
            self.begin(mode, event)

    # -- variables -------------------------------------------------------------------------------------

    def initialise(self) -> None:
        """The variables made so far get their values now."""
        self.use_made()
        self.has_initialised = True
        self.course.draws.extend(self.pending)
        self.pending.clear()

    def use_made(self, event: Event | None = None) -> None:
        """The initialisers made so far are used, by a call that makes a variable."""
        for draw in self.made:
            if self.key not in self.seeded:
                place = draw.event if event is None else event
                began = self.began.get(self.key)
                draw = replace(draw, event=place, position=self.position, began=began, key=self.key)
                draw = replace(draw, is_optional=place.is_optional)
                if self.key == ESTIMATOR:
                    self.course.draws.append(draw)
                else:
                    self.pending.append(replace(draw, initialises=self.key))
        self.made.clear()

    def restore(self) -> None:
        """All variables are overwritten from a file, unless only some are or the program itself saved it."""
        if "partial" not in self.noted:
            self.pending.clear()
            self.course.draws = [draw for draw in self.course.draws if not draw.initialises]

    # -- seeds and draws -----------------------------------------------------------------------------------

    def seed(self, event: Event, generators: Iterable[str]) -> None:
        if "parameter" in event.item.payload:
            name, place = event.item.payload["parameter"]
            without = call_without(self.facts, event, Parameter(name, place, is_none=True))
            if without is not None:
                self.leave_unset(Unset(*without, event, tuple(generators), self.position))
                return
        graph = event.item.payload.get("graph")
        self.seeds_every_graph = self.seeds_every_graph or "every_graph" in event.item.payload
        key = self.key if graph is None else f"{event.path}:{graph}"
        self.course.seedings.append(Seeding(event, tuple(generators), self.position, key))
        self.seeded.update(key if generator == "tensorflow" else generator for generator in generators)

    def leave_unset(self, unset: Unset) -> None:
        """Seeding with None is no seed; where no condition keeps it from happening it undoes an earlier one."""
        self.course.unset.append(unset)
        if not unset.event.item.branch:
            self.seeded.difference_update(self.key if g == "tensorflow" else g for g in unset.generators)

    def help(self, event: Event, names: Iterable[str]) -> None:
        """A helper that is not part of the project is believed to seed everything."""
        if all(self.facts.find_body(self.facts.files[event.path], name) is None for name in names):
            self.seed(event, GENERATORS)

    def draw(self, event: Event, source: str, edition: str, is_sure: bool, needs: str) -> None:
        if needs == "training" and "trains" not in self.noted:
            return
        if not edition and source.startswith("keras") and "keras" not in self.noted:
            return
        in_graph = self.key != EAGER
        versions = replace(self.course.versions, graph=in_graph)
        generator, why = load_draws().behind(source, edition, versions)
        key = self.key if generator == "tensorflow" else generator
        is_variable = needs in ("variable", "scope")
        if is_variable:
            self.use_made(event)
        is_sure = is_sure and not (needs == "scope" and "scoped" in self.noted)
        began, is_optional = self.began.get(key), event.is_optional
        draw = Draw(generator, event, self.position, is_sure, why, began, key=key, is_optional=is_optional)
        if needs == "initializer" and in_graph:
            self.made.append(draw)
        elif key not in self.seeded and is_variable and in_graph and key != ESTIMATOR:
            self.pending.append(replace(draw, initialises=key))
        elif key not in self.seeded:
            self.course.draws.append(draw)


def is_on_branch(event: Event) -> bool:
    """Does something on the way depend on a condition, other than the main guard of the entry file?"""
    first, *rest = event.trail
    return len(first.branch) > 1 or any(item.branch for item in rest)
