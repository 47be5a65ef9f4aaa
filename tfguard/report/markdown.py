"""A Markdown table, for job summaries and comments on pull requests."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tfguard.model import Finding, Problem, RunReport
from tfguard.report.options import ReportOptions
from tfguard.report.places import Places
from tfguard.report.summary import describe_counts
from tfguard.report.text import describe_problem, remedy_of

_HEADER = ("Place", "Rule", "Severity", "Message", "Remedy")
_CODE_SPAN = re.compile(r"(`[^`]*`)")


def render(report: RunReport, options: ReportOptions) -> str:
    """The counts, a table of the findings, and a list of what could not be checked."""
    places = Places(report)
    lines = ["### tfguard", "", _prose(describe_counts(report)), ""]
    if report.findings:
        lines += table(_HEADER, [_row(finding, places) for finding in report.findings])
    problems = [f"- {_code(places.of(p))}: {_problem(p)}" for p in report.all_problems]
    if problems:
        lines += ["", "Could not be checked:", "", *problems]
    return "\n".join(lines).rstrip("\n") + "\n"


def table(header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> list[str]:
    """The lines of a table; cells are Markdown already, but for the bars in them."""
    ruler = "|" + "---|" * len(header)
    return [_line(header), ruler, *(_line(row) for row in rows)]


def _line(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _row(finding: Finding, places: Places) -> tuple[str, ...]:
    notes = "".join(f"<br>note: {_prose(places.describe_note(note))}" for note in finding.notes)
    return (
        _code(places.of(finding)),
        f"{finding.rule} {finding.name}",
        finding.severity.value,
        _prose(finding.message) + notes,
        _prose(remedy_of(finding) or ""),
    )


def _problem(problem: Problem) -> str:
    return _prose(describe_problem(problem))


def _prose(text: str) -> str:
    """Text with its code spans as they are and the rest free of markup."""
    parts = _CODE_SPAN.split(" ".join(text.split()))
    return "".join(part if part.startswith("`") and len(part) > 1 else _escape(part) for part in parts)


def _escape(text: str) -> str:
    return re.sub(r"([\\`*_\[\]])", r"\\\1", text.replace("&", "&amp;").replace("<", "&lt;"))


def _code(text: str) -> str:
    fence = "``" if "`" in text else "`"
    return f"{fence}{' '.join(text.split())}{fence}"
