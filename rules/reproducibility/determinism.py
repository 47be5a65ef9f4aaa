"""What a program does about op determinism and threads, as `determinism.toml` tells it (part of TFG112 to TFG117)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from tfguard.analysis.calls import CallSite, Expr, StoreSite
from tfguard.analysis.project import Event, Program, ProjectFacts
from tfguard.analysis.values import Known, Value
from tfguard.errors import TableError
from tfguard.model import Span
from tfguard.rule import Recorder
from tfguard.table_files import Version, parse_version
from tfguard.tables import load_evidence, load_toml

#: What a call means, the first of the two words of its payload.
ASKS, ENDS, PINS, SESSION, STRATEGY, GRAPH, TRAINS, STARTS = (
    *("asks", "ends", "pins", "session", "strategy"),
    *("graph", "trains", "starts"),
)
#: Where a file can hold something of all this.
WORDS = ("tensorflow", "keras", "determinis", "DETERMINIS", "parallelism_threads")

recorder = Recorder("determinism", evidence=load_evidence())
#: Of TFG113 alone: noted, a program that it is for is none of TFG101 to TFG103.
raising = Recorder("determinism-raises", evidence=load_evidence())


@dataclass(frozen=True, slots=True)
class Table:
    """determinism.toml, and what device.toml knows of calls that start TensorFlow."""

    #: Canonical names to what calling them means, and a word about how.
    calls: Mapping[str, tuple[str, str]]
    asks_since: Version
    variables: frozenset[str]
    variables_since: Version
    on: frozenset[str]
    thread_variables: frozenset[str]
    uses: frozenset[str]
    quiet: frozenset[str]


@lru_cache(maxsize=1)
def load_determinism() -> Table:
    """Read the tables once a process."""
    data, device, modes = load_toml("determinism.toml"), load_toml("device.toml"), load_toml("graph_mode.toml")
    calls: dict[str, tuple[str, str]] = {}
    try:
        calls.update(dict.fromkeys(data["asks"]["names"], (ASKS, "call")))
        calls.update(dict.fromkeys(data["asks"]["ends"], (ENDS, "")))
        for pool in ("intra", "inter"):
            calls.update(dict.fromkeys(data["threads"][pool], (PINS, pool)))
        calls.update(dict.fromkeys(data["excluded"]["sessions"], (SESSION, "")))
        calls.update(dict.fromkeys(data["excluded"]["strategies"], (STRATEGY, "")))
        calls.update({name: (GRAPH, "") for name, mode in modes["calls"].items() if mode == "disable"})
        calls.update(dict.fromkeys(data["late"]["trains"], (TRAINS, "")))
        calls.update(dict.fromkeys(data["late"]["reads"], (TRAINS, "reads")))
        return Table(
            calls=calls,
            asks_since=parse_version(data["asks"]["since"]),
            variables=frozenset(data["asks"]["variables"]),
            variables_since=parse_version(data["asks"]["variables_since"]),
            on=frozenset(data["asks"]["on"]),
            thread_variables=frozenset(data["threads"]["variables"]),
            uses=frozenset(device["uses"]),
            quiet=frozenset(device["quiet"]),
        )
    except (KeyError, TypeError) as error:
        raise TableError(f"determinism.toml, device.toml or graph_mode.toml: {error}") from error


@recorder.on_call(mentions=WORDS)
def note_call(call: CallSite) -> list[Any] | None:
    """What a call means: `[what, how, value]`."""
    return _note(call)


@raising.on_call(mentions=("determinis", "DETERMINIS"))
def note_asking(call: CallSite) -> list[Any] | None:
    """A call that asks for op determinism."""
    found = _note(call)
    return found if found is not None and found[0] in (ASKS, ENDS) else None


@raising.on_store(mentions="DETERMINIS")
def note_asking_variable(store: StoreSite) -> list[Any] | None:
    """A variable that asks for it."""
    found = note_store(store)
    return found if found is not None and found[0] == ASKS else None


def _note(call: CallSite) -> list[Any] | None:
    if not call.resolution.is_certain or len(call.names) != 1:
        return None
    name = call.file.knowledge.canonical(call.names[0])
    if name.startswith("os."):
        return _note_environment(call, name)
    found = load_determinism().calls.get(name)
    if found is None:
        return [STARTS, "", None] if _starts(name) and call.file.target.tensorflow >= (2, 0) else None
    argument = call.argument("num_threads", 0) if found[0] == PINS else None
    return [*found, argument.value.value if argument is not None and isinstance(argument.value, Known) else None]


@lru_cache(maxsize=4096)
def _starts(name: str) -> bool:
    """Does a call surely run operations of TensorFlow 2, as the longest row of device.toml that covers it says?"""
    table, parts = load_determinism(), name.split(".")
    for row in [f"*.{parts[-1]}", name, *(".".join(parts[:end]) + "." for end in range(len(parts) - 1, 0, -1))]:
        if row in table.quiet:
            return False
        if row in table.uses:
            return parts[0] == "tensorflow" and not row.startswith("*")
    return False


def _note_environment(call: CallSite, name: str) -> list[Any] | None:
    if name not in ("os.environ.setdefault", "os.putenv"):
        return None
    return _note_variable(call.argument("key", 0).value, call.argument("value", 1).value)


@recorder.on_store(mentions="environ")
def note_store(store: StoreSite) -> list[Any] | None:
    """What a write to `os.environ` means."""
    if "os.environ" not in store.names or store.value is None:
        return None
    return _note_variable(store.key, store.value.value)


def _note_variable(key: Value, value: Value) -> list[Any] | None:
    table = load_determinism()
    name = key.value if isinstance(key, Known) else None
    known = value.value if isinstance(value, Known) else None
    if name in table.variables:
        return [ASKS, "variable", None] if known in table.on else None
    return [PINS, "variable", None] if name in table.thread_variables else None


# -- what a program does -----------------------------------------------------------------------------------


def events_of(program: Program, *kinds: str) -> tuple[Event, ...]:
    """The events of these kinds, in the order in which they happen."""
    return tuple(event for event in program.effects(recorder.key) if event.item.payload[0] in kinds)


def asks_of(facts: ProjectFacts, program: Program) -> tuple[Event, ...]:
    """Where a program asks for op determinism in a way that its version knows."""
    table = load_determinism()
    version = facts.open(program.summary.path).target.tensorflow
    since = {"call": table.asks_since, "variable": table.variables_since}
    return tuple(event for event in events_of(program, ASKS) if version >= since[event.item.payload[1]])


def is_asked(asks: Sequence[Event], version: Version) -> bool:
    """Is one of the askings of a kind that makes random operations without a seed raise, in this version?"""
    return bool(asks) and version >= load_determinism().asks_since


def position_of(program: Program, event: Event) -> int:
    """Where an event stands in the order of all events of a program."""
    return next(number for number, other in enumerate(program.events) if other is event)


def span_in(path: str, event: Event) -> Span:
    """The innermost place in a file on the way to an event."""
    inside = [item for (place, _), item in zip(event.chain, event.trail, strict=True) if place == path]
    item = inside[-1] if inside else event.item
    return Span(item.start, item.end)


def call_of(facts: ProjectFacts, event: Event) -> CallSite | None:
    """The call that an event is."""
    span = Span(event.item.start, event.item.end)
    return next((call for call in facts.open(event.path).calls if call.span == span), None)


def written(facts: ProjectFacts, event: Event) -> str:
    """What an event calls or writes to, as the user spells it, on one line."""
    call = call_of(facts, event)
    text = call.written if call is not None else facts.open(event.path).text_of(Span(event.item.start, event.item.end))
    return " ".join(text.split())


def is_literal(expr: Expr) -> bool:
    """Is it a number that is written out?"""
    return isinstance(expr.value, Known) and isinstance(expr.value.value, int)
