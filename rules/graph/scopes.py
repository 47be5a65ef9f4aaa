"""Variable scopes of a followed program, and the variables that were made by name (part of the TFG3xx rules)."""

from __future__ import annotations

import ast
import enum
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tfguard.analysis.flow.graph import Node
from tfguard.analysis.flow.machine import Call, Machine
from tfguard.analysis.flow.values import Const, External, Unknown, Value

if TYPE_CHECKING:
    from tfguard.analysis.file_model import FileModel

_SCOPE = "tensorflow.VariableScope"
_ARGUMENTS = ("name_or_scope", "default_name", "values", "initializer")


class Reuse(enum.Enum):
    """Are variables of a scope made, or found?"""

    NO = "no"
    YES = "yes"
    AUTO = "auto"
    UNKNOWN = "unknown"


@dataclass(slots=True, eq=False)
class Scope:
    """A variable scope that was entered."""

    context: Value | None
    graph: object
    #: The whole name; None: not known.
    name: str | None
    reuse: Reuse
    #: What the program holds of it.
    value: External


@dataclass(frozen=True, slots=True, eq=False)
class Clash:
    """A variable asked for by a name that is taken (`first` made it), or (`first` is None) that nothing has."""

    call: Call
    name: str
    first: Node | None
    #: The calls in which it is asked for, outermost first.
    callers: tuple[tuple[FileModel, ast.Call], ...] = ()


@dataclass(slots=True, eq=False)
class Scopes:
    """The scopes that are entered now, and the variables by graph and whole name."""

    entered: list[Scope] = field(default_factory=list)
    roots: dict[object, Scope] = field(default_factory=dict)
    by_value: dict[External, Scope] = field(default_factory=dict)
    named: dict[tuple[object, str], Node] = field(default_factory=dict)
    clashes: list[Clash] = field(default_factory=list)

    def current(self, machine: Machine, call: Call | None = None) -> Scope:
        """The scope that a variable made now is in."""
        for scope in reversed(self.entered):
            if scope.graph is machine.graph:
                return scope
        root = self.roots.get(machine.graph)
        if root is None:
            root = self.roots[machine.graph] = Scope(None, machine.graph, "", Reuse.NO, External(_SCOPE))
            self.by_value[root.value] = root
        return root

    def value_of(self, machine: Machine, call: Call) -> Value:
        """`tf.get_variable_scope()`."""
        scope = self.current(machine)
        if scope.value.made_by is None:
            scope.value.made_by = call.node
        return scope.value

    def enter(self, machine: Machine, context: External) -> Value:
        """`with tf.variable_scope(...)` has begun; what it binds."""
        given = dict(zip(_ARGUMENTS, context.arguments, strict=False)) | context.keywords
        if len(context.arguments) > len(_ARGUMENTS) or "custom_getter" in given:
            given["reuse"] = Unknown("the arguments are not told apart")
        around = self.current(machine)
        wanted = given.get("name_or_scope")
        known = self.by_value.get(wanted) if isinstance(wanted, External) else None
        name = known.name if known is not None else _joined(around.name, text_of(wanted))
        reuse = reuse_of(given.get("reuse"))
        if known is not None and reuse is Reuse.NO:
            reuse = known.reuse
        if reuse is Reuse.NO or (around.reuse is Reuse.UNKNOWN):
            reuse = around.reuse if around.reuse is not Reuse.NO else reuse
        if machine.graph is None:
            reuse = Reuse.UNKNOWN
        scope = Scope(context, machine.graph, name, reuse, External(_SCOPE, context.made_by))
        if name is not None:
            scope.value.attributes["name"] = Const(name)
        self.entered.append(scope)
        self.by_value[scope.value] = scope
        return scope.value

    def leave(self, context: Value) -> None:
        """The `with` has ended."""
        if self.entered and self.entered[-1].context is context:
            self.entered.pop()

    def reuse_variables(self, machine: Machine, call: Call) -> Value:
        """`scope.reuse_variables()`: from now on variables are found, not made."""
        scope = self.by_value.get(call.receiver) if isinstance(call.receiver, External) else None
        if scope is None:
            for each in (*self.entered, *self.roots.values()):
                each.reuse = Reuse.UNKNOWN
        else:
            scope.reuse = Reuse.YES if not machine.conditional else Reuse.UNKNOWN
        return Const(None)

    def clash(self, machine: Machine, call: Call, name: str, first: Node | None) -> None:
        """Keep what cannot be."""
        self.clashes.append(Clash(call, name, first, tuple(machine.callers)))


def _joined(around: str | None, own: str | None) -> str | None:
    if around is None or own is None:
        return None
    return f"{around}/{own}" if around and own else around or own


def text_of(value: Value | None) -> str | None:
    """A text that is known."""
    return value.value if isinstance(value, Const) and isinstance(value.value, str) else None


def reuse_of(value: Value | None) -> Reuse:
    """What `reuse=` says."""
    if value is None or (isinstance(value, Const) and not value.value):
        return Reuse.NO
    if isinstance(value, External) and value.name.endswith("AUTO_REUSE"):
        return Reuse.AUTO
    return Reuse.YES if isinstance(value, Const) and value.value is True else Reuse.UNKNOWN


def leads_to(first: tuple[object, ...], second: tuple[object, ...]) -> bool:
    """Was the first surely done on every way that does the second (the second came later)?"""
    return second[: len(first)] == first
