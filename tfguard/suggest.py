"""Did you mean: near names of the same module first, then the same last component elsewhere. Deterministic."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tfguard.tables import ApiTable
    from tfguard.version_table import Version

_MOST = 3


def suggest(table: ApiTable, name: str, version: Version, keras: Version | None) -> tuple[str, ...]:
    """At most three names of the version that the writer of `name` may have meant, the nearest first."""
    status = table.status(name, version, keras)
    if status.broken_at is None:
        return ()
    name, version, keras = table.canonical(name, version, keras)
    owner, _, last = status.broken_at.rpartition(".")
    rest = name[len(status.broken_at) :]
    found: list[str] = []
    for candidate in (*_near(table, owner, last, version, keras), *_elsewhere(table, owner, last, version, keras)):
        full = candidate + rest
        if full not in found and full != name and (not rest or table.status(full, version, keras).kind == "exists"):
            found.append(full)
        if len(found) == _MOST:
            break
    return tuple(found)


def _near(table: ApiTable, owner: str, last: str, version: Version, keras: Version | None) -> list[str]:
    """Siblings with nearly the same spelling, in the module itself and in its edition of `compat.v1`."""
    limit = 1 if len(last) < 6 else 2
    ranked: list[tuple[int, int, str]] = []
    for place, module in enumerate(_editions(owner)):
        for candidate in table.iter_public(module, version, keras):
            distance = edit_distance(last.lower(), candidate[len(module) + 1 :].lower(), limit)
            if distance <= limit:
                ranked.append((distance, place, candidate))
    return [candidate for _, _, candidate in sorted(ranked)]


def _editions(module: str) -> tuple[str, ...]:
    """The module, and the module of the same name in `compat.v1`."""
    root, _, rest = module.partition(".")
    if root != "tensorflow" or rest.startswith("compat"):
        return (module,)
    return (module, f"tensorflow.compat.v1.{rest}" if rest else "tensorflow.compat.v1")


def _elsewhere(table: ApiTable, owner: str, last: str, version: Version, keras: Version | None) -> Iterator[str]:
    """Names with the same last component, those nearest to the root first, `compat.v1` last."""
    roots = ("keras",) if owner.split(".")[0] == "keras" else ("tensorflow", "tensorflow.keras", "tensorflow.compat")
    for root in roots:
        names = [n for n in table.iter_named(root, last, version, keras) if ".python." not in n]
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
