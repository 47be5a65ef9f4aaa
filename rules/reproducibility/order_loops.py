"""What a loop over a sequence does with its elements, one after the other (part of TFG106)."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from tfguard.rules.reproducibility.order_table import (
    DATA,
    canonical_names,
    forgets_order,
    last_word,
    load_order,
    loads_content,
)

from tfguard.analysis.file_model import FileModel

if TYPE_CHECKING:
    from tfguard.rules.reproducibility.order_flow import Flow

_GATHERS = frozenset({"append", "extend", "insert", "appendleft", "put"})
#: Functions that make a longer array or table of one that is given.
_JOINS = frozenset({"append", "concatenate", "vstack", "hstack", "concat", "stack", "merge", "r_"})
_MOVES = frozenset({"copy", "copyfile", "copy2", "move", "rename", "symlink"})
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)


class Loop:
    """Reads the body of one loop in order; `known` names what depends on the element besides the loop's target."""

    def __init__(self, flow: Flow, loop: ast.For | ast.AsyncFor, level: int, known: dict[str, int]) -> None:
        self.flow = flow
        self.file = flow.file
        self.loop = loop
        self.known = dict(known)
        #: Names that count the elements.
        self.counters: set[str] = set()
        counter = counter_of(self.file, loop.iter, loop.target)
        if counter is not None:
            self.counters.add(counter)
        self.counters.update(known)
        self.counters.update(_counted(loop))
        if not known:
            self.bind(loop.target, level)
            self.known.pop(counter or "", None)

    def run(self) -> None:
        """Follow what the body does."""
        for statement in self.loop.body:
            self.statement(statement)

    def bind(self, target: ast.expr, level: int) -> None:
        """The names of a target depend on the element."""
        for node in ast.walk(target):
            if isinstance(node, ast.Name):
                self.known[node.id] = level

    # -- what an expression says of the element --------------------------------------------------------------

    def level(self, node: ast.expr | None) -> int:
        """0, NAMES or DATA: how an expression depends on the element."""
        found, loads = 0, False
        for inner in self.mentioned(node):
            if isinstance(inner, ast.Name):
                found = max(found, self.known.get(inner.id, 0))
            elif isinstance(inner, ast.Call):
                loads = loads or loads_content(self.file.call_site(inner))
        return DATA if found and loads else found

    def mentioned(self, node: ast.AST | None) -> Iterator[ast.AST]:
        """The nodes of an expression outside of calls that forget an order."""
        if node is None or isinstance(node, _DEFINITIONS):
            return
        yield node
        if isinstance(node, ast.Call) and forgets_order(self.file.call_site(node)) and last_word_of(node) in _SORTS:
            return
        for child in ast.iter_child_nodes(node):
            yield from self.mentioned(child)

    def numbers(self, node: ast.expr | None) -> bool:
        """Is it the number of the element, or made of that number alone?"""
        if isinstance(node, ast.Name):
            return node.id in self.counters
        is_len = isinstance(node, ast.Call) and last_word_of(node) == "len"
        return is_len and self.level(node) == 0

    # -- statements ---------------------------------------------------------------------------------------------

    def statement(self, node: ast.stmt) -> None:
        """Follow one statement."""
        if isinstance(node, _DEFINITIONS):
            return
        if isinstance(node, (ast.Assign, ast.AnnAssign)):
            self.assign(node)
        elif isinstance(node, ast.AugAssign):
            self.augment(node)
        elif isinstance(node, (ast.With, ast.AsyncWith)):
            for item in node.items:
                level = self.level(item.context_expr)
                if level and item.optional_vars is not None:
                    self.bind(item.optional_vars, level)
        elif isinstance(node, (ast.For, ast.AsyncFor)):
            self.nested(node)
        for expression in _expressions(node):
            self.expression(expression)
        for block in _blocks(node):
            for inner in block:
                self.statement(inner)

    def nested(self, node: ast.For | ast.AsyncFor) -> None:
        """A loop inside of the loop."""
        level = self.level(node.iter)
        if level:
            self.bind(node.target, level)

    def assign(self, node: ast.Assign | ast.AnnAssign) -> None:
        """Variables that depend on the element; arrays that are filled or grow by it."""
        level = self.level(node.value)
        for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
            if isinstance(target, ast.Subscript):
                self.store(target, node.value, level)
            elif isinstance(node.value, ast.Call) and self.grows(target, node.value) and level:
                self.gather(target, level)
            elif level:
                self.bind_plain(target, level)

    def bind_plain(self, target: ast.expr, level: int) -> None:
        if isinstance(target, (ast.Name, ast.Tuple, ast.List)):
            self.bind(target, level)

    def grows(self, target: ast.expr, value: ast.Call) -> bool:
        """`x = np.append(x, …)`, `ds = ds.concatenate(…)`."""
        written = ast.unparse(target)
        mentions = [
            n for n in ast.walk(value) if isinstance(n, (ast.Name, ast.Attribute)) and ast.unparse(n) == written
        ]
        return last_word_of(value) in _JOINS and bool(mentions)

    def store(self, target: ast.Subscript, value: ast.expr | None, level: int) -> None:
        """An item is written: under a number of its own, or a number under a name."""
        index = target.slice
        by_number = any(isinstance(n, ast.Name) and n.id in self.counters for n in ast.walk(index))
        if by_number and level:
            self.gather(target, level)
        elif self.numbers(value) and self.level(index):
            self.flow.reach(target, f"`{ast.unparse(target.value)}` numbers the names by their position")

    def augment(self, node: ast.AugAssign) -> None:
        """A counter, or a list or text that grows."""
        level = self.level(node.value)
        if level and isinstance(node.op, ast.Add) and self.is_sequence(node):
            self.gather(node.target, level)

    def is_sequence(self, node: ast.AugAssign) -> bool:
        """Is it a list or a text that grows, not a number?"""
        if isinstance(node.value, (ast.List, ast.ListComp, ast.Tuple, ast.JoinedStr)):
            return True
        if not isinstance(node.target, ast.Name):
            return False
        scope = self.file.index.places[node].scope
        made = [binding.value for binding in scope.bindings.get(node.target.id, ())]
        return any(
            isinstance(value, (ast.List, ast.ListComp))
            or (isinstance(value, ast.Constant) and isinstance(value.value, str))
            or (isinstance(value, ast.Call) and last_word_of(value) == "list")
            for value in made
        )

    def gather(self, target: ast.expr, level: int) -> None:
        """Something that lives longer than the round holds the elements in order."""
        base = target
        while isinstance(base, ast.Subscript):
            base = base.value
        if isinstance(base, ast.Name) and base.id in self.known:
            return
        self.flow.variable(target, level, self.file.index.places[base].order)

    # -- expressions ----------------------------------------------------------------------------------------------

    def expression(self, node: ast.expr) -> None:
        """Calls and yields in an expression of the body."""
        for inner in self.mentioned(node):
            if isinstance(inner, ast.Call):
                self.call(inner)
            elif isinstance(inner, (ast.Yield, ast.YieldFrom)):
                level = self.level(inner.value)
                if level:
                    self.flow.returns(inner, level, None)

    def call(self, node: ast.Call) -> None:
        """A call in the body that is given the element."""
        call, table = self.file.call_site(node), load_order()
        given = [*node.args, *(keyword.value for keyword in node.keywords)]
        level = max((self.level(argument) for argument in given), default=0)
        word = last_word(call)
        if word in _GATHERS and isinstance(node.func, ast.Attribute):
            if level:
                self.gather(node.func.value, level)
            elif self.in_order(given):
                self.flow.reach(node, f"`{ast.unparse(node.func.value)}` gets the number of each by its position")
        elif level and (word in table.trains or canonical_names(call) & table.runs):
            self.flow.reach(node, f"`{call.written}` is given one after the other")
        elif level and word == "write" and self.is_writer(node):
            self.flow.reach(node, f"`{call.written}` writes one after the other")
        elif level and word in _MOVES and self.is_split(node):
            self.flow.reach(node, f"`{call.written}` puts the first ones elsewhere than the others")

    def is_split(self, node: ast.Call) -> bool:
        """Does the number of the element decide whether a call is made, or when the loop ends?"""
        for inner in ast.walk(self.loop):
            if not isinstance(inner, ast.If) or not isinstance(inner.test, ast.Compare):
                continue
            if any(isinstance(n, ast.Name) and n.id in self.counters for n in ast.walk(inner.test)):
                within = [n for statement in (*inner.body, *inner.orelse) for n in ast.walk(statement)]
                if node in within or any(isinstance(n, ast.Break) for n in within):
                    return True
        return False

    def in_order(self, given: list[ast.expr]) -> bool:
        """Is one argument the number that `enumerate` counts with?"""
        counter = counter_of(self.file, self.loop.iter, self.loop.target)
        return counter is not None and any(isinstance(node, ast.Name) and node.id == counter for node in given)

    def is_writer(self, node: ast.Call) -> bool:
        """Does it write records of a data set?"""
        receiver = node.func.value if isinstance(node.func, ast.Attribute) else None
        types = self.file.resolver.resolve(receiver).types if receiver is not None else ()
        return any(self.file.knowledge.canonical(name) in load_order().writers for name in types)


