"""GitLab's code quality report (a subset of the Code Climate format)."""

from __future__ import annotations

import hashlib
from typing import Any

from tfguard.model import Finding, Problem, RunReport, Severity
from tfguard.report.json import dump
from tfguard.report.options import ReportOptions
from tfguard.report.places import Places, is_notebook, iter_fingerprints
from tfguard.report.text import describe_problem

_SEVERITY = {Severity.ERROR: "major", Severity.WARNING: "minor", Severity.HINT: "info"}


def render(report: RunReport, options: ReportOptions) -> str:
    """A JSON list with an issue for every finding and every problem."""
    places = Places(report)
    issues = [
        {
            "description": _description(finding, places),
            "check_name": finding.name,
            "fingerprint": fingerprint,
            "severity": _SEVERITY[finding.severity],
            "location": _location(finding),
        }
        for finding, fingerprint in iter_fingerprints(report)
    ]
    return dump([*issues, *(_problem(problem) for problem in report.all_problems)])


def _description(finding: Finding, places: Places) -> str:
    where = f"{places.of(finding)}: " if is_notebook(finding.path) else ""
    return f"{where}{finding.rule}: {finding.message}"


def _location(finding: Finding) -> dict[str, Any]:
    if is_notebook(finding.path):
        return {"path": finding.path, "lines": {"begin": 1, "end": 1}}
    begin = {"line": finding.line, "column": finding.column}
    end = {"line": finding.end_line, "column": finding.end_column}
    lines = {"begin": finding.line, "end": finding.end_line}
    return {"path": finding.path, "positions": {"begin": begin, "end": end}, "lines": lines}


def _problem(problem: Problem) -> dict[str, Any]:
    key = f"{problem.path}\0{problem.message}".encode("utf-8", "surrogatepass")
    return {
        "description": describe_problem(problem),
        "check_name": "tfguard-error",
        "fingerprint": hashlib.sha256(key).hexdigest()[:32],
        "severity": "blocker",
        "location": {"path": problem.path, "lines": {"begin": problem.line or 1, "end": problem.line or 1}},
    }
