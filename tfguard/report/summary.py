"""The closing lines on stderr: counts, what was left out, the next command."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from tfguard.model import RunReport
from tfguard.report.counts import Counts, count
from tfguard.report.options import ReportOptions
from tfguard.report.styled import Line, line_of

#: More paths than this are not repeated in a proposed command.
_MOST_ARGUMENTS = 3


def iter_lines(report: RunReport, options: ReportOptions) -> Iterator[Line]:
    """The summary of a check, or of what a fix left."""
    yield line_of(describe_counts(report), "title")
    left_out = _left_out(report)
    if left_out:
        yield line_of(left_out)
    yield from _iter_next_commands(count(report), options)


def describe_counts(report: RunReport) -> str:
    """One sentence: findings, fixable ones, files, names, and what could not be checked."""
    counts = count(report)
    files = plural(report.files_checked, "file")
    if counts.findings:
        where = f"{plural(counts.findings, 'finding')} ({counts.safe} fixable) in {counts.files} of {files}"
    else:
        where = f"No findings in {files}"
    names = f"{plural(counts.names_seen, 'TensorFlow name')} seen, {counts.names_undecided} undecided"
    problems = len(report.all_problems)
    failed = f"; {plural(problems, 'error')}, see above" if problems else ""
    return f"{where}; {names}{failed}."


def plural(number: int, noun: str) -> str:
    """`1 file`, `2 files`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _left_out(report: RunReport) -> str:
    parts = []
    if report.suppressed:
        parts.append(f"{report.suppressed} suppressed by comments")
    if report.baselined:
        parts.append(f"{report.baselined} in the baseline")
    return f"Not shown: {', '.join(parts)}." if parts else ""


def _iter_next_commands(counts: Counts, options: ReportOptions) -> Iterator[Line]:
    paths = " ".join(shlex.quote(argument) for argument in options.arguments[:_MOST_ARGUMENTS])
    where = f" {paths}" if paths and len(options.arguments) <= _MOST_ARGUMENTS else ""
    if counts.safe and not options.is_after_fix:
        yield line_of(f"See the fixes with `tfguard fix --diff{where}`, write them with `tfguard fix{where}`.")
    if counts.unsafe:
        fixable = plural(counts.unsafe, "finding")
        yield line_of(f"`tfguard fix --unsafe-fixes{where}` mends {fixable} more, but may change results.")
    if counts.findings and (options.is_after_fix or not counts.safe):
        yield line_of(f"Read why with `tfguard explain {counts.by_rule[0][0]}`.")
