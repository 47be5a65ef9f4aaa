"""The single walk over a tree: statements, definitions and control flow around the expressions."""

from __future__ import annotations

import ast

from tfguard.analysis.expressions import ExpressionWalk, parameters_of
from tfguard.analysis.index import Index
from tfguard.analysis.scopes import BindingKind, Flow, Scope


def build_index(tree: ast.Module, module_name: str) -> Index:
    """Walk the tree once."""
    module = Scope("module", tree, None, module_name)
    walker = Walk(Index(tree, module), module)
    walker.body(tree.body, tree)
    walker.handlers.clear()  # they refer back to the walker, which would keep the tree until a garbage collection
    walker.index.flow = Flow(frozenset(walker.loops), frozenset(walker.ended))
    return walker.index


class Walk(ExpressionWalk):
    """The walk over everything."""

    def __init__(self, index: Index, module: Scope) -> None:
        super().__init__(index, module)
        self.loops: list[int] = []
        self.handlers |= {
            ast.Assign: self.assign,
            ast.AnnAssign: self.annotated,
            ast.AugAssign: self.augmented,
            ast.Delete: self.delete,
            ast.Return: self.return_,
            ast.FunctionDef: self.function,
            ast.AsyncFunctionDef: self.function,
            ast.ClassDef: self.class_,
            ast.If: self.if_,
            ast.For: self.for_,
            ast.AsyncFor: self.for_,
            ast.While: self.while_,
            ast.Try: self.try_,
            ast.With: self.with_,
            ast.AsyncWith: self.with_,
            ast.Match: self.match,
            ast.Import: self.import_,
            ast.ImportFrom: self.import_from,
            ast.Global: self.global_,
            ast.Nonlocal: self.nonlocal_,
        }
        for newer, handler in (("TryStar", self.try_), ("TypeAlias", self.type_alias)):
            if hasattr(ast, newer):
                self.handlers[getattr(ast, newer)] = handler

    # -- assignments ----------------------------------------------------------------------------

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
            self.note(node.target, node)

    def augmented(self, node: ast.AugAssign) -> None:
        self.visit(node.value, node)
        self.target(node.target, node, BindingKind.OTHER, None, None)

    def delete(self, node: ast.Delete) -> None:
        for target in node.targets:
            self.target(target, node, BindingKind.OTHER, None, None)

    def return_(self, node: ast.Return) -> None:
        self.index.returns.setdefault(self.scope.node, []).append(node.value)
        self.optional(node.value, node)

    # -- definitions ----------------------------------------------------------------------------

    def annotations(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        for parameter in parameters_of(node.args):
            self.optional(parameter.annotation, parameter)
        self.optional(node.returns, node)

    def type_parameters(self, node: ast.AST) -> None:
        """Enter a scope with the type parameters of a definition, where it has any (Python 3.12)."""
        given = getattr(node, "type_params", None)
        if given:
            self.scope = Scope("type", node, self.scope, self.scope.qualified_name)
            for parameter in given:
                self.note(parameter, node)
                self.other(parameter.name, parameter)
            for parameter in given:
                self.children(parameter)

    def function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self.body(node.decorator_list, node)
        self.note(node.args, node)
        self.defaults(node.args)
        self.index.functions.append(node)
        self.scope.bind(self.binding(node.name, BindingKind.FUNCTION, node))
        outer, before, tries = self.scope, self.branch, self.tries
        self.type_parameters(node)
        self.annotations(node)
        self.scope = Scope("function", node, self.scope, f"{outer.qualified_name}.{node.name}")
        self.index.scopes[node] = self.scope
        self.branch, self.tries = (), 0
        self.parameters(node.args)
        self.body(node.body, node)
        self.scope, self.branch, self.tries = outer, before, tries

    def class_(self, node: ast.ClassDef) -> None:
        self.body(node.decorator_list, node)
        self.index.classes.append(node)
        outer = self.scope
        self.type_parameters(node)
        self.body(node.bases, node)
        self.body(node.keywords, node)
        self.scope = Scope("class", node, self.scope, f"{outer.qualified_name}.{node.name}")
        self.index.scopes[node] = self.scope
        self.body(node.body, node)
        self.scope = outer
        self.scope.bind(self.binding(node.name, BindingKind.CLASS, node))

    def type_alias(self, node: ast.AST) -> None:
        name: ast.Name = node.name  # type: ignore[attr-defined]
        self.note(name, node)
        self.other(name.id, name)
        outer = self.scope
        self.type_parameters(node)
        self.visit(node.value, node)  # type: ignore[attr-defined]
        self.scope = outer

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
        before = self.branch
        self.branch = (*before, (step, 0, False))
        self.visit(node.test, node)
        self.body(node.body, node)
        self.branch = before
        self.arm(node.orelse, node, (step, 1, False))

    def try_(self, node: ast.Try) -> None:
        step = self.new_step()
        self.tries += 1
        self.arm(node.body, node, (step, 0, False))
        self.tries -= 0 if node.finalbody else 1
        for number, handler in enumerate(node.handlers, 1):
            self.note(handler, node)
            self.optional(handler.type, handler)
            before = self.branch
            self.branch = (*before, (step, number, False))
            self.other(handler.name, handler)
            self.branch = before
            self.arm(handler.body, handler, (step, number, False))
        self.arm(node.orelse, node, (step, 0, False))
        self.tries -= 1 if node.finalbody else 0
        self.body(node.finalbody, node)

    def with_(self, node: ast.With | ast.AsyncWith) -> None:
        for item in node.items:
            self.note(item, node)
            self.visit(item.context_expr, item)
            if item.optional_vars is not None:
                self.target(item.optional_vars, item, BindingKind.WITH, item.context_expr)
        self.body(node.body, node)

    def match(self, node: ast.Match) -> None:
        self.visit(node.subject, node)
        step = self.new_step()
        before = self.branch
        for number, case in enumerate(node.cases, 2):
            self.branch = before
            self.note(case, node)
            self.branch = (*before, (step, number, True))
            self.pattern(case.pattern, case)
            self.optional(case.guard, case)
            self.branch = before
            self.arm(case.body, case, (step, number, True))

    def pattern(self, pattern: ast.AST, parent: ast.AST) -> None:
        self.note(pattern, parent)
        for inner in ast.iter_child_nodes(pattern):
            if isinstance(inner, ast.pattern):
                self.pattern(inner, pattern)
            else:
                self.visit(inner, pattern)
        self.other(getattr(pattern, "name", None) or getattr(pattern, "rest", None), pattern)

    # -- imports and scope statements -------------------------------------------------------------

    def import_(self, node: ast.Import) -> None:
        self.index.imports.append(node)
        for alias in node.names:
            self.note(alias, node)
            name = alias.asname or alias.name.split(".", 1)[0]
            target = alias.name if alias.asname else name
            self.scope.bind(self.binding(name, BindingKind.IMPORT, alias, target=target))

    def import_from(self, node: ast.ImportFrom) -> None:
        self.index.imports.append(node)
        origin = "." * node.level + (node.module or "")
        for alias in node.names:
            self.note(alias, node)
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
            functions = [scope for scope in self.scope.parents() if scope.kind == "function"]
            owner = next((scope for scope in functions if name in scope.bindings), functions[0] if functions else None)
            if owner is not None:
                self.scope.redirected[name] = owner
