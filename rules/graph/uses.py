"""What a followed program does with gradients that are None (part of the TFG3xx rules)."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from tfguard.rules.graph.library import TensorLibrary

from tfguard.analysis.file_model import FileModel
from tfguard.analysis.flow.machine import Call, Machine
from tfguard.analysis.flow.values import Mapping, NoGradient, Sequence, Value

#: Takes None among its gradients and leaves that variable alone.
_APPLY = "apply_gradients"
_CLIPS = ("clip_by_value", "clip_by_norm", "clip_by_average_norm")
_ASSIGNS = ("assign", "assign_add", "assign_sub")


@dataclass(frozen=True, slots=True, eq=False)
class Use:
    """One place where a gradient that is None is used."""

    #: "run", "clip", "summary", "arithmetic", "assign", "op": it fails; "skipped": its variable is not trained.
    kind: str
    node: ast.AST
    file: FileModel


def uses_of(machine: Machine, library: TensorLibrary) -> dict[int, list[Use]]:
    """The uses of every None, by its identity."""
    found: dict[int, list[Use]] = {}
    for none, node, file in machine.misused:
        found.setdefault(id(none), []).append(Use("arithmetic", node, file))
    for call in machine.calls:
        kind = _kind(library, call)
        for none in _given(call) if kind is not None else ():
            found.setdefault(id(none), []).append(Use(kind or "", call.node, call.file))
    return found


def _given(call: Call) -> Iterator[NoGradient]:
    """The Nones among the arguments, or among the elements of lists, tuples and dicts that are."""
    waiting: list[Value] = [*call.arguments, *call.keywords.values()]
    while waiting:
        value = waiting.pop()
        if isinstance(value, NoGradient):
            yield value
        elif isinstance(value, Sequence):
            waiting += value.items or ()
            waiting += [value.rest] if isinstance(value.rest, (NoGradient, Sequence)) else ()
        elif isinstance(value, Mapping):
            waiting += value.items.values()


def _kind(library: TensorLibrary, call: Call) -> str | None:
    """What comes of None among the arguments; None: nothing, or it is not known."""
    name = library.canonical(call.name)
    last = name.rpartition(".")[2]
    if last == _APPLY:
        return "skipped"
    if name.startswith("<tensor>."):
        return "assign" if last in _ASSIGNS else None
    if name.partition(".")[0] != "tensorflow":
        return None
    if last == "run":
        return "run" if "ession" in name else None
    if ".summary." in name or last.endswith("_summary"):
        return "summary"
    if last in _CLIPS:
        return "clip"
    known = (*library.table.modes, *library.table.blocked_arguments, "tensorflow.cast", "tensorflow.IndexedSlices")
    return "op" if name in known else None
