"""Training steps of a followed program, and what they need to be computed (part of the TFG3xx rules)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tfguard.rules.graph.variables import make_slots

from tfguard.analysis.flow.graph import Kind, Mode, Node, needed, passed
from tfguard.analysis.flow.machine import Call, Machine, sure_nodes
from tfguard.analysis.flow.values import Tensor, Value

if TYPE_CHECKING:
    from tfguard.rules.graph.flow_table import Table
    from tfguard.rules.graph.library import TensorLibrary


def apply_gradients(library: TensorLibrary, machine: Machine, call: Call) -> Value:
    """`optimizer.apply_gradients(...)`: needs the gradients that it is given."""
    made = _step(library, machine, call)
    for value in (*call.arguments, *call.keywords.values()):
        machine.require(made, value)
    return Tensor(made)


def minimize(library: TensorLibrary, machine: Machine, call: Call, loss: Value, targets: list[Value] | None) -> Value:
    """`optimizer.minimize(loss)`: needs what the gradients need; `targets` None: all variables are trained."""
    if targets is None:
        targets = [Tensor(node) for node in machine.nodes if node.kind is Kind.VARIABLE and node.trainable]
    needs = needs_of_gradient(library, loss, targets)
    made = _step(library, machine, call)
    made.needs.extend(needs)
    return Tensor(made)


def _step(library: TensorLibrary, machine: Machine, call: Call) -> Node:
    made = machine.make(library.canonical(call.name), call.node, call.file)
    for value in (*call.arguments, *call.keywords.values()):
        machine.connect(made, value, Mode.MAYBE)
    make_slots(library, machine, call, made)
    return made


def needs_of_gradient(library: TensorLibrary, ys: Value, targets: list[Value]) -> list[Node]:
    """What is surely computed to tell how the result changes with one of the targets.

    The gradient of a product or a square needs its factors, that of a sum does not need the terms.
    """
    wanted = {target.node for target in targets if isinstance(target, Tensor)}
    wanted |= library.hidden
    results = tuple(sure_nodes(ys))
    if library.curves is None or library.curves.results != results:
        library.curves = Curves(results, library.table)
    found: list[Node] = library.curves.needs(wanted)
    return found


class Curves:
    """The ops behind some results whose gradient needs what they were given, found once for all variables."""

    def __init__(self, results: tuple[Node, ...], table: Table) -> None:
        self.results = results
        self.nodes = [node for node in passed(results) if node.api in table.curved]
        self.users: dict[Node, list[Node]] = {}
        for node in needed(self.nodes):
            for before in node.needs:
                self.users.setdefault(before, []).append(node)

    def needs(self, wanted: set[Node]) -> list[Node]:
        """What the ops are given that are computed from one of the variables."""
        reached, waiting = set(wanted), list(wanted)
        while waiting:
            for node in self.users.get(waiting.pop(), ()):
                if node not in reached:
                    reached.add(node)
                    waiting.append(node)
        return list(dict.fromkeys(before for node in self.nodes if node in reached for before in node.needs))


def computes_all(table: Table, name: str) -> bool:
    """Does the result of a function of TensorFlow need all that it is given?"""
    is_lazy = name in table.lazy or name.startswith(table.lazy_roots) or name.endswith(".__call__")
    return name.startswith("tensorflow.") and not is_lazy


def needs_all(table: Table, node: Node) -> bool:
    """Does each of what an op gives need all that the op does? One of several results may not."""
    is_known = node.api in table.modes or node.api in table.whole
    return node.kind is not Kind.OP or is_known or "." not in node.api
