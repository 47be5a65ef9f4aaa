"""Plots of how runs part, as SVG: distance and loss over the steps, and what differs in which step."""

from __future__ import annotations

import html
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

#: Values over the steps; None where nothing was recorded.
Series = Sequence["float | None"]

_WIDTH, _LEFT, _RIGHT, _TOP = 760, 84, 12, 10
_PLOT = 220
_STRIP, _GAP = 16, 6
#: Steps are put together where there are more.
_COLUMNS = 220
#: What a colour says.
_SAYINGS = {"same": "the same", "differs": "different", "absent": "not recorded"}
#: The lowest decade that has a place of its own; below it lies "same bits".
_LOWEST = -9


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a plot; `style` is a class of the page's style sheet."""

    title: str
    style: str
    values: Series


@dataclass(frozen=True, slots=True)
class Axis:
    """Where a value stands, from 0 at the bottom to 1, and the marks beside it."""

    place: Callable[[float], float]
    marks: tuple[tuple[float, str], ...]


def plot_distances(title: str, lines: Sequence[Line]) -> str:
    """With a logarithmic axis, on which the same bits and what cannot be compared have their places."""
    lines = [Line(line.title, line.style, fold(line.values, max)) for line in lines]
    values = [value for line in lines for value in line.values if value is not None]
    return draw(title, lines, distance_axis(values), steps=count_steps(lines))


def plot_losses(title: str, lines: Sequence[Line]) -> str:
    """With a linear axis."""
    steps = max((len(line.values) for line in lines), default=0)
    lines = [Line(line.title, line.style, fold(line.values, lambda group: group[-1])) for line in lines]
    values = [value for line in lines for value in line.values if value is not None and math.isfinite(value)]
    return draw(title, lines, linear_axis(values), steps=steps)


def plot_strips(title: str, lines: Sequence[Line]) -> str:
    """A row for each line: which steps are the same, which differ."""
    height = len(lines) * (_STRIP + _GAP) + 24
    parts = []
    steps = max((len(line.values) for line in lines), default=0)
    for row, line in enumerate(lines):
        top = row * (_STRIP + _GAP)
        values = fold(line.values, max)
        parts.append(label(_LEFT - 8, top + 12, line.title, anchor="end"))
        for first, last, kind in iter_stretches(values):
            left, right = (across(edge, len(values)) for edge in (first, last + 1))
            parts.append(
                f'<rect class="{kind}" x="{left:.1f}" y="{top}" width="{right - left:.1f}" height="{_STRIP}">'
                f"<title>{html.escape(line.title)}: {_SAYINGS[kind]}</title></rect>"
            )
    parts += step_marks(steps, height - 8)
    keys = [
        f'<span><svg class="key" viewBox="0 0 28 8" aria-hidden="true"><rect class="{kind}" width="28" '
        f'height="8"/></svg> {saying}</span>'
        for kind, saying in _SAYINGS.items()
    ]
    return figure(title, height, parts) + f'<p class="legend">{" ".join(keys)}</p>\n'


def iter_stretches(values: Series) -> Iterable[tuple[int, int, str]]:
    """Columns of one kind that follow each other: the first, the last, the kind."""
    begin = 0
    kinds = ["absent" if value is None else "differs" if value else "same" for value in values]
    for column, kind in enumerate(kinds):
        if column + 1 == len(kinds) or kinds[column + 1] != kind:
            yield begin, column, kind
            begin = column + 1


def fold(values: Series, choose: Callable[[list[float]], float]) -> list[float | None]:
    """Put neighbouring steps together, so that there are no more than can be drawn."""
    size = max(1, math.ceil(len(values) / _COLUMNS))
    groups = [[value for value in values[at : at + size] if value is not None] for at in range(0, len(values), size)]
    return [choose(group) if group else None for group in groups]


def count_steps(lines: Sequence[Line]) -> int:
    """The longest line's."""
    return max((len(line.values) for line in lines), default=0)


