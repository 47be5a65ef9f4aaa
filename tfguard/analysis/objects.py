"""What became of an object: the expressions that made it, what was set on it, and whether more may have happened.

A variable, an attribute of `self` or a function of the file may hold it. Attributes that are written are told by their
path from the object (`config.gpu_options.allow_growth = True` is the setting `("gpu_options", "allow_growth")`), and so
is an item with a constant key. Passing the object on, giving it another name or calling a method of it may change it.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tfguard.analysis.calls import CallSite, Expr
from tfguard.analysis.scopes import Binding, BindingKind, Scope, lookup
from tfguard.analysis.values import Known

if TYPE_CHECKING:
    from tfguard.analysis.file_model import FileModel

Harmless = Callable[[CallSite], bool]

_DEPTH = 10
#: Functions of the language that only look at what they are given.
_READERS = frozenset(f"builtins.{name}" for name in ("bool", "id", "isinstance", "len", "print", "repr", "str", "type"))
#: Around a read of the object: nothing that could change it.
_LOOKS = (ast.Compare, ast.If, ast.While, ast.IfExp, ast.BoolOp, ast.UnaryOp, ast.Assert, ast.FormattedValue, ast.Expr)


@dataclass(frozen=True, slots=True, eq=False)
class Creation:
    """An expression that made the object, and the variable that it went into directly."""

    expr: Expr
    #: The assignment and its target as written (`config`, `self.config`), when it is a plain `target = expr`.
    statement: ast.Assign | None = None
    target: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Setting:
    """One write to an attribute or item of the object."""

    path: tuple[str, ...]
    value: Expr | None


@dataclass(slots=True, eq=False)
class History:
    """Everything that is known of the object; `reason` says why more may have happened to it."""

    creations: list[Creation] = field(default_factory=list)
    settings: list[Setting] = field(default_factory=list)
    reason: str | None = None


def history_of(expr: Expr, is_harmless: Harmless) -> History:
    """The history of what an expression holds; `is_harmless` tells calls that do not change what they are given."""
    historian = _Historian(expr.file, is_harmless)
    historian.follow(expr.node, 0)
    return historian.history


class _Historian:
    """Follows one object through one file."""

    def __init__(self, file: FileModel, is_harmless: Harmless) -> None:
        self.file = file
        self.is_harmless = is_harmless
        self.history = History()
        self.followed: set[ast.AST] = set()
        self.holders: list[tuple[Scope | str, str]] = []

    def give_up(self, reason: str) -> None:
        self.history.reason = self.history.reason or reason

    # -- where it came from -----------------------------------------------------------------------------

    def follow(self, node: ast.expr, depth: int, value_of: ast.Assign | None = None) -> None:
        """Find what made the value of an expression."""
        if depth > _DEPTH:
            self.give_up("the chain of assignments is too long")
            return
        self.followed.add(node)
        if isinstance(node, ast.IfExp):
            self.follow(node.body, depth + 1)
            self.follow(node.orelse, depth + 1)
        elif isinstance(node, ast.Name):
            self._follow_name(node, depth)
        elif isinstance(node, ast.Attribute):
            self._follow_attribute(node, depth)
        elif isinstance(node, ast.Call) and self._own_function(node) is not None:
            self._follow_function(node, depth)
        else:
            self._made_by(node, value_of)

    def _made_by(self, node: ast.expr, statement: ast.Assign | None) -> None:
        target = self.file.text_of(self.file.span(statement.targets[0])) if statement is not None else None
        self.history.creations.append(Creation(Expr(self.file, node), statement, target))

    def _follow_name(self, node: ast.Name, depth: int) -> None:
        place = self.file.index.places.get(node)
        scope = lookup(place.scope, node.id) if place is not None else None
        if scope is None:
            self.give_up(f"`{node.id}` is not bound in the file")
            return
        for binding in self.file.resolver.bindings_of(node):
            self._follow_binding(binding, depth)
        if (scope, node.id) not in self.holders:
            self.holders.append((scope, node.id))
            self._read_uses(lambda root: _is_name(self.file, root, scope, node.id), 0)

    def _follow_binding(self, binding: Binding, depth: int) -> None:
        if binding.kind is not BindingKind.ASSIGN or binding.value is None or binding.path != ():
            self.give_up(f"`{binding.name}` is bound by {binding.kind.value}")
            return
        self.follow(binding.value, depth + 1, self._plain_assignment(binding.value))

    def _plain_assignment(self, value: ast.expr) -> ast.Assign | None:
        """The statement `target = value` with one target."""
        parent = self.file.index.places[value].parent
        return parent if isinstance(parent, ast.Assign) and len(parent.targets) == 1 else None

    def _follow_attribute(self, node: ast.Attribute, depth: int) -> None:
        owner = self.file.resolver.class_of_self(node.value) if isinstance(node.value, ast.Name) else None
        outside = self.file.resolver.definitions.assigned_from_outside
        if owner is None or node.attr not in owner.attributes or node.attr in outside:
            self.give_up("it is an attribute of another object")
            return
        for value, _ in owner.attributes[node.attr]:
            if value is None:
                self.give_up(f"`{node.attr}` is unpacked")
            else:
                self.follow(value, depth + 1, self._plain_assignment(value))
        if (owner.name, node.attr) not in self.holders:
            self.holders.append((owner.name, node.attr))
            self._read_uses(lambda root: self._class_of(root) == owner.name, 1, node.attr)

    def _class_of(self, root: ast.expr) -> str | None:
        owner = self.file.resolver.class_of_self(root) if isinstance(root, ast.Name) else None
        return owner.name if owner is not None else None

    def _own_function(self, node: ast.Call) -> ast.FunctionDef | None:
        name = self.file.resolver.resolve(node.func).name
        function = self.file.resolver.functions.get(name) if name is not None else None
        return function if isinstance(function, ast.FunctionDef) else None

    def _follow_function(self, node: ast.Call, depth: int) -> None:
        function = self._own_function(node)
        scope = self.file.index.scopes[function] if function is not None else None
        returns = [
            inner
            for inner in (ast.walk(function) if function is not None else ())
            if isinstance(inner, ast.Return) and self.file.index.places[inner].scope is scope
        ]
        if not returns or any(inner.value is None for inner in returns):
            self.give_up("the function does not say what it returns")
        for inner in returns:
            if inner.value is not None:
                self.follow(inner.value, depth + 1)

    # -- what was done with it ---------------------------------------------------------------------------

    def _read_uses(self, is_holder: Callable[[ast.expr], bool], skip: int, attribute: str = "") -> None:
        """Note every write to, and judge every read of, the variable (or, below `self`, the attribute)."""
        for target, value in self.file.index.stores:
            path = self._path_from(target, is_holder, skip, attribute)
            if path and path != _OTHER:
                self.history.settings.append(Setting(path, Expr(self.file, value) if value is not None else None))
            elif path is None:
                self.give_up("an item with a computed key is written")
        for chain in self.file.index.chains:
            path = self._path_from(chain, is_holder, skip, attribute)
            if path != _OTHER and chain not in self.followed:
                self._judge_read(chain, path or ())

    def _path_from(
        self, node: ast.expr, is_holder: Callable[[ast.expr], bool], skip: int, attribute: str
    ) -> tuple[str, ...] | None:
        """The path from the object to what a chain means; `_OTHER` for other objects, None when a key is computed."""
        steps: list[str | None] = []
        while isinstance(node, (ast.Attribute, ast.Subscript)):
            steps.append(node.attr if isinstance(node, ast.Attribute) else self._constant_key(node))
            node = node.value
        steps.reverse()
        if not is_holder(node) or (skip and steps[:1] != [attribute]):
            return _OTHER
        path = [step for step in steps[skip:] if step is not None]
        return tuple(path) if len(path) == len(steps) - skip else None

    def _constant_key(self, node: ast.Subscript) -> str | None:
        value = self.file.value_of(node.slice) if isinstance(node.slice, ast.expr) else None
        return str(value.value) if isinstance(value, Known) else None

    def _judge_read(self, chain: ast.expr, path: tuple[str, ...]) -> None:
        parent = self.file.index.places[chain].parent
        while isinstance(parent, (ast.Attribute, ast.Subscript)) and getattr(parent, "value", None) is chain:
            if not isinstance(parent.ctx, ast.Load):
                return
            chain, parent = parent, self.file.index.places[parent].parent
        if isinstance(parent, ast.keyword):
            parent = self.file.index.places[parent].parent
        if isinstance(parent, ast.Call):
            call = self.file.call_site(parent)
            if parent.func is chain or not (self.is_harmless(call) or set(call.names) & _READERS):
                self.give_up(f"`{call.written}` may change it")
        elif not isinstance(parent, _LOOKS) and not (isinstance(parent, ast.Return) and not path):
            self.give_up(f"`{self.file.text_of(self.file.span(chain))}` is passed on")


#: What `_path_from` answers for a chain that has nothing to do with the object (no attribute is spelled so).
_OTHER = ("",)


def _is_name(file: FileModel, node: ast.expr, scope: Scope, name: str) -> bool:
    place = file.index.places.get(node) if isinstance(node, ast.Name) and node.id == name else None
    return place is not None and lookup(place.scope, name) is scope
