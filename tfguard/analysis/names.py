"""What an expression names: qualified names through imports, aliases, attributes, calls and `self`.

A name is spelled from the root of its package (`tensorflow.nn.relu`), a name of the file itself from the file's
module name. Several possible names are all kept, in source order; what cannot be known has a reason.
"""

from __future__ import annotations

import ast
import builtins
from dataclasses import dataclass
from typing import Protocol

from tfguard.analysis.index import Index
from tfguard.analysis.scopes import Binding, BindingKind, Scope, final, lookup, reaching

_BUILTINS = frozenset(dir(builtins))
_DEPTH = 40

Function = ast.FunctionDef | ast.AsyncFunctionDef


class Knowledge(Protocol):
    """What the tables know of third-party names; the analysis itself knows none."""

    def is_class(self, name: str) -> bool:
        """Does calling the name make an instance of it?"""

    def returns(self, name: str) -> str | None:
        """The type of what the function or method returns, if a table says."""

    def holds(self, name: str) -> str | None:
        """The type of what the attribute of an instance holds, if a table says."""

    def runs_main(self, name: str) -> bool:
        """Does calling the name without a function run the `main` of the module?"""

    def is_foreign(self, root: str) -> bool:
        """Is the top-level package known to be no part of the project?"""


@dataclass(frozen=True, slots=True, order=True)
class Ref:
    """A qualified name, or an instance of the type of that name."""

    name: str
    is_instance: bool = False


@dataclass(frozen=True, slots=True)
class Resolution:
    """What an expression may name. `reason` says why more than the `refs` may be possible."""

    refs: tuple[Ref, ...] = ()
    reason: str | None = None

    @property
    def is_certain(self) -> bool:
        """Nothing but the refs is possible, and there is one at least."""
        return self.reason is None and bool(self.refs)

    @property
    def name(self) -> str | None:
        """The one name (not an instance), when there is exactly one and it is certain."""
        if self.reason is None and len(self.refs) == 1 and not self.refs[0].is_instance:
            return self.refs[0].name
        return None

    @property
    def names(self) -> tuple[str, ...]:
        """The names that are not instances, certain or not, in source order."""
        return tuple(ref.name for ref in self.refs if not ref.is_instance)

    @property
    def types(self) -> tuple[str, ...]:
        """The types of the instances, certain or not."""
        return tuple(ref.name for ref in self.refs if ref.is_instance)


def unknown(reason: str) -> Resolution:
    """Nothing is known, and why."""
    return Resolution((), reason)


def join(parts: list[Resolution]) -> Resolution:
    """Any of the parts: refs in order without repeats, the first reason."""
    refs = tuple(dict.fromkeys(ref for part in parts for ref in part.refs))
    reason = next((part.reason for part in parts if part.reason is not None), None)
    return Resolution(refs, reason) if parts else unknown("nothing is bound")


@dataclass(frozen=True, slots=True)
class ClassInfo:
    """A class of the file: its methods, bases and what its methods assign to `self`."""

    name: str
    node: ast.ClassDef
    methods: dict[str, Function]
    attributes: dict[str, list[tuple[ast.expr | None, ast.expr]]]