#: Functions that put elements into an order of their own.
_SORTS = frozenset({"sorted", "natsorted", "humansorted", "sort"})


def _counted(loop: ast.For | ast.AsyncFor) -> set[str]:
    """The variables that count through the whole loop: `n += 1`, and no `n = 0` in between."""
    counted: set[str] = set()
    reset: set[str] = set()
    for node in ast.walk(loop):
        if isinstance(node, ast.AugAssign) and isinstance(node.value, ast.Constant):
            counted.add(ast.unparse(node.target))
        elif isinstance(node, ast.Assign):
            reset.update(ast.unparse(target) for target in node.targets)
    return counted - reset


def last_word_of(node: ast.Call) -> str:
    """The last component of the function, as written."""
    function = node.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def counter_of(file: FileModel, iterated: ast.expr, target: ast.expr) -> str | None:
    """The name that `for number, element in enumerate(…)` counts with."""
    call = file.call_site(iterated) if isinstance(iterated, ast.Call) else None
    if call is None or not isinstance(target, ast.Tuple) or not target.elts:
        return None
    if "builtins.enumerate" not in call.names:
        inner = call.node.args[0] if call.node.args and last_word(call) == "tqdm" else None
        return counter_of(file, inner, target) if inner is not None else None
    first = target.elts[0]
    return first.id if isinstance(first, ast.Name) else None


def iter_roots(file: FileModel) -> Iterator[ast.Name]:
    """All reads of variables, in evaluation order."""
    for chain in file.index.chains:
        node: ast.expr = chain
        while isinstance(node, ast.Attribute):
            node = node.value
        if isinstance(node, ast.Name):
            yield node


def _expressions(node: ast.stmt) -> Iterator[ast.expr]:
    """The expressions of a statement itself."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.expr):
            yield child
        elif isinstance(child, ast.withitem):
            yield child.context_expr


def _blocks(node: ast.stmt) -> Iterator[list[ast.stmt]]:
    """The blocks of statements inside a statement."""
    for name in ("body", "orelse", "finalbody"):
        yield getattr(node, name, [])
    for handler in getattr(node, "handlers", []):
        yield handler.body
    for case in getattr(node, "cases", []):
        yield case.body
