"""What kind of numbers tensors hold: those with a fraction have gradients (part of the TFG3xx rules)."""

from __future__ import annotations

from tfguard.rules.graph.flow_table import Table

from tfguard.analysis.flow.machine import Call
from tfguard.analysis.flow.values import Const, External, Sequence, Tensor, Value


def dtype_of(table: Table, call: Call, name: str) -> str:
    """What kind of numbers a constant or variable holds, as its arguments tell."""
    for value in (*call.arguments, *call.keywords.values()):
        text = value.name.rpartition(".")[2] if isinstance(value, External) and value.made_by is None else ""
        if value is call.keywords.get("dtype") and isinstance(value, Const):
            text = str(value.value)
        if text in table.smooth:
            return "float"
        if text in table.other_dtypes:
            return "int"
    if call.has_more or "dtype" in call.keywords:
        return ""
    last = name.rpartition(".")[2]
    if last == "range":
        return _dtype(Sequence("list", list(call.arguments)))
    if last not in ("constant", "Variable"):
        return "float"
    return _dtype(call.argument("value") or call.argument("initial_value", 0))


def _dtype(value: Value | None) -> str:
    """The kind of numbers of a value of Python, or of a tensor."""
    if isinstance(value, Tensor):
        return value.node.dtype
    if isinstance(value, Sequence):
        kinds = [_dtype(item) for item in value.items or ()]
        if "float" in kinds:
            return "float"
        return "int" if kinds and all(kind == "int" for kind in kinds) else ""
    if isinstance(value, Const) and isinstance(value.value, (int, str, bool)):
        return "int"
    return "float" if isinstance(value, Const) and isinstance(value.value, float) else ""
