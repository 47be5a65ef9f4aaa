"""Where the order of a set goes: from the place that turns it into an order to what depends on it (part of TFG105)."""

from __future__ import annotations

import ast
import enum
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from tfguard.rules.reproducibility.element_inference import Inference
from tfguard.rules.reproducibility.element_types import Type
from tfguard.rules.reproducibility.hash_loops import Loop, counts, flow_table, is_picture, keeps_apart, writes_of
from tfguard.rules.reproducibility.hash_names import Names

from tfguard.analysis.file_model import FileModel

_DEPTH = 30
_SETS = frozenset({"builtins.set", "builtins.frozenset"})
#: Methods that give the same elements in the same order; another set; only a look.
_SAME = frozenset({"copy", "tolist", "to_list", "astype", "flatten", "ravel", "reshape"})
_SET_RESULTS = frozenset({"union", "intersection", "difference", "symmetric_difference", "copy"})
_VIEWS = frozenset({"keys", "values", "items"})
_PARTS_OF_A_MESSAGE = (ast.Call, ast.Subscript, ast.JoinedStr, ast.FormattedValue, ast.BinOp, ast.Tuple)
_SHOWS = frozenset({"print", "info", "debug", "warning", "warn", "error", "log", "pprint", "display"})


class State(enum.Enum):
    """How the order of the set lives in a value."""

    SET = "set"
    SEQUENCE = "sequence"
    DICT = "dict"


@dataclass(eq=False)
class Point:
    """A place that turns the order of a set into an order of something."""

    #: The set, as it stands there, and what is known of its elements.
    node: ast.expr
    elements: Type
    #: The call whose function becomes `sorted` (`list(…)`), else the set is wrapped.
    call: ast.Call | None = None
    is_pop: bool = False
    #: Every place where the order makes a difference, with what it does.
    sinks: list[tuple[ast.AST, str]] = field(default_factory=list)
    #: The functions that return the order, and the module's variables that hold it, for other files to take.
    leaves: list[str] = field(default_factory=list)


