"""Calls of losses, and which argument stands where (part of logits-labels-swapped)."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from tfguard.rules.graph.endings import load_losses
from tfguard.rules.graph.following import Followed
from tfguard.rules.graph.roles import Pair, Role, is_swapped, role_of

from tfguard.analysis.flow.machine import Call
from tfguard.errors import TableError
from tfguard.tables import load_toml

KERAS_WORDS = ("kl_divergence", "kullback_leibler", "KLDivergence", "hinge", "Hinge", "poisson", "Poisson")

#: The last version known whose `tf.compat.v1` takes named arguments only.
_NAMED_IN_COMPAT = (2, 10)


@dataclass(frozen=True, slots=True, eq=False)
class Order:
    """A call whose arguments stand in each other's places, or must be named."""

    pair: Pair
    is_swapped: bool
    #: What they are computed from says so, not only their names.
    is_sure: bool
    #: The names of the labels and of the predictions, where they can be given by name.
    keywords: tuple[str, str] | None = None
    must_be_named: bool = False


@lru_cache(maxsize=1)
def _keras_names() -> tuple[frozenset[str], frozenset[str]]:
    data = load_toml("losses.toml")
    try:
        return frozenset(data["keras_order"]["functions"]), frozenset(data["keras_order"]["classes"])
    except (KeyError, TypeError) as error:
        raise TableError(f"losses.toml: {error}") from error


def orders_in(followed: Followed) -> Iterator[Order]:
    """The calls of one followed program that are wrong, in the order in which it makes them."""
    for call in followed.machine.calls:
        if call.has_more:
            continue
        name = followed.library.canonical(call.name)
        found = _of_tensorflow(call, name) if name in load_losses().logits else _of_keras(call, name)
        if found is not None:
            yield found


def _of_tensorflow(call: Call, name: str) -> Order | None:
    row, version = load_losses().logits[name], call.file.target.tensorflow
    position = int(row["before_1" if version < (1, 0) else "since_1"])
    labels, logits = str(row["labels"]), str(row["keyword"])
    pair = _pair(call, (labels, 1 - position), (logits, position))
    if pair is None:
        return None
    keywords = (labels, logits) if version >= (1, 0) else None
    verdict = is_swapped(pair)
    if len(call.arguments) >= 2 and _must_be_named(call, tuple(row.get("named_before", ()))):
        # Only 0.12 took positions, logits first: what stands first are the logits, unless it is surely not.
        is_right = (role_of(pair.labels), role_of(pair.predictions)) == (Role.DATA, Role.PREDICTION)
        return Order(pair, not is_right, verdict is True or is_right, keywords, must_be_named=True)
    return Order(pair, True, verdict is True, keywords) if verdict is not False else None


def _must_be_named(call: Call, before: tuple[int, ...]) -> bool:
    """Does the function take no positional arguments in this version and edition?"""
    version = call.file.target.tensorflow
    if before == (2, 0) and call.name.startswith("tensorflow.compat.v1.") and version >= (2, 0):
        return bool(version <= _NAMED_IN_COMPAT)
    return bool((1, 0) <= version < before)


def _of_keras(call: Call, name: str) -> Order | None:
    functions, classes = _keras_names()
    owner, _, last = name.rpartition(".")
    if owner == "keras.backend" and last in functions:
        keras = call.file.target.keras
        is_old = keras is not None and keras < (2, 0)
        pair = _pair(call, ("target", int(is_old)), ("output", int(not is_old)))
    elif (owner in ("keras.losses", "keras.metrics", "keras.objectives") and last in functions) or (
        last == "__call__" and owner.startswith("keras.losses.") and owner.rpartition(".")[2] in classes
    ):
        pair = _pair(call, ("y_true", 0), ("y_pred", 1))
    else:
        return None
    verdict = is_swapped(pair) if pair is not None else False
    return Order(pair, True, verdict is True) if pair is not None and verdict is not False else None


def _pair(call: Call, labels: tuple[str, int], predictions: tuple[str, int]) -> Pair | None:
    """The two arguments, each by keyword or by place."""
    given = call.argument(*labels), call.argument(*predictions)
    nodes = _node(call.node, *labels), _node(call.node, *predictions)
    if given[0] is None or given[1] is None or nodes[0] is None or nodes[1] is None:
        return None
    return Pair(call, given[0], given[1], nodes[0], nodes[1])


def _node(call: ast.Call, keyword: str, position: int) -> ast.expr | None:
    for given in call.keywords:
        if given.arg == keyword:
            return given.value
    return call.args[position] if position < len(call.args) else None
