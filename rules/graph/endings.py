"""What a value or a Keras model ends in: softmax, sigmoid, or neither (part of the TFG3xx rules)."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from tfguard.rules.graph.following import Followed

from tfguard.analysis.file_model import FileModel
from tfguard.analysis.flow.graph import Kind, Mode, Node
from tfguard.analysis.flow.machine import Call
from tfguard.analysis.flow.values import Const, External, Instance, Sequence, Tensor, Value, alternatives
from tfguard.errors import TableError
from tfguard.tables import load_toml

SOFTMAX, SIGMOID, LINEAR = "softmax", "sigmoid", "linear"
_DEEPEST = 30
#: A layer with more positional arguments than this may be given its activation among them.
_PLAIN_ARGUMENTS = 5
#: Activations of Keras that keep what they were given, so that a loss may find it.
_KEEPING = "keras.activations."


@dataclass(frozen=True, slots=True)
class Table:
    """losses.toml."""

    logits: Mapping[str, Mapping[str, Any]]
    keras: Mapping[str, Mapping[str, str]]
    activations: Mapping[str, str]
    same: frozenset[str]
    linear: frozenset[str]
    functions: Mapping[str, Mapping[str, int | str]]
    layers: Mapping[str, frozenset[str]]
    looks_through: Mapping[str, str]


@lru_cache(maxsize=1)
def load_losses() -> Table:
    """Read the table once a process."""
    data = load_toml("losses.toml")
    try:
        names = {name: kind for kind in (SOFTMAX, SIGMOID) for name in data["activations"][kind]}
        return Table(
            logits=data["logits"],
            keras=data["keras"],
            activations=names,
            same=frozenset(data["activations"]["same"]),
            linear=frozenset(data["activations"]["linear"]),
            functions=data["functions"],
            layers={kind: frozenset(found) for kind, found in data["layers"].items()},
            looks_through=data["looks_through"],
        )
    except (KeyError, TypeError, ValueError) as error:
        raise TableError(f"losses.toml: {error}") from error


@dataclass(frozen=True, slots=True, eq=False)
class Ending:
    """What was applied last, and where that is written."""

    kind: str
    file: FileModel
    place: ast.AST
    #: "keras": an activation of Keras itself; "layer": the layer `Softmax`; "function": a function of TensorFlow.
    by: str = "function"
    #: The values are in another shape since.
    is_changed: bool = False
    #: What it was applied to, where it is a call of its own.
    call: Call | None = None

    @property
    def changed(self) -> Ending:
        """The same, seen through a layer or op that keeps the values."""
        return Ending(self.kind, self.file, self.place, self.by, True, self.call)


class Endings:
    """Answers for one followed program."""

    def __init__(self, followed: Followed) -> None:
        self.table = load_losses()
        self.canonical = followed.library.canonical
        self.outputs = followed.library.outputs
        calls = followed.machine.calls
        self._calls = {id(call.result.node): call for call in calls if isinstance(call.result, Tensor)}
        self._on: dict[int, list[Call]] = {}
        for call in calls:
            if isinstance(call.receiver, External):
                self._on.setdefault(id(call.receiver), []).append(call)

    def of(self, value: Value | None, depth: int = 0) -> Ending | None:
        """What a value ends in, when all that it may be ends in the same; None when that is not known."""
        if value is None or depth > _DEEPEST:
            return None
        found = [self._of_node(one.node, depth) if isinstance(one, Tensor) else None for one in alternatives(value)]
        return _agreed(found)

    def _of_node(self, node: Node, depth: int) -> Ending | None:
        api = node.api
        if api in self.table.activations:
            by = "keras" if api.startswith(_KEEPING) else "function"
            return Ending(self.table.activations[api], node.file, node.place, by, call=self._calls.get(id(node)))
        call = self._calls.get(id(node))
        if api in self.table.same or api == "[]":
            return self._through(node, call, depth)
        if api in self.table.functions and call is not None:
            row = self.table.functions[api]
            given = call.argument(str(row["keyword"]), int(row["position"]))
            if given is None:
                return None if call.has_more else Ending(str(row["default"]), node.file, node.place)
            return self._activation(given, call)
        if api.endswith(".__call__") and call is not None and isinstance(call.receiver, External):
            return self._of_applied(call.receiver, call, depth)
        return self._of_sum(node, depth)

    def _through(self, node: Node, call: Call | None, depth: int) -> Ending | None:
        """An op that gives the values of its input."""
        inputs = [before for before, mode in node.inputs if mode is not Mode.BLOCKED]
        before: Value | None = Tensor(inputs[0]) if len(inputs) == 1 and not node.wild else None
        if call is not None:
            before = call.arguments[0] if call.arguments else next(iter(call.keywords.values()), None)
        found = self.of(before, depth + 1)
        return found.changed if found is not None else None

    def _of_sum(self, node: Node, depth: int) -> Ending | None:
        """A product of matrices, with or without a variable added."""
        if node.api in self.table.linear:
            return Ending(LINEAR, node.file, node.place)
        if node.api not in ("+", "tensorflow.add", "tensorflow.nn.bias_add") or node.wild or len(node.inputs) != 2:
            return None
        first, second = (before for before, _ in node.inputs)
        if first.kind is Kind.VARIABLE:
            first, second = second, first
        if second.kind is not Kind.VARIABLE:
            return None
        found = self._of_node(first, depth + 1)
        return Ending(LINEAR, node.file, node.place) if found is not None and found.kind == LINEAR else None

    # -- layers and models --------------------------------------------------------------------------------------

    def _of_applied(self, layer: External, call: Call, depth: int) -> Ending | None:
        """What a layer or model of Keras gives that is called."""
        if self.canonical(layer.name) in ("keras.Sequential", "keras.Model"):
            return self.of_model(layer, depth + 1)
        return self.of_layer(layer, call.arguments[0] if call.arguments else None, depth + 1)

    def of_layer(self, layer: Value, before: Value | Ending | None, depth: int = 0) -> Ending | None:
        """What a layer gives; `before` is what goes in, or what that ends in."""
        if not isinstance(layer, External) or layer.made_by is None or depth > _DEEPEST:
            return self.of_model(layer, depth + 1) if isinstance(layer, Instance) else None
        name = self.canonical(layer.name)
        root, last = name.rpartition(".")[0], name.rpartition(".")[2]
        if name in ("keras.Sequential", "keras.Model"):
            return self.of_model(layer, depth + 1)
        if root not in ("keras.layers", "tensorflow.layers") and not root.startswith("keras.layers."):
            return None
        made = made_call(layer)
        if last in self.table.layers["same"]:
            found = before if isinstance(before, Ending) or before is None else self.of(before, depth + 1)
            return found.changed if found is not None else None
        if last in self.table.layers["around"]:
            return self.of_layer(layer.arguments[0], None, depth + 1) if layer.arguments else None
        if last == "Softmax":
            return Ending(SOFTMAX, made.file, made.node, "layer")
        if last == "Activation":
            return self._activation(made.argument("activation", 0), made)
        if last in self.table.layers["linear"]:
            return self._of_weights(made, last)
        return None

    def _of_weights(self, made: Call, last: str) -> Ending | None:
        """A layer with weights and an `activation`."""
        given = made.argument("activation", 1 if last == "Dense" else None)
        if given is not None:
            return self._activation(given, made)
        return Ending(LINEAR, made.file, made.node) if len(made.arguments) <= _PLAIN_ARGUMENTS else None

    def of_model(self, model: Value | None, depth: int = 0) -> Ending | None:
        """What a model of Keras ends in."""
        if model is None or depth > _DEEPEST:
            return None
        return _agreed([self._of_model(one, depth) for one in alternatives(model)])

    def _of_model(self, model: Value, depth: int) -> Ending | None:
        if isinstance(model, Instance):
            output = next((value for made, value in self.outputs if made is model), None)
            return self.of(output, depth + 1)
        name = self.canonical(model.name) if isinstance(model, External) and model.made_by is not None else ""
        if not isinstance(model, External) or name not in ("keras.Sequential", "keras.Model"):
            return None
        if name == "keras.Sequential":
            return self._of_layers(model, depth)
        given = [model.keywords[key] for key in ("outputs", "output") if key in model.keywords]
        outputs = given[0] if given else model.arguments[1] if len(model.arguments) > 1 else None
        if isinstance(outputs, Sequence) and outputs.items is not None and len(outputs.items) == 1:
            outputs = outputs.items[0]
        return self.of(outputs, depth + 1)

    def _of_layers(self, model: External, depth: int) -> Ending | None:
        """The last layers of a Sequential model, through those that leave the values as they are."""
        listed = model.arguments[0] if model.arguments else model.keywords.get("layers")
        layers: list[Value] = []
        if isinstance(listed, Sequence):
            if listed.items is None:
                return None
            layers += listed.items
        elif listed is not None and not (isinstance(listed, Const) and listed.value is None):
            return None
        is_sure = True
        for call in self._on.get(id(model), ()):
            method = call.name.rpartition(".")[2]
            if method == "pop":
                return None
            if method == "add" and call.arguments:
                layers.append(call.arguments[0])
                is_sure = not call.is_conditional
        return self._last_of(layers, depth) if is_sure else None

    def _last_of(self, layers: list[Value], depth: int) -> Ending | None:
        before: Ending | None = None
        for layer in layers:
            before = _agreed([self.of_layer(one, before, depth + 1) for one in alternatives(layer)])
        return before

    def _activation(self, given: Value | None, call: Call) -> Ending | None:
        """What an `activation` argument says."""
        if given is None:
            return None
        found: list[Ending | None] = []
        for one in alternatives(given):
            if isinstance(one, Const) and (one.value is None or isinstance(one.value, str)):
                found.append(Ending(str(one.value or LINEAR), call.file, call.node, "keras"))
            elif isinstance(one, External) and one.made_by is None:
                name = self.canonical(one.name)
                kind = self.table.activations.get(name, "other" if name.startswith("tensorflow.nn.") else "")
                by = "keras" if name.startswith(_KEEPING) else "function"
                found.append(Ending(kind, call.file, call.node, by) if kind else None)
            else:
                return None
        return _agreed(found)


def made_call(one: External) -> Call:
    """The call that made an object."""
    assert one.made_by is not None
    assert one.file is not None
    return Call(one.name, one.made_by, one.file, list(one.arguments), dict(one.keywords), one.has_more)


def _agreed(found: list[Ending | None]) -> Ending | None:
    """The first, when all are of one kind."""
    if not found or any(one is None for one in found):
        return None
    known = [one for one in found if one is not None]
    return known[0] if len({one.kind for one in known}) == 1 else None
