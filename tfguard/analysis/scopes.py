"""Scopes, bindings and which bindings reach a use.

A `Binding` remembers where in the evaluation order it stands and on which branches, so that `reaching` can say
which writes a read may see: all that are not overwritten on every path.
"""

from __future__ import annotations

import ast
import enum
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field

#: One step into a conditional construct: its number, the arm, and whether its arms exclude each other.
#: Exclusive arms 0 and 1 are the two of an `if`; the cases of a `match` count from 2.
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
    """A module, class, function (or lambda), comprehension or list of type parameters, with the names it binds."""

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

    def enclosing_function(self) -> Scope:
        """The nearest function, class or module scope around a comprehension (or the scope itself)."""
        scope = self
        while scope.kind == "comprehension" and scope.parent is not None:
            scope = scope.parent
        return scope

    def parents(self) -> Iterator[Scope]:
        """The scopes around, innermost first."""
        scope = self.parent
        while scope is not None:
            yield scope
            scope = scope.parent


def lookup(scope: Scope, name: str) -> Scope | None:
    """The scope whose binding of `name` a use in `scope` sees, by Python's rules."""
    here: Scope | None = scope
    while here is not None:
        redirected = here.redirected.get(name)
        if redirected is not None:
            return redirected if name in redirected.bindings else None
        if name in here.bindings and (here is scope or here.kind != "class"):
            return here
        here = here.parent
    return None


@dataclass(frozen=True, slots=True)
class Flow:
    """What one file's control flow adds to branches."""

    #: The numbers of the steps that are loops.
    loops: frozenset[int] = frozenset()
    #: Arms (number, arm) that end in `return` or `raise` with nobody to see what they wrote.
    ended: frozenset[tuple[int, int]] = frozenset()


def is_exclusive(one: Branch, other: Branch) -> bool:
    """Can no run pass through both branches?"""
    for a, b in zip(one, other, strict=False):
        if a[0] != b[0]:
            return False
        if a[1] != b[1]:
            return a[2] and b[2]
    return False


def dominates(binding: Branch, use: Branch) -> bool:
    """Is a write on `binding` made on every path that reaches `use` later?"""
    return use[: len(binding)] == binding


def reaching(bindings: list[Binding], order: int, branch: Branch, flow: Flow) -> tuple[Binding, ...]:
    """The bindings of the same scope that a use may see, in source order."""
    if len(bindings) == 1 and not bindings[0].branch:
        return tuple(bindings) if bindings[0].order < order or bindings[0].from_inside else ()
    found, killer = _earlier(bindings, order, branch, flow)
    if any(step[0] in flow.loops for step in branch):
        later = bindings[bisect_left(bindings, order, key=_order) :]
        found += [b for b in later if not b.from_inside and _comes_round(b, branch, killer, flow)]
    return tuple(sorted(found, key=_order))


def visible_later(bindings: list[Binding], order: int, branch: Branch, flow: Flow) -> tuple[Binding, ...]:
    """The bindings that a function may see that is defined at `order` and called at any time after."""
    found, _ = _earlier(bindings, order, branch, flow)
    found += [b for b in bindings[bisect_left(bindings, order, key=_order) :] if not b.from_inside]
    return tuple(sorted(found, key=_order))


def final(bindings: list[Binding]) -> tuple[Binding, ...]:
    """The bindings that hold after the scope has run, in source order."""
    found, _ = _earlier(bindings, bindings[-1].order + 1, (), Flow())
    return tuple(sorted(found, key=_order))


def _order(binding: Binding) -> int:
    return binding.order


def _earlier(bindings: list[Binding], order: int, branch: Branch, flow: Flow) -> tuple[list[Binding], Branch | None]:
    """The earlier writes that are not overwritten on every path, and the branch of the one that hides the rest.

    Bindings stand in the order of their numbers, as the walk made them; those made by inner functions always count.
    """
    found = [binding for binding in bindings if binding.from_inside]
    written: set[Branch] = set()
    for binding in reversed(bindings[: bisect_left(bindings, order, key=_order)]):
        if binding.from_inside or is_exclusive(binding.branch, branch) or _is_left(binding, branch, flow):
            continue
        found.append(binding)
        whole = _whole(binding.branch, written, flow)
        if dominates(whole, branch):
            return found, whole
    return found, None


def _whole(branch: Branch, written: set[Branch], flow: Flow) -> Branch:
    """The branch that is written on every path, now that `branch` is: both arms of an `if` make the whole `if`."""
    written.add(branch)
    while branch:
        number, arm, exclusive = branch[-1]
        if not exclusive or arm > 1:
            break
        other = (*branch[:-1], (number, 1 - arm, True))
        if other not in written and (number, 1 - arm) not in flow.ended:
            break
        branch = branch[:-1]
        written.add(branch)
    return branch


def _is_left(binding: Binding, branch: Branch, flow: Flow) -> bool:
    """Does the write stand in an arm that ends in `return` or `raise`, and the use does not?"""
    return any(step[:2] in flow.ended and step not in branch for step in binding.branch)


def _comes_round(binding: Binding, branch: Branch, killer: Branch | None, flow: Flow) -> bool:
    """Does a write further down in a loop reach the use in the loop's next round?"""
    if _is_left(binding, branch, flow):
        return False
    common = [step for step in branch if step[0] in flow.loops and step[1] == 0 and step in binding.branch]
    return bool(common) and (killer is None or common[-1] not in killer)
