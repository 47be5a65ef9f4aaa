"""Which GPU a call of `tf.config` sets up: the elements of what `list_physical_devices` gives (no rule)."""

from __future__ import annotations

import ast

from tfguard.rules.device.sessions import device_table

from tfguard.analysis.calls import CallSite, Expr
from tfguard.analysis.file_model import FileModel
from tfguard.analysis.scopes import BindingKind
from tfguard.analysis.values import Known

#: A setting for every GPU (a loop over them).
EVERY = -1


def device_of(call: CallSite) -> int | None:
    """The index of the GPU that a setter is given, EVERY for all of them, None where it cannot be told."""
    given = call.argument("device", 0).expr
    if given is None:
        return None
    if isinstance(given.node, ast.Name) and _iterates(given):
        return EVERY
    origin = given.origin.node
    if isinstance(origin, ast.Subscript) and isinstance(origin.slice, ast.expr):
        index = call.file.value_of(origin.slice)
        if isinstance(index, Known) and type(index.value) is int and lists_gpus(Expr(call.file, origin.value)):
            return index.value
    return None


def _iterates(given: Expr) -> bool:
    """Is it the variable of a loop over the GPUs?"""
    assert isinstance(given.node, ast.Name)
    if given.node not in given.file.index.places:
        return False
    bindings = given.file.resolver.bindings_of(given.node)
    return len(bindings) == 1 and bindings[0].kind is BindingKind.FOR and _is_over_gpus(given.file, bindings[0].value)


def _is_over_gpus(file: FileModel, iterated: ast.expr | None) -> bool:
    return iterated is not None and lists_gpus(Expr(file, iterated))


def lists_gpus(expr: Expr) -> bool:
    """Is it what `tf.config.list_physical_devices("GPU")` gives?"""
    made = expr.origin.call
    if made is None or not made.names:
        return False
    canonical = {made.file.knowledge.canonical(name) for name in made.names}
    kind = made.argument("device_type", 0)
    return canonical <= set(device_table()["bounds"]["looks"]) and kind.is_constant("GPU", "XLA_GPU")


def is_growth_on(call: CallSite) -> bool | None:
    """What `set_memory_growth(gpu, True)` sets; None for a computed value."""
    given = call.argument("enable", 1)
    if given.is_constant(True, 1):
        return True
    return False if given.is_constant(False, 0) else None
