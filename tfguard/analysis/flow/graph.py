"""The graph that a followed program builds: nodes, what each is computed from, and what leads from one to another."""

from __future__ import annotations

import ast
import enum
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tfguard.analysis.file_model import FileModel


class Mode(enum.Enum):
    """How a gradient passes from a node to one of its inputs."""

    FLOWS = "flows"
    BLOCKED = "blocked"
    MAYBE = "maybe"


class Kind(enum.Enum):
    """What a node is."""

    VARIABLE = "variable"
    PLACEHOLDER = "placeholder"
    OP = "op"


@dataclass(frozen=True, slots=True, eq=False)
class Loop:
    """One run of a loop: the statement, and how many rounds it takes (None: not known)."""

    place: ast.AST
    file: FileModel
    rounds: int | None
    #: Its first round alone, which is followed with what it surely begins with.
    is_first: bool = False


@dataclass(slots=True, eq=False)
class Node:
    """One thing in the graph; `inputs` may grow while a loop is followed."""

    number: int
    kind: Kind
    #: What made it: the canonical name of a library's function, or a sign such as `+`.
    api: str
    file: FileModel
    place: ast.AST
    inputs: list[tuple[Node, Mode]] = field(default_factory=list)
    #: The nodes that are computed first whenever it is, and that surely are its inputs.
    needs: list[Node] = field(default_factory=list)
    #: It may depend on nodes that are not known.
    wild: bool = False
    #: How the user calls it: the name given to it, or the variable that it was first assigned to.
    label: str = ""
    trainable: bool = True
    #: It stands for several: it is made in a loop whose rounds are not known.
    many: bool = False
    #: The graph that it is part of; None: not known.
    graph: object = None
    #: What `with` statements around its making have entered, outermost first.
    contexts: tuple[object, ...] = ()
    #: "float", "int" (or another type without gradients), "" where it is not known.
    dtype: str = ""
    #: The loops that are running when it is made, outermost first.
    loops: tuple[Loop, ...] = ()
    #: The ways that the program may not have taken on which it is made, outermost first.
    branches: tuple[object, ...] = ()
    #: The calls in which it is made, outermost first.
    callers: tuple[tuple[FileModel, ast.Call], ...] = ()

    @property
    def title(self) -> str:
        """What messages call it."""
        return self.label or self.api.rpartition(".")[2]


class Answer(enum.Enum):
    """Does a gradient lead from a result to a variable?"""

    YES = "yes"
    NO = "no"
    UNDECIDED = "cannot decide"


@dataclass(frozen=True, slots=True)
class Reach:
    """The answer, and what proves it."""

    answer: Answer
    #: BLOCKED: the first node on the way that lets no gradient through. Empty when nothing leads there at all.
    blocked: tuple[Node, ...] = ()
    #: The variables and placeholders that the results do depend on.
    depends_on: tuple[Node, ...] = ()


def passed(results: Iterable[Node]) -> dict[Node, None]:
    """What a gradient from the results may pass, the results included."""
    return _back(list(results), (Mode.FLOWS, Mode.MAYBE), everywhere)


#: So many of the nodes that stop a gradient are named.
_MOST_WALLS = 8

#: May a gradient pass from a node to this one of its inputs (None: to those that are not known)?
Passes = Callable[[Node, "Node | None"], bool]


def everywhere(node: Node, before: Node | None) -> bool:
    """In a graph all that was ever made counts."""
    return True


def needed(results: Iterable[Node], given: Iterable[Node] = ()) -> dict[Node, Node | None]:
    """What is surely computed when the results are, and what each is needed for; not beyond what is given."""
    stop = set(given)
    found: dict[Node, Node | None] = {node: None for node in results if node not in stop}
    waiting = list(reversed(found))
    while waiting:
        node = waiting.pop()
        for before in node.needs:
            if before not in found and before not in stop:
                found[before] = node
                waiting.append(before)
    return found


def reach(results: Iterable[Node], target: Node, *, wild: bool = False, passes: Passes = everywhere) -> Reach:
    """Follow the inputs of the results back to the target; `wild` where the results are not all known."""
    return Backward(results, passes).to(target, wild=wild)


class Backward:
    """What some results are computed from, followed once for all that is asked of them."""

    def __init__(self, results: Iterable[Node], passes: Passes = everywhere) -> None:
        self.starts = list(dict.fromkeys(results))
        self.passes = passes

    @cached_property
    def sure(self) -> dict[Node, None]:
        """Where a gradient surely passes."""
        return _back(self.starts, (Mode.FLOWS,), self.passes)

    @cached_property
    def possible(self) -> dict[Node, None]:
        """Where a gradient may pass."""
        return _back(self.starts, (Mode.FLOWS, Mode.MAYBE), self.passes)

    @cached_property
    def _whole(self) -> dict[Node, None]:
        return _back(self.starts, tuple(Mode), self.passes)

    @cached_property
    def _sources(self) -> tuple[Node, ...]:
        return tuple(node for node in self.possible if node.kind is not Kind.OP)

    @cached_property
    def _is_wild(self) -> bool:
        return any(node.wild and self.passes(node, None) for node in self.possible)

    def to(self, target: Node, *, wild: bool = False) -> Reach:
        """Does a gradient lead to the target?"""
        is_many = target.many and self.passes is everywhere
        if target in self.sure and not is_many:
            return Reach(Answer.YES, depends_on=self._sources)
        if target in self.possible or wild or is_many or self._is_wild:
            return Reach(Answer.UNDECIDED, depends_on=self._sources)
        walls = dict.fromkeys(islice(self._walls(target), _MOST_WALLS)) if target in self._whole else {}
        return Reach(Answer.NO, tuple(walls), self._sources)

    def _walls(self, target: Node) -> Iterator[Node]:
        """The nodes that keep a gradient from passing to inputs that lead to the target."""
        for node in self.possible:
            for before, mode in node.inputs:
                is_wall = mode is Mode.BLOCKED and self.passes(node, before)
                if is_wall and target in _back([before], tuple(Mode), self.passes):
                    yield node


def _back(starts: Sequence[Node], modes: tuple[Mode, ...], passes: Passes) -> dict[Node, None]:
    """Every node that the starts depend on through edges of these modes, the starts included, in order of discovery."""
    found: dict[Node, None] = dict.fromkeys(starts)
    waiting = list(reversed(starts))
    while waiting:
        here = waiting.pop()
        for node, mode in here.inputs:
            if mode in modes and node not in found and passes(here, node):
                found[node] = None
                waiting.append(node)
    return found
