"""Is a value what a model predicts, or what it shall predict? (part of the TFG3xx rules)"""

from __future__ import annotations

import ast
import enum
from dataclasses import dataclass
from functools import lru_cache

from tfguard.rules.graph.weighted import WEIGHTED

from tfguard.analysis.flow.graph import Kind, Mode, Node
from tfguard.analysis.flow.machine import Call
from tfguard.analysis.flow.values import Tensor, Value, alternatives
from tfguard.errors import TableError
from tfguard.tables import load_toml

_LAYERS = ("tensorflow.layers.", "tensorflow.contrib.layers.", "tensorflow.contrib.slim.", "tf_slim.")
_MODELS = ("keras.Model.__call__", "keras.Sequential.__call__")
#: Ops that make labels, whatever they are made of.
_LABELS = ("tensorflow.one_hot", "tensorflow.ones_like", "tensorflow.zeros_like", "tensorflow.argmax")


class Role(enum.Enum):
    """What is known of a value."""

    PREDICTION = "prediction"
    DATA = "data"


@dataclass(frozen=True, slots=True)
class Names:
    """What programs call labels and predictions."""

    labels: frozenset[str]
    sure_labels: frozenset[str]
    sure_predictions: frozenset[str]


@lru_cache(maxsize=1)
def load_names() -> Names:
    """Read the table once a process."""
    data = load_toml("losses.toml")
    try:
        found = data["names"]
        return Names(*(frozenset(found[key]) for key in ("labels", "sure_labels", "sure_predictions")))
    except (KeyError, TypeError) as error:
        raise TableError(f"losses.toml: {error}") from error


def role_of(value: Value | None) -> Role | None:
    """What a value is, by what it is computed from; None when that is not sure."""
    if value is None:
        return None
    found = {_role(one.node) if isinstance(one, Tensor) else None for one in alternatives(value)}
    return found.pop() if len(found) == 1 else None


def _role(node: Node) -> Role | None:
    if node.api in _LABELS:
        return Role.DATA
    seen: dict[Node, None] = {node: None}
    waiting = [node]
    is_known = True
    while waiting:
        here = waiting.pop()
        if here.kind is Kind.VARIABLE or _is_layer(here.api):
            return Role.PREDICTION
        is_known = is_known and not here.wild and not _is_foreign(here.api)
        for before, mode in here.inputs:
            if mode is not Mode.BLOCKED and before not in seen:
                seen[before] = None
                waiting.append(before)
    return Role.DATA if is_known else None


def _is_layer(api: str) -> bool:
    """Does a layer with weights, or a model, give it?"""
    if api.startswith("keras.layers."):
        return api.split(".")[2].startswith(WEIGHTED)
    return api in _MODELS or (
        api.startswith(_LAYERS) and not api.endswith(("flatten", "one_hot_encoding", "softmax", "dropout"))
    )


def _is_foreign(api: str) -> bool:
    """May it come from a model that is not followed: a loaded one, or a layer of whatever kind?"""
    return api.endswith("__call__") or any(word in api for word in ("load", "predict", "hub"))


def name_of(node: ast.AST) -> str:
    """The last name of an expression, without what indexes it."""
    while isinstance(node, ast.Subscript):
        node = node.value
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """The two arguments of a loss, as they stand: in the place of the labels, and of the predictions."""

    call: Call
    labels: Value
    predictions: Value
    labels_node: ast.expr
    predictions_node: ast.expr


def is_swapped(pair: Pair) -> bool | None:
    """Do they stand in each other's places: surely (True), by their names (None), or not that it could be told?"""
    one, other = role_of(pair.labels), role_of(pair.predictions)
    if (one, other) == (Role.PREDICTION, Role.DATA):
        return True
    first, second = name_of(pair.labels_node), name_of(pair.predictions_node)
    names = load_names()
    if one is Role.PREDICTION and other is None and second in names.labels and first not in names.sure_labels:
        return None
    is_named = first in names.sure_predictions and second in names.sure_labels
    return None if is_named and one is None and other is None else False
