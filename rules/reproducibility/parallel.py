"""What `parallel.toml` says, and which functions draw from a generator that others share (part of TFG108)."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Any

from tfguard.rules.reproducibility.draws import load_draws

from tfguard.analysis.blocks import maker_of
from tfguard.analysis.calls import CallSite, Expr
from tfguard.analysis.file_model import FileModel
from tfguard.analysis.scopes import BindingKind
from tfguard.errors import TableError
from tfguard.table_files import Version, parse_version
from tfguard.tables import load_toml

Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda

#: How deep functions that call each other are followed.
_DEPTH = 5
#: Whose draws are operations of a graph, and whose are made by Python code.
_OPS, _CODE = frozenset({"tensorflow", "keras-backend"}), frozenset({"python", "numpy"})


@dataclass(frozen=True, slots=True)
class Table:
    """parallel.toml."""

    prevented: frozenset[str]
    variable: str
    variable_since: Version
    mappers: Mapping[str, Mapping[str, Any]]
    unordered: Mapping[str, Mapping[str, Any]]
    options: Mapping[str, Any]
    python: frozenset[str]
    generators: Mapping[str, Any]
    queues: Mapping[str, Any]
    workers: Mapping[str, Any]
    pools: Mapping[str, Any]


@lru_cache(maxsize=1)
def load_parallel() -> Table:
    """Read the table once a process."""
    data = load_toml("parallel.toml")
    try:
        return Table(
            prevented=frozenset(data["prevented"]["calls"]),
            variable=data["prevented"]["variable"],
            variable_since=parse_version(data["prevented"]["variable_since"]),
            mappers={name: row for row in data["mapper"] for name in row["names"]},
            unordered={name: row for row in data["unordered"] for name in row["names"]},
            options=data["options"],
            python=frozenset(data["python"]["names"]),
            generators=data["generators"],
            queues=data["queues"],
            workers=data["workers"],
            pools=data["pools"],
        )
    except (KeyError, TypeError) as error:
        raise TableError(f"parallel.toml: {error}") from error


def canonical_names(call: CallSite) -> frozenset[str]:
    """The canonical names of what a call may go to."""
    return call.canonical_names


def last_word(call: CallSite) -> str:
    """The last component of the function as written."""
    return call.written.rpartition(".")[2].strip()


def prevents(file: FileModel) -> bool:
    """Does the file ask for op determinism, under which data sets call such functions one after the other?"""
    table = load_parallel()
    if any(canonical_names(call) & table.prevented for call in file.calls):
        return True
    return table.variable in file.source.text and file.target.tensorflow >= table.variable_since


# -- functions ----------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Drawn:
    """What running a function draws: the first call that does, else functions that are defined elsewhere."""

    op: str = ""
    code: str = ""
    elsewhere: list[str] = field(default_factory=list)


def function_of(expr: Expr) -> Function | None:
    """The function of the file, or the lambda, that an expression is."""
    origin = expr.origin.node
    if isinstance(origin, ast.Lambda):
        return origin
    if isinstance(origin, ast.Call) and origin.args and expr.file.call_site(origin).name == "functools.partial":
        return function_of(Expr(expr.file, origin.args[0]))
    found = [expr.file.resolver.functions.get(name) for name in expr.resolution.names]
    return found[0] if len(found) == 1 else None


def draws_of(file: FileModel, function: Function, *, in_graph: bool = True) -> Drawn:
    """What running a function of the file draws from generators that keep a state; what is traced runs no Python."""
    drawn = Drawn()
    _Scan(file, drawn).function(function, 0, in_graph=in_graph)
    return drawn


def drawn_by(expr: Expr) -> Drawn:
    """What calling the value of an expression draws: a function, an operation itself, a layer, or something unknown."""
    function, file = function_of(expr), expr.file
    if function is not None:
        return draws_of(file, function)
    rows = load_draws().rows
    names = [file.knowledge.canonical(name) for name in expr.resolution.names]
    if any(row.source in _OPS for name in names for row in rows.get(name, ())) or _is_augmentation(expr):
        return Drawn(op=expr.text)
    is_name = isinstance(expr.node, (ast.Name, ast.Attribute))
    foreign = file.resolver.is_foreign
    return Drawn(elsewhere=[n for n in expr.resolution.names if "." in n and not foreign(n)] if is_name else [])


class _Scan:
    """Reads a function and those of the file that it calls."""

    def __init__(self, file: FileModel, drawn: Drawn) -> None:
        self.file = file
        self.drawn = drawn
        self.seen: set[tuple[ast.AST, bool]] = set()

    def function(self, function: Function, depth: int, *, in_graph: bool) -> None:
        """Note what its calls draw."""
        if depth > _DEPTH or (function, in_graph) in self.seen:
            return
        self.seen.add((function, in_graph))
        for call in self.file.once(("calls inside", function), partial(_calls_inside, self.file, function)):
            self.call(call, depth, in_graph=in_graph)

    def call(self, call: CallSite, depth: int, *, in_graph: bool) -> None:
        """One call: it draws, or it runs another function."""
        known: _Call = self.file.once(("what it draws", call.node), partial(_what, call))
        if known.is_python:
            for function in known.runs:
                self.function(function, depth + 1, in_graph=False)
            return
        if known.draws_op:
            self.drawn.op = self.drawn.op or call.written
        elif known.draws_code and not in_graph:
            self.drawn.code = self.drawn.code or call.written
        elif known.draws_itself:
            self.drawn.op = self.drawn.op or call.written
        for function in known.runs:
            self.function(function, depth + 1, in_graph=in_graph)
        self.drawn.elsewhere.extend(known.elsewhere)


@dataclass(frozen=True, slots=True)
class _Call:
    """What one call draws, the functions of the file that it runs or passes on, and names from elsewhere."""

    is_python: bool = False
    draws_op: bool = False
    draws_code: bool = False
    draws_itself: bool = False
    runs: tuple[Function, ...] = ()
    elsewhere: tuple[str, ...] = ()


def _what(call: CallSite) -> _Call:
    names, functions = canonical_names(call), call.file.resolver.functions
    if names & load_parallel().python:
        given = [function_of(argument) for argument in call.arguments[:1]]
        return _Call(is_python=True, runs=tuple(function for function in given if function is not None))
    sources = {row.source for name in names for row in load_draws().rows.get(name, ())}
    is_data = any(name.startswith("tensorflow.data.") for name in names)
    own = [functions[name] for name in call.names if name in functions]
    given = [function_of(argument) for argument in call.arguments if isinstance(argument.node, ast.Name)]
    foreign = call.file.resolver.is_foreign
    return _Call(
        draws_op=bool(sources & _OPS) and not is_data,
        draws_code=bool(sources & _CODE),
        draws_itself=(not names and _augments(call)) or _is_generator(call),
        runs=(*own, *(function for function in given if function is not None)),
        elsewhere=() if own else tuple(name for name in call.names if "." in name and not foreign(name)),
    )


def _calls_inside(file: FileModel, function: Function) -> tuple[CallSite, ...]:
    """The calls in a function's body, in order."""
    statements = function.body if isinstance(function.body, list) else [function.body]
    nodes = (node for statement in statements for node in ast.walk(statement))
    return tuple(file.call_site(node) for node in nodes if isinstance(node, ast.Call))


