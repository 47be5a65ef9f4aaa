"""Findings, problems and reports as JSON values and back, for the cache.

Reading is strict: whatever was not written by the functions here raises ValueError, TypeError, KeyError or IndexError.
"""

from __future__ import annotations

from typing import Any

from tfguard.model import Edit, FileReport, Finding, Fix, Note, Problem, Safety, Severity, Span

Json = Any


def finding_to_json(finding: Finding) -> Json:
    """A list of plain values."""
    fix = finding.fix
    return [
        *(finding.rule, finding.name, finding.severity.value, finding.path, finding.span.start, finding.span.end),
        *(finding.line, finding.column, finding.end_line, finding.end_column, finding.message),
        None if fix is None else _fix_to_json(fix),
        [[note.message, note.path, note.line, note.column] for note in finding.notes],
    ]


def finding_from_json(row: Json) -> Finding:
    """The finding that `finding_to_json` wrote."""
    rule, name, severity, path, start, end, line, column, end_line, end_column, message, fix, notes = row
    return Finding(
        *(text_of(rule), text_of(name), Severity(severity), text_of(path), Span(number_of(start), number_of(end))),
        *(number_of(line), number_of(column), number_of(end_line), number_of(end_column), text_of(message)),
        None if fix is None else _fix_from_json(fix),
        tuple(_note(note) for note in notes),
    )


def problem_to_json(problem: Problem) -> Json:
    """A list of plain values."""
    return [problem.path, problem.message, problem.remedy, problem.line, problem.column]


def problem_from_json(row: Json) -> Problem:
    """The problem that `problem_to_json` wrote."""
    path, message, remedy, line, column = row
    return Problem(text_of(path), text_of(message), text_of(remedy), _maybe_number(line), _maybe_number(column))


def report_to_json(report: FileReport) -> Json:
    """A list of plain values."""
    return [
        report.path,
        [finding_to_json(finding) for finding in report.findings],
        [problem_to_json(problem) for problem in report.problems],
        report.names_seen,
        report.names_undecided,
        [list(line) for line in report.source_lines],
        [list(position) for position in report.positions],
        [list(cell) for cell in report.cells],
    ]


def report_from_json(row: Json) -> FileReport:
    """The report that `report_to_json` wrote."""
    path, findings, problems, seen, undecided, lines, positions, cells = row
    return FileReport(
        text_of(path),
        tuple(finding_from_json(finding) for finding in findings),
        tuple(problem_from_json(problem) for problem in problems),
        number_of(seen),
        number_of(undecided),
        tuple((number_of(number), text_of(text)) for number, text in lines),
        tuple((number_of(offset), number_of(line), number_of(column)) for offset, line, column in positions),
        tuple((number_of(line), number_of(number)) for line, number in cells),
    )


def _fix_to_json(fix: Fix) -> Json:
    edits = [[edit.span.start, edit.span.end, edit.text] for edit in fix.edits]
    return [fix.title, edits, fix.safety.value, fix.phase]


def _fix_from_json(row: Json) -> Fix:
    title, edits, safety, phase = row
    texts = tuple(Edit(Span(number_of(start), number_of(end)), text_of(text)) for start, end, text in edits)
    return Fix(text_of(title), texts, Safety(safety), number_of(phase))


def _note(row: Json) -> Note:
    message, path, line, column = row
    return Note(text_of(message), None if path is None else text_of(path), _maybe_number(line), _maybe_number(column))


def text_of(value: Json) -> str:
    """The value if it is a string; raises TypeError."""
    if isinstance(value, str):
        return value
    raise TypeError(f"not a string: {value!r}")


def number_of(value: Json) -> int:
    """The value if it is a whole number; raises TypeError."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise TypeError(f"not a number: {value!r}")


def _maybe_number(value: Json) -> int | None:
    return None if value is None else number_of(value)
