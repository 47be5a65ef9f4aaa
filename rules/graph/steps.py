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
    wanted = {target.node for target in targets if isinstance(target, Tensor)} | library.hidden
    starts = list(sure_nodes(ys))
    depends = set(wanted)
    found: dict[Node, None] = {}
    ways = passed(starts)
    for node in sorted(needed(starts), key=lambda node: node.number):
        if not depends.isdisjoint(node.needs):
            depends.add(node)
            if node in ways and node.api in library.table.curved:
                found.update(dict.fromkeys(node.needs))
    return list(found)


#: For so many variables what each gradient needs is told; a training step needs what the gradients together do.
_MOST_TARGETS = 50


def add_needs(library: TensorLibrary, ys: Value, pairs: list[tuple[Value, Value]]) -> None:
    """Tell what each gradient of a result needs to be computed."""
    for target, gradient in pairs if len(pairs) <= _MOST_TARGETS else ():
        if isinstance(gradient, Tensor):
            gradient.node.needs.extend(needs_of_gradient(library, ys, [target]))


def computes_all(table: Table, name: str) -> bool:
    """Does the result of a function of TensorFlow need all that it is given?"""
    is_lazy = name in table.lazy or name.startswith(table.lazy_roots) or name.endswith(".__call__")
    return name.startswith("tensorflow.") and not is_lazy


def needs_all(table: Table, node: Node) -> bool:
    """Does each of what an op gives need all that the op does? One of several results may not."""
    is_known = node.api in table.modes or node.api in table.whole
    return node.kind is not Kind.OP or is_known or "." not in node.api
