"""Losses of the program's own that a Keras model is compiled with: what they are given (part of the TFG3xx rules)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tfguard.analysis.flow.calling import call_back, note_call
from tfguard.analysis.flow.graph import Mode
from tfguard.analysis.flow.machine import Call, Frame, Machine
from tfguard.analysis.flow.values import (
    Bound,
    External,
    Function,
    Instance,
    Names,
    Tensor,
    Unknown,
    Value,
    alternatives,
)

if TYPE_CHECKING:
    from tfguard.rules.graph.library import TensorLibrary

#: Methods of a Keras model that come before or bring about its being called.
_CALLING = ("keras.Model.compile", "keras.Model.fit")


def follow_call(library: TensorLibrary, machine: Machine, call: Call) -> None:
    """A model of the program is compiled or trained: Keras will call its `call`."""
    model = call.receiver
    if library.canonical(call.name) not in _CALLING or not isinstance(model, Instance):
        return
    if all(made is not model for made, _ in library.outputs):
        given: list[Value] = [Unknown("Keras gives it", wild=True)]
        result = call_back(machine, model, given, Frame(call.file, Names({})), call.node)
        library.outputs.append((model, result or Unknown("it has no `call`", wild=True)))
        follow_loss(machine, call, library.outputs[-1][1])


def compile_model(library: TensorLibrary, machine: Machine, call: Call) -> Value:
    """`model.compile(...)` of a Sequential or functional model."""
    model = call.receiver
    if isinstance(model, External) and _is_own(call.argument("loss", 1)):
        applied = Call(f"{model.name}.__call__", call.node, call.file, [], {}, receiver=model)
        note_call(machine, applied)
        node = machine.make(library.canonical(applied.name), call.node, call.file, inputs=[(model, Mode.MAYBE)])
        node.wild = True
        applied.result = Tensor(node)
        follow_loss(machine, call, applied.result)
    return Unknown("it is None")


def follow_loss(machine: Machine, call: Call, output: Value) -> None:
    """Follow a loss of the program's own with the output of the model."""
    loss = call.argument("loss", 1)
    if loss is not None and _is_own(loss):
        given: list[Value] = [Unknown("Keras gives the labels", wild=True), output]
        call_back(machine, loss, given, Frame(call.file, Names({})), call.node)


def _is_own(loss: Value | None) -> bool:
    return loss is not None and any(isinstance(one, (Function, Bound)) for one in alternatives(loss))
