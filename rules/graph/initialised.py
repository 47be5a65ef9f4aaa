"""Which variables of followed programs have a value when they are needed (part of the TFG3xx rules)."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field

from tfguard.rules.graph.following import Followed
from tfguard.rules.graph.runs import programs_with_sessions
from tfguard.rules.graph.sessions import Initialiser, Run, fed, is_caught

from tfguard.analysis.flow.graph import Kind, Node
from tfguard.analysis.flow.machine import Call, sure_nodes
from tfguard.analysis.flow.values import Const, External, Mapping, Sequence, Tensor, Value, alternatives, inside
from tfguard.analysis.project import ProjectFacts

_ERRORS = ("FailedPreconditionError", "OpError")
#: Calls that are given a session and initialise nothing in it.
_HARMLESS = frozenset({"save", "start_queue_runners", "run", "eval", "close", "global_step", "print", "as_default"})
#: They may run ops that are not known.
_HIDING = ("tensorflow.group", "tensorflow.py_func")
_ASSIGNS = ("assign", "assign_add", "assign_sub", "scatter_update")
#: Names of unknown functions after which anything may have been initialised in the default session.
_TELLING = ("init", "restore", "load", "setup")


@dataclass(frozen=True, slots=True, eq=False)
class Uninitialised:
    """A run that needs a variable which has no value yet."""

    followed: Followed
    run: Run
    variable: Node
    #: The initialisers that were run in the session before, with the runs.
    before: tuple[tuple[Initialiser, Run], ...]

    @property
    def is_local(self) -> bool:
        """Is it a local variable, which other initialisers leave alone?"""
        return self.variable in self.followed.library.local


@dataclass(slots=True, eq=False)
class _State:
    """What one session has of values."""

    done: set[Node] = field(default_factory=set)
    everything: bool = False
    initialisers: list[tuple[Initialiser, Run]] = field(default_factory=list)
    #: The variables that some fetches need with some feeds, asked for once.
    variables: dict[tuple[object, ...], dict[Node, None]] = field(default_factory=dict)


def uninitialised_variables(facts: ProjectFacts) -> Iterator[Uninitialised]:
    """Every run that needs a variable without a value, each variable once a session."""
    for followed in programs_with_sessions(facts):
        yield from _of_program(followed)


def _of_program(followed: Followed) -> Iterator[Uninitialised]:
    sessions = followed.library.sessions
    runs = {id(run.call): run for run in sessions.runs}
    states = {session: _State() for session in sessions.graphs}
    escaped = list(followed.machine.escaped)
    for number, call in enumerate(followed.machine.calls):
        while escaped and escaped[0][0] <= number:
            _, unknown, values = escaped.pop(0)
            _pass_on(states, values)
            _guess(states, ast.unparse(unknown.func))
        run = runs.get(id(call))
        if run is None:
            _note_call(followed, states, call)
        elif run.session in states and run.graph is not None:
            state = states[run.session]
            yield from _missing(followed, state, run)
            _initialise(followed, state, run)
        elif run.session is None:
            for state in states.values():
                _initialise(followed, state, run)


def _pass_on(states: dict[External, _State], values: tuple[Value, ...]) -> None:
    """Somebody unknown has these: whatever sessions they hold may be initialised."""
    for value in inside(*values):
        if isinstance(value, External) and value in states:
            states[value].everything = True


def _note_call(followed: Followed, states: dict[External, _State], call: Call) -> None:
    name = followed.library.canonical(call.name)
    last = name.rpartition(".")[2]
    if last in _HARMLESS or last in ("FileWriter", "SummaryWriter"):
        return
    given = [*call.arguments, *call.keywords.values()]
    _pass_on(states, tuple(given))
    if not name.startswith("tensorflow."):
        _guess(states, last)


def _guess(states: dict[External, _State], name: str) -> None:
    """A function that is not known may initialise what there is, by its name."""
    if any(word in name.lower() for word in _TELLING):
        for state in states.values():
            state.everything = True


def _missing(followed: Followed, state: _State, run: Run) -> Iterator[Uninitialised]:
    given, library = fed(run), followed.library
    fetched = list(sure_nodes(run.fetches))
    if given is None or state.everything or is_caught(run.call, _ERRORS):
        return
    computed = library.sessions.needs_of(fetched, given)
    key = (tuple(fetched), frozenset(given))
    if key not in state.variables:
        is_first = any(node in library.sessions.initialisers or _is_assigned(node) for node in computed)
        variables = [node for node in computed if node.kind is Kind.VARIABLE and not node.many]
        state.variables[key] = dict.fromkeys(() if is_first else variables)
    if state.done.issuperset(state.variables[key]):
        return
    for node in state.variables[key]:
        if node.graph is run.graph and node not in state.done and node not in library.elsewhere:
            state.done.add(node)
            yield Uninitialised(followed, run, node, tuple(state.initialisers))


def _initialise(followed: Followed, state: _State, run: Run) -> None:
    """What a run may have given a value."""
    if not _is_plain(run.fetches):
        state.everything = True
    for node in _reached(followed, run.fetches):
        initialiser = followed.library.sessions.initialisers.get(node)
        if initialiser is not None:
            state.initialisers.append((initialiser, run))
            state.done.update(initialiser.variables)
        elif _is_assigned(node):
            state.done.update(before for before, _ in node.inputs if before.kind is Kind.VARIABLE)
        elif node.wild:
            state.everything = True


def _is_assigned(node: Node) -> bool:
    return node.api.rpartition(".")[2] in _ASSIGNS


def _is_plain(value: Value) -> bool:
    """Is it known what is fetched?"""
    if isinstance(value, Sequence):
        return value.items is not None and all(_is_plain(item) for item in value.items)
    if isinstance(value, Mapping):
        return value.rest is None and all(_is_plain(item) for item in value.items.values())
    return all(isinstance(one, (Tensor, Const, Sequence, Mapping)) for one in alternatives(value))


def _reached(followed: Followed, fetches: Value) -> tuple[Node, ...]:
    """The initialisers and assignments, and what may hide some, that may be run when something is fetched."""
    sessions = followed.library.sessions
    waiting = [value.node for value in inside(fetches) if isinstance(value, Tensor)]
    key = tuple(waiting)
    if key not in sessions.reached:
        found: dict[Node, None] = dict.fromkeys(waiting)
        while waiting:
            node = waiting.pop()
            for before in (*node.needs, *(one for one, _ in node.inputs)):
                if before not in found:
                    found[before] = None
                    waiting.append(before)
        writes = [n for n in found if n in sessions.initialisers or _is_assigned(n) or n.api in _HIDING]
        sessions.reached[key] = tuple(writes)
    kept: tuple[Node, ...] = sessions.reached[key]
    return kept
