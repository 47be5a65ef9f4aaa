"""Functions that TensorFlow traces, and what runs in them while it does (part of TFG318 and of the TFG32x rules).

`tf.function` runs the Python code of a function to make a graph of it, and later runs the graph. A `Step` is a call or
an assignment that runs then: in the function itself or in functions of the file that it calls. A step is certain when
every trace passes it; what stands behind a condition may be meant for the first trace only.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from tfguard.analysis.calls import CallSite, Expr
from tfguard.analysis.file_model import FileModel
from tfguard.analysis.project import ProjectFacts
from tfguard.model import Finding, Note
from tfguard.rule import Recorder
from tfguard.tables import load_evidence, load_toml

Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda

#: How deep functions that call each other are followed.
_DEPTH = 6
_LEAVES = (ast.Return, ast.Break, ast.Continue)
_PLAIN = frozenset({"staticmethod", "classmethod"})
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


#: Which files make all functions run eagerly.
EAGER = Recorder("functions run eagerly", evidence=load_evidence())


@EAGER.facts(mentions=("run_functions_eagerly",))
def runs_eagerly(file: FileModel) -> bool | None:
    """Does the file ask for functions to run eagerly?"""
    asking = (call for call in file.calls if _last(call).endswith("run_functions_eagerly"))
    return True if any(not call.argument("run_eagerly", 0).is_constant(False) for call in asking) else None


def unless_eager(facts: ProjectFacts, findings: Iterable[Finding]) -> Iterator[Finding]:
    """The findings of files that no program loads which runs functions eagerly."""
    asking = facts.facts_of(EAGER.key)
    for finding in findings:
        programs = facts.programs_with(finding.path)
        if not any(path in asking for program in programs for path in program.files):
            yield finding


@lru_cache(maxsize=1)
def load_traced() -> Mapping[str, Mapping[str, Any]]:
    """Read traced.toml once a process."""
    return load_toml("traced.toml")


@dataclass(frozen=True, slots=True, eq=False)
class Traced:
    """A function of which TensorFlow makes a graph, and what asks for it."""

    file: FileModel
    function: Function
    #: "function", "dataset" or "keras".
    kind: str
    #: The decorator, or the call that is given the function; the function itself for a method that Keras traces.
    asked: ast.AST

    @property
    def title(self) -> str:
        """The function as messages call it."""
        return f"`{self.function.name}`" if not isinstance(self.function, ast.Lambda) else "the lambda"

    @property
    def how(self) -> str:
        """Who traces it, for messages."""
        if self.kind == "keras":
            return "Keras"
        if isinstance(self.asked, ast.Call):
            written = self.file.call_site(self.asked).written
            return f"`{written.rpartition(')')[2].lstrip('.') if ')' in written else written}`"
        return f"`{self.file.text_of(self.file.span(self.asked))}`"

    def note(self) -> Note:
        """Where the graph is asked for."""
        line, column = self.file.source.position(self.file.span(self.asked).start)
        return Note(f"{self.how} makes a graph of {self.title}", self.file.path, line, column)


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """A call or an assignment that runs while a function is traced."""

    node: ast.Call | ast.Assign | ast.AugAssign | ast.Return
    #: The function (or module) whose body holds it.
    function: Function | ast.Module
    #: Does every trace run it?
    is_certain: bool
    #: Does it stand in a `with tf.init_scope()`, outside of the graph?
    is_lifted: bool = False
    #: Does it stand behind a test of whether something has been made already?
    is_once: bool = False


# -- which functions are traced ------------------------------------------------------------------------------


def traced_functions(file: FileModel) -> tuple[Traced, ...]:
    """The functions of a file that are traced, in source order, each once; none where functions may run eagerly."""
    found: tuple[Traced, ...] = file.once("traced functions", lambda: tuple(_traced(file)))
    return found


def _traced(file: FileModel) -> Iterator[Traced]:
    table = load_traced()
    if file.target.tensorflow < (2, 0) or any(word in file.source.text for word in table["eager"]["words"]):
        return
    if any(call.canonical_names & set(table["eager"]["graphs"]) for call in file.calls):
        return
    found = [*_decorated(file), *_given(file), *_of_keras(file)]
    seen: set[ast.AST] = set()
    for traced in sorted(found, key=lambda one: file.span(one.function).start):
        if traced.function not in seen and traced.function not in file.index.generators:
            seen.add(traced.function)
            yield traced


def _decorated(file: FileModel) -> Iterator[Traced]:
    for function in file.index.functions:
        for decorator in function.decorator_list:
            named = decorator.func if isinstance(decorator, ast.Call) else decorator
            if _is_one_of(Expr(file, named), load_traced()["functions"]["names"]):
                yield Traced(file, function, "function", named)


def _is_one_of(expr: Expr, names: Sequence[str]) -> bool:
    resolution = expr.resolution
    return resolution.is_certain and {expr.file.knowledge.canonical(name) for name in resolution.names} <= set(names)


def _given(file: FileModel) -> Iterator[Traced]:
    """Functions that are passed to `tf.function` or to a data set's method."""
    table = load_traced()
    for call in file.calls:
        rows = (("function", table["functions"], [table["functions"]["argument"]]),)
        for kind, row, keywords in (*rows, ("dataset", table["datasets"], table["datasets"]["arguments"])):
            if not call.names or not call.canonical_names <= set(row["names"]):
                continue
            given = next((found.expr for keyword in keywords if (found := call.argument(keyword, 0)).expr), None)
            function = function_of(given) if given is not None else None
            if function is not None:
                yield Traced(file, function, kind, call.node)


