"""`verify --html`: one page that shows how runs part. It needs no network and no script."""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from tfguard.cli.divergence_plot import Line, plot_distances, plot_losses, plot_strips

if TYPE_CHECKING:
    from tfguard.cli.verdict import Run, Verdict

Event = dict[str, Any]

#: So many runs have a line of their own in the plot of losses.
_MOST_LINES = 6
_KINDS = (("inputs", "inputs"), ("outputs", "results"), ("weights", "weights"))
_STYLE = """
:root { color-scheme: light dark; --paper: #ffffff; --ink: #1f2328; --faint: #d0d7de; --quiet: #59636e;
  --a: #0969da; --b: #bc4c00; --c: #1a7f37; --d: #8250df; --e: #bf3989; --f: #6e7781;
  --good: #aceebb; --bad: #cf222e; }
@media (prefers-color-scheme: dark) { :root { --paper: #0d1117; --ink: #e6edf3; --faint: #30363d; --quiet: #9198a1;
  --a: #58a6ff; --b: #f0883e; --c: #3fb950; --d: #bc8cff; --e: #f778ba; --f: #8b949e;
  --good: #1b4721; --bad: #f85149; } }
body { background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; max-width: 56rem;
  margin: 2rem auto; padding: 0 1rem; overflow-wrap: anywhere; }
h1 { font-size: 1.35rem; }
h2 { font-size: 1.05rem; margin-top: 2rem; }
code { font-family: ui-monospace, monospace; }
.verdict { border-left: 6px solid var(--c); padding: .4rem .9rem; }
.verdict.different { border-color: var(--bad); }
table { border-collapse: collapse; }
th, td { text-align: left; padding: .2rem .9rem .2rem 0; border-bottom: 1px solid var(--faint); vertical-align: top; }
svg { width: 100%; height: auto; display: block; }
svg text { fill: var(--quiet); font-size: 11px; }
.grid { stroke: var(--faint); stroke-width: 1; }
polyline, .key line, circle { fill: none; stroke-width: 1.8; }
.inputs, .run1 { stroke: var(--a); }
.outputs, .run2 { stroke: var(--b); stroke-dasharray: 6 3; }
.weights, .run3 { stroke: var(--c); }
.run4 { stroke: var(--d); stroke-dasharray: 2 3; }
.run5 { stroke: var(--e); stroke-dasharray: 8 3 2 3; }
.run6 { stroke: var(--f); stroke-dasharray: 1 2; }
polyline.run1 { stroke-width: 3.4; }
rect.same { fill: var(--good); }
rect.differs { fill: var(--bad); }
rect.absent { fill: var(--faint); }
.legend { display: flex; flex-wrap: wrap; gap: .2rem 1.2rem; color: var(--quiet); font-size: 13px; margin: .2rem 0; }
.key { width: 28px; height: 8px; display: inline-block; vertical-align: middle; }
.note { color: var(--quiet); }
"""


def render_page(verdict: Verdict) -> str:
    """The same bytes for the same traces."""
    title = html.escape(f"tfguard verify {verdict.program}")
    head = f'<meta charset="utf-8">\n<meta name="viewport" content="width=device-width">\n<title>{title}</title>'
    body = "\n".join(iter_sections(verdict))
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n{head}\n<style>{_STYLE}</style>\n</head>\n'
        f"<body>\n<h1>{title}</h1>\n{body}\n</body>\n</html>\n"
    )


def iter_sections(verdict: Verdict) -> Iterator[str]:
    """From top to bottom."""
    yield from verdict_section(verdict)
    others = verdict.runs[1:]
    if others:
        names = "Run 2" if len(others) == 1 else f"Runs 2 to {len(verdict.runs)}, the furthest"
        yield from distance_section(
            f"{names}, against run 1", verdict.runs[0].compared, [run.compared for run in others]
        )
    if verdict.record is not None:
        ours = verdict.runs[0].compared
        yield from distance_section("Run 1 against the recorded run", verdict.record.recorded["trace"], [ours])
    yield from loss_section(verdict)
    yield "<h2>Runs</h2>"
    yield table(("run", "hash seed", "steps", "weights at the end", "last loss"), map(run_row, count(verdict.runs)))
    if verdict.trials:
        outcomes = {True: "same", False: "different", None: "failed"}
        yield "<h2>Trials</h2>"
        yield table(("remedy", "runs are"), [(trial.title, outcomes[trial.same]) for trial in verdict.trials])
    yield from place_section(verdict)


