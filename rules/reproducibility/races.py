"""The calls whose order, or whose numbers, depend on which thread comes first (part of TFG108)."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from tfguard.rules.reproducibility.order_flow import Flow
from tfguard.rules.reproducibility.order_table import DATA
from tfguard.rules.reproducibility.parallel import (
    canonical_names,
    drawn_by,
    draws_of,
    function_of,
    last_word,
    load_parallel,
)
from tfguard.rules.reproducibility.seeds import load_seeds

from tfguard.analysis.blocks import maker_of
from tfguard.analysis.calls import Argument, CallSite, Expr, StoreSite
from tfguard.analysis.file_model import FileModel
from tfguard.analysis.values import Known
from tfguard.model import Edit, Safety, Span


@dataclass(frozen=True, slots=True, eq=False)
class Race:
    """Where threads compete, and what comes of it."""

    at: CallSite | Expr
    message: str
    title: str = ""
    edits: tuple[Edit, ...] | None = None
    safety: Safety = Safety.UNSAFE
    advice: str = ""
    #: Functions of other files, one of which must draw for it to be a race.
    elsewhere: tuple[str, ...] = ()
    #: Does op determinism prevent it?
    is_prevented: bool = True


def iter_races(file: FileModel) -> Iterator[Race]:
    """The races of a file, in the order in which they run."""
    for call in file.calls:
        race = race_of(call)
        if race is not None:
            yield race
    for store in file.stores:
        race = option_race(store)
        if race is not None:
            yield race


def race_of(call: CallSite) -> Race | None:
    """The race of one call, if it is one."""
    names = canonical_names(call)
    return (
        _unordered(call, names)
        or _mapped(call, names)
        or _queued(call, names)
        or _worked(call)
        or _completed(call, names)
        or _pooled(call)
    )


def _name(call: CallSite) -> str:
    """The function as the user spells it, of a chain of calls the last one."""
    return last_word(call) if "(" in call.written or "\n" in call.written else call.written


def _one(call: CallSite, argument: Argument, text: str) -> tuple[Edit, ...] | None:
    """The edit that gives an argument another value."""
    if argument.expr is None or not call.file.is_placed(call.node):
        return None
    edit = call.file.rewrite.replace(argument.expr, text)
    return (edit,) if edit is not None else None


def _is_several(argument: Argument) -> bool:
    """Is it surely given and neither 0, 1 nor None?"""
    if argument.expr is None:
        return False
    value = argument.value
    return not (isinstance(value, Known) and (value.value is None or value.value in (0, 1, False)))


# -- data sets ------------------------------------------------------------------------------------------------


def _unordered(call: CallSite, names: frozenset[str]) -> Race | None:
    """`deterministic=False`, `sloppy=True`."""
    for name in sorted(names & load_parallel().unordered.keys()) or _guessed(call):
        row = load_parallel().unordered[name]
        argument = call.argument(row["argument"])
        if not argument.is_constant(row["value"]) or argument.expr is None:
            continue
        if "needs" in row and not _is_several(call.argument(row["needs"])):
            continue
        message = f"`{row['argument']}={row['value']}` lets `{_name(call)}` give elements as they come"
        edits = _one(call, argument, str(not row["value"]))
        return Race(call, f"{message}, in another order on every run", "Keep the order", edits, Safety.SAFE)
    return None


def _guessed(call: CallSite) -> list[str]:
    """A method of an unknown object that only data sets have with these arguments."""
    if call.names or call.receiver is None or call.argument("num_parallel_calls").is_absent:
        return []
    guess = f"tensorflow.data.Dataset.{last_word(call)}"
    return [guess] if guess in load_parallel().unordered else []


def option_race(store: StoreSite) -> Race | None:
    """`options.deterministic = False`."""
    options = load_parallel().options
    if not isinstance(store.target, ast.Attribute) or store.target.attr not in options["attributes"]:
        return None
    if store.value is None or store.value.value != Known(False):
        return None
    types = store.file.resolver.resolve(store.target.value).types
    if not any(store.file.knowledge.canonical(name) in options["types"] for name in types):
        return None
    if not any(word in store.file.source.text for word in options["parallel"]):
        return None
    edit = store.file.rewrite.replace(store.value, "True")
    message = f"`{store.written} = False` lets the data set give elements as they come, in another order on every run"
    return Race(Expr(store.file, store.target), message, "Keep the order", (edit,) if edit else None, Safety.SAFE)


def _mapped(call: CallSite, names: frozenset[str]) -> Race | None:
    """A function that draws, called in parallel."""
    table = load_parallel()
    found = sorted(names & table.mappers.keys()) or [name for name in _guessed(call) if name in table.mappers]
    if not found:
        return None
    row = table.mappers[found[0]]
    calls, given = call.argument(row["calls"], row["calls_position"]), call.argument(row["function"], 0)
    if not _is_several(calls) or given.expr is None:
        return None
    drawn = drawn_by(given.expr)
    if not (drawn.op or drawn.code or drawn.elsewhere):
        return None
    what = drawn.op or drawn.code
    inner = f"`{what}`" if what else "a random function"
    where = f" in {_shown(given.expr)}" if what != given.expr.text else ""
    message = f"{inner}{where} draws in parallel: which element gets which number differs on every run"
    return Race(
        call,
        message,
        "Call it for one element at a time",
        _one(call, calls, row["serial"]),
        advice="`tf.random.stateless_*` with a seed of the element's own repeats itself in parallel",
        elsewhere=() if what else tuple(drawn.elsewhere),
    )


def _shown(expr: Expr) -> str:
    return "the lambda" if isinstance(expr.origin.node, ast.Lambda) else f"`{expr.text}`"


# -- queues and workers ----------------------------------------------------------------------------------------


def _queued(call: CallSite, names: frozenset[str]) -> Race | None:
    """Queues of TF 1 that several threads fill."""
    queues = load_parallel().queues
    for name in sorted(names):
        if name in queues["shuffles"]:
            message = f"`{_name(call)}` draws from what a thread has put into the queue by then, seed or not"
            advice = "shuffle with `tf.data.Dataset.shuffle` and a seed"
            return Race(call, f"{message}: the order differs on every run", advice=advice, is_prevented=False)
        if name in queues["joins"]:
            made = call.arguments[0].origin.elements if call.arguments else None
            if made is not None and len(made) < 2:
                return None
            message = (
                f"`{_name(call)}` takes elements from several threads as they come: the order differs on every run"
            )
            return Race(call, message, advice="read in one thread with `tf.train.batch`", is_prevented=False)
        if name in queues["threads"]:
            argument = call.argument(queues["argument"], queues["positions"].get(name))
            if _is_several(argument) and isinstance(argument.value, Known):
                message = f"several threads fill the queue of `{_name(call)}`: the order differs on every run"
                return Race(call, message, "Fill it in one thread", _one(call, argument, "1"), is_prevented=False)
    return None


def _worked(call: CallSite) -> Race | None:
    """Several workers of Keras that share a generator."""
    workers = load_parallel().workers
    argument = call.argument(workers["argument"])
    if not _is_several(argument) or not isinstance(argument.value, Known):
        return None
    is_old = call.file.target.keras is None or call.file.target.keras < (3, 0)
    if last_word(call) in workers["methods"] and call.receiver is not None:
        given = next((e for e in (call.argument(k, 0).expr for k in workers["data"]) if e is not None), None)
        shared = _shared_in(given) if is_old and given is not None else ""
    else:
        shared = "" if is_old else _drawn_by_items(call.file, call.names)
    if not shared:
        return None
    message = f"{shared}: with `{workers['argument']}={argument.expr.text if argument.expr else ''}`"
    message += " which batch gets which numbers differs on every run"
    return Race(call, message, "Use one worker", _one(call, argument, "1"), is_prevented=False)


def _shared_in(data: Expr) -> str:
    """What the workers of Keras 2 share: the generator behind a sequence that draws."""
    made = maker_of(data)
    if made is None:
        return ""
    if last_word(made) in load_parallel().workers["generators"] and made.receiver is not None:
        return f"the images of `{_name(made)}` are transformed with numbers from NumPy's generator"
    return _drawn_by_items(made.file, made.names)


def _drawn_by_items(file: FileModel, names: tuple[str, ...]) -> str:
    """Does `__getitem__` of a data set of one's own draw from a global generator?"""
    bases = load_parallel().workers["bases"]
    for name in names:
        info = file.resolver.classes.get(name)
        item = info.methods.get("__getitem__") if info is not None else None
        if info is None or item is None:
            continue
        own = [file.resolver.resolve(base).names for base in info.node.bases]
        if not any(file.knowledge.canonical(base) in bases for found in own for base in found):
            continue
        drawn = _code_of(file, item)
        if drawn:
            return f"`{drawn}` in `{info.name.rpartition('.')[2]}.__getitem__` draws from a global generator"
    return ""


