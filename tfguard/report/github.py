"""GitHub Actions workflow commands: each finding becomes an annotation of the pull request."""

from __future__ import annotations

from tfguard.model import Finding, Problem, RunReport, Severity
from tfguard.report.options import ReportOptions
from tfguard.report.text import describe_problem, place_of, remedy_of

_COMMAND = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.HINT: "notice"}


def render(report: RunReport, options: ReportOptions) -> str:
    """One workflow command a finding and a problem."""
    lines = [_finding(finding) for finding in report.findings]
    lines += [_problem(problem) for problem in report.all_problems]
    return "".join(f"{line}\n" for line in lines)


def _finding(finding: Finding) -> str:
    place: dict[str, int | None] = {"line": finding.line}
    if finding.end_line == finding.line:
        place |= {"col": finding.column, "endLine": finding.end_line, "endColumn": finding.end_column}
    else:  # GitHub refuses columns of annotations that span lines
        place |= {"endLine": finding.end_line}
    shown = place_of(finding.path, finding.line, finding.column)
    remedy = remedy_of(finding)
    text = f"{shown}: {finding.rule} {finding.message}" + (f"\nhelp: {remedy}" if remedy else "")
    title = f"tfguard {finding.rule} ({finding.name})"
    return _command(_COMMAND[finding.severity], finding.path, place, title=title, text=text)


def _problem(problem: Problem) -> str:
    place = {"line": problem.line, "col": problem.column}
    return _command("error", problem.path, place, title="tfguard", text=describe_problem(problem))


def _command(command: str, path: str, place: dict[str, int | None], *, title: str, text: str) -> str:
    properties = {"title": title, "file": path, **{key: str(value) for key, value in place.items() if value}}
    joined = ",".join(f"{key}={_escape_property(value)}" for key, value in properties.items())
    return f"::{command} {joined}::{_escape(text)}"


def _escape(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _escape_property(text: str) -> str:
    return _escape(text).replace(":", "%3A").replace(",", "%2C")