class Flow:
    """Follows one set through one file."""

    def __init__(self, file: FileModel, inference: Inference, names: Names) -> None:
        self.file = file
        self.inference = inference
        self.names = names
        self.points: dict[ast.AST, Point] = {}
        #: May code that is not seen here read the set itself?
        self.escapes = False
        self._seen: set[tuple[ast.AST, State, Point | None]] = set()
        self._depth = 0
        self._source: ast.expr | None = None

    def run(self, source: ast.expr) -> None:
        """Follow a set from the expression that makes it."""
        self._source = source
        self.follow(source, State.SET, None)

    # -- one step -----------------------------------------------------------------------------------------

    def follow(self, node: ast.AST, state: State, point: Point | None) -> None:
        """What becomes of the value of an expression."""
        key = (node, state, point)
        if key in self._seen or self._depth > _DEPTH or self._is_shown(node):
            return
        self._seen.add(key)
        self._depth += 1
        parent = self.parent(node)
        handler = _STEPS.get(parent.__class__)
        if handler is not None:
            handler(self, node, parent, state, point)
        self._depth -= 1

    def parent(self, node: ast.AST) -> ast.AST:
        return self.file.index.places[node].parent

    def _is_shown(self, node: ast.AST) -> bool:
        """Does the value go nowhere but into what is printed?"""
        here, parent = node, self.parent(node)
        while not isinstance(parent, ast.stmt):
            if isinstance(parent, ast.Call) and here is not parent.func:
                name = parent.func.attr if isinstance(parent.func, ast.Attribute) else getattr(parent.func, "id", "")
                if name in _SHOWS:
                    return True
            if not isinstance(
                parent, (ast.Call, ast.Subscript, ast.JoinedStr, ast.FormattedValue, ast.BinOp, ast.Tuple)
            ):
                return False
            here, parent = parent, self.parent(parent)
        return False

    def point_at(self, node: ast.expr, call: ast.Call | None = None, *, is_pop: bool = False) -> Point:
        """The point where a set is turned into an order."""
        if node not in self.points:
            here = self.inference.of(node)
            elements = here.element if here.kind == "set" and here.element.kind != "nothing" else None
            elements = elements or self.inference.of(self._source).element
            self.points[node] = Point(node, elements, call, is_pop)
        return self.points[node]

    def sink(self, point: Point | None, node: ast.AST, what: str) -> None:
        if point is not None and all(node is not other for other, _ in point.sinks):
            point.sinks.append((node, what))

    # -- expressions around it ---------------------------------------------------------------------------------

    def through(self, _: ast.AST, parent: ast.AST, state: State, point: Point | None) -> None:
        """An alternative, or an assignment expression, has the same value."""
        if not isinstance(parent, ast.IfExp) or _ is not parent.test:
            self.follow(parent, state, point)
        if isinstance(parent, ast.NamedExpr):
            self.variable(parent, state, point)

    def operator(self, node: ast.AST, parent: ast.BinOp, state: State, point: Point | None) -> None:
        if state is State.SET and isinstance(parent.op, (ast.Sub, ast.BitOr, ast.BitAnd, ast.BitXor)):
            if not (isinstance(parent.op, ast.Sub) and node is parent.right):
                self.follow(parent, State.SET, point)
        elif state is State.SEQUENCE and isinstance(parent.op, (ast.Add, ast.Mult)):
            self.follow(parent, state, point)

    def starred(self, node: ast.AST, parent: ast.Starred, state: State, point: Point | None) -> None:
        if state is State.DICT or not isinstance(node, ast.expr):
            return
        around = self.parent(parent)
        here = self.point_at(node) if state is State.SET else point
        if isinstance(around, (ast.List, ast.Tuple)):
            self.follow(around, State.SEQUENCE, here)
        elif isinstance(around, ast.Call):
            self.argument(parent, around, State.SEQUENCE, here)

    def subscript(self, node: ast.AST, parent: ast.Subscript, state: State, point: Point | None) -> None:
        if node is not parent.value or state is not State.SEQUENCE or not isinstance(parent.ctx, ast.Load):
            return
        whole = isinstance(parent.slice, ast.Slice) and not (parent.slice.lower or parent.slice.upper)
        if whole:
            self.follow(parent, state, point)
        else:
            self.sink(point, parent, "elements are taken by their position")

    def member(self, node: ast.AST, parent: ast.Attribute, state: State, point: Point | None) -> None:
        call = self.parent(parent)
        if not (isinstance(call, ast.Call) and call.func is parent):
            if state is State.SEQUENCE and parent.attr in ("values", "T"):
                self.follow(parent, state, point)
            return
        method = parent.attr
        if state is State.SET:
            self._method_of_set(node, call, method, point)
        elif state is State.DICT:
            if method in _VIEWS or method == "copy":
                self.follow(call, State.SEQUENCE if method in _VIEWS else state, point)
        elif method in _SAME:
            self.follow(call, state, point)
        elif method == "index":
            self.sink(point, call, "elements are numbered by their position")
        elif method in ("pop", "popleft"):
            self.sink(point, call, "elements are taken by their position")

    def _method_of_set(self, node: ast.AST, call: ast.Call, method: str, point: Point | None) -> None:
        if method in _SET_RESULTS:
            self.follow(call, State.SET, point)
        elif method == "pop" and isinstance(node, ast.expr) and not self.names.is_measured(node):
            here = self.point_at(node, is_pop=True)
            if not isinstance(self.parent(call), ast.Expr):
                self.sink(here, call, "an arbitrary element is taken")

    # -- calls --------------------------------------------------------------------------------------------------

    def keyword(self, node: ast.AST, parent: ast.keyword, state: State, point: Point | None) -> None:
        call = self.parent(parent)
        if isinstance(call, ast.Call):
            self.argument(node, call, state, point, parent.arg)

    def called_with(self, node: ast.AST, parent: ast.Call, state: State, point: Point | None) -> None:
        if node is not parent.func:
            self.argument(node, parent, state, point)

    def argument(
        self, node: ast.AST, call: ast.Call, state: State, point: Point | None, keyword: str | None = None
    ) -> None:
        """The value is given to a call."""
        table = flow_table()
        site = self.file.call_site(call)
        names = [self.file.knowledge.canonical(name) for name in (*site.names, *site.starred_names)]
        if any(name in table["insensitive"]["names"] for name in names):
            return
        position = call.args.index(node) if node in call.args else None
        for name in names:
            if name == "builtins.sorted":
                self._sorted(node, call, state, point)
            elif name == "builtins.next":
                self.sink(point, call, "an arbitrary element is taken")
            elif name in table["ordering"]:
                if position is not None and position >= table["ordering"][name]:
                    self._ordered(node, call, state, point, name)
            elif name in table["draws"]["names"]:
                self.sink(self._point(node, state, point), call, "random elements are drawn from it")
            elif name in table["saves"]["names"]:
                if state is State.SEQUENCE and position in (0, 1):
                    self.sink(point, call, "it is saved")
            elif self.names.function(name) is not None:
                for read in self.names.reads_of_parameter(name, position, keyword):
                    self.follow(read, state, point)
            elif _matters(name) and state is State.SEQUENCE:
                self.sink(point, call, f"`{site.written}` gets it")
        if not names or state is State.SET:
            self._unknown_call(call, state, point, names)

    def _point(self, node: ast.AST, state: State, point: Point | None) -> Point | None:
        return self.point_at(node) if state is State.SET and isinstance(node, ast.expr) else point

    def _unknown_call(self, call: ast.Call, state: State, point: Point | None, names: list[str]) -> None:
        if isinstance(call.func, ast.Attribute):
            method = call.func.attr
            if method == "join" and not any(name.startswith("os.") for name in names):
                self._ordered(call.args[0], call, state, point, "join")
            elif method in ("extend", "extendleft") and call.args:
                here = self._point(call.args[0], state, point)
                self.holder(call.func.value, State.SEQUENCE, here, call)
            elif method in flow_table()["saves"]["methods"] and state is State.SEQUENCE and writes_of(call):
                self.sink(point, call, "it is written to a file")
            if method in ("extend", "join", "update", "issubset", "issuperset", "isin", "difference", "intersection"):
                return
        is_known = names and all(self.file.resolver.is_foreign(n) or self.names.function(n) is not None for n in names)
        self.escapes = self.escapes or (state is State.SET and not is_known)

    def _sorted(self, node: ast.AST, call: ast.Call, state: State, point: Point | None) -> None:
        """Sorting settles the order, unless a key leaves ties."""
        key = next((k.value for k in call.keywords if k.arg == "key"), None)
        if isinstance(key, ast.Lambda) and not keeps_apart(key):
            self.follow(call, State.SEQUENCE, self._point(node, state, point))

    def _ordered(self, node: ast.AST, call: ast.Call, state: State, point: Point | None, name: str) -> None:
        table = flow_table()
        if state is State.SET and isinstance(node, ast.expr):
            renamed = name == "builtins.list" and not call.keywords and len(call.args) == 1
            point = self.point_at(node, call if renamed else None)
        if name == "builtins.enumerate" or (name == "builtins.zip" and any(map(self._is_numbers, call.args))):
            self.sink(None if is_picture(self.parent(call)) else point, call, "elements are numbered by their position")
        self.follow(call, State.DICT if name in table["dicts"]["names"] else State.SEQUENCE, point)

    def _is_numbers(self, node: ast.expr) -> bool:
        names = self.file.call_site(node).names if isinstance(node, ast.Call) else ()
        return any(name in flow_table()["numbers"]["names"] for name in names)

    # -- loops ----------------------------------------------------------------------------------------------------

    def loop(self, node: ast.AST, parent: ast.For | ast.AsyncFor, state: State, point: Point | None) -> None:
        if node is not parent.iter or not isinstance(node, ast.expr):
            return
        here = self.point_at(node) if state is State.SET else point
        loop = Loop(self.file, self.names, parent)
        for place, what in loop.sinks():
            self.sink(here, place, what)
        for holder, is_dict in loop.filled():
            self.holder(holder, State.DICT if is_dict else State.SEQUENCE, here, parent)
        if loop.yields:
            for call in self.names.calls_around(parent):
                self.follow(call, State.SEQUENCE, here)

    def comprehension(self, node: ast.AST, parent: ast.comprehension, state: State, point: Point | None) -> None:
        if node is not parent.iter or not isinstance(node, ast.expr):
            return
        around = self.parent(parent)
        here = self.point_at(node) if state is State.SET else point
        for part in ("elt", "key", "value"):
            for place, what in counts(self.file, self.names, getattr(around, part, None)):
                self.sink(here, place, what)
        if not isinstance(around, ast.SetComp):
            self.follow(around, State.DICT if isinstance(around, ast.DictComp) else State.SEQUENCE, here)

    # -- names ----------------------------------------------------------------------------------------------------

    def assigned(self, node: ast.AST, parent: ast.Assign | ast.AnnAssign, state: State, point: Point | None) -> None:
        targets = parent.targets if isinstance(parent, ast.Assign) else [parent.target]
        for target in targets:
            self.target(target, state, point)

    def target(self, target: ast.expr, state: State, point: Point | None) -> None:
        """The value is assigned to a variable or an attribute."""
        if isinstance(target, ast.Name):
            self.variable(target, state, point)
        elif isinstance(target, ast.Attribute):
            self.escapes = self.escapes or state is State.SET
            for read in self.names.reads_of_attribute(target):
                self.follow(read, state, point)

    def variable(self, node: ast.AST, state: State, point: Point | None) -> None:
        """The value is bound to a name at this node."""
        if self.file.index.places[node].scope.kind == "module" and isinstance(node, ast.Name):
            self._leave(state, point, f"{self.file.module}.{node.id}")
        for read in self.names.reads_of_binding(node):
            self.follow(read, state, point)

    def holder(self, node: ast.expr, state: State, point: Point | None, after: ast.AST) -> None:
        """The elements are put, in their order, into the container that an expression holds."""
        for read in self.names.reads_of_holder(node, after):
            self.follow(read, state, point)

    def augmented(self, node: ast.AST, parent: ast.AugAssign, state: State, point: Point | None) -> None:
        if isinstance(parent.op, ast.Add):
            point, state = self._point(node, state, point), State.SEQUENCE
        self.target(parent.target, state, point)

    def _leave(self, state: State, point: Point | None, name: str) -> None:
        """Other files may take it."""
        self.escapes = self.escapes or state is State.SET
        if state is State.SEQUENCE and point is not None and name not in point.leaves:
            point.leaves.append(name)

    def returned(self, _: ast.AST, parent: ast.Return, state: State, point: Point | None) -> None:
        self._leave(state, point, self.file.enclosing(parent))
        for call in self.names.calls_around(parent):
            self.follow(call, state, point)

    def in_tuple(self, node: ast.AST, parent: ast.Tuple | ast.List, state: State, point: Point | None) -> None:
        """One of several values that are assigned or returned together."""
        position = parent.elts.index(node)  # type: ignore[arg-type]
        around = self.parent(parent)
        if isinstance(around, ast.Assign) and around.value is parent:
            for target in around.targets:
                if isinstance(target, (ast.Tuple, ast.List)) and position < len(target.elts):
                    self.target(target.elts[position], state, point)
        elif isinstance(around, ast.Return):
            self._leave(state, point, self.file.enclosing(around))
            for call in self.names.calls_around(around):
                self._unpacked(call, position, state, point)

    def _unpacked(self, call: ast.Call, position: int, state: State, point: Point | None) -> None:
        parent = self.parent(call)
        if isinstance(parent, ast.Assign):
            for target in parent.targets:
                if isinstance(target, (ast.Tuple, ast.List)) and position < len(target.elts):
                    self.target(target.elts[position], state, point)


