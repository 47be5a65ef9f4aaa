"""Follows a program: its modules, functions and objects, on abstract values, building the graph that it builds.

Branches whose condition is not known are both taken and joined, loops of unknown length are taken some rounds, and what
is written meanwhile may or may not hold afterwards. What libraries do is asked of a `Library`.
"""

from __future__ import annotations

import ast
import enum
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from tfguard.analysis.flow.graph import Kind, Loop, Mode, Node
from tfguard.analysis.flow.values import (
    Const,
    External,
    Function,
    Mapping,
    Module,
    Names,
    NoGradient,
    Sequence,
    Tensor,
    Unknown,
    Value,
    join,
    nodes_of,
)

if TYPE_CHECKING:
    from tfguard.analysis.file_model import FileModel

Finder = Callable[["FileModel", str], "FileModel | None"]

#: Expressions of one program that are followed.
MOST_STEPS = 150_000
DEEPEST = 40


class Status(enum.Enum):
    """How a statement may end."""

    NEXT = "next"
    RETURN = "return"
    BREAK = "break"
    CONTINUE = "continue"
    RAISE = "raise"


GOES_ON = frozenset({Status.NEXT})


class LimitError(Exception):
    """The program takes more steps than are followed."""


@dataclass(slots=True, eq=False)
class Frame:
    """One running body: a module's, a function's or a class's."""

    file: FileModel
    names: Names
    function: Function | None = None
    returns: list[Value] = field(default_factory=list)
    yields: list[Value] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Call:
    """A call of a library, and what came of it."""

    #: The name as spelled, the alias of the import resolved.
    name: str
    node: ast.Call
    file: FileModel
    arguments: list[Value]
    keywords: dict[str, Value]
    #: There may be more arguments (`*args`, `**kwargs` that are not known).
    has_more: bool = False
    receiver: Value | None = None
    result: Value | None = None
    #: What `with` statements around it have entered, outermost first.
    contexts: tuple[Value, ...] = ()
    is_conditional: bool = False
    is_repeated: bool = False
    #: The number of nodes that exist when it is made.
    position: int = 0
    #: The loops that are running, outermost first, and the `try` statements whose body is followed.
    loops: tuple[Loop, ...] = ()
    branches: tuple[object, ...] = ()
    tries: tuple[ast.Try, ...] = ()

    def argument(self, keyword: str, position: int | None = None) -> Value | None:
        """The value given for a parameter; None when it is not given, Unknown when that is not known."""
        if keyword in self.keywords:
            return self.keywords[keyword]
        if position is not None and position < len(self.arguments):
            return self.arguments[position]
        return Unknown("it may be among `*args` or `**kwargs`", wild=True) if self.has_more else None


class Library(Protocol):
    """What is known of libraries."""

    def call(self, machine: Machine, call: Call) -> Value:
        """What a call of a library's function, class or method gives."""

    def attribute(self, machine: Machine, owner: Value, name: str) -> Value | None:
        """What an attribute of a tensor or of a library's object holds; None: it is a method of that name."""

    def enter(self, machine: Machine, context: Value) -> Value | None:
        """What `with` binds for a library's context; None: the context itself."""

    def element(self, machine: Machine, owner: Tensor, place: ast.AST, file: FileModel, index: Value | None) -> Value:
        """What an element or item of a tensor is; `index` None: any."""

    def is_object(self, value: External) -> bool:
        """Is what a library's name stands for surely something, and no number: true, and not None?"""

    def inherited(self, machine: Machine, call: Call) -> None:
        """A method was called that an object of the project has from a library's class."""

    def leave(self, machine: Machine, context: Value) -> None:
        """The `with` block of a library's context has ended."""