class Resolver:
    """Answers for one file; every answer is remembered."""

    def __init__(self, index: Index, knowledge: Knowledge, module: str, package: str) -> None:
        self.index = index
        self.knowledge = knowledge
        self.module = module
        self.package = package
        self.depth = 0
        self._memo: dict[ast.AST, Resolution] = {}
        self.functions: dict[str, Function] = {}
        self.classes: dict[str, ClassInfo] = {}
        self._owner: dict[ast.AST, ClassInfo] = {}
        self._collect()

    # -- the file's own definitions ---------------------------------------------------------------

    def _collect(self) -> None:
        for node in self.index.classes:
            scope = self.index.scopes[node]
            info = ClassInfo(scope.qualified_name, node, {}, {})
            for statement in ast.iter_child_nodes(node):
                if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef)):
                    info.methods[statement.name] = statement
                    self._owner[statement] = info
            self.classes[info.name] = info
        for function in self.index.functions:
            self.functions[self.index.scopes[function].qualified_name] = function
        for target, value in self.index.stores:
            if isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name):
                owner = self.class_of_self(target.value)
                if owner is not None:
                    owner.attributes.setdefault(target.attr, []).append((value, target))

    def class_of_self(self, name: ast.Name) -> ClassInfo | None:
        """The class whose method's first parameter this name is."""
        place = self.index.places.get(name)
        if place is None:
            return None
        scope: Scope | None = lookup(place.scope, name.id)
        if scope is None or scope.kind != "function" or not isinstance(scope.node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            return None
        owner = self._owner.get(scope.node)
        arguments = scope.node.args.posonlyargs + scope.node.args.args
        if owner is None or not arguments or arguments[0].arg != name.id or len(scope.bindings[name.id]) > 1:
            return None
        decorators = {d.id for d in scope.node.decorator_list if isinstance(d, ast.Name)}
        return None if "staticmethod" in decorators else owner

    # -- expressions --------------------------------------------------------------------------------

    def resolve(self, node: ast.expr) -> Resolution:
        """What the expression may name; a cycle or a chain that is too long is unknown."""
        known = self._memo.get(node)
        if known is not None:
            return known
        if self.depth > _DEPTH:
            return unknown("the chain of assignments is too long")
        self._memo[node] = unknown("it is defined in terms of itself")
        self.depth += 1
        try:
            answer = self._resolve(node)
        finally:
            self.depth -= 1
        self._memo[node] = answer
        return answer

    def _resolve(self, node: ast.expr) -> Resolution:
        if isinstance(node, ast.Name):
            return self._name(node)
        if isinstance(node, ast.Attribute):
            return self._attribute(node)
        if isinstance(node, ast.Call):
            return self._call(node)
        if isinstance(node, ast.IfExp):
            return join([self.resolve(node.body), self.resolve(node.orelse)])
        if isinstance(node, ast.BoolOp):
            return join([self.resolve(value) for value in node.values])
        if isinstance(node, (ast.NamedExpr, ast.Await)):
            return self.resolve(node.value)
        if isinstance(node, ast.Constant):
            return unknown("it is a constant")
        return unknown("the expression has no name")

    def _name(self, node: ast.Name) -> Resolution:
        place = self.index.places.get(node)
        if place is None:
            return unknown("it stands in a string")
        scope = lookup(place.scope, node.id)
        if scope is None:
            return self._unbound(node.id, place.scope)
        return join([self._binding(binding) for binding in self.bindings_of(node, scope)])

    def bindings_of(self, node: ast.Name, scope: Scope | None = None) -> tuple[Binding, ...]:
        """The writes that a read of a name may see, in source order."""
        place = self.index.places[node]
        scope = scope or lookup(place.scope, node.id)
        if scope is None:
            return ()
        bindings = scope.bindings[node.id]
        if self._same_run(place.scope, scope):
            loops = frozenset(step[0] for step in place.branch) & self.index.loops
            return reaching(bindings, place.order, place.branch, loops)
        if scope.kind == "function":
            return tuple(bindings)
        return final(bindings)

    @staticmethod
    def _same_run(use: Scope, scope: Scope) -> bool:
        """Does the use run while its scope's body runs (comprehensions do, functions come later)?"""
        here: Scope | None = use
        while here is not None and here is not scope:
            if here.kind == "function":
                return False
            here = here.parent
        return True

    def _unbound(self, name: str, scope: Scope) -> Resolution:
        if name in _BUILTINS:
            return Resolution((Ref(f"builtins.{name}"),))
        here: Scope | None = scope
        while here is not None:
            if here.star_imports:
                return unknown(f"`from {here.star_imports[-1]} import *` may bind it")
            if here.has_exec:
                return unknown("`exec` may bind it")
            here = here.parent
        return unknown("it is never bound")

    def _binding(self, binding: Binding) -> Resolution:
        kind = binding.kind
        if kind is BindingKind.IMPORT:
            return Resolution((Ref(self.absolute(binding.target)),))
        if kind in (BindingKind.FUNCTION, BindingKind.CLASS):
            return Resolution((Ref(self.index.scopes[binding.node].qualified_name),))
        if kind is BindingKind.PARAMETER:
            return self._parameter(binding)
        if kind is BindingKind.ASSIGN and binding.value is not None:
            return self._unpacked(binding)
        if kind is BindingKind.WITH and binding.value is not None and binding.path == ():
            resolved = self.resolve(binding.value)
            return Resolution(tuple(ref for ref in resolved.refs if ref.is_instance), resolved.reason)
        return unknown(f"it is bound by {kind.value}")

    def _unpacked(self, binding: Binding) -> Resolution:
        value = binding.value
        for position in binding.path or ():
            if not isinstance(value, (ast.Tuple, ast.List)) or position >= len(value.elts):
                return unknown("it is unpacked")
            value = value.elts[position]
        if binding.path is None or value is None:
            return unknown("it is unpacked")
        return self.resolve(value)

    def _parameter(self, binding: Binding) -> Resolution:
        parameter = binding.node
        function = self._function_of(parameter)
        owner = self._owner.get(function) if function is not None else None
        if owner is not None and isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)):
            arguments = function.args.posonlyargs + function.args.args
            decorators = {d.id for d in function.decorator_list if isinstance(d, ast.Name)}
            if arguments and arguments[0] is parameter and "staticmethod" not in decorators:
                return Resolution((Ref(owner.name, "classmethod" not in decorators),))
        annotation = getattr(parameter, "annotation", None)
        if isinstance(annotation, (ast.Name, ast.Attribute)):
            types = [Ref(name, True) for name in self.resolve(annotation).names if self.is_class(name)]
            if types:
                return Resolution(tuple(types))
        return unknown("it is a parameter")

    def _function_of(self, parameter: ast.AST) -> ast.AST | None:
        place = self.index.places.get(parameter)
        return place.scope.node if place is not None else None

    def _attribute(self, node: ast.Attribute) -> Resolution:
        base = self.resolve(node.value)
        parts = [self._member(ref, node.attr) for ref in base.refs]
        if base.reason is not None:
            parts.append(unknown(base.reason))
        return join(parts)

    def _member(self, ref: Ref, attribute: str) -> Resolution:
        """The attribute of a module, class or instance."""
        info = self.classes.get(ref.name)
        if info is not None:
            return self._own_member(info, ref, attribute)
        name = f"{ref.name}.{attribute}"
        held = self.knowledge.holds(name) if ref.is_instance else None
        return Resolution((Ref(held, True),)) if held else Resolution((Ref(name),))

    def _own_member(self, info: ClassInfo, ref: Ref, attribute: str, seen: int = 0) -> Resolution:
        """A method, an attribute that methods assign, or what a base class has."""
        if attribute in info.methods:
            return Resolution((Ref(f"{info.name}.{attribute}"),))
        if attribute in info.attributes:
            return join([self._stored(value) for value, _ in info.attributes[attribute]])
        scope = self.index.scopes[info.node]
        if attribute in scope.bindings:
            return join([self._binding(binding) for binding in final(scope.bindings[attribute])])
        parts: list[Resolution] = []
        for base in info.node.bases:
            resolved = self.resolve(base)
            for name in resolved.names:
                inner = self.classes.get(name)
                if inner is not None and seen < 10:
                    parts.append(self._own_member(inner, ref, attribute, seen + 1))
                elif inner is None and name != "builtins.object":
                    parts.append(Resolution((Ref(f"{name}.{attribute}"),)))
        return join(parts) if parts else unknown("the class does not define it")

    def _stored(self, value: ast.expr | None) -> Resolution:
        return self.resolve(value) if value is not None else unknown("it is unpacked")

    def is_class(self, name: str) -> bool:
        """Is it a class of the file, or one that a table knows?"""
        return name in self.classes or self.knowledge.is_class(name)

    def _call(self, node: ast.Call) -> Resolution:
        function = self.resolve(node.func)
        parts: list[Resolution] = []
        for ref in function.refs:
            parts.append(self._result(ref, node))
        if function.reason is not None:
            parts.append(unknown(function.reason))
        return join(parts) if parts else unknown("the function is unknown")

    def _result(self, ref: Ref, node: ast.Call) -> Resolution:
        if ref.is_instance:
            return unknown("it is the result of calling an instance")
        if ref.name == "builtins.getattr":
            return self._getattr(node)
        if ref.name in ("importlib.import_module", "builtins.__import__"):
            name = constant_text(node.args[0]) if len(node.args) == 1 else None
            return Resolution((Ref(name),)) if name else unknown("the module is imported by a computed name")
        if self.is_class(ref.name):
            return Resolution((Ref(ref.name, True),))
        returned = self.knowledge.returns(ref.name)
        if returned is not None:
            return Resolution((Ref(returned, True),))
        own = self.functions.get(ref.name)
        if own is not None:
            return self._returned(own)
        return unknown(f"nothing is known of what `{ref.name}` returns")

    def _getattr(self, node: ast.Call) -> Resolution:
        attribute = constant_text(node.args[1]) if len(node.args) >= 2 else None
        if attribute is None:
            return unknown("`getattr` with a computed name")
        base = self.resolve(node.args[0])
        found = join([self._member(ref, attribute) for ref in base.refs] + ([base] if base.reason else []))
        return Resolution(found.refs, found.reason or "`getattr` with a default" if len(node.args) > 2 else found.reason)

    def _returned(self, function: Function) -> Resolution:
        """What a function of the file returns, from its own `return` statements."""
        if isinstance(function, ast.AsyncFunctionDef):
            return unknown("it is a coroutine")
        values = [n.value for n in _own_statements(function) if isinstance(n, ast.Return) and n.value is not None]
        if not values or len(values) > 5:
            return unknown("the function returns nothing that is known")
        resolved = [self.resolve(value) for value in values]
        instances = [Resolution(tuple(r for r in part.refs if r.is_instance), part.reason) for part in resolved]
        return join(instances)

    def absolute(self, dotted: str) -> str:
        """A relative import's target (`..models.net`) spelled from the project root."""
        if not dotted.startswith("."):
            return dotted
        level = len(dotted) - len(dotted.lstrip("."))
        parts = self.package.split(".") if self.package else []
        kept = parts[: max(len(parts) - (level - 1), 0)]
        return ".".join([*kept, *filter(None, [dotted[level:]])])


def _own_statements(function: Function) -> list[ast.AST]:
    """All nodes of a function without those of inner functions and classes."""
    found: list[ast.AST] = []
    waiting: list[ast.AST] = list(reversed(function.body))
    while waiting:
        node = waiting.pop()
        found.append(node)
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)):
            waiting.extend(reversed(list(ast.iter_child_nodes(node))))
    return found


def constant_text(node: ast.expr) -> str | None:
    """The text of a plain string literal."""
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None
