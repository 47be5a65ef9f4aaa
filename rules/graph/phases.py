"""Layers of Keras that do something else in training, and steps that do not tell them (part of TFG310)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tfguard.rules.graph.following import Followed
from tfguard.rules.graph.train_steps import behind_step, is_step

from tfguard.analysis.flow.graph import Node
from tfguard.analysis.flow.machine import Call
from tfguard.analysis.flow.values import Const, External, Sequence, Tensor, Value, nodes_of

_PHASED = (
    *("Dropout", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D", "GaussianDropout", "GaussianNoise"),
    *("AlphaDropout", "BatchNormalization"),
)
NAMES = ("Dropout", "GaussianNoise", "BatchNormalization")
_MODELS = ("keras.Sequential", "keras.Model")
#: A program that names it takes care of it.
_CARE = "learning_phase"


@dataclass(frozen=True, slots=True, eq=False)
class Untold:
    """A step whose loss depends on a layer that is not told that it is trained."""

    step: Call
    layer: str
    node: Node


def untold_steps(followed: Followed) -> Iterator[Untold]:
    """The steps of one followed program."""
    machine, canonical = followed.machine, followed.library.canonical
    steps = [call for call in machine.calls if is_step(call, canonical(call.name))]
    if not steps or any(_CARE in module.file.source.text for module in machine.modules.values()):
        return
    layers = _Layers(followed)
    for step in steps:
        behind = behind_step(step)
        found = next((node for node in layers.applied if node in behind), None)
        if found is not None:
            yield Untold(step, layers.applied[found], found)


class _Layers:
    """The layers and models of a program that are applied without `training`, by the node that comes of it."""

    def __init__(self, followed: Followed) -> None:
        self.canonical = followed.library.canonical
        self.added: dict[int, list[Value]] = {}
        self.applied: dict[Node, str] = {}
        for call in followed.machine.calls:
            if isinstance(call.receiver, External):
                self._read(call, call.receiver)

    def _read(self, call: Call, receiver: External) -> None:
        if call.name.endswith(".add") and call.arguments:
            self.added.setdefault(id(receiver), []).append(call.arguments[0])
        is_told = "training" in call.keywords or call.has_more or len(call.arguments) > 1
        if call.name.endswith(".__call__") and isinstance(call.result, Tensor) and not is_told:
            layer = self._phased(receiver)
            if layer is not None:
                self.applied[call.result.node] = layer

    def _phased(self, layer: Value, depth: int = 0) -> str | None:
        """The layer that does something else in training: it, or one in it."""
        if not isinstance(layer, External) or layer.made_by is None or depth > 5:
            return None
        name = self.canonical(layer.name)
        last = name.rpartition(".")[2]
        if name.startswith("keras.layers.") and last in _PHASED:
            return None if _is_idle(layer, last) else last
        if name not in _MODELS:
            return None
        inner = [value for value in layer.arguments if isinstance(value, Sequence)]
        listed = [one for value in inner for one in value.items or ()] + self.added.get(id(layer), [])
        found = next((one for part in listed if (one := self._phased(part, depth + 1)) is not None), None)
        nodes, _ = nodes_of(*layer.arguments, *layer.keywords.values())
        return found or next((self.applied[node] for node in _back(nodes) if node in self.applied), None)


def _is_idle(layer: External, last: str) -> bool:
    """Does the layer do the same in training: no dropout, or weights that are not trained?"""
    rate = layer.arguments[0] if layer.arguments else layer.keywords.get("rate")
    frozen = layer.keywords.get("trainable")
    if isinstance(frozen, Const) and frozen.value is False:
        return True
    return last != "BatchNormalization" and isinstance(rate, Const) and not rate.value


def _back(nodes: tuple[Node, ...]) -> dict[Node, None]:
    """The nodes and all that they are computed from."""
    found = dict.fromkeys(nodes)
    waiting = list(nodes)
    while waiting:
        for before, _ in waiting.pop().inputs:
            if before not in found:
                found[before] = None
                waiting.append(before)
    return found