def _code_of(file: FileModel, function: ast.AST) -> str:
    """The first call of a function, or of those that it calls, that draws from `random` or NumPy."""
    return draws_of(file, function, in_graph=False).code  # type: ignore[no-any-return]


# -- pools of Python --------------------------------------------------------------------------------------------


def _completed(call: CallSite, names: frozenset[str]) -> Race | None:
    """Results as they come, that reach the data."""
    pools = load_parallel().pools
    is_unordered = last_word(call) == pools["unordered"] and call.receiver is not None
    if not is_unordered and not names & set(pools["completed"]):
        return None
    flow = Flow(call.file)
    flow.push(call.node, DATA)
    reach = flow.run()
    if reach is None:
        return None
    message = f"`{_name(call)}` gives results as they come, and that order reaches the data: {reach.what}"
    if is_unordered:
        end = call.file.span(call.node.func).end
        edit = Edit(Span(end - len(pools["unordered"]), end), pools["ordered"])
        return Race(call, message, "Take the results in order", (edit,), Safety.SAFE, is_prevented=False)
    return Race(
        call,
        message,
        "Take the results in the order in which they were asked for",
        _in_order(call),
        Safety.SAFE,
        "go through the futures in the order in which they were made",
        is_prevented=False,
    )


def _in_order(call: CallSite) -> tuple[Edit, ...] | None:
    """`as_completed(futures)` of a list is the list itself."""
    given = call.arguments[0] if len(call.arguments) == 1 and not call.keywords else None
    if given is None or not isinstance(given.node, ast.Name) or not call.file.is_placed(call.node):
        return None
    if not isinstance(given.origin.node, (ast.List, ast.ListComp, ast.Dict, ast.DictComp)):
        return None
    return (Edit(call.span, given.text),)


