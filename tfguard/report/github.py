"""GitHub Actions workflow commands: each finding becomes an annotation of the pull request."""

from __future__ import annotations

from tfguard.model import Finding, Problem, RunReport, Severity
from tfguard.report.options import ReportOptions
from tfguard.report.places import Places, is_notebook
from tfguard.report.text import describe_problem, remedy_of

_COMMAND = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.HINT: "notice"}


def render(report: RunReport, options: ReportOptions) -> str:
    """One workflow command a finding and a problem."""
    places = Places(report)
    lines = [_finding(finding, places) for finding in report.findings]
    lines += [_problem(problem) for problem in report.all_problems]
    return "".join(f"{line}\n" for line in lines)


def _finding(finding: Finding, places: Places) -> str:
    remedy = remedy_of(finding)
    text = f"{places.of(finding)}: {finding.rule} {finding.message}" + (f"\nhelp: {remedy}" if remedy else "")
    title = f"tfguard {finding.rule} ({finding.name})"
    return _command(_COMMAND[finding.severity], finding.path, _lines(finding), title=title, text=text)


def _lines(finding: Finding) -> dict[str, int | None]:
    if is_notebook(finding.path):
        return {"line": 1}
    if finding.end_line != finding.line:  # GitHub refuses columns of annotations that span lines
        return {"line": finding.line, "endLine": finding.end_line}
    return {
        "line": finding.line,
        "col": finding.column,
        "endLine": finding.end_line,
        "endColumn": finding.end_column,
    }


def _problem(problem: Problem) -> str:
    place = {} if is_notebook(problem.path) else {"line": problem.line, "col": problem.column}
    return _command("error", problem.path, place, title="tfguard", text=describe_problem(problem))


def _command(command: str, path: str, place: dict[str, int | None], *, title: str, text: str) -> str:
    properties = {"title": title, "file": path, **{key: str(value) for key, value in place.items() if value}}
    joined = ",".join(f"{key}={_escape_property(value)}" for key, value in properties.items())
    return f"::{command} {joined}::{_escape(text)}"


def _escape(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _escape_property(text: str) -> str:
    return _escape(text).replace(":", "%3A").replace(",", "%2C")
