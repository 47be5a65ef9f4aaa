"""Which calls begin a generator with fresh entropy, as `entropy.toml` tells it (part of TFG107)."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from tfguard.rules.reproducibility.draws import load_draws
from tfguard.rules.reproducibility.seeds import load_seeds

from tfguard.analysis.calls import CallSite, Expr
from tfguard.analysis.scopes import BindingKind
from tfguard.errors import TableError
from tfguard.tables import load_toml

#: How far variables are followed to what they were assigned.
_DEPTH = 6


@dataclass(frozen=True, slots=True)
class Table:
    """entropy.toml."""

    sources: frozenset[str]
    generators: Mapping[str, str]
    #: The argument of a call that seeds, and whether it seeds with entropy without one.
    seeders: Mapping[str, tuple[str, bool]]
    keywords: frozenset[str]
    nondeterministic: frozenset[str]
    seeded: str
    shared: frozenset[str]
    set_by: tuple[str, ...]
    unseedable: frozenset[str]
    unseedable_draws: frozenset[str]
    labels: re.Pattern[str]
    label_functions: frozenset[str]


@lru_cache(maxsize=1)
def load_entropy() -> Table:
    """Read the table once a process."""
    data = load_toml("entropy.toml")
    try:
        return Table(
            sources=frozenset(data["sources"]["names"]),
            generators={name: row["argument"] for row in data["generator"] for name in row["names"]},
            seeders={
                name: (row["argument"], row.get("absent", False)) for row in data["seeder"] for name in row["names"]
            },
            keywords=frozenset(data["keywords"]["names"]),
            nondeterministic=frozenset(data["nondeterministic"]["names"]),
            seeded=data["nondeterministic"]["seeded"],
            shared=frozenset(data["nondeterministic"]["shared"]),
            set_by=tuple(data["nondeterministic"]["set_by"]),
            unseedable=frozenset(data["unseedable"]["generators"]),
            unseedable_draws=frozenset(data["unseedable"]["draws"]),
            labels=re.compile(data["labels"]["pattern"]),
            label_functions=frozenset(data["labels"]["functions"]),
        )
    except (KeyError, TypeError, re.error) as error:
        raise TableError(f"entropy.toml: {error}") from error


@dataclass(frozen=True, slots=True)
class Fresh:
    """A call that takes fresh entropy for a seed."""

    #: "generator", "seeder", "argument", "state", "shared" or "system".
    kind: str
    #: What gives the seed, None where none is given (or None itself).
    given: Expr | None = None
    #: The call behind it whose value differs on every run.
    source: CallSite | None = None
    #: The global generator that the seed is drawn from, "" where it is none.
    drawn: str = ""


def fresh_of(call: CallSite) -> Fresh | None:
    """How a call takes fresh entropy, if it does."""
    names = [call.file.knowledge.canonical(name) for name in call.names] if call.resolution.reason is None else []
    if len(names) == 1:
        found = _by_name(call, names[0])
        if found is not None:
            is_named = found.kind != "seeder" and is_label(call)
            return found if not is_named and not is_fallback(call) else None
    return _by_argument(call, names)


def _by_name(call: CallSite, name: str) -> Fresh | None:
    table = load_entropy()
    if name in table.generators:
        return _without_seed(call, "generator", table.generators[name])
    if name in table.seeders:
        argument, absent = table.seeders[name]
        return _without_seed(call, "seeder", argument) if absent or call.node.args or call.node.keywords else None
    if name in table.nondeterministic:
        return Fresh("state")
    if name in table.shared:
        is_set = any(word in call.file.source.text for word in table.set_by)
        return None if is_set else Fresh("shared")
    if name in table.unseedable or name in table.unseedable_draws:
        return Fresh("system") if not _is_seed(call) else None
    return None


def _without_seed(call: CallSite, kind: str, keyword: str) -> Fresh | None:
    """No seed is given, or None itself, or one that differs on every run."""
    argument = call.argument(keyword, 0)
    if argument.is_absent:
        return Fresh(kind)
    if argument.expr is None:
        return None
    if isinstance(argument.expr.node, ast.Constant) and argument.expr.node.value is None:
        return Fresh(kind, argument.expr)
    return _seeded_with(kind, argument.expr)


def _by_argument(call: CallSite, names: list[str]) -> Fresh | None:
    """A seed that differs on every run, given to whatever takes one."""
    table = load_entropy()
    for keyword, given in call.keywords:
        if keyword in table.keywords:
            found = _seeded_with("argument", given)
            if found is not None:
                return found
    is_helper = load_seeds().helper.match(call.written.rpartition(".")[2].strip()) is not None
    if is_helper and len(call.arguments) == 1:
        return _seeded_with("argument", call.arguments[0])
    return None


def _seeded_with(kind: str, given: Expr) -> Fresh | None:
    for source in sources_in(given):
        names = [source.file.knowledge.canonical(name) for name in source.names]
        if any(name in load_entropy().sources for name in names) or any(_is_of_system(name) for name in names):
            return Fresh(kind, given, source)
        drawn = next((row.source for name in names for row in load_draws().rows.get(name, ())), "")
        if drawn in ("python", "numpy") and _is_seed(source):
            return Fresh(kind, given, source, drawn)
    return None


def _is_of_system(name: str) -> bool:
    return any(name.startswith(f"{owner}.") for owner in load_entropy().unseedable)


def sources_in(expr: Expr, depth: int = 0) -> Iterator[CallSite]:
    """The calls that an expression is made of, those behind its variables too."""
    for node in ast.walk(expr.node):
        if isinstance(node, ast.Call):
            yield expr.file.call_site(node)
        elif isinstance(node, (ast.Name, ast.Attribute)) and depth < _DEPTH:
            value = assigned_to(Expr(expr.file, node))
            if value is not None:
                yield from sources_in(value, depth + 1)


def assigned_to(name: Expr) -> Expr | None:
    """The one expression that a variable, or an attribute, was assigned."""
    if isinstance(name.node, ast.Attribute):
        stores = [store for store in name.file.stores if store.written == name.text]
        value = stores[0].value if len(stores) == 1 else None
        return value if value is not None and value.call is not None and not is_fallback(value.call) else None
    if not isinstance(name.node, ast.Name) or name.node not in name.file.index.places:
        return None
    bindings = name.file.resolver.bindings_of(name.node)
    if len(bindings) != 1 or bindings[0].kind is not BindingKind.ASSIGN or bindings[0].path != ():
        return None
    return Expr(name.file, bindings[0].value) if bindings[0].value is not None else None


# -- what it is for --------------------------------------------------------------------------------------------


def is_label(call: CallSite) -> bool:
    """Does what is made of the call name a thing, or is it only shown?"""
    places, table = call.file.index.places, load_entropy()
    here: ast.AST = call.node
    while True:
        parent = places[here].parent
        if isinstance(parent, (ast.JoinedStr, ast.FormattedValue)):
            return True
        if isinstance(parent, ast.Call) and here is not parent.func:
            word = call.file.call_site(parent).written.rpartition(".")[2].strip()
            if word in table.label_functions:
                return True
            return False if word not in ("int", "abs", "float") else _is_label_of(call, parent)
        if not isinstance(parent, (ast.Attribute, ast.Call, ast.Subscript, ast.BinOp, ast.keyword)):
            break
        here = parent
    return _names_thing(call, parent)


def _is_label_of(call: CallSite, node: ast.Call) -> bool:
    return is_label(call.file.call_site(node))


def _names_thing(call: CallSite, statement: ast.AST) -> bool:
    targets = statement.targets if isinstance(statement, ast.Assign) else []
    if isinstance(statement, (ast.AnnAssign, ast.NamedExpr)):
        targets = [statement.target]
    return any(load_entropy().labels.search(ast.unparse(target)) is not None for target in targets)


def _is_seed(call: CallSite) -> bool:
    """Is it drawn for a seed, which is reported where it is set?"""
    here: ast.AST = call.node
    while not isinstance(here, ast.stmt):
        here = call.file.index.places[here].parent
    targets = here.targets if isinstance(here, ast.Assign) else []
    return any(ast.unparse(target).lower().endswith("seed") for target in targets)


def is_fallback(call: CallSite) -> bool:
    """Is it what happens when a caller gives no generator or seed of its own: an option that the author left open?"""
    places = call.file.index.places
    here: ast.AST = call.node
    while not isinstance(here, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Module)):
        parent = places[here].parent
        if isinstance(parent, ast.BoolOp) and here is not parent.values[0]:
            return True
        if isinstance(parent, (ast.If, ast.IfExp)) and here is not parent.test and _asks(parent.test):
            return True
        if isinstance(parent, ast.arguments):
            return True
        here = parent
    return False


def _asks(test: ast.expr) -> bool:
    """Does a test ask whether something is None, or is given at all?"""
    for node in ast.walk(test):
        if isinstance(node, ast.Constant) and node.value is None:
            return True
        if isinstance(node, (ast.Name, ast.Attribute)) and re.search("(?i)seed|rng|random|determin", ast.unparse(node)):
            return True
    return False
