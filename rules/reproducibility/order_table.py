"""What `file_order.toml` says: what lists files, and what keeps, forgets or uses an order (part of TFG106)."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from functools import lru_cache

from tfguard.analysis.calls import CallSite
from tfguard.errors import TableError
from tfguard.table_files import Version, parse_version
from tfguard.tables import load_toml

#: What a sequence holds: names of files, what was loaded from them, or the three things that `os.walk` gives at once.
WALKED: int = -1
NAMES: int = 1
DATA: int = 2


@dataclass(frozen=True, slots=True)
class Table:
    """file_order.toml."""

    lists: frozenset[str]
    iterators: frozenset[str]
    entries: frozenset[str]
    walks: frozenset[str]
    methods: frozenset[str]
    matching: frozenset[str]
    matching_before: Version
    shuffled: frozenset[str]
    forgets: frozenset[str]
    forgets_words: frozenset[str]
    keeps: frozenset[str]
    keeps_methods: frozenset[str]
    keeps_attributes: frozenset[str]
    libraries: frozenset[str]
    data: frozenset[str]
    trains: frozenset[str]
    runs: frozenset[str]
    writers: frozenset[str]
    draws: frozenset[str]
    draw_methods: frozenset[str]
    picks: frozenset[str]
    loads: re.Pattern[str]
    loads_not: re.Pattern[str]


@lru_cache(maxsize=1)
def load_order() -> Table:
    """Read the table once a process."""
    data = load_toml("file_order.toml")
    try:
        listings, forgets, keeps, uses = data["listings"], data["forgets"], data["keeps"], data["data"]
        return Table(
            **{key: frozenset(listings[key]) for key in ("lists", "iterators", "entries", "walks", "methods")},
            matching=frozenset(listings["matching"]),
            matching_before=parse_version(listings["matching_before"]),
            shuffled=frozenset(listings["shuffled"]),
            forgets=frozenset(forgets["names"]),
            forgets_words=frozenset(forgets["words"]),
            keeps=frozenset(keeps["names"]),
            keeps_methods=frozenset(keeps["methods"]),
            keeps_attributes=frozenset(keeps["attributes"]),
            libraries=frozenset(keeps["libraries"]),
            data=frozenset(uses["names"]),
            **{key: frozenset(uses[key]) for key in ("trains", "runs", "writers", "draws", "draw_methods", "picks")},
            loads=re.compile(data["loads"]["pattern"]),
            loads_not=re.compile(data["loads"]["unless"]),
        )
    except (KeyError, TypeError, re.error) as error:
        raise TableError(f"file_order.toml: {error}") from error


def canonical_names(call: CallSite) -> frozenset[str]:
    """The canonical names of what a call may go to."""
    return call.canonical_names


def last_word(call: CallSite) -> str:
    """The last component of the function as written."""
    return call.written.rpartition(".")[2].strip()


def forgets_order(call: CallSite) -> bool:
    """Is the call's value, or what it does, the same whatever the order of what it is given?"""
    return bool(canonical_names(call) & load_order().forgets) or last_word(call) in load_order().forgets_words


def loads_content(call: CallSite) -> bool:
    """Does the call give the contents of a file that it is given the name of, as far as its name says?"""
    if canonical_names(call) & load_order().keeps:
        return False
    word = last_word(call)
    return load_order().loads.search(word) is not None and load_order().loads_not.search(word) is None


def mapped(call: CallSite) -> int:
    """What `map(load, files)` makes of names."""
    given = call.node.args[0] if last_word(call) == "map" and call.node.args else None
    if given is None:
        return NAMES
    inner = [call.file.call_site(node) for node in ast.walk(given) if isinstance(node, ast.Call)]
    written = ast.unparse(given).rpartition(".")[2] if isinstance(given, (ast.Name, ast.Attribute)) else ""
    is_named = load_order().loads.search(written) is not None and load_order().loads_not.search(written) is None
    return DATA if is_named or any(loads_content(one) for one in inner) else NAMES
