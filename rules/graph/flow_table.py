"""flow.toml: what TensorFlow's calls do to the graph (part of the TFG3xx rules)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from tfguard.analysis.flow.graph import Mode
from tfguard.errors import TableError
from tfguard.tables import load_toml


@dataclass(frozen=True, slots=True)
class Table:
    """flow.toml."""

    graph_roots: frozenset[str]
    inert_roots: frozenset[str]
    modes: Mapping[str, Mode]
    blocked_arguments: Mapping[str, tuple[tuple[str, int], ...]]
    makers: Mapping[str, str]
    wild: frozenset[str]
    wild_methods: frozenset[str]
    overrides: frozenset[str]
    smooth: frozenset[str]
    #: Ops whose gradient is computed from what they were given.
    curved: frozenset[str]
    #: Functions that need not compute what they are given.
    lazy: frozenset[str]
    lazy_roots: tuple[str, ...]
    #: Functions with several results, each of which needs all that is given.
    whole: frozenset[str]
    #: Methods of variables that write what they are given.
    writers: frozenset[str]
    #: What surely adds an op to the graph each time, besides those of which it is known how a gradient passes.
    adding: frozenset[str]
    adding_roots: tuple[str, ...]
    #: Optimizers that keep variables of their own.
    slots: frozenset[str]
    #: What makes variables of its own: the argument that names it, the first of them, "global" or "local".
    layers: Mapping[str, tuple[str, str, str]]
    other_dtypes: frozenset[str]
    tapes: frozenset[str]
    #: Functions that may give back their argument itself.
    same: frozenset[str]
    #: What the names of functions begin with that always compute something of their arguments.
    plain: tuple[str, ...]
    #: Layers of Keras whose weights all have part in what they give, and layers without weights.
    weighted: frozenset[str]
    weightless: frozenset[str]
    #: Functions of NumPy that give arrays.
    arrays: frozenset[str]


@lru_cache(maxsize=1)
def load_flow() -> Table:
    """Read the table once a process."""
    data = load_toml("flow.toml")
    try:
        modes = {f"tensorflow.{name}": Mode.FLOWS for name in data["flows"]}
        modes |= {f"tensorflow.{name}": Mode.BLOCKED for name in data["blocked"]}
        rows = data["blocked_arguments"].items()
        return Table(
            graph_roots=frozenset(data["graph_roots"]),
            inert_roots=frozenset(data["inert_roots"]),
            modes=modes,
            blocked_arguments={name: tuple((str(k), int(n)) for k, n in given) for name, given in rows},
            makers=data["makers"],
            wild=frozenset(data["wild"]["names"]),
            wild_methods=frozenset(data["wild"]["methods"]),
            overrides=frozenset(data["wild"]["overrides"]),
            smooth=frozenset(data["dtypes"]["smooth"]),
            curved=frozenset(data["needs"]["curved"]),
            lazy=frozenset(data["needs"]["lazy"]),
            lazy_roots=tuple(data["needs"]["lazy_roots"]),
            whole=frozenset(data["needs"]["whole"]),
            writers=frozenset(data["needs"]["writers"]),
            adding=frozenset(data["needs"]["adding"]),
            adding_roots=tuple(data["needs"]["adding_roots"]),
            slots=frozenset(data["needs"]["slots"]),
            layers={name: (str(a), str(b), str(c)) for name, (a, b, c) in data["layers"].items()},
            other_dtypes=frozenset(data["dtypes"]["others"]),
            weighted=frozenset(data["keras"]["weighted"]),
            weightless=frozenset(data["keras"]["weightless"]),
            tapes=frozenset(data["tapes"]["names"]),
            same=frozenset(data["tapes"]["same"]),
            plain=tuple(data["tapes"]["plain"]),
            arrays=frozenset(data["tapes"]["arrays"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise TableError(f"flow.toml: {error}") from error
