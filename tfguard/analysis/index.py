"""What one walk over a tree collects: parents, scopes, branches, evaluation order, and the nodes that rules ask for."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import NamedTuple

from tfguard.analysis.scopes import Branch, Flow, Scope


class Place(NamedTuple):
    """Where a node stands: around it, and when it is evaluated."""

    parent: ast.AST
    scope: Scope
    branch: Branch
    order: int


@dataclass(slots=True)
class Index:
    """The result of the walk (`walk.build_index`)."""

    tree: ast.Module
    module: Scope
    places: dict[ast.AST, Place] = field(default_factory=dict)
    scopes: dict[ast.AST, Scope] = field(default_factory=dict)
    #: Outermost dotted chains and bare names that are read, in evaluation order.
    chains: list[ast.expr] = field(default_factory=list)
    calls: list[ast.Call] = field(default_factory=list)
    imports: list[ast.Import | ast.ImportFrom] = field(default_factory=list)
    #: Writes to an attribute or an item, and the value where it is one expression.
    stores: list[tuple[ast.expr, ast.expr | None]] = field(default_factory=list)
    functions: list[ast.FunctionDef | ast.AsyncFunctionDef] = field(default_factory=list)
    classes: list[ast.ClassDef] = field(default_factory=list)
    #: What the `return` statements of a function itself return, and the functions that yield.
    returns: dict[ast.AST, list[ast.expr | None]] = field(default_factory=dict)
    generators: set[ast.AST] = field(default_factory=set)
    has_fstrings: bool = False
    flow: Flow = field(default_factory=Flow)

    @property
    def loops(self) -> frozenset[int]:
        """The numbers of the branch steps that are loops."""
        return self.flow.loops
