"""The classes and functions that a file defines."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field

from tfguard.analysis.index import Index
from tfguard.analysis.scopes import Scope, lookup

Function = ast.FunctionDef | ast.AsyncFunctionDef

_PROPERTIES = frozenset({"property", "cached_property"})
_ACCESSORS = frozenset({"setter", "getter", "deleter"})


@dataclass(frozen=True, slots=True)
class ClassInfo:
    """A class of the file: its methods, what its methods assign to `self` (value, target as written)."""

    name: str
    node: ast.ClassDef
    methods: dict[str, Function] = field(default_factory=dict)
    attributes: dict[str, list[tuple[ast.expr | None, ast.expr]]] = field(default_factory=dict)


class Definitions:
    """All classes and functions of a file by qualified name."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self.functions: dict[str, Function] = {index.scopes[node].qualified_name: node for node in index.functions}
        self.classes: dict[str, ClassInfo] = {}
        self._owner: dict[ast.AST, ClassInfo] = {}
        #: Attributes that are assigned to something else than `self`.
        self.assigned_from_outside: set[str] = set()
        for node in index.classes:
            self._add_class(node)
        for target, value in index.stores:
            if isinstance(target, ast.Attribute):
                self._add_store(target, value)

    def _add_class(self, node: ast.ClassDef) -> None:
        info = ClassInfo(self._index.scopes[node].qualified_name, node)
        for function in _methods(node):
            self._owner[function] = info
            if not any(isinstance(d, ast.Attribute) and d.attr in _ACCESSORS for d in function.decorator_list):
                info.methods[function.name] = function
        self.classes[info.name] = info

    def _add_store(self, target: ast.Attribute, value: ast.expr | None) -> None:
        owner = self.class_of_self(target.value) if isinstance(target.value, ast.Name) else None
        if owner is None:
            self.assigned_from_outside.add(target.attr)
        else:
            owner.attributes.setdefault(target.attr, []).append((value, target))

    def class_of_self(self, name: ast.Name) -> ClassInfo | None:
        """The class whose method's first parameter this name is."""
        place = self._index.places.get(name)
        scope = lookup(place.scope, name.id) if place is not None else None
        if scope is None or len(scope.bindings[name.id]) > 1:
            return None
        return self.class_of_parameter(scope.node, name.id)

    def class_of_parameter(self, function: ast.AST, parameter: str) -> ClassInfo | None:
        """The class that defines the function as a method, if the parameter is its first and it is not static."""
        owner = self._owner.get(function)
        if owner is None or not isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)):
            return None
        arguments = function.args.posonlyargs + function.args.args
        if not arguments or arguments[0].arg != parameter or "staticmethod" in decorators(function):
            return None
        return owner

    def class_around(self, scope: Scope) -> ClassInfo | None:
        """The class whose method's code the scope is or lies in."""
        here: Scope | None = scope
        while here is not None:
            if here.node in self._owner:
                return self._owner[here.node]
            here = here.parent
        return None


def decorators(function: Function) -> frozenset[str]:
    """The last components of the decorators that are plain names."""
    given = function.decorator_list
    plain = [decorator.id for decorator in given if isinstance(decorator, ast.Name)]
    return frozenset([*plain, *(decorator.attr for decorator in given if isinstance(decorator, ast.Attribute))])


def is_property(function: Function) -> bool:
    """Does reading the attribute call the method?"""
    return bool(decorators(function) & _PROPERTIES)


def _methods(node: ast.ClassDef) -> Iterator[Function]:
    """The functions of a class body, those under conditions too."""
    waiting: list[ast.stmt] = list(reversed(node.body))
    while waiting:
        statement = waiting.pop()
        if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield statement
        elif isinstance(statement, (ast.If, ast.Try, ast.With)):
            waiting.extend(reversed([s for s in ast.iter_child_nodes(statement) if isinstance(s, ast.stmt)]))