def _is_generator(call: CallSite) -> bool:
    """Does it draw from a generator object of TensorFlow's that keeps a state?"""
    table = load_parallel().generators
    made = maker_of(call.receiver) if call.receiver is not None and last_word(call) in table["draws"] else None
    return made is not None and bool(canonical_names(made) & set(table["makers"]))


def _augments(call: CallSite) -> bool:
    """Does it call a layer that augments at random, or a model made of such layers?"""
    return not call.argument("training").is_constant(False) and _is_augmentation(Expr(call.file, call.node.func))


def _is_augmentation(layer: Expr) -> bool:
    """Is it a layer that augments at random, or a model, list or function's result made of such layers?"""
    made = _made_of(layer)
    inner = [layer.file.call_site(n) for n in ast.walk(made) if isinstance(n, ast.Call)] if made is not None else []
    names = [name for one in inner for name in canonical_names(one)]
    return any(row.source == "keras-augmentation" for name in names for row in load_draws().rows.get(name, ()))


def _made_of(layer: Expr) -> ast.AST | None:
    """The code that makes a layer: a call, the function that it calls, the list that a loop takes it from."""
    file, node = layer.file, layer.node
    if isinstance(node, ast.Name) and node in file.index.places:
        loops = [b.value for b in file.resolver.bindings_of(node) if b.kind is BindingKind.FOR and b.path == ()]
        if len(loops) == 1 and loops[0] is not None:
            return Expr(file, loops[0]).origin.node
    made = maker_of(layer)
    own = [file.resolver.functions[name] for name in made.names if name in file.resolver.functions] if made else []
    return own[0] if own else made.node if made is not None else None
