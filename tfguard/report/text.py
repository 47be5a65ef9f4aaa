"""Findings for people: the place, the message, the source line underlined, notes and the remedy."""

from __future__ import annotations

from collections.abc import Iterator

from tfguard.model import Finding, Note, Problem, RunReport, Safety
from tfguard.report.excerpt import excerpt_of
from tfguard.report.options import ReportOptions
from tfguard.report.styled import Line, plain, visible

_GRADE = {Safety.SAFE: "", Safety.UNSAFE: " (unsafe fix)", Safety.MANUAL: " (by hand)"}


def render(report: RunReport, options: ReportOptions) -> str:
    """All findings as plain text; nothing at all when there are none."""
    return plain(iter_lines(report, options))


def iter_lines(report: RunReport, options: ReportOptions) -> Iterator[Line]:
    """The lines of all findings, with an empty line behind each."""
    sources = {file.path: dict(file.source_lines) for file in report.files}
    for finding in report.findings:
        yield from _iter_finding(finding, sources[finding.path].get(finding.line))
        yield ()


def iter_problems(report: RunReport) -> Iterator[Line]:
    """What could not be done, with the remedy of each."""
    for problem in report.all_problems:
        place = place_of(problem.path, problem.line, problem.column)
        yield ((visible(place), "path"), (": ", ""), ("error:", "error"), (f" {visible(problem.message)}", ""))
        if problem.remedy:
            yield (("  = ", "gutter"), ("help:", "help"), (f" {visible(problem.remedy)}", ""))


def place_of(path: str, line: int | None, column: int | None) -> str:
    """`path:line:column`, as far as they are known."""
    known = [path, *(str(number) for number in (line, column) if number is not None)]
    return ":".join(known)


def remedy_of(finding: Finding) -> str | None:
    """The title of the fix with its grade, or None."""
    return f"{finding.fix.title}{_GRADE[finding.fix.safety]}" if finding.fix else None


def describe_note(note: Note) -> str:
    """The note behind its place, if it has one."""
    return f"{place_of(note.path, note.line, note.column)}: {note.message}" if note.path else note.message


def describe_problem(problem: Problem) -> str:
    """Message and remedy in one line."""
    return f"{problem.message} ({problem.remedy})" if problem.remedy else problem.message


def _iter_finding(finding: Finding, source: str | None) -> Iterator[Line]:
    mark: Line = (("[*]", "fixable"), (" ", "")) if finding.fix and finding.fix.safety is Safety.SAFE else ()
    place = place_of(finding.path, finding.line, finding.column)
    head: Line = ((visible(place), "path"), (": ", ""), (finding.rule, finding.severity.value), (" ", ""))
    yield (*head, *mark, (visible(finding.message), ""))
    gutter = " " * len(str(finding.line))
    if source is not None:
        yield from excerpt_of(finding, source)
    for note in finding.notes:
        yield ((f"{gutter} = ", "gutter"), ("note:", "note"), (f" {visible(describe_note(note))}", ""))
    remedy = remedy_of(finding)
    if remedy:
        yield ((f"{gutter} = ", "gutter"), ("help:", "help"), (f" {visible(remedy)}", ""))
