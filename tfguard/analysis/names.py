"""What an expression names: qualified names through imports, aliases, attributes, calls and `self`.

A name is spelled from the root of its package (`tensorflow.nn.relu`), a name of the file itself from the file's
module name. Several possible names are all kept, in source order; what cannot be known has a reason.
"""

from __future__ import annotations

import ast
import builtins
import sys

from tfguard.analysis.definitions import (
    ClassInfo,
    Definitions,
    Function,
    decorators,
    is_property,
)
from tfguard.analysis.index import Index, Place
from tfguard.analysis.resolution import NONE, Knowledge, Ref, Resolution, join, not_none, unknown
from tfguard.analysis.scopes import Binding, BindingKind, Scope, dominates, final, lookup, reaching, visible_later

_BUILTINS = frozenset(name for name in dir(builtins) if not name.startswith("__") or name == "__import__")
#: How deep one question may lead to others, and to how many: what needs more is a tangle that nobody can follow.
_DEPTH = 80
_STEPS = 500
#: And how many steps all questions about one file may take: the most tangled of 8,700 real files needs 35,000.
_STEPS_OF_FILE = 500_000
#: Base classes that are followed from class to class within a file.
_LINEAGE = 30
_TOO_LONG = "the chain of assignments is too long"
_NOTHING = Resolution()
#: Modules of the standard library that training code hardly means: the project's own files are called so.
_OFTEN_HIDDEN = frozenset({"code", "test"})


