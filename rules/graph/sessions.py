"""Graphs and sessions of a followed program, and what is run in them (part of the TFG3xx rules)."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from tfguard.analysis.flow.graph import Loop, Node, needed
from tfguard.analysis.flow.machine import Call, Machine
from tfguard.analysis.flow.values import Const, External, Tensor, Unknown, Value, alternatives

_GRAPH, _AS_DEFAULT = "tensorflow.Graph", "as_default"
#: Where a session stands among the arguments of `eval` and `run` of tensors and ops.
_FEED, _SESSION = ("feed_dict", 0), ("session", 1)


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """One `session.run`, `tensor.eval` or `op.run`."""

    call: Call
    #: None: which session is not known.
    session: External | None
    #: The graph that the session runs; None: not known.
    graph: object
    fetches: Value
    feeds: Value | None
    #: The number of runs before it.
    number: int


@dataclass(frozen=True, slots=True, eq=False)
class Initialiser:
    """An op that gives variables their first values."""

    node: Node
    #: "global", "local"; "" for variables that were named.
    kind: str
    variables: tuple[Node, ...]


@dataclass(slots=True, eq=False)
class Sessions:
    """What a program has of graphs and sessions."""

    runs: list[Run] = field(default_factory=list)
    #: The graph of every session that was made.
    graphs: dict[External, object] = field(default_factory=dict)
    #: The loops in which each was made.
    loops: dict[External, tuple[Loop, ...]] = field(default_factory=dict)
    #: Graphs that were asked for by `get_default_graph`, and what they are.
    aliases: dict[External, object] = field(default_factory=dict)
    initialisers: dict[Node, Initialiser] = field(default_factory=dict)
    #: Default sessions, innermost last.
    defaults: list[External] = field(default_factory=list)
    #: What `with` has entered, with the default graph before it and whether it pushed a session.
    entered: list[tuple[Value, object, bool]] = field(default_factory=list)
    #: What was asked before: what is computed for these fetches with these feeds.
    computed: dict[tuple[object, ...], dict[Node, Node | None]] = field(default_factory=dict)
    #: What writes to variables among all that some fetches may run.
    reached: dict[tuple[Node, ...], tuple[Node, ...]] = field(default_factory=dict)
    #: The calls after which the default graph is another one (`reset_default_graph`).
    resets: list[Call] = field(default_factory=list)

    def needs_of(self, fetched: Iterable[Node], given: Iterable[Node] = ()) -> dict[Node, Node | None]:
        """What is surely computed when these are fetched, and these are fed."""
        nodes, fed_nodes = tuple(fetched), tuple(given)
        key = (nodes, frozenset(fed_nodes))
        if key not in self.computed:
            self.computed[key] = needed(nodes, fed_nodes)
        return self.computed[key]

    # -- graphs --------------------------------------------------------------------------------------

    def graph_of(self, value: Value | None) -> object:
        """The graph that a value is; None: not known."""
        if not isinstance(value, External) or value.made_by is None:
            return None
        return self.aliases.get(value, value)

    def default_graph(self, machine: Machine, call: Call) -> Value:
        """`tf.get_default_graph()`."""
        if machine.graph is None:
            return Unknown("the default graph is not known", wild=True)
        if isinstance(machine.graph, External):
            return machine.graph
        found = External(_GRAPH, call.node)
        self.aliases[found] = machine.graph
        return found

    def reset(self, machine: Machine, call: Call) -> Value:
        """`tf.reset_default_graph()`: what comes now is in a new graph."""
        self.resets.append(call)
        machine.graph = External(_GRAPH, call.node) if not machine.conditional else None
        return Const(None)

    def as_default(self, call: Call) -> Value:
        """`graph.as_default()`, `session.as_default()`."""
        found = External(call.name, call.node)
        if call.receiver is not None:
            found.attributes["of"] = call.receiver
        return found

    # -- sessions -------------------------------------------------------------------------------------

    def make(self, machine: Machine, call: Call, *, is_default: bool) -> Value:
        """`tf.Session(...)`, `tf.InteractiveSession(...)`."""
        found = External(call.name, call.node, tuple(call.arguments), dict(call.keywords))
        found.file, found.has_more = call.file, call.has_more
        given = call.argument("graph", 1)
        is_given = given is not None and not (isinstance(given, Const) and given.value is None)
        self.graphs[found] = self.graph_of(given) if is_given else machine.graph
        self.loops[found] = call.loops
        if is_default:
            self.defaults.append(found)
            machine.graph = self.graphs[found]
        return found

    def graph_attribute(self, session: External) -> Value | None:
        """`session.graph`."""
        graph = self.graphs.get(session)
        if graph is None or isinstance(graph, External):
            return graph if graph is not None else Unknown("it is some graph", wild=True)
        found = External(_GRAPH, session.made_by)
        self.aliases[found] = graph
        return found

    def enter(self, machine: Machine, context: Value) -> Value | None:
        """A `with` on a graph or a session has begun; what it binds."""
        of = context.attributes.get("of") if isinstance(context, External) else None
        is_default = isinstance(context, External) and context.name.endswith(f".{_AS_DEFAULT}")
        entered = of if is_default else context
        before = machine.graph
        if isinstance(entered, External) and entered in self.graphs:
            self.defaults.append(entered)
            self.entered.append((context, before, True))
            machine.graph = before if is_default else self.graphs[entered]
            return entered
        if is_default:
            self.entered.append((context, before, False))
            machine.graph = self.graph_of(of)
            return of
        if isinstance(context, Unknown) and context.wild:
            self.entered.append((context, before, False))
            machine.graph = None
        return None

    def leave(self, machine: Machine, context: Value) -> None:
        """The `with` has ended."""
        if self.entered and self.entered[-1][0] is context:
            _, machine.graph, has_session = self.entered.pop()
            if has_session:
                self.defaults.pop()

    # -- runs -----------------------------------------------------------------------------------------

    def run(self, call: Call) -> Value:
        """`session.run(fetches, feed_dict)`."""
        fetches = call.argument("fetches", 0) or Unknown("nothing is fetched", wild=True)
        session = call.receiver if isinstance(call.receiver, External) else None
        return self._add(call, session, fetches, call.argument("feed_dict", 1))

    def run_of_tensor(self, call: Call, receiver: Value) -> Value:
        """`tensor.eval(feed_dict, session)`, `op.run(feed_dict, session)`; not of a session that a function gave."""
        if isinstance(receiver, Tensor) and receiver.node.api.lower().endswith("session"):
            return Unknown("it is a run of a session that is not followed")
        given = call.argument(*_SESSION)
        session = given if given is not None else (self.defaults[-1] if self.defaults else None)
        return self._add(call, session if isinstance(session, External) else None, receiver, call.argument(*_FEED))

    def _add(self, call: Call, session: External | None, fetches: Value, feeds: Value | None) -> Value:
        graph = self.graphs.get(session) if session is not None else None
        self.runs.append(Run(call, session, graph, fetches, feeds, len(self.runs)))
        return Unknown("it is computed", ())


def is_caught(call: Call, errors: tuple[str, ...]) -> bool:
    """Does the call stand in a `try` that catches one of these errors?"""
    wanted = {"Exception", "BaseException", "", *errors}
    return any(name in wanted for place in call.tries for handler in place.handlers for name in _caught(handler))


def _caught(handler: ast.ExceptHandler) -> list[str]:
    if handler.type is None:
        return [""]
    parts = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return [ast.unparse(part).rpartition(".")[2] for part in parts]


def fed(run: Run) -> tuple[Node, ...] | None:
    """The nodes that a run feeds; None: not known."""
    found: dict[Node, None] = {}
    for feeds in alternatives(run.feeds) if run.feeds is not None else ():
        if isinstance(feeds, Const) and feeds.value is None:
            continue
        items = getattr(feeds, "items", None)
        if not isinstance(items, Mapping) or getattr(feeds, "rest", None) is not None:
            return None
        if not all(isinstance(key, Node) for key in items):
            return None
        found.update(dict.fromkeys(key for key in items if isinstance(key, Node)))
    return tuple(found)
