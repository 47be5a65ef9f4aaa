"""SARIF 2.1.0, for code scanning and editors; safe and unsafe fixes are carried as replacements."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from tfguard.model import Edit, Finding, Note, Problem, RunReport, Safety, Severity
from tfguard.report.json import dump
from tfguard.report.options import ReportOptions, RuleDescription
from tfguard.report.places import Places, is_notebook, iter_fingerprints
from tfguard.report.text import describe_problem, remedy_of

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVEL = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.HINT: "note"}
_ROOT = "%SRCROOT%"

Json = dict[str, Any]


def render(report: RunReport, options: ReportOptions) -> str:
    """A log of one run."""
    rules = sorted(options.rules, key=lambda rule: rule.id)
    numbers = {rule.id: number for number, rule in enumerate(rules)}
    places = Places(report)
    run = {
        "tool": {"driver": _driver(options.version, rules)},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {_ROOT: {"description": {"text": "The root folder of the project"}}},
        "invocations": [_invocation(report)],
        "results": [
            _result(finding, fingerprint, rule_index=numbers.get(finding.rule), places=places)
            for finding, fingerprint in iter_fingerprints(report)
        ],
    }
    return dump({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]})


def _driver(version: str, rules: list[RuleDescription]) -> Json:
    return {"name": "tfguard", "version": version, "semanticVersion": version, "rules": [_rule(rule) for rule in rules]}


def _rule(rule: RuleDescription) -> Json:
    return {
        "id": rule.id,
        "name": rule.name,
        "shortDescription": {"text": rule.summary},
        "fullDescription": {"text": rule.summary},
        "help": {"text": rule.documentation, "markdown": rule.documentation},
        "defaultConfiguration": {"level": _LEVEL[rule.severity]},
        "properties": {"tags": [rule.family]},
    }


def _invocation(report: RunReport) -> Json:
    problems = report.all_problems
    invocation: Json = {"executionSuccessful": not problems}
    if problems:
        invocation["toolExecutionNotifications"] = [_notification(problem) for problem in problems]
    return invocation


def _notification(problem: Problem) -> Json:
    region: Json = {}
    if problem.line:
        region = {"region": {"startLine": problem.line, **({"startColumn": problem.column} if problem.column else {})}}
    location = {"physicalLocation": {"artifactLocation": _artifact(problem.path), **region}}
    return {"level": "error", "message": {"text": describe_problem(problem)}, "locations": [location]}


def _result(finding: Finding, fingerprint: str, *, rule_index: int | None, places: Places) -> Json:
    result: Json = {
        "ruleId": finding.rule,
        **({} if rule_index is None else {"ruleIndex": rule_index}),
        "level": _LEVEL[finding.severity],
        "message": {"text": _message(finding, places)},
        "locations": [{"physicalLocation": _physical_location(finding)}],
        "partialFingerprints": {"tfguard/v1": fingerprint},
    }
    related = [note for note in finding.notes if note.path]
    if related:
        result["relatedLocations"] = [_related(number, note) for number, note in enumerate(related, 1)]
    if _has_replacements(finding):
        result["fixes"] = [_fix(finding, places)]
    return result


def _has_replacements(finding: Finding) -> bool:
    """Not of what is done by hand, nor of a notebook, where offsets are not those of the file."""
    return finding.fix is not None and finding.fix.safety is not Safety.MANUAL and not is_notebook(finding.path)


def _message(finding: Finding, places: Places) -> str:
    where = f"{places.of(finding)}: " if is_notebook(finding.path) else ""
    remarks = [note.message for note in finding.notes if not note.path]
    if finding.fix and not _has_replacements(finding):
        remarks.append(f"Remedy: {finding.fix.title}")
    return "\n".join([where + finding.message, *remarks])


def _physical_location(finding: Finding) -> Json:
    if is_notebook(finding.path):
        return {"artifactLocation": _artifact(finding.path)}
    region = {
        "startLine": finding.line,
        "startColumn": finding.column,
        "endLine": finding.end_line,
        "endColumn": finding.end_column,
    }
    return {"artifactLocation": _artifact(finding.path), "region": region}


def _related(number: int, note: Note) -> Json:
    physical: Json = {"artifactLocation": _artifact(note.path or "")}
    if note.line and not is_notebook(note.path or ""):
        physical["region"] = {"startLine": note.line, **({"startColumn": note.column} if note.column else {})}
    return {"id": number, "message": {"text": note.message}, "physicalLocation": physical}


def _fix(finding: Finding, places: Places) -> Json:
    edits = finding.fix.edits if finding.fix else ()
    replacements = [_replacement(edit, finding.path, places) for edit in edits]
    change = {"artifactLocation": _artifact(finding.path), "replacements": replacements}
    return {"description": {"text": remedy_of(finding)}, "artifactChanges": [change]}


def _replacement(edit: Edit, path: str, places: Places) -> Json:
    region = places.find_region(path, edit)
    if region:
        deleted = {
            "startLine": region.line,
            "startColumn": region.column,
            "endLine": region.end_line,
            "endColumn": region.end_column,
        }
    else:
        deleted = {"charOffset": edit.span.start, "charLength": edit.span.end - edit.span.start}
    return {"deletedRegion": deleted, "insertedContent": {"text": edit.text}}


def _artifact(path: str) -> Json:
    return {"uri": quote(path.encode("utf-8", "surrogateescape")), "uriBaseId": _ROOT}
