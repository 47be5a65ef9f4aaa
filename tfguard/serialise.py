"""Findings, problems and suppressions as JSON values and back, for the cache.

Reading is strict: whatever was not written by the functions here raises ValueError, TypeError, KeyError or IndexError.
"""

from __future__ import annotations

from typing import Any

from tfguard.model import Edit, FileReport, Finding, Fix, Note, Problem, Safety, Severity, Span
from tfguard.suppressions import Suppression

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
        *(_text(rule), _text(name), Severity(severity), _text(path), Span(_number(start), _number(end))),
        *(_number(line), _number(column), _number(end_line), _number(end_column), _text(message)),
        None if fix is None else _fix_from_json(fix),
        tuple(_note(note) for note in notes),
    )


def problem_to_json(problem: Problem) -> Json:
    """A list of plain values."""
    return [problem.path, problem.message, problem.remedy, problem.line, problem.column]


def problem_from_json(row: Json) -> Problem:
    """The problem that `problem_to_json` wrote."""
    path, message, remedy, line, column = row
    return Problem(_text(path), _text(message), _text(remedy), _maybe_number(line), _maybe_number(column))


def suppression_to_json(suppression: Suppression) -> Json:
    """A list of plain values."""
    span = suppression.span
    return [
        *(list(suppression.rules), suppression.reason, span.start, span.end, suppression.line, suppression.column),
        *(suppression.first, suppression.last, suppression.is_file_wide),
    ]


def suppression_from_json(row: Json) -> Suppression:
    """The suppression that `suppression_to_json` wrote."""
    rules, reason, start, end, line, column, first, last, file_wide = row
    return Suppression(
        *(tuple(_text(rule) for rule in rules), _text(reason), Span(_number(start), _number(end)), _number(line)),
        *(_number(column), _number(first), _number(last), bool(file_wide)),
    )


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
        _text(path),
        tuple(finding_from_json(finding) for finding in findings),
        tuple(problem_from_json(problem) for problem in problems),
        _number(seen),
        _number(undecided),
        tuple((_number(number), _text(text)) for number, text in lines),
        tuple((_number(offset), _number(line), _number(column)) for offset, line, column in positions),
        tuple((_number(line), _number(number)) for line, number in cells),
    )


def _fix_to_json(fix: Fix) -> Json:
    edits = [[edit.span.start, edit.span.end, edit.text] for edit in fix.edits]
    return [fix.title, edits, fix.safety.value, fix.phase]


def _fix_from_json(row: Json) -> Fix:
    title, edits, safety, phase = row
    texts = tuple(Edit(Span(_number(start), _number(end)), _text(text)) for start, end, text in edits)
    return Fix(_text(title), texts, Safety(safety), _number(phase))


def _note(row: Json) -> Note:
    message, path, line, column = row
    return Note(_text(message), None if path is None else _text(path), _maybe_number(line), _maybe_number(column))


def _text(value: Json) -> str:
    if isinstance(value, str):
        return value
    raise TypeError(f"not a string: {value!r}")


def _number(value: Json) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise TypeError(f"not a number: {value!r}")


def _maybe_number(value: Json) -> int | None:
    return None if value is None else _number(value)