class Resolver:
    """Answers for one file; every answer is remembered."""

    def __init__(self, index: Index, knowledge: Knowledge, module: str, package: str) -> None:
        self.index = index
        self.knowledge = knowledge
        self.module = module
        self.package = package
        self.definitions = Definitions(index)
        self.functions = self.definitions.functions
        self.classes = self.definitions.classes
        self._memo: dict[ast.AST, Resolution] = {}
        #: The expressions that are being resolved: reading one of them again is a cycle, which adds nothing.
        self._open: set[ast.AST] = set()
        #: Answers that left a cycle open: good for the question that is being answered, and forgotten with it.
        self._partial: dict[ast.AST, Resolution] = {}
        self._met_cycle = False
        self._steps = 0
        self._left = _STEPS_OF_FILE
        self._is_warm = False

    # -- questions and cycles -------------------------------------------------------------------------

    def resolve(self, node: ast.expr) -> Resolution:
        """What the expression may name."""
        known = self._memo.get(node)
        if known is not None:
            return known
        if self._open:
            return self._attempt(node)
        answer = self._ask(node)
        if answer.reason == _TOO_LONG and not self._is_warm:
            self._is_warm = True
            for call in self.index.calls:  # in the order of evaluation each question leads only to answered ones
                self.resolve(call)
            answer = self._ask(node)
        self._memo[node] = answer = answer if answer != _NOTHING else unknown("it is defined in terms of itself")
        return answer

    def _ask(self, node: ast.expr) -> Resolution:
        self._steps = 0
        answer = self._attempt(node)
        self._partial.clear()
        self._met_cycle = False
        return answer

    def _attempt(self, node: ast.expr) -> Resolution:
        """The answer inside of a question; what a cycle leads back to adds nothing to it."""
        known = self._memo.get(node)
        if known is not None:
            return known
        if node in self._open:
            self._met_cycle = True
            return _NOTHING
        if node in self._partial:
            self._met_cycle = True
            return self._partial[node]
        self._steps += 1
        self._left -= 1
        if len(self._open) > _DEPTH or self._steps > _STEPS or self._left < 0:
            self._met_cycle = True
            return unknown(_TOO_LONG)
        outside, self._met_cycle = self._met_cycle, False
        self._open.add(node)
        try:
            answer = self._resolve(node)
        finally:
            self._open.discard(node)
        (self._partial if self._met_cycle else self._memo)[node] = answer
        self._met_cycle = self._met_cycle or outside
        return answer

    # -- expressions --------------------------------------------------------------------------------

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
        if isinstance(node, ast.NamedExpr):
            return self.resolve(node.value)
        if isinstance(node, ast.Constant):
            return NONE if node.value is None else unknown("it is a constant")
        return unknown("the expression has no name")

    def _name(self, node: ast.Name) -> Resolution:
        place = self.index.places.get(node)
        if place is None:
            return unknown("it stands in a string")
        scope = lookup(place.scope, node.id)
        if scope is None:
            return self._unbound(node.id, place.scope)
        found = self.bindings_of(node, scope)
        parts = [self._binding(binding) for binding in found]
        if node.id in _BUILTINS and scope.kind == "module" and not _is_surely_bound(found, place, scope):
            parts.append(Resolution((Ref(f"builtins.{node.id}"),)))
        return join(parts) if parts else unknown("nothing is bound to it yet")

    def bindings_of(self, node: ast.Name, scope: Scope | None = None) -> tuple[Binding, ...]:
        """The writes that a read of a name may see, in source order."""
        place = self.index.places[node]
        scope = scope or lookup(place.scope, node.id)
        if scope is None:
            return ()
        bindings = scope.bindings[node.id]
        function = _function_between(place.scope, scope)
        if function is None:
            return reaching(bindings, place.order, place.branch, self.index.flow)
        if len(bindings) == 1:
            return tuple(bindings)
        made = self.index.places.get(function.node)
        if made is None:
            return tuple(bindings)
        return visible_later(bindings, made.order, made.branch, self.index.flow)

    def _unbound(self, name: str, scope: Scope) -> Resolution:
        reason = next(filter(None, map(_hidden_by, (scope, *scope.parents()))), None)
        if name in _BUILTINS:
            return Resolution((Ref(f"builtins.{name}"),), reason)
        stars = (origin for here in (scope, *scope.parents()) for origin in here.star_imports)
        if any(not self.is_foreign(self.absolute(origin)) for origin in stars):
            return Resolution((Ref(f"{self.module}.{name}"),), reason)
        return unknown(reason or "it is never bound")

    def _binding(self, binding: Binding) -> Resolution:
        kind = binding.kind
        if kind is BindingKind.IMPORT:
            return Resolution((Ref(self.absolute(binding.target)),))
        if kind in (BindingKind.FUNCTION, BindingKind.CLASS):
            return Resolution((Ref(self.index.scopes[binding.node].qualified_name),))
        if kind is BindingKind.PARAMETER:
            return self._parameter(binding)
        if kind is BindingKind.ASSIGN:
            value = unpacked(binding)
            return self.resolve(value) if value is not None else unknown("it is unpacked")
        if kind is BindingKind.WITH and binding.value is not None and binding.path == ():
            resolved = self.resolve(binding.value)
            refs = tuple(ref for ref in resolved.refs if ref.is_instance)
            return Resolution(refs, resolved.reason) if refs else unknown("it is bound by with")
        return unknown(f"it is bound by {kind.value}")

    def _parameter(self, binding: Binding) -> Resolution:
        parameter = binding.node
        place = self.index.places.get(parameter)
        function = place.scope.node if place is not None else None
        owner = self.definitions.class_of_parameter(function, binding.name) if function is not None else None
        if owner is not None and isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)):
            return Resolution((Ref(owner.name, "classmethod" not in decorators(function)),))
        annotation = getattr(parameter, "annotation", None)
        if isinstance(annotation, (ast.Name, ast.Attribute)):
            types = tuple(Ref(name, True) for name in self.resolve(annotation).names if self.is_class(name))
            if types:
                return Resolution(types)
        return unknown("it is a parameter")

    def class_of_self(self, name: ast.Name) -> ClassInfo | None:
        """The class whose method's first parameter this name is."""
        return self.definitions.class_of_self(name)

    # -- attributes ---------------------------------------------------------------------------------

    def _attribute(self, node: ast.Attribute) -> Resolution:
        base = not_none(self.resolve(node.value))
        parts = [self._member(ref, node.attr) for ref in base.refs]
        if base.reason is not None:
            parts.append(unknown(base.reason))
        return join(parts)

    def _member(self, ref: Ref, attribute: str) -> Resolution:
        """The attribute of a module, class or instance."""
        info = self.classes.get(ref.name)
        if info is not None:
            found = self._own_member(info, ref, attribute, frozenset())
            return found or Resolution((Ref(f"{ref.name}.{attribute}"),), f"`{info.name}` does not define it")
        name = f"{ref.name}.{attribute}"
        held = self.knowledge.holds(name) if ref.is_instance else None
        return Resolution((Ref(held, True),)) if held else Resolution((Ref(name),))

    def _own_member(self, info: ClassInfo, ref: Ref, attribute: str, seen: frozenset[str]) -> Resolution | None:
        """A method, an attribute that methods assign, or what a base class has; None when there is no such thing."""
        method = info.methods.get(attribute)
        if method is not None:
            return self._returned(method) if is_property(method) else Resolution((Ref(f"{info.name}.{attribute}"),))
        stored = [value for value, _ in info.attributes.get(attribute, ())]
        parts = [self.resolve(value) if value is not None else unknown("it is unpacked") for value in stored]
        bindings = self.index.scopes[info.node].bindings.get(attribute)
        if bindings:
            parts = [*(self._binding(binding) for binding in final(bindings)), *parts]
        if parts and attribute in self.definitions.assigned_from_outside:
            parts.append(unknown("it is assigned from outside of the class"))
        return join(parts) if parts else self._inherited(info, ref, attribute, seen | {info.name})

    def _inherited(self, info: ClassInfo, ref: Ref, attribute: str, seen: frozenset[str]) -> Resolution | None:
        """What the bases of a class have, the first one that has it first."""
        if len(seen) > _LINEAGE:
            return unknown("the line of base classes is too long")
        parts: list[Resolution] = []
        for base in info.node.bases:
            resolved = self.resolve(base)
            if resolved.reason is not None:
                parts.append(unknown(resolved.reason))
            for name in resolved.names:
                inner = self.classes.get(name)
                if inner is None and name != "builtins.object":
                    parts.append(self._member(Ref(name, ref.is_instance), attribute))
                if inner is None or name in seen:
                    continue
                found = self._own_member(inner, ref, attribute, seen)
                if found is not None:
                    return join([*parts, found])
        return join(parts) if parts else None

    def is_class(self, name: str) -> bool:
        """Is it a class of the file, or one that a table knows?"""
        return name in self.classes or self.knowledge.is_class(name)

    # -- calls --------------------------------------------------------------------------------------

    def _call(self, node: ast.Call) -> Resolution:
        function = not_none(self.resolve(node.func))
        parts = [self._result(ref, node) for ref in function.refs]
        if function.reason is not None:
            parts.append(unknown(function.reason))
        return join(parts)

    def _result(self, ref: Ref, node: ast.Call) -> Resolution:
        if ref.is_instance:
            return unknown("it is the result of calling an instance")
        if ref.name == "builtins.getattr":
            return self._getattr(node)
        if ref.name == "builtins.super":
            return self._super(node)
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
        reason = f"nothing is known of what `{ref.name}` returns"
        return unknown(reason) if self.is_foreign(ref.name) else Resolution((Ref(ref.name, True),), reason)

    def _getattr(self, node: ast.Call) -> Resolution:
        attribute = constant_text(node.args[1]) if len(node.args) >= 2 else None
        if attribute is None:
            return unknown("`getattr` with a computed name")
        base = not_none(self.resolve(node.args[0]))
        parts = [self._member(ref, attribute) for ref in base.refs]
        found = join([*parts, unknown(base.reason)] if base.reason else parts)
        return Resolution(found.refs, found.reason or "`getattr` with a default") if len(node.args) > 2 else found

    def _super(self, node: ast.Call) -> Resolution:
        """An instance of the bases of the class around, or of the class that `super(A, self)` names."""
        info = self.definitions.class_around(self.index.places[node].scope)
        if node.args:
            name = self.resolve(node.args[0]).name
            info = self.classes.get(name) if name is not None else None
        if info is None:
            return unknown("`super` outside of a class")
        found = join([self.resolve(base) for base in info.node.bases])
        return Resolution(tuple(Ref(name, True) for name in found.names), found.reason)

    def _returned(self, function: Function) -> Resolution:
        """What a function of the file returns, from its own `return` statements."""
        if isinstance(function, ast.AsyncFunctionDef) or function in self.index.generators:
            return unknown("it is a coroutine or a generator")
        values = self.index.returns.get(function, [])
        if not any(value is not None for value in values) or len(values) > 5:
            return unknown("the function returns nothing that is known")
        return join([self.resolve(value) if value is not None else NONE for value in values])

    # -- files --------------------------------------------------------------------------------------

    def absolute(self, dotted: str) -> str:
        """A relative import's target (`..models.net`) spelled from the project root."""
        if not dotted.startswith("."):
            return dotted
        level = len(dotted) - len(dotted.lstrip("."))
        parts = self.package.split(".") if self.package else []
        kept = parts[: max(len(parts) - (level - 1), 0)]
        found = ".".join([*kept, *filter(None, [dotted[level:]])])
        return f".{found}" if self.is_foreign(found) else found

    def is_foreign(self, name: str) -> bool:
        """Is the name surely none of the project: a builtin, or of the standard library or a known package?"""
        return is_foreign(name, self.module, self.knowledge)


