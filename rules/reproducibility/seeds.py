"""What one call seeds, and which calls throw a seed away, as `seeds.toml` tells it (part of the TFG10x rules)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from tfguard.analysis.blocks import maker_of, with_body_of
from tfguard.analysis.calls import CallSite, Expr, StoreSite
from tfguard.analysis.parameters import parameter_of
from tfguard.analysis.values import Known
from tfguard.errors import TableError
from tfguard.table_files import Version, parse_version
from tfguard.tables import load_toml
from tfguard.targets import keras_of

#: An expression that reads the same, and has no effect, wherever it stands in one body.
_PLAIN = re.compile(r"-?\w+(?:\.\w+)*")


@dataclass(frozen=True, slots=True)
class Table:
    """seeds.toml, and the calls of graph_mode.toml that settle how a program runs."""

    seeds: Mapping[str, Mapping[str, Any]]
    unseeds: frozenset[str]
    #: What seeds NumPy with TensorFlow's seed, and since which version.
    reseeds: Mapping[str, Version]
    helper: re.Pattern[str]
    enter: frozenset[str]
    new: frozenset[str]
    session: frozenset[str]
    modes: Mapping[str, str]
    graph_names: frozenset[str]
    #: What builds in a graph of its own that only its configuration seeds.
    estimators: Mapping[str, Any]


@lru_cache(maxsize=1)
def load_seeds() -> Table:
    """Read the tables once a process."""
    data, modes = load_toml("seeds.toml"), load_toml("graph_mode.toml")
    try:
        return Table(
            seeds={name: row for row in data["seed"] for name in row["names"]},
            unseeds=frozenset(name for row in data["unseed"] for name in row["names"]),
            reseeds={name: parse_version(row["since"]) for row in data["reseed"] for name in row["names"]},
            helper=re.compile(data["helpers"]["pattern"]),
            enter=frozenset(data["graphs"]["enter"]),
            new=frozenset(data["graphs"]["new"]),
            session=frozenset(data["graphs"]["session"]),
            modes=modes["calls"],
            graph_names=frozenset(modes["names"]),
            estimators=data["estimators"],
        )
    except (KeyError, TypeError, re.error) as error:
        raise TableError(f"seeds.toml or graph_mode.toml: {error}") from error


def seed_of(call: CallSite) -> dict[str, Any] | None:
    """What a call does to the seeds: sets them, throws them away, enters another graph, or may set them."""
    table = load_seeds()
    for name in (*call.names, *call.starred_names):
        canonical = call.file.knowledge.canonical(name)
        row = table.seeds.get(canonical)
        if row is not None:
            return _seeding(call, row) if _is_in_force(call, name, row) else None
        if canonical in table.unseeds:
            return {"does": "reset"}
        if canonical in table.reseeds:
            return {"does": "reseed", "since": list(table.reseeds[canonical])}
        if canonical in table.enter or canonical in table.session:
            return _entering(call, canonical in table.session)
        mode = table.modes.get(canonical)
        if mode in ("disable", "eager"):
            return {"does": "graph" if mode == "disable" else "eager"}
    names = [call.file.knowledge.canonical(name) for name in call.names]
    return _estimating(call, names) or _helping(call)


def _is_in_force(call: CallSite, name: str, row: Mapping[str, Any]) -> bool:
    """Does the function seed in the target version: of TensorFlow, or of Keras where it is the package `keras`?"""
    target = call.file.target
    if "keras_before" in row and call.file.knowledge.split(name)[0] in ("", "keras"):
        keras: Version = target.keras or keras_of(target.tensorflow)
        if keras >= parse_version(row["keras_before"]):
            return False
    return "before" not in row or target.tensorflow < parse_version(row["before"])


def _seeding(call: CallSite, row: Mapping[str, Any]) -> dict[str, Any] | None:
    argument = call.argument(row["argument"], 0)
    if row.get("only_given", False) and (argument.is_absent or argument.is_constant(None)):
        return None
    if row.get("optional", False) and argument.is_constant(None):
        return None
    found = {"seeds": row["generators"], "literal": _literal(argument.expr), "text": _text(argument.expr)}
    if row.get("every_graph", False):
        found["every_graph"] = True
    parameter = parameter_of(argument.expr) if argument.expr is not None else None
    if parameter is not None and parameter.is_none:
        found["parameter"] = [parameter.name, parameter.position]
    return found


def stored_seed_of(store: StoreSite) -> dict[str, Any] | None:
    """What a write to the attribute `seed` of a graph seeds."""
    if not isinstance(store.key, Known) or store.key.value != "seed" or store.owner is None:
        return None
    types = [store.file.knowledge.canonical(name) for name in store.owner.resolution.types]
    if not types or not all(name in load_seeds().new for name in types):
        return None
    made = maker_of(store.owner)
    found = {"seeds": ["tensorflow"], "literal": _literal(store.value), "text": _text(store.value)}
    return {**found, "graph": made.span.start} if made is not None and _is_new_graph(made) else found


def _estimating(call: CallSite, names: list[str]) -> dict[str, Any] | None:
    """A call whose functions build in the graph of an Estimator, and whether that graph surely has no seed."""
    table = load_seeds().estimators
    if not any(name in table["names"] for name in names):
        is_given = any(word == table["inputs"] for word, _ in call.keywords)
        return {"does": "estimator", "body": [call.span.start, call.span.end]} if is_given else None
    config = call.argument(table["config"], table["position"])
    made = maker_of(config.expr) if config.expr is not None else None
    unseeded = config.is_absent or config.is_constant(None)
    if made is not None and made.names and {*map(made.file.knowledge.canonical, made.names)} <= {*table["seeded_by"]}:
        seed = made.argument(table["seed"], 1)
        unseeded = seed.is_absent or seed.is_constant(None)
    config_start = made.span.start if made is not None else None
    body = [call.span.start, call.span.end]
    return {"does": "estimator", "body": body, "unseeded": unseeded, "config": config_start}


def _literal(expr: Expr | None) -> int | None:
    """The number that the seed is on every path."""
    value = expr.value if expr is not None else None
    return value.value if isinstance(value, Known) and type(value.value) is int and value.value >= 0 else None


def _text(expr: Expr | None) -> str | None:
    """What the user wrote for the seed, where it may be written once more beside it."""
    return expr.text if expr is not None and _PLAIN.fullmatch(expr.text) else None


def _entering(call: CallSite, is_session: bool) -> dict[str, Any] | None:
    """A `with` whose body builds in a graph that is made here or kept in a variable."""
    body = with_body_of(call)
    if body is None:
        return None
    graph = call.argument("graph", 1).expr if is_session else call.receiver
    made = maker_of(graph) if graph is not None else None
    if graph is None or made is None or not _is_new_graph(made):
        return None
    is_fresh = made is graph.call
    return {"does": "enter", "graph": made.span.start, "fresh": is_fresh, "body": [body.start, body.end]}


def _is_new_graph(made: CallSite) -> bool:
    table = load_seeds()
    names = [made.file.knowledge.canonical(name) for name in made.names]
    return bool(names) and all(name in table.new for name in names)


def _helping(call: CallSite) -> dict[str, Any] | None:
    """A call of something whose name promises seeds: the project pass sees whether its body is known."""
    names = [ref.name for ref in call.resolution.refs if not ref.is_instance] or list(call.starred_names)
    last = call.written.rpartition(".")[2].strip()
    if load_seeds().helper.match(last) is None or not names or call.file.knowledge.is_class(names[0]):
        return None
    return {"helper": names}
