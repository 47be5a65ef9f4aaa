"""Runs and ops of followed programs that mix tensors of different graphs (part of the TFG3xx rules)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tfguard.rules.graph.following import Followed
from tfguard.rules.graph.growing import adds_op
from tfguard.rules.graph.runs import programs_with_sessions
from tfguard.rules.graph.sessions import Run, fed, is_caught

from tfguard.analysis.flow.graph import Kind, Node
from tfguard.analysis.flow.machine import sure_nodes
from tfguard.analysis.project import ProjectFacts

_ERRORS = ("ValueError", "RuntimeError", "TypeError")


@dataclass(frozen=True, slots=True, eq=False)
class Foreign:
    """A tensor of another graph: fetched or fed in a run, or given to an op."""

    followed: Followed
    node: Node
    run: Run | None
    is_fed: bool = False
    #: The op that is given it, and the one whose graph the op is in.
    op: Node | None = None
    other: Node | None = None


def foreign_tensors(facts: ProjectFacts) -> Iterator[Foreign]:
    """What is used with a graph that it is not part of, in all programs of the project."""
    for followed in programs_with_sessions(facts):
        graphs = Graphs(followed)
        for node in followed.machine.nodes:
            pair = graphs.mixed(node)
            if pair is not None:
                yield Foreign(followed, pair[1], None, op=node, other=pair[0])
        for run in followed.library.sessions.runs:
            if run.graph is not None and not is_caught(run.call, _ERRORS):
                yield from _of_run(followed, graphs, run)


def _of_run(followed: Followed, graphs: Graphs, run: Run) -> Iterator[Foreign]:
    for node in sure_nodes(run.fetches):
        if graphs.of(node) not in (None, run.graph):
            yield Foreign(followed, node, run)
    for node in fed(run) or ():
        if graphs.of(node) not in (None, run.graph):
            yield Foreign(followed, node, run, is_fed=True)


class Graphs:
    """The graph of each node: an op is in that of its inputs, whatever the default graph is."""

    def __init__(self, followed: Followed) -> None:
        self.followed = followed
        self._known: dict[Node, object] = {}
        for node in followed.machine.nodes:
            self._known[node] = self._settle(node)

    def of(self, node: Node) -> object:
        """The graph of a node; None: not known."""
        return self._known.get(node, node.graph)

    def mixed(self, node: Node) -> tuple[Node, Node] | None:
        """Two inputs of an op that are surely of different graphs."""
        if node.kind is not Kind.OP or not adds_op(self.followed.library.table, node):
            return None
        first: Node | None = None
        for one in node.needs:
            graph = self.of(one)
            if graph is not None and first is not None and self.of(first) is not graph:
                return first, one
            first = one if graph is not None and first is None else first
        return None

    def _settle(self, node: Node) -> object:
        is_initialiser = node in self.followed.library.sessions.initialisers
        if node.kind is not Kind.OP or is_initialiser or not node.needs:
            return node.graph
        graphs = {id(graph): graph for graph in map(self.of, node.needs)}
        found = next(iter(graphs.values()))
        is_certain = found is node.graph or adds_op(self.followed.library.table, node)
        return found if len(graphs) == 1 and is_certain else None
