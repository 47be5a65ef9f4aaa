"""Follows a sequence whose order is that of the file system to where the order decides what is computed (of TFG106).

The sequence holds names of files first, and later what was loaded from them (its `level`). What may forget the order
(`sorted`, `len`, `set`, a later `.sort()`) ends a way, and so does everything that nothing is known of.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from tfguard.rules.reproducibility.order_loops import Loop, counter_of, iter_roots
from tfguard.rules.reproducibility.order_table import (
    DATA,
    NAMES,
    WALKED,
    canonical_names,
    forgets_order,
    last_word,
    load_order,
    loads_content,
    mapped,
)

from tfguard.analysis.calls import CallSite, Expr
from tfguard.analysis.expressions import parameters_of
from tfguard.analysis.file_model import FileModel
from tfguard.analysis.scopes import Binding, Scope, lookup

_MOST_STEPS = 400
#: Methods that put what they are called on in an order of its own.
_SORTS = frozenset({"sort", "sort_values", "sort_index"})
_GENERATED = frozenset({"__getitem__", "__next__"})


@dataclass(frozen=True, slots=True)
class Reach:
    """Where an order decides something, and what it decides."""

    what: str
    start: int


@dataclass(frozen=True, slots=True)
class Returned:
    """A function of the file that returns the sequence: itself, or as this element of a tuple."""

    function: str
    position: int | None


class Flow:
    """Follows one sequence through one file."""

    def __init__(self, file: FileModel) -> None:
        self.file = file
        self.places = file.index.places
        self.reached: list[Reach] = []
        self.returned: list[Returned] = []
        self.waiting: list[tuple[ast.expr, int]] = []
        self.seen: set[tuple[object, int]] = set()

    @cached_property
    def roots(self) -> dict[str, list[ast.Name]]:
        """All reads of variables by name, in evaluation order."""
        found: dict[str, list[ast.Name]] = {}
        for root in iter_roots(self.file):
            found.setdefault(root.id, []).append(root)
        return found

    def run(self) -> Reach | None:
        """The first place where the order decides something."""
        steps = 0
        while self.waiting and not self.reached and steps < _MOST_STEPS:
            node, level = self.waiting.pop(0)
            steps += 1
            self.follow(node, level)
        return min(self.reached, key=lambda reach: reach.start, default=None)

    def push(self, node: ast.expr, level: int) -> None:
        """An expression has the sequence as its value."""
        if (node, level) not in self.seen:
            self.seen.add((node, level))
            self.waiting.append((node, level))

    def reach(self, node: ast.AST, what: str) -> None:
        """The order decides something at a node."""
        self.reached.append(Reach(what, self.file.span(node).start))

    # -- expressions ------------------------------------------------------------------------------------

    def follow(self, node: ast.expr, level: int) -> None:
        """What is done with the value of an expression."""
        parent = self.places[node].parent
        if level == WALKED and not isinstance(parent, (ast.Assign, ast.Subscript)):
            return
        if isinstance(parent, ast.keyword):
            node, parent = parent.value, self.places[parent].parent
        if isinstance(parent, ast.Starred):
            node, parent = parent, self.places[parent].parent
        if isinstance(parent, ast.Call) and node is not parent.func:
            self.given(node, parent, level)
        elif isinstance(parent, ast.Attribute):
            self.method(parent, level)
        elif isinstance(parent, ast.Subscript) and node is parent.value:
            self.part(parent, level)
        elif isinstance(parent, (ast.For, ast.AsyncFor)) and node is parent.iter:
            self.loop(parent, level)
        elif isinstance(parent, ast.comprehension) and node is parent.iter:
            self.comprehension(parent, level)
        elif isinstance(parent, (ast.Assign, ast.AnnAssign, ast.NamedExpr, ast.AugAssign)):
            self.assigned(parent, level)
        elif isinstance(parent, (ast.Return, ast.Yield, ast.YieldFrom)):
            self.returns(parent, level, None)
        elif isinstance(parent, ast.Tuple) and isinstance(self.places[parent].parent, (ast.Return, ast.Assign)):
            self.in_tuple(node, parent, level)
        elif isinstance(parent, (ast.ListComp, ast.GeneratorExp)) and node is parent.elt:
            self.push(parent, level)
        elif isinstance(parent, (ast.BinOp, ast.List, ast.Tuple, ast.Dict)) or self.is_alternative(node, parent):
            self.push(parent, level)  # type: ignore[arg-type]

    def is_alternative(self, node: ast.expr, parent: ast.AST) -> bool:
        """Is the value of the parent that of the node, or another one?"""
        return isinstance(parent, ast.BoolOp) or (isinstance(parent, ast.IfExp) and node is not parent.test)

    def given(self, node: ast.expr, call_node: ast.Call, level: int) -> None:
        """The sequence is an argument."""
        call, table = self.file.call_site(call_node), load_order()
        names, word = canonical_names(call), last_word(call)
        if names & table.draws or (word in table.draw_methods and self.own_function(call) is None):
            self.reach(call_node, f"`{call.written}` deals it out by position")
        elif word in table.picks:
            self.push(call_node, level)
        elif names & table.data or (level == DATA and (word in table.trains or names & table.runs)):
            self.reach(call_node, f"it is given to `{call.written}`")
        elif names & table.keeps:
            self.push(call_node, max(level, mapped(call)))
        elif forgets_order(call):
            return
        elif word == "join" and not names and level == DATA:
            self.push(call_node, level)
        elif word in ("append", "extend") and isinstance(call_node.func, ast.Attribute):
            self.variable(call_node.func.value, level, self.places[call_node].order)
        elif self.own_function(call) is not None:
            self.parameter(node, call, level)
        elif level == NAMES and loads_content(call):
            self.push(call_node, DATA)
        elif level == DATA and {name.split(".")[0] for name in call.names} & table.libraries:
            self.push(call_node, level)

    def method(self, attribute: ast.Attribute, level: int) -> None:
        """A method of the sequence is called."""
        call = self.places[attribute].parent
        if attribute.attr in load_order().keeps_attributes and level == DATA:
            self.push(attribute, level)
        if not isinstance(call, ast.Call) or call.func is not attribute:
            return
        if attribute.attr in load_order().keeps_methods:
            self.push(call, level)
        elif attribute.attr == "index" and level == NAMES:
            self.reach(call, "the position in it becomes a number")

    def part(self, subscript: ast.Subscript, level: int) -> None:
        """A slice of the sequence, or one element."""
        if not isinstance(subscript.ctx, ast.Load):
            return
        index = subscript.slice
        key = index.value if isinstance(index, ast.Constant) else None
        if level == WALKED:
            if key in (1, 2):
                self.push(subscript, NAMES)
        elif isinstance(index, (ast.Slice, ast.Tuple)) or isinstance(key, str):
            self.push(subscript, level)
        elif isinstance(index, ast.Name):
            self.indexed(subscript, index, level)
        elif any(isinstance(node, ast.Call) for node in ast.walk(index)) and not self.is_forgotten(index):
            self.push(subscript, level)

    def indexed(self, subscript: ast.Subscript, index: ast.Name, level: int) -> None:
        """An element by a number: what the number is decides."""
        bindings = self.file.resolver.bindings_of(index)
        for binding in bindings:
            around = self.places[binding.node].parent if binding.node in self.places else None
            if isinstance(around, ast.For) and self.counts(around.iter):
                Loop(self, around, level, {index.id: NAMES}).run()
                return
            if isinstance(around, ast.comprehension):
                if not self.is_forgotten(around.iter):
                    self.comprehension(around, level)
                return
            if isinstance(binding.value, ast.Call):
                if not self.is_forgotten(binding.value):
                    self.push(subscript, level)
                return
        scope = self.places[subscript].scope.enclosing_function()
        name = getattr(scope.node, "name", "")
        if name in _GENERATED or scope.node in self.file.index.generators:
            self.reach(subscript, f"`{name}` takes its elements by position")

    def counts(self, iterated: ast.expr) -> bool:
        """Is it `range(…)`?"""
        call = self.file.call_site(iterated) if isinstance(iterated, ast.Call) else None
        return call is not None and last_word(call) in ("range", "xrange", "trange", "tqdm", "arange")

    # -- loops --------------------------------------------------------------------------------------------

    def loop(self, loop: ast.For | ast.AsyncFor, level: int) -> None:
        """A `for` statement over the sequence."""
        Loop(self, loop, level, {}).run()

    def comprehension(self, generator: ast.comprehension, level: int) -> None:
        """A comprehension over the sequence: what it makes has the same order."""
        whole = self.places[generator].parent
        if isinstance(whole, (ast.ListComp, ast.GeneratorExp)):
            if (
                isinstance(whole.elt, ast.Tuple)
                and self.makes_dict(whole)
                and self.is_counted(generator, whole.elt.elts)
            ):
                self.reach(whole, "the position in it becomes a number")
            inner = [self.file.call_site(n) for n in ast.walk(whole.elt) if isinstance(n, ast.Call)]
            self.push(whole, DATA if any(loads_content(call) for call in inner) else level)
        elif isinstance(whole, ast.DictComp) and self.is_counted(generator, (whole.key, whole.value)):
            self.reach(whole, "the position in it becomes a number")

    def makes_dict(self, node: ast.expr) -> bool:
        """Is it the argument of `dict(…)`?"""
        parent = self.places[node].parent
        return isinstance(parent, ast.Call) and self.file.call_site(parent).name == "builtins.dict"

    def is_counted(self, generator: ast.comprehension, parts: Iterable[ast.expr]) -> bool:
        """Does a dictionary hold the number that `enumerate` gave an element?"""
        counter = counter_of(self.file, generator.iter, generator.target)
        return counter is not None and any(isinstance(part, ast.Name) and part.id == counter for part in parts)

    # -- variables --------------------------------------------------------------------------------------------

    def assigned(self, statement: ast.Assign | ast.AnnAssign | ast.NamedExpr | ast.AugAssign, level: int) -> None:
        """The sequence goes into variables or attributes."""
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        order = self.places[statement].order
        for target in targets:
            if level == WALKED and isinstance(target, ast.Tuple):
                for element in target.elts[1:]:
                    self.variable(element, NAMES, order, is_bound=True)
            else:
                self.variable(target, level, order, is_bound=not isinstance(statement, ast.AugAssign))

    def in_tuple(self, node: ast.expr, parent: ast.Tuple, level: int) -> None:
        """`a, b = files, labels`; `return files, labels`."""
        around = self.places[parent].parent
        position = parent.elts.index(node) if node in parent.elts else None
        if isinstance(around, ast.Return):
            self.returns(around, level, position)
        elif isinstance(around, ast.Assign) and position is not None:
            for target in around.targets:
                if isinstance(target, ast.Tuple) and position < len(target.elts):
                    self.variable(target.elts[position], level, self.places[around].order, is_bound=True)
                elif not isinstance(target, ast.Tuple):
                    self.push(parent, level)

    def variable(self, target: ast.expr, level: int, order: int, *, is_bound: bool = False) -> None:
        """The sequence is what a variable, or an attribute of `self`, holds from here on."""
        while isinstance(target, ast.Subscript):
            target, is_bound = target.value, False
        if isinstance(target, ast.Name):
            self.name(target, level, order, is_bound=is_bound)
        elif isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name):
            self.attribute(target.value, target.attr, level)

    def name(self, target: ast.Name, level: int, order: int, *, is_bound: bool) -> None:
        place = self.places.get(target)
        scope = lookup(place.scope, target.id) if place is not None else None
        if scope is None or (target, level) in self.seen:
            return
        self.seen.add((target, level))
        if is_bound:
            holders = [b for b in scope.bindings[target.id] if b.node is target or b.order == order]
        else:
            holders = list(self.file.resolver.bindings_of(target, scope)) or scope.bindings[target.id]
        self.reads(scope, target.id, holders, level, order)

    def reads(self, scope: Scope, name: str, holders: list[Binding], level: int, order: int) -> None:
        """Follow every read that may see the bindings, after an order and not after a `.sort()`."""
        sorts = [r for r in self.roots.get(name, ()) if self.is_sorted_at(r, scope)]
        for read in self.roots.get(name, ()):
            place = self.places[read]
            if lookup(place.scope, name) is not scope or read in sorts:
                continue
            if place.scope.enclosing_function() is scope and place.order <= order:
                continue
            if any(self.is_after(read, sort, order) for sort in sorts):
                continue
            if any(binding in holders for binding in self.file.resolver.bindings_of(read, scope)):
                self.push(read, level)

    def is_sorted_at(self, read: ast.Name, scope: Scope) -> bool:
        """Is it the `x` of `x.sort()`?"""
        parent = self.places[read].parent
        is_sort = isinstance(parent, ast.Attribute) and parent.attr in _SORTS
        return is_sort and lookup(self.places[read].scope, read.id) is scope

    def is_after(self, read: ast.Name, sort: ast.Name, order: int) -> bool:
        """Does a `.sort()` that follows the order surely run before the read?"""
        here, there = self.places[read], self.places[sort]
        if here.scope.enclosing_function() is not there.scope.enclosing_function():
            return True
        return order < there.order < here.order and here.branch[: len(there.branch)] == there.branch

    def attribute(self, owner: ast.Name, attribute: str, level: int) -> None:
        """Follow the reads of an attribute of `self`, unless the class sorts it somewhere."""
        info = self.file.resolver.class_of_self(owner)
        if info is None or ((info.name, attribute), level) in self.seen:
            return
        self.seen.add(((info.name, attribute), level))
        found: list[ast.Attribute] = []
        for root in self.roots.get(owner.id, ()):
            read = self.places[root].parent
            if not isinstance(read, ast.Attribute) or read.attr != attribute or read.value is not root:
                continue
            inside = self.file.resolver.class_of_self(root)
            if inside is None or inside.name != info.name:
                continue
            parent = self.places[read].parent
            if isinstance(parent, ast.Attribute) and parent.attr in _SORTS:
                return
            found.append(read)
        if not any(value is not None and self.is_forgotten(value) for value, _ in info.attributes.get(attribute, ())):
            for read in found:
                if isinstance(read.ctx, ast.Load):
                    self.push(read, level)

    def is_forgotten(self, value: ast.expr) -> bool:
        """Is it, or is a variable assigned, what does not depend on an order, or puts things into one?"""
        value = Expr(self.file, value).origin.node
        return isinstance(value, ast.Call) and forgets_order(self.file.call_site(value))

    # -- functions ------------------------------------------------------------------------------------------------

    def own_function(self, call: CallSite) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
        """The function of the file (or the `__init__` of the class) that a call runs."""
        for name in call.names:
            for one in (name, f"{name}.__init__"):
                if one in self.file.resolver.functions:
                    return self.file.resolver.functions[one]
        return None

    def parameter(self, node: ast.expr, call: CallSite, level: int) -> None:
        """The parameter that an argument is given for holds the sequence."""
        function = self.own_function(call)
        if function is None:
            return
        name = next((k.arg for k in call.node.keywords if k.value is node), None)
        if name is None and node in call.node.args:
            plain = [p.arg for p in parameters_of(function.args)]
            is_method = bool(plain) and plain[0] in ("self", "cls")
            position = call.node.args.index(node) + is_method
            name = plain[position] if position < len(plain) else None
        scope = self.file.index.scopes[function]
        if name is not None and ((scope, name), level) not in self.seen:
            self.seen.add(((scope, name), level))
            bindings = [b for b in scope.bindings.get(name, ()) if isinstance(b.node, ast.arg)]
            self.reads(scope, name, bindings, level, 0)

    def returns(self, statement: ast.AST, level: int, position: int | None) -> None:
        """A function returns or yields the sequence, or what a loop over it loads."""
        scope = self.places[statement].scope.enclosing_function()
        if scope.kind != "function" or isinstance(scope.node, ast.Lambda):
            return
        name = scope.qualified_name
        if level == DATA:
            verb = "yields" if scope.node in self.file.index.generators else "returns"
            self.reach(statement, f"`{name.rpartition('.')[2]}` {verb} what it loads in that order")
            return
        self.returned.append(Returned(name, position))
        for call in self.file.calls:
            if name in call.names:
                follow_result(self, call.node, level, position)


def follow_result(flow: Flow, call: ast.Call, level: int, position: int | None) -> None:
    """Follow what a call returns: the whole, or one element of the tuple."""
    parent = flow.places[call].parent
    if position is None:
        flow.push(call, level)
    elif isinstance(parent, ast.Assign) and isinstance(parent.targets[0], ast.Tuple):
        targets = parent.targets[0].elts
        if position < len(targets):
            flow.variable(targets[position], level, flow.places[parent].order, is_bound=True)
    elif isinstance(parent, ast.Subscript) and parent.value is call:
        if isinstance(parent.slice, ast.Constant) and parent.slice.value == position:
            flow.push(parent, level)
    elif isinstance(parent, ast.Return):
        flow.returns(parent, level, position)