def function_of(expr: Expr) -> Function | None:
    """The function of the file, or the lambda, that an expression is."""
    origin = expr.origin.node
    if isinstance(origin, ast.Lambda):
        return origin
    resolution = expr.resolution
    if not resolution.is_certain or len(resolution.names) != 1:
        return None
    return expr.file.resolver.functions.get(resolution.names[0])


def _of_keras(file: FileModel) -> Iterator[Traced]:
    table = load_traced()["keras"]
    is_compiled = any(_last(call) in ("fit", "compile") for call in file.calls)
    for owner in file.resolver.classes.values():
        bases = _bases(file, owner.node)
        names = table["steps"] if bases & set(table["models"]) else ()
        if is_compiled and bases & set(table["layers"]):
            names = (*names, table["call"])
        yield from (
            Traced(file, owner.methods[name], "keras", owner.methods[name]) for name in names if name in owner.methods
        )


def _bases(file: FileModel, node: ast.ClassDef) -> frozenset[str]:
    resolved = (Expr(file, base).resolution for base in node.bases)
    return frozenset(file.knowledge.canonical(name) for found in resolved for name in found.names)


def _last(call: CallSite) -> str:
    return call.written.rpartition(".")[2].strip()


# -- what runs in them -----------------------------------------------------------------------------------------


def steps_of(traced: Traced) -> tuple[Step, ...]:
    """What runs while a function is traced, in order."""
    found: tuple[Step, ...] = traced.file.once(
        ("steps", traced.function), lambda: tuple(_Walk(traced.file, traced.function).run())
    )
    return found


def steps_of_body(file: FileModel, owner: ast.Module | ast.FunctionDef) -> tuple[Step, ...]:
    """What runs when a module is loaded or a function is called, in order."""
    found: tuple[Step, ...] = file.once(("steps", owner), lambda: tuple(_Walk(file, owner).run()))
    return found


@dataclass(frozen=True, slots=True)
class _State:
    is_certain: bool = True
    is_lifted: bool = False
    is_once: bool = False
    depth: int = 0


