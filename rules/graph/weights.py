"""Layers and models of Keras as functions with weights: one node stands for all that a layer trains (TFG3xx rules)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tfguard.analysis.flow.graph import Kind, Node
from tfguard.analysis.flow.machine import Call, Machine
from tfguard.analysis.flow.values import (
    Class,
    Const,
    External,
    Instance,
    Sequence,
    Tensor,
    Union,
    Unknown,
    Value,
    inside,
    nodes_of,
)

if TYPE_CHECKING:
    from tfguard.rules.graph.library import TensorLibrary

#: What a layer or model trains.
LISTS = ("trainable_variables", "trainable_weights")
_LAYERS = "keras.layers."
_MODEL, _SEQUENTIAL = "keras.Model", "keras.Sequential"
_OTHER = Unknown("it may be another variable", wild=True)


def note_made(library: TensorLibrary, machine: Machine, call: Call, made: External) -> None:
    """A layer or model of Keras is made: its lists of weights become known, where they are."""
    name = library.canonical(call.name)
    if name.startswith(_LAYERS):
        _note_layer(library, machine, call, made, name.rpartition(".")[2])
    elif name == _SEQUENTIAL and not call.has_more:
        _keep(made, weights_in(library, *call.arguments, *call.keywords.values()))
    elif name == _MODEL and not call.has_more:
        outputs = call.argument("outputs", 1)
        if outputs is not None:
            _keep(made, _weights_behind(outputs))


def _note_layer(library: TensorLibrary, machine: Machine, call: Call, made: External, kind: str) -> None:
    if kind in library.table.weighted and "trainable" not in call.keywords and not call.has_more:
        node = machine.make(f"{_LAYERS}{kind}", call.node, call.file, kind=Kind.VARIABLE)
        node.label = f"{kind} layer"
        library.has_hidden = True
        library.hidden.add(node)
        _keep(made, ([node], False))
    elif kind in library.table.weightless:
        _keep(made, ([], False))


def _keep(made: External, found: tuple[list[Node], bool]) -> None:
    nodes, is_open = found
    values: list[Value] = [Tensor(node) for node in nodes]
    values += [_OTHER] if is_open else []
    if values:
        made.attributes.update({name: Sequence("list", None, Union(tuple(values))) for name in LISTS})
    else:
        made.attributes.update({name: Sequence("list", []) for name in LISTS})


def add_layer(library: TensorLibrary, machine: Machine, call: Call) -> Value:
    """`model.add(layer)`."""
    model = call.receiver
    if isinstance(model, External) and call.arguments:
        before = model.attributes.get(LISTS[0])
        nodes, is_open = weights_in(library, *call.arguments, *([before] if before is not None else ()))
        _keep(model, (nodes, is_open or before is None or machine.conditional > model.born))
    return Const(None)


def weights_in(library: TensorLibrary, *values: Value) -> tuple[list[Node], bool]:
    """The weights of everything that the values hold, and whether there may be more."""
    found: dict[Node, None] = {}
    is_open = False
    for value in inside(*values):
        if isinstance(value, Tensor) and value.node.kind is Kind.VARIABLE and value.node.trainable:
            found[value.node] = None
        elif isinstance(value, Unknown):
            is_open = is_open or value.wild
        elif isinstance(value, Instance):
            is_open = is_open or _builds_later(value.cls)
        elif isinstance(value, External) and value.made_by is not None:
            name = library.canonical(value.name)
            is_layer = name.startswith((_LAYERS, _MODEL, _SEQUENTIAL, "tensorflow.layers."))
            is_changed = "trainable" in value.attributes or (is_layer and LISTS[0] not in value.attributes)
            is_open = is_open or is_changed
    return list(found), is_open


def _builds_later(cls: Class) -> bool:
    """Does an object of the class make its weights when it is first called?"""
    waiting: list[Value] = [cls]
    while waiting:
        here = waiting.pop()
        if isinstance(here, Class):
            if "build" in here.names or LISTS[0] in here.names:
                return True
            waiting += here.bases
    return False


def _weights_behind(outputs: Value) -> tuple[list[Node], bool]:
    """The weights of the layers that lead to the outputs of a functional model."""
    nodes, is_open = nodes_of(outputs)
    found: dict[Node, None] = dict.fromkeys(nodes)
    waiting = list(nodes)
    while waiting:
        here = waiting.pop()
        is_open = is_open or here.wild
        for node, _ in here.inputs:
            if node not in found:
                found[node] = None
                waiting.append(node)
    return [node for node in found if node.kind is Kind.VARIABLE], is_open


def of_instance(library: TensorLibrary, owner: Instance, name: str) -> Value | None:
    """`model.trainable_variables` of an object of the program; None: not known."""
    if name not in LISTS:
        return None
    nodes, is_open = weights_in(library, owner)
    if not nodes or is_open:
        return None
    return Sequence("list", None, Union(tuple(Tensor(node) for node in nodes)))
