"""The walk over expressions and the targets of assignments, in the order in which Python evaluates them."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable

from tfguard.analysis.index import Index, Place
from tfguard.analysis.scopes import Binding, BindingKind, Branch, Scope, Step

#: Fields that hold no code: contexts, operators, plain text and numbers.
_NO_CODE = frozenset({"ctx", "op", "ops", "id", "attr", "arg", "name", "kind", "type_comment", "conversion"})


class ExpressionWalk:
    """Carries the position (scope, branch, order) through one walk; knows expressions and what binds names."""

    def __init__(self, index: Index, module: Scope) -> None:
        self.index = index
        self.places = index.places
        self.scope = module
        self.branch: Branch = ()
        self.order = 0
        self.steps = 0
        #: How many `try` statements of the same function stand around.
        self.tries = 0
        self.ended: list[tuple[int, int]] = []
        self.fields: dict[type[ast.AST], tuple[str, ...]] = {}
        self.handlers: dict[type[ast.AST], Callable[..., None]] = {
            ast.Name: self.name,
            ast.Attribute: self.attribute,
            ast.Constant: self.leaf,
            ast.Call: self.call,
            ast.BoolOp: self.boolean,
            ast.Dict: self.dict_,
            ast.IfExp: self.conditional,
            ast.NamedExpr: self.named,
            ast.Lambda: self.lambda_,
            ast.JoinedStr: self.joined,
            ast.ListComp: self.comprehension,
            ast.SetComp: self.comprehension,
            ast.GeneratorExp: self.comprehension,
            ast.DictComp: self.comprehension,
            ast.Yield: self.yield_,
            ast.YieldFrom: self.yield_,
        }

    # -- the walk -------------------------------------------------------------------------------

    def visit(self, node: ast.AST, parent: ast.AST) -> None:
        self.order += 1
        self.places[node] = Place(parent, self.scope, self.branch, self.order)
        handler = self.handlers.get(node.__class__)
        if handler is None:
            self.children(node)
        else:
            handler(node)

    def children(self, node: ast.AST) -> None:
        fields = self.fields.get(node.__class__)
        if fields is None:
            fields = self.fields[node.__class__] = tuple(f for f in node._fields if f not in _NO_CODE)
        for name in fields:
            value = getattr(node, name, None)
            if value.__class__ is list:
                for item in value:
                    if isinstance(item, ast.AST):
                        self.visit(item, node)
            elif isinstance(value, ast.AST):
                self.visit(value, node)

    def body(self, nodes: Iterable[ast.AST], parent: ast.AST) -> None:
        for node in nodes:
            self.visit(node, parent)

    def optional(self, node: ast.AST | None, parent: ast.AST) -> None:
        if node is not None:
            self.visit(node, parent)

    def note(self, node: ast.AST, parent: ast.AST) -> None:
        """Record the place of a node that is not evaluated itself."""
        self.places[node] = Place(parent, self.scope, self.branch, self.order)

    def arm(self, nodes: list[ast.stmt] | list[ast.expr], parent: ast.AST, step: Step) -> None:
        before = self.branch
        self.branch = (*before, step)
        self.body(nodes, parent)
        if nodes and isinstance(nodes[-1], (ast.Return, ast.Raise)) and not self.tries:
            self.ended.append(step[:2])
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
            self.places[value] = Place(inner, self.scope, self.branch, self.order)
            inner = value
        if not isinstance(inner, ast.Name):
            handler = self.handlers.get(inner.__class__)
            if handler is None:
                self.children(inner)
            else:
                handler(inner)
        self.order += 1
        read = node if isinstance(node.ctx, ast.Load) else node.value
        if isinstance(read, (ast.Attribute, ast.Name)):
            self.index.chains.append(read)

    def call(self, node: ast.Call) -> None:
        self.visit(node.func, node)
        for argument in node.args:
            self.visit(argument, node)
        for keyword in node.keywords:
            self.visit(keyword, node)
        self.order += 1
        self.note(node, self.places[node].parent)
        self.index.calls.append(node)
        if isinstance(node.func, ast.Name) and node.func.id in ("exec", "execfile"):
            self.scope.enclosing_function().has_exec = True

    def boolean(self, node: ast.BoolOp) -> None:
        self.visit(node.values[0], node)
        self.arm(node.values[1:], node, (self.new_step(), 0, False))

    def dict_(self, node: ast.Dict) -> None:
        for key, value in zip(node.keys, node.values, strict=True):
            self.optional(key, node)
            self.visit(value, node)

    def conditional(self, node: ast.IfExp) -> None:
        self.visit(node.test, node)
        step = self.new_step()
        self.arm([node.body], node, (step, 0, True))
        self.arm([node.orelse], node, (step, 1, True))

    def named(self, node: ast.NamedExpr) -> None:
        self.visit(node.value, node)
        self.note(node.target, node)
        scope = self.scope.enclosing_function()
        scope.bind(self.binding(node.target.id, BindingKind.ASSIGN, node, value=node.value))

    def joined(self, node: ast.JoinedStr) -> None:
        self.index.has_fstrings = True
        self.body(node.values, node)

    def yield_(self, node: ast.Yield | ast.YieldFrom) -> None:
        self.index.generators.add(self.scope.enclosing_function().node)
        self.optional(node.value, node)

    def lambda_(self, node: ast.Lambda) -> None:
        self.note(node.args, node)
        self.defaults(node.args)
        outer, before = self.scope, self.branch
        self.scope, self.branch = Scope("function", node, outer, f"{outer.qualified_name}.<lambda>"), ()
        self.index.scopes[node] = self.scope
        self.parameters(node.args)
        self.visit(node.body, node)
        self.scope, self.branch = outer, before

    def comprehension(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp) -> None:
        first = node.generators[0]
        self.visit(first.iter, first)
        outer = self.scope
        self.scope = Scope("comprehension", node, outer, outer.qualified_name)
        self.index.scopes[node] = self.scope
        for generator in node.generators:
            self.note(generator, node)
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

    def other(self, name: str | None, node: ast.AST) -> None:
        """Bind a name, if there is one, to something that is not followed."""
        if name:
            self.scope.bind(self.binding(name, BindingKind.OTHER, node))

    def target(
        self,
        target: ast.expr,
        parent: ast.AST,
        kind: BindingKind,
        value: ast.expr | None,
        path: tuple[int, ...] | None = (),
    ) -> None:
        """Bind the names of an assignment target; attributes and items become stores."""
        self.note(target, parent)
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
            if not isinstance(target.ctx, ast.Del):  # type: ignore[attr-defined]
                self.index.stores.append((target, value if path == () and kind is BindingKind.ASSIGN else None))

    def defaults(self, arguments: ast.arguments) -> None:
        for default in (*arguments.defaults, *arguments.kw_defaults):
            self.optional(default, arguments)

    def parameters(self, arguments: ast.arguments) -> None:
        for parameter in parameters_of(arguments):
            self.note(parameter, arguments)
            self.scope.bind(self.binding(parameter.arg, BindingKind.PARAMETER, parameter))


def parameters_of(arguments: ast.arguments) -> list[ast.arg]:
    """All parameters of a function, in the order in which they are written."""
    positional = [*arguments.posonlyargs, *arguments.args]
    star = [arguments.vararg] if arguments.vararg is not None else []
    double = [arguments.kwarg] if arguments.kwarg is not None else []
    return [*positional, *star, *arguments.kwonlyargs, *double]
