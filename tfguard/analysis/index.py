"""The single walk over a tree: parents, scopes, branches, evaluation order, and the nodes that rules ask for."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from tfguard.analysis.scopes import Binding, BindingKind, Branch, Scope

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


class Place(NamedTuple):
    """Where a node stands: around it, and when it is evaluated."""

    parent: ast.AST
    scope: Scope
    branch: Branch
    order: int


@dataclass(slots=True)
class Index:
    """What one walk over a file collects."""

    tree: ast.Module
    module: Scope
    places: dict[ast.AST, Place] = field(default_factory=dict)
    scopes: dict[ast.AST, Scope] = field(default_factory=dict)
    #: Outermost dotted chains and bare names that are read, in evaluation order.
    chains: list[ast.expr] = field(default_factory=list)
    calls: list[ast.Call] = field(default_factory=list)
    imports: list[ast.Import | ast.ImportFrom] = field(default_factory=list)
    #: Statements that write to an attribute or an item.
    stores: list[tuple[ast.expr, ast.expr | None]] = field(default_factory=list)
    functions: list[ast.FunctionDef | ast.AsyncFunctionDef] = field(default_factory=list)
    classes: list[ast.ClassDef] = field(default_factory=list)
    loops: frozenset[int] = frozenset()


def build_index(tree: ast.Module, module_name: str) -> Index:
    """Walk the tree once."""
    module = Scope("module", tree, None, module_name)
    walker = _Walker(Index(tree, module), module)
    walker.body(tree.body, tree)
    walker.index.loops = frozenset(walker.loops)
    return walker.index


class _Walker:
    """Carries the position (scope, branch, order) through one walk."""

    def __init__(self, index: Index, module: Scope) -> None:
        self.index = index
        self.scope = module
        self.branch: Branch = ()
        self.order = 0
        self.steps = 0
        self.loops: list[int] = []
        self.handlers: dict[type[ast.AST], Callable[..., None]] = {
            ast.Name: self.name,
            ast.Attribute: self.attribute,
            ast.Constant: self.leaf,
            ast.Call: self.call,
            ast.Assign: self.assign,
            ast.AnnAssign: self.annotated,
            ast.AugAssign: self.augmented,
            ast.NamedExpr: self.named,
            ast.FunctionDef: self.function,
            ast.AsyncFunctionDef: self.function,
            ast.Lambda: self.lambda_,
            ast.ClassDef: self.class_,
            ast.If: self.if_,
            ast.IfExp: self.conditional,
            ast.For: self.for_,
            ast.AsyncFor: self.for_,
            ast.While: self.while_,
            ast.Try: self.try_,
            ast.With: self.with_,
            ast.AsyncWith: self.with_,
            ast.Import: self.import_,
            ast.ImportFrom: self.import_from,
            ast.Global: self.global_,
            ast.Nonlocal: self.nonlocal_,
            ast.ListComp: self.comprehension,
            ast.SetComp: self.comprehension,
            ast.GeneratorExp: self.comprehension,
            ast.DictComp: self.comprehension,
            ast.Delete: self.delete,
            ast.Match: self.match,
        }
        try_star = getattr(ast, "TryStar", None)
        if try_star is not None:
            self.handlers[try_star] = self.try_

    # -- the walk -------------------------------------------------------------------------------

    def visit(self, node: ast.AST, parent: ast.AST) -> None:
        self.order += 1
        self.index.places[node] = Place(parent, self.scope, self.branch, self.order)
        handler = self.handlers.get(node.__class__)
        if handler is None:
            self.children(node)
        else:
            handler(node)

    def children(self, node: ast.AST) -> None:
        for name in node._fields:
            value = getattr(node, name, None)
            if value.__class__ is list:
                for item in value:
                    if isinstance(item, ast.AST):
                        self.visit(item, node)
            elif isinstance(value, ast.AST) and not isinstance(value, (ast.expr_context, ast.operator)):
                self.visit(value, node)

    def body(self, statements: Iterable[ast.AST], parent: ast.AST) -> None:
        for statement in statements:
            self.visit(statement, parent)

    def optional(self, node: ast.AST | None, parent: ast.AST) -> None:
        if node is not None:
            self.visit(node, parent)

    def arm(self, statements: Iterable[ast.AST], parent: ast.AST, step: tuple[int, int, bool]) -> None:
        before = self.branch
        self.branch = (*before, step)
        self.body(statements, parent)
        self.branch = before

    def new_step(self) -> int:
        self.steps += 1
        return self.steps

    # -- expressions ----------------------------------------------------------------------------

    def leaf(self, node: ast.AST) -> None:
        """Nothing below."""

    def name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Load):
            self.index.chains.append(node)

    def attribute(self, node: ast.Attribute) -> None:
        inner: ast.expr = node
        while isinstance(inner, ast.Attribute):
            value = inner.value
            self.index.places[value] = Place(inner, self.scope, self.branch, self.order)
            inner = value
        if not isinstance(inner, ast.Name):
            handler = self.handlers.get(inner.__class__)
            if handler is None:
                self.children(inner)
            else:
                handler(inner)
        self.order += 1
        if isinstance(node.ctx, ast.Load):
            self.index.chains.append(node)

    def call(self, node: ast.Call) -> None:
        self.visit(node.func, node)
        for argument in node.args:
            self.visit(argument, node)
        for keyword in node.keywords:
            self.visit(keyword, node)
        self.order += 1
        self.index.places[node] = self.index.places[node]._replace(order=self.order)
        self.index.calls.append(node)
        if isinstance(node.func, ast.Name) and node.func.id in ("exec", "execfile"):
            self.scope.enclosing_function().has_exec = True

    def named(self, node: ast.NamedExpr) -> None:
        self.visit(node.value, node)
        self.index.places[node.target] = Place(node, self.scope, self.branch, self.order)
        scope = self.scope.enclosing_function()
        scope.bind(self.binding(node.target.id, BindingKind.ASSIGN, node, value=node.value))

    def conditional(self, node: ast.IfExp) -> None:
        self.visit(node.test, node)
        step = self.new_step()
        self.arm([node.body], node, (step, 0, True))
        self.arm([node.orelse], node, (step, 1, True))

    def comprehension(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp) -> None:
        first = node.generators[0]
        self.visit(first.iter, first)
        outer = self.scope
        self.scope = Scope("comprehension", node, outer, outer.qualified_name)
        self.index.scopes[node] = self.scope
        for generator in node.generators:
            self.index.places[generator] = Place(node, self.scope, self.branch, self.order)
            if generator is not first:
                self.visit(generator.iter, generator)
            self.target(generator.target, generator, BindingKind.FOR, generator.iter)
            self.body(generator.ifs, generator)
        if isinstance(node, ast.DictComp):
            self.visit(node.key, node)
            self.visit(node.value, node)
        else:
            self.visit(node.elt, node)
        self.scope = outer

    def lambda_(self, node: ast.Lambda) -> None:
        self.defaults(node.args)
        outer = self.scope
        self.scope = Scope("function", node, outer, f"{outer.qualified_name}.<lambda>")
        self.index.scopes[node] = self.scope
        self.parameters(node.args)
        before, self.branch = self.branch, ()
        self.visit(node.body, node)
        self.scope, self.branch = outer, before

    # -- bindings -------------------------------------------------------------------------------

    def binding(
        self,
        name: str,
        kind: BindingKind,
        node: ast.AST,
        *,
        value: ast.expr | None = None,
        path: tuple[int, ...] | None = (),
        target: str = "",
    ) -> Binding:
        inside = name in self.scope.redirected
        self.order += 1
        return Binding(name, kind, node, self.order, self.branch, value, path, target, inside)

    def target(
        self,
        target: ast.expr,
        parent: ast.AST,
        kind: BindingKind,
        value: ast.expr | None,
        path: tuple[int, ...] | None = (),
    ) -> None:
        """Bind the names of an assignment target; attributes and items become stores."""
        self.index.places[target] = Place(parent, self.scope, self.branch, self.order)
        if isinstance(target, ast.Name):
            self.scope.bind(self.binding(target.id, kind, target, value=value, path=path))
        elif isinstance(target, (ast.Tuple, ast.List)):
            starred = False
            for position, element in enumerate(target.elts):
                starred = starred or isinstance(element, ast.Starred)
                inner = None if starred or path is None else (*path, position)
                self.target(element, target, kind, value, inner)
        elif isinstance(target, ast.Starred):
            self.target(target.value, target, kind, value, None)
        else:
            self.visit(target, parent)
            self.index.stores.append((target, value if path == () and kind is BindingKind.ASSIGN else None))

    def assign(self, node: ast.Assign) -> None:
        self.visit(node.value, node)
        for target in node.targets:
            self.target(target, node, BindingKind.ASSIGN, node.value)

    def annotated(self, node: ast.AnnAssign) -> None:
        self.visit(node.annotation, node)
        self.optional(node.value, node)
        if node.value is not None:
            self.target(node.target, node, BindingKind.ASSIGN, node.value)
        else:
            self.index.places[node.target] = Place(node, self.scope, self.branch, self.order)

    def augmented(self, node: ast.AugAssign) -> None:
        self.visit(node.value, node)
        self.target(node.target, node, BindingKind.OTHER, None, None)

    def delete(self, node: ast.Delete) -> None:
        for target in node.targets:
            self.target(target, node, BindingKind.OTHER, None, None)

    # -- definitions ----------------------------------------------------------------------------

    def defaults(self, arguments: ast.arguments) -> None:
        for default in (*arguments.defaults, *arguments.kw_defaults):
            self.optional(default, arguments)

    def parameters(self, arguments: ast.arguments) -> None:
        everyone = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        for extra in (arguments.vararg, arguments.kwarg):
            if extra is not None:
                everyone.append(extra)
        for parameter in everyone:
            self.index.places[parameter] = Place(arguments, self.scope, self.branch, self.order)
            self.scope.bind(self.binding(parameter.arg, BindingKind.PARAMETER, parameter))

    def annotations(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        arguments = node.args
        for parameter in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs):
            self.optional(parameter.annotation, parameter)
        for extra in (arguments.vararg, arguments.kwarg):
            self.optional(extra.annotation if extra is not None else None, node)
        self.optional(node.returns, node)

    def function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self.body(node.decorator_list, node)
        self.defaults(node.args)
        self.annotations(node)
        self.index.functions.append(node)
        self.scope.bind(self.binding(node.name, BindingKind.FUNCTION, node))
        outer, before = self.scope, self.branch
        self.scope = Scope("function", node, outer, f"{outer.qualified_name}.{node.name}")
        self.index.scopes[node] = self.scope
        self.branch = ()
        self.parameters(node.args)
        self.body(node.body, node)
        self.scope, self.branch = outer, before

    def class_(self, node: ast.ClassDef) -> None:
        self.body(node.decorator_list, node)
        self.body(node.bases, node)
        self.body(node.keywords, node)
        self.index.classes.append(node)
        outer = self.scope
        self.scope = Scope("class", node, outer, f"{outer.qualified_name}.{node.name}")
        self.index.scopes[node] = self.scope
        self.body(node.body, node)
        self.scope = outer
        self.scope.bind(self.binding(node.name, BindingKind.CLASS, node))

    # -- control flow ---------------------------------------------------------------------------

    def if_(self, node: ast.If) -> None:
        self.visit(node.test, node)
        step = self.new_step()
        self.arm(node.body, node, (step, 0, True))
        self.arm(node.orelse, node, (step, 1, True))

    def for_(self, node: ast.For | ast.AsyncFor) -> None:
        self.visit(node.iter, node)
        step = self.new_step()
        self.loops.append(step)
        before = self.branch
        self.branch = (*before, (step, 0, False))
        self.target(node.target, node, BindingKind.FOR, node.iter)
        self.body(node.body, node)
        self.branch = before
        self.arm(node.orelse, node, (step, 1, False))

    def while_(self, node: ast.While) -> None:
        step = self.new_step()
        self.loops.append(step)
        self.visit(node.test, node)
        self.arm(node.body, node, (step, 0, False))
        self.arm(node.orelse, node, (step, 1, False))

    def try_(self, node: ast.Try) -> None:
        step = self.new_step()
        self.arm(node.body, node, (step, 0, False))
        for number, handler in enumerate(node.handlers, 1):
            self.index.places[handler] = Place(node, self.scope, self.branch, self.order)
            self.optional(handler.type, handler)
            before = self.branch
            self.branch = (*before, (step, number, False))
            if handler.name:
                self.scope.bind(self.binding(handler.name, BindingKind.OTHER, handler))
            self.body(handler.body, handler)
            self.branch = before
        self.arm(node.orelse, node, (step, 0, False))
        self.body(node.finalbody, node)

    def with_(self, node: ast.With | ast.AsyncWith) -> None:
        for item in node.items:
            self.index.places[item] = Place(node, self.scope, self.branch, self.order)
            self.visit(item.context_expr, item)
            if item.optional_vars is not None:
                self.target(item.optional_vars, item, BindingKind.WITH, item.context_expr)
        self.body(node.body, node)

    def match(self, node: ast.Match) -> None:
        self.visit(node.subject, node)
        step = self.new_step()
        for number, case in enumerate(node.cases):
            self.index.places[case] = Place(node, self.scope, self.branch, self.order)
            before = self.branch
            self.branch = (*before, (step, number, True))
            self.pattern(case.pattern)
            self.optional(case.guard, case)
            self.body(case.body, case)
            self.branch = before

    def pattern(self, pattern: ast.AST) -> None:
        for inner in ast.walk(pattern):
            name = getattr(inner, "name", None) or getattr(inner, "rest", None)
            if isinstance(name, str):
                self.scope.bind(self.binding(name, BindingKind.OTHER, inner))

    # -- imports and scope statements -------------------------------------------------------------

    def import_(self, node: ast.Import) -> None:
        self.index.imports.append(node)
        for alias in node.names:
            self.index.places[alias] = Place(node, self.scope, self.branch, self.order)
            name = alias.asname or alias.name.split(".", 1)[0]
            target = alias.name if alias.asname else name
            self.scope.bind(self.binding(name, BindingKind.IMPORT, alias, target=target))

    def import_from(self, node: ast.ImportFrom) -> None:
        self.index.imports.append(node)
        origin = "." * node.level + (node.module or "")
        for alias in node.names:
            self.index.places[alias] = Place(node, self.scope, self.branch, self.order)
            if alias.name == "*":
                self.scope.star_imports.append(origin)
                continue
            target = origin + alias.name if origin.endswith(".") else f"{origin}.{alias.name}"
            self.scope.bind(self.binding(alias.asname or alias.name, BindingKind.IMPORT, alias, target=target))

    def global_(self, node: ast.Global) -> None:
        for name in node.names:
            self.scope.redirected[name] = self.index.module

    def nonlocal_(self, node: ast.Nonlocal) -> None:
        for name in node.names:
            scope = self.scope.parent
            while scope is not None and not (scope.kind == "function" and name in scope.bindings):
                scope = scope.parent
            if scope is not None:
                self.scope.redirected[name] = scope
