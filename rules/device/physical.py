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


def is_certain(call: CallSite) -> bool:
    """Does the call surely run where its body does and there is a GPU: in a loop over the GPUs, `if gpus:`, `try`?"""
    file = call.file
    here: ast.AST = file.statement_of(call.node)
    parent = file.index.places[here].parent
    while not isinstance(parent, (ast.Module, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)):
        if isinstance(parent, ast.If) and not _asks_for_gpus(file, parent, here):
            return parent is file.main_guard
        if isinstance(parent, ast.For) and not lists_gpus(Expr(file, parent.iter)):
            return False
        if not isinstance(parent, (ast.If, ast.For, ast.With)) and not (
            isinstance(parent, ast.Try) and here in parent.body
        ):
            return False
        here, parent = parent, file.index.places[parent].parent
    return True


def _asks_for_gpus(file: FileModel, statement: ast.If, child: ast.AST) -> bool:
    """Is the statement's body, where the child stands, what runs when there are GPUs?"""
    if child not in statement.body:
        return False
    names = [node for node in ast.walk(statement.test) if isinstance(node, ast.Name) and node.id != "len"]
    calls = [node for node in ast.walk(statement.test) if isinstance(node, ast.Call)]
    listed = [node for node in (*names, *calls) if lists_gpus(Expr(file, node))]
    return bool(listed) and len(names) <= 1 and not isinstance(statement.test, ast.UnaryOp)
