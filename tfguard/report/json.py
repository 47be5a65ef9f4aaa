"""The whole report as one JSON object; `explain --format json` and `rules --format json` have their own."""

from __future__ import annotations

import json
from typing import Any

from tfguard.model import Edit, FileChange, Finding, Fix, Note, Problem, RunReport
from tfguard.report.counts import count
from tfguard.report.options import ReportOptions
from tfguard.report.places import Places


def render(report: RunReport, options: ReportOptions) -> str:
    """An object with version, findings, errors and summary; of a fix run also changes."""
    places = Places(report)
    document: dict[str, Any] = {
        "version": options.version,
        "findings": [_finding(finding, places) for finding in report.findings],
        "errors": [_problem(problem) for problem in report.all_problems],
        "summary": summary_of(report),
    }
    if report.changes:
        document["changes"] = [_change(change) for change in report.changes]
    return dump(document)


def dump(document: object) -> str:
    """JSON in ASCII, so that no terminal, log or encoding can harm it."""
    return json.dumps(document, indent=2, ensure_ascii=True) + "\n"


def summary_of(report: RunReport) -> dict[str, Any]:
    """The numbers of the run."""
    counts = count(report)
    return {
        "findings": counts.findings,
        "fixable": counts.safe,
        "fixable_unsafe": counts.unsafe,
        "errors": len(report.all_problems),
        "files_checked": report.files_checked,
        "files_with_findings": counts.files,
        "by_severity": dict(counts.by_severity),
        "by_rule": {rule: number for rule, _, number in counts.by_rule},
        "names_seen": counts.names_seen,
        "names_undecided": counts.names_undecided,
        "suppressed": report.suppressed,
        "baselined": report.baselined,
        "fixed": report.fixed,
        "target": report.target,
    }


def _finding(finding: Finding, places: Places) -> dict[str, Any]:
    cell = places.find_cell(finding.path, finding.line)
    return {
        "rule": finding.rule,
        "name": finding.name,
        "severity": finding.severity.value,
        "path": finding.path,
        "line": finding.line,
        "column": finding.column,
        "end_line": finding.end_line,
        "end_column": finding.end_column,
        "cell": {"number": cell[0], "line": cell[1]} if cell else None,
        "message": finding.message,
        "notes": [_note(note) for note in finding.notes],
        "fix": _fix(finding.fix, finding.path, places) if finding.fix else None,
    }


def _fix(fix: Fix, path: str, places: Places) -> dict[str, Any]:
    edits = [_edit(edit, path, places) for edit in fix.edits]
    return {"title": fix.title, "safety": fix.safety.value, "edits": edits}


def _edit(edit: Edit, path: str, places: Places) -> dict[str, Any]:
    region = places.find_region(path, edit)
    return {
        "start": edit.span.start,
        "end": edit.span.end,
        "line": region.line if region else None,
        "column": region.column if region else None,
        "end_line": region.end_line if region else None,
        "end_column": region.end_column if region else None,
        "text": edit.text,
    }


def _note(note: Note) -> dict[str, Any]:
    return {"message": note.message, "path": note.path, "line": note.line, "column": note.column}


def _problem(problem: Problem) -> dict[str, Any]:
    place = {"path": problem.path, "line": problem.line, "column": problem.column}
    return {**place, "message": problem.message, "remedy": problem.remedy}


def _change(change: FileChange) -> dict[str, Any]:
    applied = [
        {
            "rule": finding.rule,
            "name": finding.name,
            "line": finding.line,
            "title": finding.fix.title if finding.fix else "",
            "safety": finding.fix.safety.value if finding.fix else "",
        }
        for finding in change.applied
    ]
    refused = [_note(note) for note in change.refused]
    return {"path": change.path, "written": change.written, "fixes": applied, "refused": refused}
