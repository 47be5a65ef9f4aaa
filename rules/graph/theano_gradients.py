"""`theano.tensor.grad`, which raises for a variable that the cost does not depend on (part of the TFG3xx rules).

Measured on Theano with Python 2.7: what has no gradient (comparisons, `floor`, `argmax`) gives zeros and raises
nothing; only a variable to which nothing leads, or only through `disconnected_grad`, is disconnected.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tfguard.analysis.flow.containers import items_of
from tfguard.analysis.flow.graph import Answer, Backward, Mode
from tfguard.analysis.flow.machine import Call, Machine, unknown_of
from tfguard.analysis.flow.values import Const, NoGradient, Sequence, Tensor, Unknown, Value, alternatives, nodes_of

if TYPE_CHECKING:
    from tfguard.rules.graph.library import TensorLibrary

WALL = "theano.gradient.disconnected_grad"


def disconnect(library: TensorLibrary, machine: Machine, call: Call) -> Value:
    """`disconnected_grad(x)`."""
    inputs = [(value, Mode.BLOCKED) for value in call.arguments]
    return Tensor(machine.make(WALL, call.node, call.file, inputs=inputs))


def grad(library: TensorLibrary, machine: Machine, call: Call) -> Value:
    """`T.grad(cost, wrt)`."""
    cost, wrt = call.argument("cost", 0), call.argument("wrt", 1)
    if cost is None or wrt is None:
        return Unknown("an argument is not known", wild=True)
    targets = [wrt] if isinstance(wrt, Tensor) else items_of(wrt)
    if targets is None:
        return unknown_of("it is a gradient", cost, wrt)
    results, wild = nodes_of(cost)
    is_plain = not wild and all(isinstance(one, Tensor) for one in alternatives(cost)) and not call.is_repeated
    back = Backward(results) if is_plain and _raises(call) else None
    found = [_one(machine, call, cost, x, back) for x in targets]
    library.note_asked(call, cost, tuple(zip(targets, found, strict=True)), wrt)
    return found[0] if isinstance(wrt, Tensor) else Sequence("list", found, born=machine.conditional)


def _raises(call: Call) -> bool:
    """Are variables refused that have no part?"""
    mode = call.argument("disconnected_inputs", 3)
    others = [call.argument("consider_constant", 2), call.argument("known_grads", 5)]
    is_raising = mode is None or (isinstance(mode, Const) and mode.value == "raise")
    return is_raising and all(other is None for other in others)


def _one(machine: Machine, call: Call, cost: Value, x: Value, back: Backward | None) -> Value:
    if back is not None and isinstance(x, Tensor):
        found = back.to(x.node)
        if found.answer is Answer.NO and all(wall.api == WALL for wall in found.blocked):
            return NoGradient(x.node, call.node, found)
    inputs = [(cost, Mode.MAYBE), (x, Mode.MAYBE)]
    return Tensor(machine.make("gradient", call.node, call.file, inputs=inputs))


MAKERS = {"grad of Theano": grad, "disconnect": disconnect}
