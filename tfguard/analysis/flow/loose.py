"""Functions and classes that a file defines and nobody calls: followed with arguments of which nothing is known."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tfguard.analysis.file_model import FileModel
from tfguard.analysis.flow.calling import Given, instantiate, invoke
from tfguard.analysis.flow.machine import LimitError, Machine
from tfguard.analysis.flow.values import Bound, Class, External, Function, Value


def follow_loose(m: Machine, file: FileModel) -> None:
    """Follow a module as one that is imported, then what it defines and has not called."""
    m.is_lazy = True
    try:
        module = m.load(file, file.module)
        for value in list(module.names.values()):
            _follow(m, value, file)
    except (LimitError, RecursionError):
        m.is_cut = True


def _follow(m: Machine, value: Value, file: FileModel) -> None:
    function = value.function if isinstance(value, Bound) else value
    if isinstance(function, Function) and function.file is file and function.node not in m.entered:
        invoke(m, function, Given([], {}, has_more=True))
    elif isinstance(value, Class) and value.file is file:
        _follow_methods(m, value)


def _follow_methods(m: Machine, cls: Class) -> None:
    """Make an object of the class and call each of its methods that was not called."""
    methods = list(_methods(cls))
    if all(method.node in m.entered for method in methods):
        return
    instance = instantiate(m, cls, Given([], {}, has_more=True))
    for method in methods:
        if method.node not in m.entered:
            invoke(m, method, Given([instance], {}, has_more=True))


def _methods(cls: Class) -> Iterator[Function]:
    for value in cls.names.values():
        inside = value.arguments[0] if isinstance(value, External) and value.arguments else value
        is_static = isinstance(value, External) and value.name != "builtins.property"
        if isinstance(inside, Function) and not is_static and isinstance(inside.node, ast.FunctionDef):
            yield inside