class _Walk:
    """Goes through the body of one traced function, and of those that it calls, in the order in which they run."""

    def __init__(self, file: FileModel, start: Function | ast.Module) -> None:
        self.file = file
        self.here = start
        self.start = start
        #: Functions that are being followed or were, surely (True) or perhaps (False).
        self.seen: dict[ast.AST, bool] = {start: True}

    def run(self) -> Iterator[Step]:
        if isinstance(self.start, ast.Lambda):
            yield from self.expression(self.start.body, _State())
        else:
            yield from self.block(self.start.body, _State())

    def block(self, statements: Sequence[ast.stmt], state: _State) -> Iterator[Step]:
        for statement in statements:
            yield from self.statement(statement, state)
            if isinstance(statement, (*_LEAVES, ast.Raise)):
                return
            if _may_leave(statement):
                asks = isinstance(statement, ast.If) and self.asks_whether_made(statement.test)
                state = replace(state, is_certain=False, is_once=state.is_once or asks)

    def statement(self, node: ast.stmt, state: _State) -> Iterator[Step]:
        maybe = replace(state, is_certain=False)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            return
        if isinstance(node, ast.If):
            yield from self.expression(node.test, state)
            maybe = replace(maybe, is_once=state.is_once or self.asks_whether_made(node.test))
            yield from self.block(node.body, maybe)
            yield from self.block(node.orelse, maybe)
        elif isinstance(node, (ast.For, ast.AsyncFor)):
            yield from self.expression(node.iter, state)
            yield from self.block(node.body, state)
        elif isinstance(node, (ast.With, ast.AsyncWith)):
            for item in node.items:
                yield from self.expression(item.context_expr, state)
            lifts = any(self.is_init_scope(item.context_expr) for item in node.items)
            yield from self.block(node.body, replace(state, is_lifted=state.is_lifted or lifts))
        elif isinstance(node, (ast.While, ast.Try, ast.Match)):
            for _, value in ast.iter_fields(node):
                yield from self.parts(value, maybe)
        else:
            for child in ast.iter_child_nodes(node):
                yield from self.expression(child, state)
            if isinstance(node, (ast.Assign, ast.AugAssign, ast.Return)):
                yield Step(node, self.here, state.is_certain, state.is_lifted, state.is_once)

    def parts(self, value: object, state: _State) -> Iterator[Step]:
        """The statements of a field, and those of its handlers or cases."""
        for part in value if isinstance(value, list) else [value]:
            if isinstance(part, ast.stmt):
                yield from self.statement(part, state)
            elif isinstance(part, (ast.ExceptHandler, ast.match_case)):
                yield from self.parts(part.body, state)
            elif isinstance(part, ast.expr):
                yield from self.expression(part, state)

    def expression(self, node: ast.AST, state: _State) -> Iterator[Step]:
        maybe = replace(state, is_certain=False)
        if isinstance(node, ast.Lambda):
            return
        if isinstance(node, ast.IfExp):
            yield from self.expression(node.test, state)
            yield from self.expression(node.body, maybe)
            yield from self.expression(node.orelse, maybe)
            return
        if isinstance(node, ast.BoolOp):
            yield from self.expression(node.values[0], state)
            for value in node.values[1:]:
                yield from self.expression(value, maybe)
            return
        inner = maybe if isinstance(node, _COMPREHENSIONS) and any(one.ifs for one in node.generators) else state
        for child in ast.iter_child_nodes(node):
            yield from self.expression(child, inner)
        if isinstance(node, ast.Call):
            yield Step(node, self.here, state.is_certain, state.is_lifted, state.is_once)
            yield from self.called(self.file.call_site(node), state)

    def called(self, call: CallSite, state: _State) -> Iterator[Step]:
        """The steps of the function of the file that a call runs."""
        function = self.target(call)
        if function is None or state.depth >= _DEPTH:
            return
        if function in self.seen and self.seen[function] >= state.is_certain:
            return
        self.seen[function] = state.is_certain
        outer, self.here = self.here, function
        yield from self.block(function.body, replace(state, depth=state.depth + 1))
        self.here = outer

    def target(self, call: CallSite) -> ast.FunctionDef | None:
        """The plain function that a call surely runs: by its name, by a class, or through a strategy."""
        file = self.file
        wanted = call.resolution
        if not wanted.names and call.arguments and _last(call) in load_traced()["replicas"]["methods"]:
            wanted = call.arguments[0].resolution
        if not wanted.is_certain or len(wanted.names) != 1:
            return None
        name = wanted.names[0]
        owner = file.resolver.classes.get(name)
        function = owner.methods.get("__init__") if owner is not None else file.resolver.functions.get(name)
        if not isinstance(function, ast.FunctionDef) or function in file.index.generators:
            return None
        return function if all(self.is_plain(one) for one in function.decorator_list) else None

    def is_plain(self, decorator: ast.expr) -> bool:
        """Does a decorator leave what the function does on each call as it is?"""
        if isinstance(decorator, ast.Name) and decorator.id in _PLAIN:
            return True
        named = decorator.func if isinstance(decorator, ast.Call) else decorator
        return _is_one_of(Expr(self.file, named), load_traced()["functions"]["names"])

    def asks_whether_made(self, test: ast.expr) -> bool:
        """Does a test look whether something is None, missing or empty?"""
        for node in ast.walk(test):
            if isinstance(node, ast.Compare) and any(
                isinstance(side, ast.Constant) and side.value is None for side in node.comparators
            ):
                return True
            if isinstance(node, ast.Name) and node.id in ("hasattr", "len"):
                return True
            if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not) and not self.is_parameter(node.operand):
                return True
        return False

    def is_parameter(self, node: ast.expr) -> bool:
        """Is it a parameter of the function that is being followed (`training`)?"""
        if isinstance(self.here, ast.Module):
            return False
        given = self.here.args
        names = {parameter.arg for parameter in (*given.posonlyargs, *given.args, *given.kwonlyargs)}
        return isinstance(node, ast.Name) and node.id in names

    def is_init_scope(self, node: ast.expr) -> bool:
        return isinstance(node, ast.Call) and "tensorflow.init_scope" in self.file.call_site(node).canonical_names


def _may_leave(statement: ast.stmt) -> bool:
    """May what follows the statement not run: does a `return` or `break` stand in it, of this function's own?"""
    waiting: list[ast.AST] = [statement]
    while waiting:
        node = waiting.pop()
        if isinstance(node, _LEAVES):
            return True
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.expr)):
            waiting.extend(ast.iter_child_nodes(node))
    return False