def is_foreign(name: str, module: str, knowledge: Knowledge) -> bool:
    """The same for a name that stands in some module."""
    if name == module or name.startswith(f"{module}."):
        return False
    root = name.split(".", 1)[0]
    if root == "builtins" or knowledge.is_foreign(root):
        return True
    if f".{module}.".startswith(f"..{root}."):
        return False
    return root in sys.stdlib_module_names and root not in _OFTEN_HIDDEN


def _is_surely_bound(bindings: tuple[Binding, ...], place: Place, scope: Scope) -> bool:
    """Is one of the bindings made on every path, so that the builtin of the name is hidden?"""
    branch = place.branch if place.scope is scope else ()
    return any(dominates(binding.branch, branch) for binding in bindings)


def _function_between(use: Scope, scope: Scope) -> Scope | None:
    """The outermost function between a use and the scope that binds its name; what is used there runs later."""
    found: Scope | None = None
    here: Scope | None = use
    while here is not None and here is not scope:
        if here.kind == "function":
            found = here
        here = here.parent
    return found


def _hidden_by(scope: Scope) -> str | None:
    if scope.star_imports:
        return f"`from {scope.star_imports[-1]} import *` may bind it"
    return "`exec` may bind it" if scope.has_exec else None


def unpacked(binding: Binding) -> ast.expr | None:
    """The one expression that an assignment binds to its name, None when unpacking hides it."""
    value = binding.value
    if binding.path is None:
        return None
    for position in binding.path:
        if not isinstance(value, (ast.Tuple, ast.List)) or position >= len(value.elts):
            return None
        if any(isinstance(element, ast.Starred) for element in value.elts[: position + 1]):
            return None
        value = value.elts[position]
    return value


def constant_text(node: ast.expr) -> str | None:
    """The text of a plain string literal."""
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None
