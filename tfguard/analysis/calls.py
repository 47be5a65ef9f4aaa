"""Handles that rules are given: expressions, calls with bound arguments, references to names."""

from __future__ import annotations

import ast
import enum
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from tfguard.analysis.resolution import Resolution
from tfguard.analysis.values import Absent, Known, Unknown, Value
from tfguard.model import Span

if TYPE_CHECKING:
    from tfguard.analysis.file_model import FileModel


@dataclass(frozen=True, slots=True, eq=False)
class Expr:
    """An expression of a file."""

    file: FileModel
    node: ast.expr

    @property
    def span(self) -> Span:
        """Where it stands, without parentheses around it."""
        return self.file.span(self.node)

    @property
    def text(self) -> str:
        """What the user wrote."""
        return self.file.text_of(self.span)

    @property
    def resolution(self) -> Resolution:
        """What it names."""
        return self.file.resolver.resolve(self.node)

    @property
    def value(self) -> Value:
        """Its constant value, if it has one on every path."""
        return self.file.value_of(self.node)

    @property
    def call(self) -> CallSite | None:
        """The call that it is, if it is one."""
        return self.file.call_site(self.node) if isinstance(self.node, ast.Call) else None

    @property
    def elements(self) -> tuple[Expr, ...] | None:
        """The elements of a list, tuple or set display."""
        if isinstance(self.node, (ast.List, ast.Tuple, ast.Set)):
            return tuple(Expr(self.file, element) for element in self.node.elts)
        return None

    @property
    def items(self) -> tuple[tuple[Expr, Expr], ...] | None:
        """The keys and values of a dict display without `**`."""
        if not isinstance(self.node, ast.Dict):
            return None
        rows = zip(self.node.keys, self.node.values, strict=True)
        return tuple((Expr(self.file, key), Expr(self.file, value)) for key, value in rows if key is not None)

    @property
    def origin(self) -> Expr:
        """The expression that a variable was assigned, when it is exactly one; else the expression itself."""
        return self.file.origin_of(self)


class ArgumentState(enum.Enum):
    """What is known of one argument of a call."""

    PRESENT = "present"
    ABSENT = "absent"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, eq=False)
class Argument:
    """One parameter of a call: the expression given for it, or its absence, or `*args` in the way."""

    state: ArgumentState
    expr: Expr | None = None
    keyword: ast.keyword | None = None

    @property
    def is_present(self) -> bool:
        """An expression is given for it."""
        return self.state is ArgumentState.PRESENT

    @property
    def is_absent(self) -> bool:
        """Surely not given: the callee's default holds."""
        return self.state is ArgumentState.ABSENT

    @property
    def value(self) -> Value:
        """Known constant, Absent, or Unknown."""
        if self.state is ArgumentState.ABSENT:
            return Absent()
        return self.expr.value if self.expr is not None else Unknown("`*args` or `**kwargs` may give it")

    def is_constant(self, *values: object) -> bool:
        """Is it surely one of these constants (compared with their types)?"""
        value = self.value
        return isinstance(value, Known) and any(type(value.value) is type(v) and value.value == v for v in values)


