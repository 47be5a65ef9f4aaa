"""The types of expressions of one file, as far as element_types.py needs them (part of TFG104 and TFG105)."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cached_property

from tfguard.rules.reproducibility.element_calls import CallTypes
from tfguard.rules.reproducibility.element_types import (
    BYTES,
    FLOAT,
    INT,
    NONE,
    NOTHING,
    STR,
    UNKNOWN,
    Type,
    annotated,
    join,
    load_types,
    many,
)

from tfguard.analysis.calls import CallSite
from tfguard.analysis.file_model import FileModel
from tfguard.analysis.scopes import Binding, BindingKind, Scope, lookup

_DEPTH, _STEPS = 40, 2000
#: Calls of one function that are looked at for what it is given.
_CALLS = 8
#: What holds a variable: the scope (or, for an attribute of `self`, the class) and the name.
Holder = tuple[object, str]

#: Methods that put an element, or all elements of what they are given, into the container.
_ADD = {"append": 0, "add": 0, "appendleft": 0, "insert": 1}
_ADD_ALL = frozenset({"extend", "update", "union", "extendleft"})


class Inference:
    """Answers for one file; every answer is remembered."""

    def __init__(self, file: FileModel) -> None:
        self.file = file
        self._memo: dict[ast.AST, Type] = {}
        self._open: set[ast.AST] = set()
        #: Did the question that is being answered lead back to itself?
        self._met_cycle = False
        self._steps = 0
        self.call_types = CallTypes(file, self.of)

    def of(self, node: ast.expr | None) -> Type:
        """The type of an expression."""
        if node is None:
            return UNKNOWN
        known = self._memo.get(node)
        if known is not None:
            return known
        if node in self._open:
            self._met_cycle = True
            return NOTHING
        self._steps = self._steps + 1 if self._open else 0
        if len(self._open) > _DEPTH or self._steps > _STEPS:
            self._met_cycle = True
            return UNKNOWN
        outside, self._met_cycle = self._met_cycle, False
        self._open.add(node)
        handler = _HANDLERS.get(node.__class__)
        try:
            found = handler(self, node) if handler is not None else UNKNOWN
        finally:
            self._open.discard(node)
        if not self._open or not self._met_cycle:
            self._memo[node] = found
        self._met_cycle = self._met_cycle or outside
        return found

    # -- literals and operators ---------------------------------------------------------------------------

    def constant(self, node: ast.Constant) -> Type:
        kinds = {str: STR, bytes: BYTES, int: INT, bool: INT, float: FLOAT, type(None): NONE}
        return kinds.get(type(node.value), UNKNOWN)

    def display(self, node: ast.List | ast.Set) -> Type:
        parts = [self.of(e.value).element if isinstance(e, ast.Starred) else self.of(e) for e in node.elts]
        return Type("set" if isinstance(node, ast.Set) else "many", (join(parts),))

    def tuple_(self, node: ast.Tuple) -> Type:
        if any(isinstance(element, ast.Starred) for element in node.elts):
            return many(join(self.of(e.value).element if isinstance(e, ast.Starred) else self.of(e) for e in node.elts))
        return Type("tuple", tuple(self.of(element) for element in node.elts))

    def dict_(self, node: ast.Dict) -> Type:
        keys = [self.of(key) if key is not None else UNKNOWN for key in node.keys]
        return Type("dict", (join(keys), join(self.of(value) for value in node.values)))

    def comprehension(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp) -> Type:
        return Type("set" if isinstance(node, ast.SetComp) else "many", (self.of(node.elt),))

    def dict_comprehension(self, node: ast.DictComp) -> Type:
        return Type("dict", (self.of(node.key), self.of(node.value)))

    def binary(self, node: ast.BinOp) -> Type:
        left, right = self.of(node.left), self.of(node.right)
        if isinstance(node.op, (ast.Sub, ast.BitAnd)) and "set" in (left.kind, right.kind):
            return left if left.kind == "set" else right
        if isinstance(node.op, ast.Mod) and left.kind in ("str", "bytes"):
            return left
        if isinstance(node.op, ast.Mult):
            return next((t for t in (left, right) if t.kind in ("str", "many")), join((left, right)))
        return join((left, right))

    def unary(self, node: ast.UnaryOp) -> Type:
        return INT if isinstance(node.op, ast.Not) else self.of(node.operand)

    def subscript(self, node: ast.Subscript) -> Type:
        value, key = self.of(node.value), node.slice
        if isinstance(key, ast.Slice) or value.kind == "str":
            return many(value.element) if value.kind == "tuple" else value
        if value.kind == "tuple" and isinstance(key, ast.Constant) and isinstance(key.value, int):
            return value.parts[key.value] if -len(value.parts) <= key.value < len(value.parts) else UNKNOWN
        if value.kind == "dict":
            return value.parts[1]
        if value.kind == "unknown" and isinstance(key, ast.Constant) and isinstance(key.value, str):
            guess = load_types().by_name(key.value)
            return replace(many(guess), sure=False) if guess.kind == "str" else guess
        return value.element

    def attribute(self, node: ast.Attribute) -> Type:
        tables = load_types()
        for name in self.file.resolver.resolve(node).names:
            if name in tables.attributes:
                return tables.attributes[name]
        owner = self.file.resolver.class_of_self(node.value) if isinstance(node.value, ast.Name) else None
        if owner is not None and node.attr in owner.attributes:
            written = join(self.of(value) for value, _ in owner.attributes[node.attr])
            return self._filled(written, (owner.name, node.attr))
        if node.attr in ("values", "str"):
            return self.of(node.value)
        found = tables.attributes_of_anything.get(node.attr)
        return replace(found, sure=False) if found is not None else tables.by_name(node.attr)

    # -- names ----------------------------------------------------------------------------------------------

    def name(self, node: ast.Name) -> Type:
        place = self.file.index.places.get(node)
        scope = lookup(place.scope, node.id) if place is not None else None
        if scope is None:
            return load_types().by_name(node.id)
        found = join(self.bound(binding) for binding in self.file.resolver.bindings_of(node))
        found = self._filled(found, (scope, node.id))
        return load_types().by_name(node.id) if found.kind in ("unknown", "nothing", "none") else found

    def bound(self, binding: Binding) -> Type:
        """What a binding gives its name."""
        if binding.kind is BindingKind.PARAMETER:
            return self._parameter(binding)
        if binding.kind is BindingKind.OTHER:
            parent = self.file.index.places[binding.node].parent
            return self.of(parent.value) if isinstance(parent, ast.AugAssign) else NOTHING
        if binding.value is None or binding.path is None:
            return UNKNOWN
        found = self.of(binding.value)
        if binding.kind is BindingKind.FOR:
            found = found.element
        elif binding.kind not in (BindingKind.ASSIGN, BindingKind.WITH):
            return UNKNOWN
        for position in binding.path:
            inside = found.kind == "tuple" and position < len(found.parts)
            found = found.parts[position] if inside else found.element
        return found

    def _parameter(self, binding: Binding) -> Type:
        parameter = binding.node
        if not isinstance(parameter, ast.arg):
            return UNKNOWN
        said = annotated(parameter.annotation)
        if said.kind != "unknown":
            return said
        function = self.file.index.places[parameter].scope.node
        if not isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)):
            return UNKNOWN
        given = [self.of(value) for value in self._given(function, parameter)]
        return join(given) if given else UNKNOWN

    def _given(self, function: ast.FunctionDef | ast.AsyncFunctionDef, parameter: ast.arg) -> Iterator[ast.expr | None]:
        """What the calls of a function in this file give for a parameter."""
        arguments = function.args.posonlyargs + function.args.args
        position = arguments.index(parameter) if parameter in arguments else None
        name = self.file.index.scopes[function].qualified_name
        if (
            self.file.resolver.definitions.class_of_parameter(function, arguments[0].arg if arguments else "")
            is not None
        ):
            position = position - 1 if position else None
        for call in self.calls_of(name)[:_CALLS]:
            given = call.argument(parameter.arg, position)
            if given.is_present and given.expr is not None:
                yield given.expr.node
            elif not given.is_absent:
                yield None

    @cached_property
    def _calls(self) -> dict[str, list[CallSite]]:
        found: dict[str, list[CallSite]] = {}
        for call in self.file.calls:
            for name in call.names:
                if name in self.file.resolver.classes:
                    name = f"{name}.__init__"
                if name in self.file.resolver.functions:
                    found.setdefault(name, []).append(call)
        return found

    def calls_of(self, function: str) -> list[CallSite]:
        """The calls of a function of the file, by its qualified name."""
        return self._calls.get(function, [])

    # -- what is put into containers ----------------------------------------------------------------------------

    @cached_property
    def fills(self) -> dict[Holder, list[tuple[str, ast.expr]]]:
        """What is put into each variable: one element, all elements of something, or a key and its value."""
        found: dict[Holder, list[tuple[str, ast.expr]]] = {}
        for node in self.file.index.calls:
            if isinstance(node.func, ast.Attribute) and node.args and node.func.attr in (*_ADD, *_ADD_ALL):
                holder = self.holder(node.func.value)
                position = _ADD.get(node.func.attr, 0)
                if holder is not None and position < len(node.args) and node.func.attr != "union":
                    how = "one" if node.func.attr in _ADD else "all"
                    found.setdefault(holder, []).append((how, node.args[position]))
        for target, _ in self.file.index.stores:
            holder = self.holder(target.value) if isinstance(target, ast.Subscript) else None
            if holder is not None and isinstance(target, ast.Subscript):
                found.setdefault(holder, []).append(("item", target.slice))
        return found

    def holder(self, node: ast.expr) -> Holder | None:
        """The variable, or attribute of `self`, that an expression is."""
        if isinstance(node, ast.Name):
            place = self.file.index.places.get(node)
            scope: Scope | None = lookup(place.scope, node.id) if place is not None else None
            return (scope, node.id) if scope is not None else None
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            owner = self.file.resolver.class_of_self(node.value)
            return (owner.name, node.attr) if owner is not None else None
        return None

    def _filled(self, found: Type, holder: Holder) -> Type:
        if found.kind not in ("many", "set", "dict"):
            return found
        first = [found.parts[0]]
        for how, node in self.fills.get(holder, ()):
            put = self.of(node)
            if how == "one" or (how == "item" and found.kind == "dict"):
                first.append(put)
            elif how == "all":
                first.append(put.element)
        return replace(found, parts=(join(first), *found.parts[1:]))

    def alternative(self, node: ast.IfExp) -> Type:
        return join((self.of(node.body), self.of(node.orelse)))

    def boolean(self, node: ast.BoolOp) -> Type:
        return join(self.of(value) for value in node.values)


def text_of_format(_: Inference, __: ast.JoinedStr) -> Type:
    """An f-string."""
    return STR


_HANDLERS: dict[type[ast.AST], Callable[..., Type]] = {
    ast.Constant: Inference.constant,
    ast.JoinedStr: text_of_format,
    ast.List: Inference.display,
    ast.Set: Inference.display,
    ast.Tuple: Inference.tuple_,
    ast.Dict: Inference.dict_,
    ast.ListComp: Inference.comprehension,
    ast.SetComp: Inference.comprehension,
    ast.GeneratorExp: Inference.comprehension,
    ast.DictComp: Inference.dict_comprehension,
    ast.BinOp: Inference.binary,
    ast.UnaryOp: Inference.unary,
    ast.Compare: lambda _, __: INT,
    ast.Subscript: Inference.subscript,
    ast.Attribute: Inference.attribute,
    ast.Name: Inference.name,
    ast.Call: lambda inference, node: inference.call_types.call(node),
    ast.IfExp: Inference.alternative,
    ast.BoolOp: Inference.boolean,
    ast.NamedExpr: lambda inference, node: inference.of(node.value),
}