def _pooled(call: CallSite) -> Race | None:
    """A function that draws from a global generator, run by a pool."""
    pools = load_parallel().pools
    if last_word(call) not in pools["methods"] or call.receiver is None or not call.arguments:
        return None
    made = maker_of(call.receiver)
    if made is None or not canonical_names(made) & set(pools["makers"]) or _is_single(made):
        return None
    function = function_of(call.arguments[0])
    drawn = _code_of(call.file, function) if function is not None else ""
    if function is None or not drawn or _seeds(call.file, function):
        return None
    message = (
        f"`{drawn}` in {_shown(call.arguments[0])} draws from a global generator that the workers of the pool share"
    )
    message += ": which task gets which numbers differs on every run"
    return Race(
        call, message, advice="give every task a generator of its own, seeded with its number", is_prevented=False
    )


def _seeds(file: FileModel, function: ast.AST) -> bool:
    """Does the function seed the generator for each task?"""
    calls = [file.call_site(node) for node in ast.walk(function) if isinstance(node, ast.Call)]
    return any(canonical_names(call) & load_seeds().seeds.keys() for call in calls)


def _is_single(made: CallSite) -> bool:
    """Is it a pool of one worker?"""
    sizes = [made.argument(name, 0) for name in load_parallel().pools["sizes"]]
    return any(size.is_constant(1) for size in sizes)
