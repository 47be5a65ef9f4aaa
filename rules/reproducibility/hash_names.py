"""Where the values of variables, attributes, parameters and functions of one file are read (part of TFG105)."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from functools import cached_property

from tfguard.rules.reproducibility.element_inference import Holder, Inference

from tfguard.analysis.definitions import Function
from tfguard.analysis.file_model import FileModel
from tfguard.analysis.index import Place
from tfguard.analysis.scopes import Binding, dominates, lookup

_COMPARED = (ast.Compare, ast.If, ast.While, ast.Assert)


class Names:
    """Answers for one file."""

    def __init__(self, file: FileModel, inference: Inference) -> None:
        self.file = file
        self.inference = inference
        self.places = file.index.places

    # -- the reads of a file, by name ------------------------------------------------------------------------

    @cached_property
    def _names(self) -> dict[str, list[ast.Name]]:
        """Every name that is read, in evaluation order."""
        found: dict[str, list[ast.Name]] = {}
        for chain in self.file.index.chains:
            root: ast.expr = chain
            while isinstance(root, ast.Attribute):
                root = root.value
            if isinstance(root, ast.Name):
                found.setdefault(root.id, []).append(root)
        return found

    @cached_property
    def _attributes(self) -> dict[str, list[ast.Attribute]]:
        """Every attribute that is read, in evaluation order."""
        found: dict[str, list[ast.Attribute]] = {}
        for chain in self.file.index.chains:
            here: ast.expr = chain
            while isinstance(here, ast.Attribute):
                found.setdefault(here.attr, []).append(here)
                here = here.value
        return found

    # -- variables -------------------------------------------------------------------------------------------

    def reads_of_binding(self, node: ast.AST) -> list[ast.expr]:
        """The reads that may see the value that is bound at a node."""
        name = node.target.id if isinstance(node, ast.NamedExpr) else getattr(node, "id", "")
        reads = [read for read in self._names.get(name, []) if self._sees(read, node)]
        return self._before_sorted(reads)

    def _sees(self, read: ast.Name, node: ast.AST) -> bool:
        return any(binding.node is node for binding in self.file.resolver.bindings_of(read))

    def reads_of_holder(self, node: ast.expr, after: ast.AST) -> list[ast.expr]:
        """The reads of a variable or attribute, as an expression holds it, behind the end of a statement or call."""
        if isinstance(node, ast.Attribute):
            return self.reads_of_attribute(node)
        if not isinstance(node, ast.Name) or node not in self.places:
            return []
        scope = lookup(self.places[node].scope, node.id)
        bindings = set(map(_node_of, self.file.resolver.bindings_of(node)))
        if any(self._is_inside(binding, after) for binding in bindings):
            return []
        last = self._last_order(after)
        found: list[ast.expr] = []
        for read in self._names.get(node.id, []):
            if lookup(self.places[read].scope, node.id) is not scope:
                continue
            same_body = self.places[read].scope is self.places[node].scope
            if (not same_body or self.places[read].order > last) and bindings & set(
                map(_node_of, self.file.resolver.bindings_of(read))
            ):
                found.append(read)
        return self._before_sorted(found)

    def _is_inside(self, node: ast.AST, statement: ast.AST) -> bool:
        here = node
        while here is not statement and here in self.places:
            here = self.places[here].parent
        return here is statement

    def _last_order(self, statement: ast.AST) -> int:
        inside = (self.places[node].order for node in ast.walk(statement) if node in self.places)
        return max(inside, default=0)

    def _before_sorted(self, reads: Iterable[ast.expr]) -> list[ast.expr]:
        """The reads that are not behind a `.sort()` of the same variable."""
        reads = list(reads)
        sorts = [self.places[read] for read in reads if self._is_sort(read)]
        return [read for read in reads if not any(self._is_behind(self.places[read], sort) for sort in sorts)]

    def _is_sort(self, read: ast.expr) -> bool:
        parent = self.places[read].parent
        return isinstance(parent, ast.Attribute) and parent.attr == "sort"

    def _is_behind(self, read: Place, sort: Place) -> bool:
        if read.scope is not sort.scope:
            return not sort.branch
        return read.order >= sort.order and dominates(sort.branch, read.branch)

    def is_measured(self, node: ast.expr) -> bool:
        """Is the length or the emptiness of a variable looked at (`if len(s) == 1: s.pop()`, `while s: s.pop()`)?"""
        holder = self.inference.holder(node)
        if holder is None:
            return True
        for read in self._reads_of(holder, node):
            parent = self.places[read].parent
            if isinstance(parent, (*_COMPARED, ast.UnaryOp, ast.BoolOp)):
                return True
            if isinstance(parent, ast.Call) and getattr(parent.func, "id", "") == "len":
                return True
        return False

    def _reads_of(self, holder: Holder, node: ast.expr) -> Iterator[ast.expr]:
        named: list[ast.Name] | list[ast.Attribute]
        named = self._names.get(node.id, []) if isinstance(node, ast.Name) else self._attributes.get(holder[1], [])
        return (read for read in named if self.inference.holder(read) == holder)

    # -- attributes -------------------------------------------------------------------------------------------

    def reads_of_attribute(self, target: ast.Attribute) -> list[ast.expr]:
        """The reads of an attribute: on `self`, and on other objects where one class alone has the attribute."""
        owner = self.inference.holder(target)
        classes = [c for c in self.file.resolver.classes.values() if target.attr in c.attributes]
        reads = [
            read
            for read in self._attributes.get(target.attr, [])
            if isinstance(read.ctx, ast.Load)
            and (self.inference.holder(read) == owner or (len(classes) <= 1 and self.inference.holder(read) is None))
        ]
        return self._before_sorted(reads)

    # -- functions ---------------------------------------------------------------------------------------------

    def function(self, name: str) -> Function | None:
        """The function of the file that calling a name runs."""
        if name in self.file.resolver.classes:
            name = f"{name}.__init__"
        return self.file.resolver.functions.get(name)

    def reads_of_parameter(self, name: str, position: int | None, keyword: str | None) -> list[ast.expr]:
        """The reads of what a call gives a function at a position or by a keyword."""
        function = self.function(name)
        if function is None:
            return []
        arguments = function.args.posonlyargs + function.args.args
        is_method = bool(arguments) and (
            self.file.resolver.definitions.class_of_parameter(function, arguments[0].arg) is not None
        )
        if position is not None:
            position += 1 if is_method else 0
            parameter = arguments[position] if position < len(arguments) else None
        else:
            every = (*arguments, *function.args.kwonlyargs)
            parameter = next((argument for argument in every if argument.arg == keyword), None)
        if parameter is None:
            return []
        reads = self._names.get(parameter.arg, [])
        return self._before_sorted([read for read in reads if self._sees(read, parameter)])

    def calls_around(self, node: ast.AST) -> list[ast.Call]:
        """The calls of the function that a node stands in, by the file itself."""
        scope = self.places[node].scope.enclosing_function()
        return [call.node for call in self.inference.calls_of(scope.qualified_name)]


def _node_of(binding: Binding) -> ast.AST:
    return binding.node
