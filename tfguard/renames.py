"""What became of names: the renames of renames.toml and api/renames.tsv, the notes of removed.toml."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from tfguard.errors import TableError
from tfguard.table_files import SortedRows, Version, load_toml, parse_version


@dataclass(frozen=True, slots=True)
class Rename:
    """One row of renames.toml: from `since` on, `new` is what `old` was."""

    old: str
    new: str
    since: Version
    safety: str
    source: str
    before: str
    after: str
    reason: str = ""
    #: The last version for which the row holds; None: the newest. Versions of Keras for names of the package `keras`.
    until: Version | None = None
    #: True when `new` means what `old` meant only with the graph mode of TF 1 on.
    graph_mode: bool = False
    #: Keywords that are called otherwise in `new`.
    keywords: tuple[tuple[str, str], ...] = ()
    #: How many leading positional arguments mean the same; None: all.
    positional: int | None = None


@dataclass(frozen=True, slots=True)
class Removed:
    """One row of removed.toml: what is known of a prefix that is gone or cannot be used."""

    prefix: str
    #: The first version for which it is true: of Keras for the package `keras`, of TensorFlow for the rest.
    since: Version
    message: str
    remedy: str = ""
    #: It is meant only for names that existed in this version.
    had: Version | None = None


class RenameTable:
    """All renames: those written by hand, and those that follow from names of one object."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def rows_of(self, name: str) -> Iterator[Rename]:
        """The rows of an old name, those of renames.toml first, the newest before older ones."""
        yield from self._curated.get(name, ())
        found = self._generated.find(name)
        if found is not None:
            yield _generated_row(name, found)

    def __iter__(self) -> Iterator[Rename]:
        for rows in self._curated.values():
            yield from rows
        for old, rest in self._generated.iter_below(""):
            yield _generated_row(old, rest)

    @cached_property
    def _generated(self) -> SortedRows:
        return SortedRows(self._folder / "renames.tsv")

    @cached_property
    def _curated(self) -> dict[str, tuple[Rename, ...]]:
        found: dict[str, list[Rename]] = {}
        try:
            for row in load_toml("renames.toml")["rename"]:
                found.setdefault(row["old"], []).append(_curated_row(row))
        except (KeyError, TypeError, ValueError) as error:
            raise TableError(f"renames.toml: {error}") from error
        return {old: tuple(sorted(rows, key=lambda r: r.since, reverse=True)) for old, rows in found.items()}


def _curated_row(row: dict[str, Any]) -> Rename:
    row["since"] = parse_version(row["since"])
    row["until"] = parse_version(row["until"]) if "until" in row else None
    row["keywords"] = tuple(row.get("keywords", {}).items())
    return Rename(**row)


def _generated_row(old: str, rest: str) -> Rename:
    new, since, safety, mode, source, _ = rest.split("\t")
    before, after = (name.replace("tensorflow.", "tf.", 1) for name in (old, new))
    return Rename(old, new, parse_version(since), safety, source, before, after, graph_mode=mode == "graph")


def load_removed() -> dict[str, Removed]:
    """The rows of removed.toml by prefix."""
    found: dict[str, Removed] = {}
    try:
        for row in map(dict, load_toml("removed.toml")["removed"]):
            prefixes = row.pop("prefix")
            row["since"] = parse_version(row["since"])
            row["had"] = parse_version(row["had"]) if "had" in row else None
            for prefix in [prefixes] if isinstance(prefixes, str) else prefixes:
                if prefix in found:
                    raise TableError(f"removed.toml: {prefix} stands there twice")
                found[prefix] = Removed(prefix=prefix, **row)
    except (KeyError, TypeError, ValueError) as error:
        raise TableError(f"removed.toml: {error}") from error
    return found