def _matters(name: str) -> bool:
    """Is it a call of a library to which an order matters?"""
    table = flow_table()["libraries"]
    if name.split(".", 1)[0] not in table["roots"]:
        return False
    return not any(name == quiet or name.startswith(f"{quiet}.") for quiet in table["quiet"])


def iter_sets(file: FileModel) -> Iterator[ast.expr]:
    """The expressions of a file that make a set, in source order."""
    for node in file.index.calls:
        is_named = isinstance(node.func, ast.Name) and node.func.id in ("set", "frozenset")
        if is_named and _SETS.issuperset(file.call_site(node).names) and file.call_site(node).names:
            yield node
    for other in file.index.places:
        if isinstance(other, (ast.Set, ast.SetComp)):
            yield other


_STEPS: dict[type[ast.AST], Callable[..., None]] = {
    ast.IfExp: Flow.through,
    ast.BoolOp: Flow.through,
    ast.NamedExpr: Flow.through,
    ast.BinOp: Flow.operator,
    ast.Starred: Flow.starred,
    ast.Subscript: Flow.subscript,
    ast.Attribute: Flow.member,
    ast.keyword: Flow.keyword,
    ast.Call: Flow.called_with,
    ast.For: Flow.loop,
    ast.AsyncFor: Flow.loop,
    ast.comprehension: Flow.comprehension,
    ast.Assign: Flow.assigned,
    ast.AnnAssign: Flow.assigned,
    ast.AugAssign: Flow.augmented,
    ast.Return: Flow.returned,
    ast.Tuple: Flow.in_tuple,
    ast.List: Flow.in_tuple,
}
