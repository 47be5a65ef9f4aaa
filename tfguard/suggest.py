"""Did you mean: near names of the same module first, then the same last component elsewhere. Deterministic."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tfguard.table_files import Version
    from tfguard.tables import ApiTable, Status

_MOST = 3


def suggest(table: ApiTable, status: Status, version: Version, keras: Version | None) -> tuple[str, ...]:
    """At most three names of the version that the writer of a broken name may have meant, the nearest first."""
    if status.broken_at is None:
        return ()
    broken, full = status.broken_at, status.name
    _, version, keras = table.index.canonical(full, version, keras)
    owner, _, last = broken.rpartition(".")
    rest = full[len(broken) :]
    if status.kind == "missing":  # no slip of the pen: the same name in another edition, or elsewhere
        found = [f"{module}.{last}{rest}" for module in table.index.editions_of(owner)]
    else:
        found = [near + rest for near in _near(table, owner, last, version, keras)]
    found += _elsewhere(table, owner, full.rpartition(".")[2], version, keras)
    found = [n for n in found if n != full and table.status(n, version, keras).kind == "exists"]
    return tuple(dict.fromkeys(found))[:_MOST]


def _near(table: ApiTable, owner: str, last: str, version: Version, keras: Version | None) -> list[str]:
    """Siblings with nearly the same spelling, in the module and in its other editions: the nearest only."""
    limit = 1 if len(last) < 9 else 2
    ranked: list[tuple[int, int, str]] = []
    for place, module in enumerate(table.index.editions_of(owner)):
        for candidate in table.iter_public(module, version, keras):
            sibling = candidate[len(module) + 1 :]
            distance = edit_distance(last.lower(), sibling.lower(), limit)
            if distance > limit and len(last) > 5 and sibling.startswith(f"{last}_"):
                distance = limit + 1
            elif distance > limit:
                continue
            ranked.append((distance, place, candidate))
    return [candidate for distance, _, candidate in sorted(ranked) if distance == min(ranked)[0]]


def _elsewhere(table: ApiTable, owner: str, last: str, version: Version, keras: Version | None) -> Iterator[str]:
    """Names with the same last component, table by table, those nearest to the root first."""
    for place in table.index.places_of(owner):
        names = [n for n in table.iter_named(place, last, version, keras) if ".python." not in n]
        yield from sorted(names, key=lambda n: (n.count("."), n))


def edit_distance(first: str, second: str, limit: int) -> int:
    """Insertions, deletions, replacements and swaps of neighbours; anything above the limit is `limit + 1`."""
    if abs(len(first) - len(second)) > limit:
        return limit + 1
    older: list[int] = []
    above = list(range(len(second) + 1))
    for i, a in enumerate(first, start=1):
        row = [i]
        for j, b in enumerate(second, start=1):
            cost = min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (a != b))
            if i > 1 and j > 1 and a == second[j - 2] and first[i - 2] == b:
                cost = min(cost, older[j - 2] + 1)
            row.append(cost)
        if min(row) > limit:
            return limit + 1
        older, above = above, row
    return min(above[-1], limit + 1)