class Machine:
    """The state of a program that is being followed."""

    def __init__(self, library: Library, find: Finder, limit: int = MOST_STEPS) -> None:
        self.library = library
        self.find = find
        self.limit = limit
        self.modules: dict[str, Module] = {}
        self.nodes: list[Node] = []
        self.calls: list[Call] = []
        #: The functions whose bodies were followed.
        self.entered: set[ast.AST] = set()
        #: Operators whose operand is the None of a gradient.
        self.misused: list[tuple[NoGradient, ast.AST, FileModel]] = []
        #: Gradients that the program compares with None.
        self.checked: list[NoGradient] = []
        self.contexts: list[Value] = []
        #: The graph that nodes are added to; None: not known.
        self.graph: object = object()
        self.loops: list[Loop] = []
        #: The calls that are followed now, outermost first.
        self.callers: list[tuple[FileModel, ast.Call]] = []
        #: What stands for each way that may not be taken, and is followed now.
        self.branches: list[object] = []
        #: The `try` statements whose body is followed now.
        self.tries: list[ast.Try] = []
        #: Calls of which nothing is known and what they are given, each with the number of library calls before it.
        self.escaped: list[tuple[int, ast.Call, tuple[Value, ...]]] = []
        #: How many branches and loops of unknown outcome surround what is followed now.
        self.conditional = 0
        self.repeated = 0
        self.depth = 0
        self.steps = 0
        #: Set when the limit was reached: what came until then was followed.
        self.is_cut = False
        #: Modules are followed when something of them is used, not where they are imported.
        self.is_lazy = False

    # -- running ----------------------------------------------------------------------------------------

    def run(self, file: FileModel) -> Module:
        """Follow a module as a program."""
        try:
            return self.load(file, "__main__")
        except (LimitError, RecursionError):
            self.is_cut = True
            return self.modules.get(file.path) or Module(file, {})

    def load(self, file: FileModel, name: str) -> Module:
        """Follow a module's body, the first time that it is imported."""
        from tfguard.analysis.flow.statements import execute_block

        module = self.modules.get(file.path)
        if module is None:
            module = self.modules[file.path] = Module(file, {"__name__": Const(name)})
            execute_block(self, file.tree.body, Frame(file, Names(module.names)))
        return module

    def step(self) -> None:
        """Count one expression."""
        self.steps += 1
        if self.steps > self.limit:
            raise LimitError

    # -- the graph --------------------------------------------------------------------------------------

    def make(
        self,
        api: str,
        place: ast.AST,
        file: FileModel,
        *,
        kind: Kind = Kind.OP,
        inputs: list[tuple[Value, Mode]] | None = None,
    ) -> Node:
        """Add a node to the graph."""
        node = Node(len(self.nodes), kind, api, file, place, many=self.repeated > 0, contexts=tuple(self.contexts))
        node.graph, node.loops, node.branches = self.graph, tuple(self.loops), tuple(self.branches)
        node.callers = tuple(self.callers)
        self.nodes.append(node)
        for value, mode in inputs or ():
            self.connect(node, value, mode)
            self.require(node, value)
        return node

    def connect(self, node: Node, value: Value, mode: Mode) -> None:
        """Make a value an input of a node."""
        found, wild = nodes_of(value)
        certain = mode if isinstance(value, Tensor) or mode is Mode.BLOCKED else self._within(value, mode)
        node.inputs.extend((before, certain) for before in found)
        node.wild = node.wild or (wild and mode is not Mode.BLOCKED)

    def require(self, node: Node, *values: Value) -> None:
        """A node is never computed without these values, as far as it is sure what they are."""
        node.needs.extend(before for before in sure_nodes(*values) if before not in node.needs)

    def _within(self, value: Value, mode: Mode) -> Mode:
        """A gradient surely passes into a list whose elements are tensors, not into what may be another thing."""
        items = value.items if isinstance(value, Sequence) else None
        return mode if items and all(isinstance(item, (Tensor, Const)) for item in items) else Mode.MAYBE

    # -- ways that are not sure ---------------------------------------------------------------------------

    @contextmanager
    def unsure(self, *, repeated: bool = False) -> Iterator[None]:
        """What happens inside may not happen, or happen more than once."""
        self.conditional += 1
        self.branches.append(object())
        self.repeated += repeated
        try:
            yield
        finally:
            self.branches.pop()
            self.conditional -= 1
            self.repeated -= repeated

    @contextmanager
    def loop(self, loop: Loop) -> Iterator[None]:
        """What happens inside is in rounds of a loop."""
        self.loops.append(loop)
        try:
            yield
        finally:
            self.loops.pop()

    @contextmanager
    def apart(self) -> Iterator[None]:
        """What happens inside happens once and surely, whatever surrounds it."""
        kept = self.conditional, self.repeated, self.contexts
        self.conditional, self.repeated, self.contexts = 0, 0, []
        try:
            yield
        finally:
            self.conditional, self.repeated, self.contexts = kept

    def may_write(self, born: int, old: Value | None, new: Value) -> Value:
        """What an attribute or item holds after a write, where the write may not happen."""
        return new if old is None or self.conditional <= born else join([old, new])


def sure_nodes(*values: Value) -> Iterator[Node]:
    """The nodes that values surely are, or surely hold as elements."""
    for value in values:
        if isinstance(value, Tensor):
            yield value.node
        elif isinstance(value, Sequence):
            yield from sure_nodes(*(value.items or ()))
        elif isinstance(value, Mapping):
            yield from sure_nodes(*value.items.values())


def unknown_of(reason: str, *values: Value, wild: bool = False) -> Unknown:
    """Something computed from some values in a way that is not known."""
    nodes, more = nodes_of(*values)
    return Unknown(reason, nodes, wild or more)
