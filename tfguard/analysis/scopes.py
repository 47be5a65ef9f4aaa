"""Scopes, bindings and which bindings reach a use.

A `Binding` remembers where in the evaluation order it stands and on which branches, so that `reaching` can say
which writes a read may see: all that are not overwritten on every path.
"""

from __future__ import annotations

import ast
import enum
from dataclasses import dataclass, field

#: One step into a conditional construct: its number, the arm, and whether its arms exclude each other.
Step = tuple[int, int, bool]
Branch = tuple[Step, ...]


class BindingKind(enum.Enum):
    """How a name came by its value."""

    IMPORT = "import"
    ASSIGN = "assign"
    WITH = "with"
    FOR = "for"
    PARAMETER = "parameter"
    FUNCTION = "function"
    CLASS = "class"
    OTHER = "other"


@dataclass(frozen=True, slots=True, eq=False)
class Binding:
    """One write to a name."""

    name: str
    kind: BindingKind
    node: ast.AST
    order: int
    branch: Branch
    #: The expression bound (ASSIGN, WITH, FOR: what is iterated), None when there is none.
    value: ast.expr | None = None
    #: Where in an unpacked value the name stands; empty for the whole value, None when unclear.
    path: tuple[int, ...] | None = ()
    #: The dotted name an import binds.
    target: str = ""
    #: True when written from an inner function through `global` or `nonlocal`.
    from_inside: bool = False


@dataclass(slots=True, eq=False)
class Scope:
    """A module, class, function, lambda or comprehension, with the names it binds."""

    kind: str
    node: ast.AST
    parent: Scope | None
    qualified_name: str
    bindings: dict[str, list[Binding]] = field(default_factory=dict)
    redirected: dict[str, Scope] = field(default_factory=dict)
    star_imports: list[str] = field(default_factory=list)
    has_exec: bool = False

    def bind(self, binding: Binding) -> None:
        """Record a write, in the scope that `global` and `nonlocal` send it to."""
        target = self.redirected.get(binding.name, self)
        target.bindings.setdefault(binding.name, []).append(binding)

    @property
    def is_function_like(self) -> bool:
        """Functions, lambdas and comprehensions: scopes that classes are invisible to."""
        return self.kind in ("function", "comprehension")

    def enclosing_function(self) -> Scope:
        """The nearest function, class or module scope around a comprehension (or the scope itself)."""
        scope = self
        while scope.kind == "comprehension" and scope.parent is not None:
            scope = scope.parent
        return scope


def lookup(scope: Scope, name: str) -> Scope | None:
    """The scope whose binding of `name` a use in `scope` sees, by Python's rules."""
    here: Scope | None = scope
    first = True
    while here is not None:
        if name in here.redirected:
            here = here.redirected[name]
            return here if name in here.bindings else None
        if name in here.bindings and (first or here.kind != "class"):
            return here
        first = first and here.kind == "comprehension"
        here = here.parent
    return None


def is_exclusive(one: Branch, other: Branch) -> bool:
    """Can no run pass through both branches?"""
    for a, b in zip(one, other):
        if a[0] != b[0]:
            return False
        if a[1] != b[1]:
            return a[2] and b[2]
    return False


def dominates(binding: Branch, use: Branch) -> bool:
    """Is a write on `binding` made on every path that reaches `use` later?"""
    return use[: len(binding)] == binding


def reaching(bindings: list[Binding], order: int, branch: Branch, loops: frozenset[int]) -> tuple[Binding, ...]:
    """The bindings of the same scope that a use may see, in source order.

    `loops` are the numbers of the loops around the use: a write later in the same loop reaches the next round.
    """
    found: list[Binding] = []
    for binding in reversed(bindings):
        if binding.from_inside:
            found.append(binding)
            continue
        if binding.order >= order:
            if any(step[0] in loops for step in binding.branch):
                found.append(binding)
            continue
        if is_exclusive(binding.branch, branch):
            continue
        found.append(binding)
        if dominates(binding.branch, branch):
            break
    return tuple(sorted(found, key=lambda b: b.order))


def final(bindings: list[Binding]) -> tuple[Binding, ...]:
    """The bindings that a function called after its outer scope has run may see, in source order."""
    found: list[Binding] = []
    for binding in reversed(bindings):
        found.append(binding)
        if not binding.branch and not binding.from_inside:
            break
    return tuple(sorted(found, key=lambda b: b.order))
