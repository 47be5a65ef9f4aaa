"""Names of environment variables: which are read, by which releases, what a misspelt one means (part of TFG116)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from tfguard.errors import TableError
from tfguard.table_files import Version, parse_version
from tfguard.tables import load_toml

#: Names as long as this may differ from a known one by two letters, shorter ones from _SHORTEST by one.
_LONG, _SHORTEST = 16, 11


@dataclass(frozen=True, slots=True)
class Variable:
    """What is known of one variable."""

    name: str
    since: Version | None = None
    until: Version | None = None
    instead: str = ""
    logs: bool = False
    values: str = ""
    late_after: tuple[str, ...] = ()
    late_since: Version = (0, 0)


@dataclass(frozen=True, slots=True)
class Table:
    """environment.toml."""

    variables: Mapping[str, tuple[Variable, ...]]
    misspelt: Mapping[str, str]
    known: frozenset[str]

    def meant(self, name: str) -> str | None:
        """The variable that an unknown name is a misspelling of, when it is surely one."""
        if name in self.known:
            return None
        if name in self.misspelt:
            return self.misspelt[name]
        if name.upper() in self.known:
            return name.upper()
        words = sorted(name.split("_"))
        same_words = [other for other in sorted(self.known) if sorted(other.split("_")) == words]
        near = same_words or self._near(name)
        return near[0] if len(near) == 1 else None

    def _near(self, name: str) -> list[str]:
        most = 2 if len(name) >= _LONG else 1 if len(name) >= _SHORTEST else 0
        if most == 0:
            return []
        found = [(distance(name, other, most), other) for other in sorted(self.known)]
        least = min(row[0] for row in found)
        return [other for steps, other in found if steps == least] if least <= most else []

    def row(self, name: str, target: Version) -> Variable:
        """What holds for a variable in a version."""
        rows = [row for row in self.variables.get(name, ()) if row.late_since <= target]
        rows = rows or [Variable(name, *(_bounds(self.variables.get(name, ()))))]
        return rows[-1]


def _bounds(rows: tuple[Variable, ...]) -> tuple[Version | None, Version | None, str, bool, str]:
    """A row without what it says of being late."""
    return (rows[0].since, rows[0].until, rows[0].instead, rows[0].logs, rows[0].values) if rows else _NOTHING


_NOTHING: tuple[Version | None, Version | None, str, bool, str] = (None, None, "", False, "")


def distance(one: str, other: str, most: int) -> int:
    """How many letters have to be changed, left out, put in or swapped; `most` + 1 when it is more."""
    if abs(len(one) - len(other)) > most:
        return most + 1
    before: list[int] = []
    last = list(range(len(other) + 1))
    for row, letter in enumerate(one, 1):
        here = [row]
        for column, letter_here in enumerate(other, 1):
            cost = min(last[column] + 1, here[-1] + 1, last[column - 1] + (letter != letter_here))
            if row > 1 and column > 1 and letter == other[column - 2] and one[row - 2] == letter_here:
                cost = min(cost, before[column - 2] + 1)
            here.append(cost)
        before, last = last, here
    return min(last[-1], most + 1)


@lru_cache(maxsize=1)
def load_environment() -> Table:
    """Read the table once a process."""
    data = load_toml("environment.toml")
    rows: dict[str, tuple[Variable, ...]] = {}
    try:
        for raw in data["variable"]:
            rows[raw["name"]] = (*rows.get(raw["name"], ()), _variable(raw))
        return Table(rows, data["misspelt"], frozenset(data["known"]["names"].split()))
    except (KeyError, TypeError) as error:
        raise TableError(f"environment.toml: {error}") from error


def _variable(raw: Mapping[str, Any]) -> Variable:
    versions = {key: parse_version(raw[key]) if key in raw else None for key in ("since", "until", "late_since")}
    return Variable(
        raw["name"],
        versions["since"],
        versions["until"],
        raw.get("instead", ""),
        raw.get("logs", False),
        raw.get("values", ""),
        tuple(raw.get("late_after", ())),
        versions["late_since"] or (0, 0),
    )
