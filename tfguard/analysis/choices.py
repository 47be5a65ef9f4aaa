"""What a call may run that is chosen while the program runs: from a table of functions, or by the command line."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tfguard.analysis.calls import CallSite, Expr
from tfguard.analysis.file_model import FileModel


def chosen_from(call: CallSite) -> Iterator[str]:
    """The qualified names of what `TABLE[key]()`, `TABLE.get(key)()` or a `functools.partial` may call."""
    file = call.file
    node = file.origin_of(Expr(file, call.node.func)).node
    if isinstance(node, ast.Subscript):
        yield from _values(file, node.value)
    elif isinstance(node, ast.Call):
        function = node.func
        if "functools.partial" in file.call_site(node).names and node.args:
            yield from _names(file, node.args[0])
        elif isinstance(function, ast.Attribute) and function.attr == "get":
            yield from _values(file, function.value)


def _values(file: FileModel, table: ast.expr) -> Iterator[str]:
    for _, value in file.origin_of(Expr(file, table)).items or ():
        yield from _names(file, value.node)


def _names(file: FileModel, node: ast.expr) -> Iterator[str]:
    if isinstance(node, (ast.Name, ast.Attribute)):
        name = file.resolver.resolve(node).name
        if name is not None:
            yield name


def made_commands(call: CallSite) -> Iterator[str]:
    """What a call makes commands of: functions, the methods of classes and objects, without any the whole module."""
    file = call.file
    if not any(file.knowledge.makes_commands(name) for name in call.names):
        return
    if not call.arguments and not call.keywords:
        yield from (name for name in file.resolver.functions if _is_public(file.module, name))
    for given in [*call.arguments, *(expr for word, expr in call.keywords if word == "component")]:
        held = [value for _, value in given.origin.items or ()] or list(given.elements or ()) or [given]
        for expr in held:
            yield from _commands_of(expr)


def _commands_of(expr: Expr) -> Iterator[str]:
    for ref in expr.resolution.refs:
        if not ref.is_instance:
            yield ref.name
        info = expr.file.resolver.classes.get(ref.name)
        if info is not None:
            yield from (f"{ref.name}.{method}" for method in info.methods if not method.startswith("_"))


def _is_public(module: str, name: str) -> bool:
    rest = name.removeprefix(f"{module}.")
    return "." not in rest and not rest.startswith("_")