@dataclass(frozen=True, eq=False)
class CallSite:
    """A call, what it calls and with what. Every rule asks each for its name: no slots, so that answers are kept."""

    file: FileModel
    node: ast.Call

    @cached_property
    def resolution(self) -> Resolution:
        """What is called."""
        return self.file.resolver.resolve(self.node.func)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The qualified names of what may be called, in source order."""
        return self.resolution.names

    @cached_property
    def canonical_names(self) -> frozenset[str]:
        """The one spelling of each of these names."""
        return frozenset(self.file.knowledge.canonical(name) for name in self.names)

    @property
    def starred_names(self) -> tuple[str, ...]:
        """What a called name would be in each star-imported module, when only they can bind it."""
        resolution, function = self.resolution, self.node.func
        if resolution.refs or not isinstance(function, ast.Name) or "import *" not in (resolution.reason or ""):
            return ()
        return tuple(f"{module}.{function.id}" for module in self.file.star_imports)

    @property
    def name(self) -> str | None:
        """The one qualified name of what is called, when it is certain."""
        return self.resolution.name

    @cached_property
    def span(self) -> Span:
        """The whole call."""
        return self.file.span(self.node)

    @cached_property
    def written(self) -> str:
        """The function as the user spells it."""
        return self.file.text_of(self.file.span(self.node.func))

    @property
    def text(self) -> str:
        """The whole call as the user wrote it."""
        return self.file.text_of(self.span)

    @property
    def receiver(self) -> Expr | None:
        """What stands before the last dot of the function."""
        return Expr(self.file, self.node.func.value) if isinstance(self.node.func, ast.Attribute) else None

    @property
    def arguments(self) -> tuple[Expr, ...]:
        """The positional arguments without `*args`."""
        return tuple(Expr(self.file, a) for a in self.node.args if not isinstance(a, ast.Starred))

    @property
    def keywords(self) -> tuple[tuple[str, Expr], ...]:
        """The keyword arguments without `**kwargs`, in source order."""
        return tuple((k.arg, Expr(self.file, k.value)) for k in self.node.keywords if k.arg is not None)

    @property
    def has_star(self) -> bool:
        """Is there a `*args` or `**kwargs`?"""
        return any(isinstance(a, ast.Starred) for a in self.node.args) or any(k.arg is None for k in self.node.keywords)

    @property
    def function(self) -> str:
        """The qualified name of the function, class or module whose body holds the call."""
        return self.file.enclosing(self.node)

    def argument(self, keyword: str, position: int | None = None) -> Argument:
        """The argument of this name, or at this position (from 0), whichever is written."""
        for given in self.node.keywords:
            if given.arg == keyword:
                return Argument(ArgumentState.PRESENT, Expr(self.file, given.value), given)
        if position is not None:
            for number, argument in enumerate(self.node.args):
                if isinstance(argument, ast.Starred):
                    return Argument(ArgumentState.UNKNOWN)
                if number == position:
                    return Argument(ArgumentState.PRESENT, Expr(self.file, argument))
        if any(given.arg is None for given in self.node.keywords):
            return Argument(ArgumentState.UNKNOWN)
        return Argument(ArgumentState.ABSENT)


@dataclass(frozen=True, slots=True, eq=False)
class StoreSite:
    """A statement that writes to an attribute or an item: `config.verbose = 1`, `os.environ["HOME"] = "/"`."""

    file: FileModel
    target: ast.expr
    #: What is written; None where it is not one expression (`+=`, unpacking).
    value: Expr | None

    @property
    def span(self) -> Span:
        """What is written to."""
        return self.file.span(self.target)

    @property
    def written(self) -> str:
        """What is written to, as the user spells it."""
        return self.file.text_of(self.span)

    @property
    def names(self) -> tuple[str, ...]:
        """The qualified names of the object whose attribute or item is written, in source order."""
        return self.owner.resolution.names if self.owner is not None else ()

    @property
    def owner(self) -> Expr | None:
        """The object whose attribute or item is written."""
        owner = self.target.value if isinstance(self.target, (ast.Attribute, ast.Subscript)) else None
        return Expr(self.file, owner) if owner is not None else None

    @property
    def key(self) -> Value:
        """The name of the attribute, or the key of the item."""
        if isinstance(self.target, ast.Attribute):
            return Known(self.target.attr)
        if isinstance(self.target, ast.Subscript) and isinstance(self.target.slice, ast.expr):
            return self.file.value_of(self.target.slice)
        return Unknown("it is neither an attribute nor an item")


class ReferenceKind(enum.Enum):
    """How a name is mentioned."""

    CHAIN = "chain"
    IMPORT = "import"
    STAR = "star"


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """A mention of third-party names: a dotted chain or a name that is read, or an imported name."""

    file: FileModel
    kind: ReferenceKind
    node: ast.AST
    resolution: Resolution
    span: Span
    #: Why the mention may be protected (a version test, `except AttributeError`), None when it is not.
    guard: str | None
    #: False where the position is only that of the string around it (an f-string before Python 3.12).
    is_exact: bool = True

    @property
    def names(self) -> tuple[str, ...]:
        """The qualified names that it may mean, in source order."""
        return self.resolution.names

    @property
    def statement(self) -> Literal["from", "import"] | None:
        """The statement that names it, for an import: `from a import b`, or `import a.b`."""
        if self.kind is not ReferenceKind.IMPORT:
            return None
        return "from" if isinstance(self.file.index.places[self.node].parent, ast.ImportFrom) else "import"

    @property
    def written(self) -> str:
        """What the user wrote."""
        return self.file.text_of(self.span)
