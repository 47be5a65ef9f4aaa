"""What the arguments of a followed call say (part of the TFG3xx rules)."""

from __future__ import annotations

from tfguard.analysis.flow.values import Bound, Const, Function, Value


def count_parameters(value: Value) -> int:
    """How many arguments a function of the program takes at least."""
    function = value.function if isinstance(value, Bound) else value
    if not isinstance(function, Function):
        return 1
    arguments = function.node.args
    count = len(arguments.posonlyargs) + len(arguments.args) - len(arguments.defaults)
    return max(0, count - isinstance(value, Bound))


def is_function_of_values(name: str) -> bool:
    """Does a call of the name surely make no variables?"""
    parts = name.split(".")
    return (len(parts) == 2 and parts[1].islower()) or parts[1:2] in (["math"], ["linalg"], ["summary"], ["train"])


def is_set(value: Value | None) -> bool:
    """Is it given, and not surely None?"""
    return value is not None and not (isinstance(value, Const) and value.value in (None, "none"))
