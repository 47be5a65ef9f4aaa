"""What the cache keeps of one analysed file."""

from __future__ import annotations

from typing import Any

from tfguard.analysis import summary
from tfguard.model import Span
from tfguard.serialise import (
    finding_from_json,
    finding_to_json,
    number_of,
    problem_from_json,
    problem_to_json,
    text_of,
)
from tfguard.suppressions import Suppression
from tfguard.worker import FileResult


def result_to_json(result: FileResult) -> Any:
    """JSON values."""
    return {
        "path": result.path,
        "findings": [finding_to_json(finding) for finding in result.findings],
        "summary": None if result.summary is None else summary.to_json(result.summary),
        "suppressions": [_suppression_to_json(suppression) for suppression in result.suppressions],
        "problems": [problem_to_json(problem) for problem in result.problems],
        "names": [result.names_seen, result.names_undecided],
    }


def result_from_json(path: str, value: Any) -> FileResult | None:
    """What `result_to_json` wrote of the file at `path`; None for anything else."""
    try:
        seen, undecided = value["names"]
        if value["path"] != path or not isinstance(seen, int) or not isinstance(undecided, int):
            return None
        return FileResult(
            path,
            tuple(finding_from_json(row) for row in value["findings"]),
            None if value["summary"] is None else summary.from_json(value["summary"]),
            tuple(_suppression_from_json(row) for row in value["suppressions"]),
            tuple(problem_from_json(row) for row in value["problems"]),
            seen,
            undecided,
        )
    except (KeyError, TypeError, ValueError, IndexError, AttributeError):
        return None


def _suppression_to_json(suppression: Suppression) -> Any:
    """A list of plain values."""
    span = suppression.span
    return [
        *(list(suppression.rules), suppression.reason, span.start, span.end, suppression.line, suppression.column),
        *(suppression.first, suppression.last, suppression.is_file_wide),
    ]


def _suppression_from_json(row: Any) -> Suppression:
    """The suppression that `suppression_to_json` wrote."""
    rules, reason, start, end, line, column, first, last, file_wide = row
    return Suppression(
        *(
            tuple(text_of(rule) for rule in rules),
            text_of(reason),
            Span(number_of(start), number_of(end)),
            number_of(line),
        ),
        *(number_of(column), number_of(first), number_of(last), bool(file_wide)),
    )
