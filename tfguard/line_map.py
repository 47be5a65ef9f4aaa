"""Which line of an old text stands behind each line of a new one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

#: Blocks with more pairs of lines than this are matched by place alone.
_MOST_PAIRS = 2_500
#: Lines this like each other may be the same line, changed.
_ALIKE = 0.35


def map_lines(old: Sequence[str], new: Sequence[str]) -> list[int]:
    """For each new line the number of the old one, counted from 1; negative where they differ.

    The numbers never go down. An added line gets that of the line before which it was put.
    """
    found: list[int] = []
    for kind, start, end, first, last in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            found += range(start + 1, end + 1)
        elif last > first:
            block = _match(old[start:end], new[first:last])
            found += [-min(start + index + 1, max(len(old), 1)) for index in block]
    return found


def _match(old: Sequence[str], new: Sequence[str]) -> list[int]:
    """For each line of a changed block the index of its old line (one past the end for what was added there)."""
    if len(old) == len(new):
        return list(range(len(new)))
    if len(old) * len(new) > _MOST_PAIRS:
        return [min(index, max(len(old) - 1, 0)) for index in range(len(new))]
    pairs = dict(_pairs(old, new))
    found: list[int] = []
    following = len(old) if not old else len(old) - 1
    for index in reversed(range(len(new))):
        following = pairs.get(index, following)
        found.append(following)
    return found[::-1]


def _pairs(old: Sequence[str], new: Sequence[str]) -> Iterator[tuple[int, int]]:
    """(new, old) of the pairs of like lines, in order, whose likeness is greatest in sum."""
    likeness = [[_likeness(one, other) for one in old] for other in new]
    best = [[0.0] * (len(old) + 1) for _ in range(len(new) + 1)]
    for row in reversed(range(len(new))):
        for column in reversed(range(len(old))):
            joined = likeness[row][column] + best[row + 1][column + 1] if likeness[row][column] else 0.0
            best[row][column] = max(joined, best[row + 1][column], best[row][column + 1])
    row = column = 0
    while row < len(new) and column < len(old):
        if best[row][column] == best[row + 1][column]:
            row += 1
        elif best[row][column] == best[row][column + 1]:
            column += 1
        else:
            yield row, column
            row, column = row + 1, column + 1


def _likeness(one: str, other: str) -> float:
    ratio = SequenceMatcher(None, one.strip(), other.strip(), autojunk=False).ratio()
    return ratio if ratio >= _ALIKE else 0.0