def distance_axis(values: Sequence[float]) -> Axis:
    """Decades; one place below for the same bits, one above for what cannot be compared."""
    finite = [math.log10(value) for value in values if 0 < value < math.inf]
    top = max([math.ceil(value) for value in finite], default=_LOWEST + 3)
    top = max(top, _LOWEST + 3)
    above = top + 1 if math.inf in values else top
    span = above - (_LOWEST - 1)

    def place(value: float) -> float:
        if value == 0:
            return 0.0
        decade = above if value == math.inf else max(math.log10(value), _LOWEST)
        return (decade - (_LOWEST - 1)) / span

    step = 1 if top - _LOWEST <= 6 else 2 if top - _LOWEST <= 12 else 4
    decades = [(10.0**decade, f"1e{decade}") for decade in range(_LOWEST, top + 1, step)]
    marks = [(0.0, "same bits"), *decades, *([(math.inf, "no number")] if math.inf in values else [])]
    return Axis(place, tuple((place(value), name) for value, name in marks))


def linear_axis(values: Sequence[float]) -> Axis:
    """From the smallest to the largest value."""
    low, high = min(values, default=0.0), max(values, default=1.0)
    span = (high - low) or abs(high) or 1.0

    def place(value: float) -> float:
        return min(max((value - low) / span, 0.0), 1.0) if math.isfinite(value) else 1.0

    return Axis(place, tuple((part / 4, f"{low + span * part / 4:.4g}") for part in range(5)))


def draw(title: str, lines: Sequence[Line], axis: Axis, *, steps: int) -> str:
    """A plot with its axes."""
    parts = []
    for height, name in axis.marks:
        level = up(height)
        parts.append(f'<line class="grid" x1="{_LEFT}" y1="{level:.1f}" x2="{_WIDTH - _RIGHT}" y2="{level:.1f}"/>')
        parts.append(label(_LEFT - 8, level + 4, name, anchor="end"))
    for line in lines:
        parts += draw_line(line, axis)
    parts += step_marks(steps, _TOP + _PLOT + 18)
    return figure(title, _TOP + _PLOT + 26, parts) + legend(lines)


def draw_line(line: Line, axis: Axis) -> list[str]:
    """Through the values that there are; a point where there is but one."""
    width = len(line.values)
    points = [
        (f"{across(column + 0.5, width):.1f}", f"{up(axis.place(value)):.1f}")
        for column, value in enumerate(line.values)
        if value is not None
    ]
    if len(points) == 1:
        return [f'<circle class="{line.style}" cx="{points[0][0]}" cy="{points[0][1]}" r="3"/>']
    joined = " ".join(f"{x},{y}" for x, y in points)
    return [f'<polyline class="{line.style}" points="{joined}"/>'] if points else []


def legend(lines: Sequence[Line]) -> str:
    """Below the plot."""
    keys = [
        f'<span><svg class="key" viewBox="0 0 28 8" aria-hidden="true"><line class="{line.style}" x1="1" y1="4" '
        f'x2="27" y2="4"/></svg> {html.escape(line.title)}</span>'
        for line in lines
    ]
    return f'<p class="legend">{" ".join(keys)}</p>\n'


def step_marks(steps: int, baseline: float) -> list[str]:
    """The first and the last step, and a few between."""
    numbers = sorted({1, *(round(steps * part / 4) for part in (1, 2, 3)), steps} - {0}) if steps else []
    numbers = [number for number in numbers if number <= steps]
    return [
        label(across(number - 0.5, steps), baseline, f"step {number}" if number == 1 else str(number))
        for number in numbers
    ]


def across(column: float, columns: int) -> float:
    """The horizontal place."""
    return _LEFT + (_WIDTH - _LEFT - _RIGHT) * column / max(columns, 1)


def up(height: float) -> float:
    """The vertical place of a height from 0 to 1."""
    return _TOP + _PLOT * (1 - height)


def label(x: float, y: float, text: str, *, anchor: str = "middle") -> str:
    """Text of an axis."""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{html.escape(text)}</text>'


def figure(title: str, height: float, parts: Iterable[str]) -> str:
    """An image with a name for those who can't see it."""
    name = html.escape(title)
    body = "\n".join(parts)
    return f'<svg role="img" aria-label="{name}" viewBox="0 0 {_WIDTH} {height:.0f}">\n{body}\n</svg>\n'
