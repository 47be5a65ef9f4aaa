"""A source line with the span of a finding underlined."""

from __future__ import annotations

from tfguard.model import Finding
from tfguard.report.styled import Line, quoted_columns

#: A source line that needs more terminal columns than this is shown in part.
WIDEST = 160
_LEAD = 40


def excerpt_of(finding: Finding, source: str, number: int) -> list[Line]:
    """The line with its number beside it and the line of `^` below it."""
    gutter = " " * len(str(number))
    shown = quoted_columns(source)
    start = min(finding.column - 1, len(shown))
    end = min(finding.end_column - 1, len(shown)) if finding.end_line == finding.line else len(source.rstrip())
    first, last = _window(shown, start)
    before = sum(width for _, width in shown[first:start])
    marks = max(1, sum(width for _, width in shown[start : min(end, last)]))
    head = "..." if first else ""
    text = "".join(drawn for drawn, _ in shown[first:last])
    tail = "..." if last < len(shown) else ""
    return [
        ((f"{gutter} |", "gutter"),),
        ((f"{number} |", "gutter"), (f" {head}{text}{tail}".rstrip(), "")),
        ((f"{gutter} |", "gutter"), (" " * (1 + len(head) + before), ""), ("^" * marks, "underline")),
    ]


def _window(shown: list[tuple[str, int]], start: int) -> tuple[int, int]:
    """The range of characters to show: all of a usual line, else a part around `start`."""
    if sum(width for _, width in shown) <= WIDEST:
        return 0, len(shown)
    first, room = start, _LEAD
    while first > 0 and shown[first - 1][1] <= room:
        first -= 1
        room -= shown[first][1]
    last, room = first, WIDEST
    while last < len(shown) and shown[last][1] <= room:
        room -= shown[last][1]
        last += 1
    return first, last
