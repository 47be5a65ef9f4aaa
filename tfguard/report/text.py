"""Findings for people: the place, the message, the source line underlined, notes and the remedy."""

from __future__ import annotations

from collections.abc import Iterator

from tfguard.model import Finding, Problem, RunReport, Safety
from tfguard.report.excerpt import excerpt_of
from tfguard.report.options import ReportOptions
from tfguard.report.places import Places
from tfguard.report.styled import Line, plain, visible

_GRADE = {Safety.SAFE: "", Safety.UNSAFE: " (unsafe fix)", Safety.MANUAL: " (by hand)"}


def render(report: RunReport, options: ReportOptions) -> str:
    """All findings as plain text; nothing at all when there are none."""
    return plain(iter_lines(report, options))


def iter_lines(report: RunReport, options: ReportOptions) -> Iterator[Line]:
    """The lines of all findings, with an empty line behind each."""
    sources = {file.path: dict(file.source_lines) for file in report.files}
    places = Places(report)
    for finding in report.findings:
        yield from _iter_finding(finding, sources[finding.path].get(finding.line), places)
        yield ()


def iter_problems(report: RunReport) -> Iterator[Line]:
    """What could not be done, with the remedy of each."""
    places = Places(report)
    for problem in report.all_problems:
        yield (
            (visible(places.of(problem)), "path"),
            (": ", ""),
            ("error:", "error"),
            (f" {visible(problem.message)}", ""),
        )
        if problem.remedy:
            yield (("  = ", "gutter"), ("help:", "help"), (f" {visible(problem.remedy)}", ""))


def remedy_of(finding: Finding) -> str | None:
    """The title of the fix with its grade, or None."""
    return f"{finding.fix.title}{_GRADE[finding.fix.safety]}" if finding.fix else None


def describe_problem(problem: Problem) -> str:
    """Message and remedy in one line."""
    return f"{problem.message} ({problem.remedy})" if problem.remedy else problem.message


def _iter_finding(finding: Finding, source: str | None, places: Places) -> Iterator[Line]:
    mark: Line = (("[*]", "fixable"), (" ", "")) if finding.fix and finding.fix.safety is Safety.SAFE else ()
    head: Line = ((visible(places.of(finding)), "path"), (": ", ""), (finding.rule, finding.severity.value), (" ", ""))
    yield (*head, *mark, (visible(finding.message), ""))
    cell = places.find_cell(finding.path, finding.line)
    number = cell[1] if cell else finding.line
    gutter = " " * len(str(number))
    if source is not None:
        yield from excerpt_of(finding, source, number)
    for note in finding.notes:
        yield ((f"{gutter} = ", "gutter"), ("note:", "note"), (f" {visible(places.describe_note(note))}", ""))
    remedy = remedy_of(finding)
    if remedy:
        yield ((f"{gutter} = ", "gutter"), ("help:", "help"), (f" {visible(remedy)}", ""))
