"""Ops that followed programs make in every round of a loop that runs a session (part of the TFG3xx rules)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from tfguard.rules.graph.flow_table import Table
from tfguard.rules.graph.following import Followed
from tfguard.rules.graph.runs import programs_with_sessions
from tfguard.rules.graph.scopes import leads_to
from tfguard.rules.graph.sessions import Run

from tfguard.analysis.flow.graph import Kind, Loop, Node
from tfguard.analysis.project import ProjectFacts

#: Loops of so few rounds do no harm.
_FEW = 10
_TENSORS = ("constant", "summary")


@dataclass(frozen=True, slots=True, eq=False)
class Growth:
    """A loop that runs a session, and the ops that each of its rounds adds to the session's graph."""

    loop: Loop
    run: Run
    nodes: tuple[Node, ...]


def growing_graphs(facts: ProjectFacts) -> Iterator[Growth]:
    """Every loop of every program in which a graph grows."""
    for followed in programs_with_sessions(facts):
        by_loop: dict[Loop, list[Node]] = {}
        for node in followed.machine.nodes:
            for loop in node.loops:
                by_loop.setdefault(loop, []).append(node)
        made: dict[tuple[Loop, int], list[Node]] = {}
        for run in followed.library.sessions.runs:
            loop = run.call.loops[-1] if run.call.loops else None
            if loop is not None and loop in by_loop and _is_outside(followed, run, loop):
                key = (loop, id(run.graph))
                if key not in made:
                    made[key] = list(_grown(followed, run.graph, loop, by_loop[loop]))
                before = (node for node in made[key] if node.number < run.call.position)
                nodes = tuple(node for node in before if leads_to(node.branches, run.call.branches))
                if nodes:
                    yield Growth(loop, run, nodes)


def _is_outside(followed: Followed, run: Run, loop: Loop) -> bool:
    """Are the session and its graph older than the loop, and are the rounds many?"""
    is_long = not loop.is_first and (loop.rounds is None or loop.rounds > _FEW)
    made_in = followed.library.sessions.loops.get(run.session) if run.session is not None else None
    return is_long and made_in is not None and run.graph is not None and loop not in made_in


def _grown(followed: Followed, graph: object, loop: Loop, nodes: list[Node]) -> Iterator[Node]:
    """What is made in each round of a loop; nothing where each round builds a model of its own."""
    here = [node for node in nodes if node.graph is graph]
    if any(node.kind is not Kind.OP for node in here):
        return
    times = Counter(node.place for node in here)
    for node in here:
        if adds_op(followed.library.table, node) and (loop.rounds is None or times[node.place] > 1):
            yield node


def adds_op(table: Table, node: Node) -> bool:
    """Does the call surely add to the graph?"""
    is_tensor = table.makers.get(node.api) in _TENSORS
    is_known = node.api in table.modes or node.api in table.adding or node.api.startswith(table.adding_roots)
    return is_tensor or is_known or node.api.endswith("Optimizer.minimize")