def count(runs: Sequence[Run]) -> list[tuple[int, Run]]:
    """From 1, as they are named."""
    return list(enumerate(runs, 1))


def verdict_section(verdict: Verdict) -> Iterator[str]:
    """The sentences of the text output."""
    style = "verdict" if verdict.is_same else "verdict different"
    sentences = [verdict.sentence(), *verdict.cause_lines()]
    if verdict.record is not None:
        sentences += verdict.record.lines(len(verdict.runs), alike=verdict.divergence is None)
    lines = "<br>\n".join(html.escape(sentence) for sentence in sentences)
    yield f'<div class="{style}">{lines}</div>'


def distance_section(title: str, first: list[Event], others: list[list[Event]]) -> Iterator[str]:
    """Two plots: how far apart, and what differs where."""
    from tfguard.runtime.distances import iter_distances

    found = [iter_distances(first, other) for other in others]
    lines = [
        Line(name, kind, furthest([[getattr(step, kind) for step in steps] for steps in found]))
        for kind, name in _KINDS
    ]
    if not any(line.values for line in lines):
        return
    yield f"<h2>{html.escape(title)}</h2>"
    yield plot_strips(f"{title}: which steps differ", lines)
    yield plot_distances(f"{title}: how far apart", lines)
    yield (
        '<p class="note">The largest difference of a recorded number, in units of the largest magnitude of its array. '
        "“No number”: names, shapes or integers differ. Differences that no recorded number shows stand at 1e-9.</p>"
    )


def furthest(found: list[list[float | None]]) -> list[float | None]:
    """Of several runs, step by step."""
    steps = max((len(values) for values in found), default=0)
    columns = [[values[step] for values in found if step < len(values)] for step in range(steps)]
    return [max((value for value in column if value is not None), default=None) for column in columns]


def loss_section(verdict: Verdict) -> Iterator[str]:
    """The loss of the function that has one most often."""
    traces = [("the recorded run", verdict.record.recorded["trace"])] if verdict.record is not None else []
    traces += [(f"run {number}", run.compared) for number, run in count(verdict.runs)]
    name = find_trained([trace for _, trace in traces])
    if name is None:
        return
    shown = traces[:_MOST_LINES]
    lines = [Line(title, f"run{at}", losses_of(trace, name)) for at, (title, trace) in enumerate(shown, 1)]
    yield "<h2>Loss</h2>"
    yield plot_losses(f"The loss that `{name}` returns", lines)
    left_out = len(traces) - len(shown)
    more = f" {left_out} more are not drawn." if left_out else ""
    yield f'<p class="note">As <code>{html.escape(name)}</code> returns it.{more}</p>'


def find_trained(traces: list[list[Event]]) -> str | None:
    """The name of the steps that have a loss most often; of equals the first."""
    names = [event["name"] for trace in traces for event in trace if event.get("loss") is not None]
    return max(dict.fromkeys(names), key=names.count, default=None)


def losses_of(trace: list[Event], name: str) -> list[float | None]:
    """In the order of the steps of that name."""
    return [event.get("loss") for event in trace if event["kind"] == "step" and event["name"] == name]


def run_row(numbered: tuple[int, Run]) -> tuple[str, ...]:
    """Of the table of runs."""
    number, run = numbered
    name = find_trained([run.compared])
    losses = [] if name is None else [value for value in losses_of(run.compared, name) if value is not None]
    seed = "-" if run.hash_seed is None else str(run.hash_seed)
    return str(number), seed, str(run.steps), run.end, f"{losses[-1]:.9g}" if losses else "-"


def place_section(verdict: Verdict) -> Iterator[str]:
    """Versions and hardware; beside a recorded run those of then."""
    place = {key: value for key, value in verdict.runs[0].environment.items() if key not in ("kind", "sources")}
    variables = place.pop("variables", {})
    rows = [(name, str(value)) for name, value in sorted({**place, **variables}.items())]
    if rows:
        yield "<h2>Where the runs were made</h2>"
        yield table(("what", "value"), rows)
    if verdict.record is not None and verdict.record.changes:
        yield "<h2>What differs between then and now</h2>"
        changes = [(change.what, change.then or "-", change.now or "-") for change in verdict.record.changes]
        yield table(("what", "then", "now"), changes)


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Plain cells."""
    head = "".join(f"<th>{html.escape(cell)}</th>" for cell in heads)
    body = "\n".join("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table>\n<tr>{head}</tr>\n{body}\n</table>"
