"""SARIF against the real schema, and what it says of fixes."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tfguard.model import Edit, FileReport, Finding, Fix, Problem, RunReport, Safety, Span
from tfguard.report import sarif
from tfguard.report.options import ReportOptions

SCHEMA = Path(__file__).parent.parent / "data" / "sarif-2.1.0-rtm.5.json"


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft4Validator:
    return jsonschema.Draft4Validator(
        json.loads(SCHEMA.read_text(encoding="utf-8")), format_checker=jsonschema.Draft4Validator.FORMAT_CHECKER
    )


def render_valid(validator: jsonschema.Draft4Validator, report: RunReport, options: ReportOptions) -> dict[str, Any]:
    document = json.loads(sarif.render(report, options))
    validator.validate(document)
    (run,) = document["runs"]
    assert isinstance(run, dict)
    return run


def test_report_is_valid(validator: jsonschema.Draft4Validator, report: RunReport, options: ReportOptions) -> None:
    run = render_valid(validator, report, options)
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == ["TFG104", "TFG401"]
    assert [rules[result["ruleIndex"]]["id"] for result in run["results"]] == ["TFG401", "TFG104"]
    assert [result["level"] for result in run["results"]] == ["error", "warning"]


def test_clean_report_is_valid(validator: jsonschema.Draft4Validator, clean_report: RunReport) -> None:
    run = render_valid(validator, clean_report, ReportOptions(version="0.1.0"))
    assert run["results"] == []
    assert run["invocations"] == [{"executionSuccessful": True}]


def test_problems_become_notifications(
    validator: jsonschema.Draft4Validator, report: RunReport, options: ReportOptions
) -> None:
    (invocation,) = render_valid(validator, report, options)["invocations"]
    assert invocation["executionSuccessful"] is False
    (notification,) = invocation["toolExecutionNotifications"]
    assert notification["locations"][0]["physicalLocation"]["region"] == {"startLine": 4, "startColumn": 2}


def test_problem_without_a_line_is_valid(validator: jsonschema.Draft4Validator, clean_report: RunReport) -> None:
    report = replace(clean_report, problems=(Problem("gone.py", "no such file", ""),))
    run = render_valid(validator, report, ReportOptions(version="0.1.0"))
    assert run["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"] == "no such file"


def test_fixes_are_replacements_with_regions(
    validator: jsonschema.Draft4Validator, report: RunReport, options: ReportOptions
) -> None:
    removed, shuffle = render_valid(validator, report, options)["results"]
    (change,) = shuffle["fixes"][0]["artifactChanges"]
    assert change["replacements"] == [
        {
            "deletedRegion": {"startLine": 3, "startColumn": 21, "endLine": 3, "endColumn": 21},
            "insertedContent": {"text": ", seed=42"},
        }
    ]
    # Without known positions the region is given in characters from the start of the file.
    (change,) = removed["fixes"][0]["artifactChanges"]
    assert change["replacements"][0]["deletedRegion"] == {"charOffset": 3, "charLength": 3}
    assert removed["fixes"][0]["description"]["text"].endswith("(unsafe fix)")


def test_notes_are_related_locations_or_text(
    validator: jsonschema.Draft4Validator, report: RunReport, options: ReportOptions
) -> None:
    _, shuffle = render_valid(validator, report, options)["results"]
    (related,) = shuffle["relatedLocations"]
    assert related["physicalLocation"]["artifactLocation"]["uri"] == "main.py"
    assert shuffle["message"]["text"].endswith("\nKeras shuffles too")


def test_manual_fix_is_told_but_not_carried(
    validator: jsonschema.Draft4Validator, make_finding: Callable[..., Finding]
) -> None:
    fix = Fix("Seed the reader", (Edit(Span(0, 0), "x"),), Safety.MANUAL)
    report = RunReport((FileReport("train.py", (make_finding(fix=fix),)),), 1)
    (result,) = render_valid(validator, report, ReportOptions(version="1"))["results"]
    assert "fixes" not in result
    assert "Remedy: Seed the reader" in result["message"]["text"]


def test_paths_are_escaped_uris(validator: jsonschema.Draft4Validator, make_finding: Callable[..., Finding]) -> None:
    path = "my code/caf\u00e9 #1%\udcff.py"
    report = RunReport((FileReport(path, (make_finding(path=path),)),), 1)
    (result,) = render_valid(validator, report, ReportOptions(version="1"))["results"]
    uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert uri == "my%20code/caf%C3%A9%20%231%25%FF.py"


def test_fingerprints_survive_a_move_and_differ_for_twins(
    validator: jsonschema.Draft4Validator, make_finding: Callable[..., Finding]
) -> None:
    def fingerprints(*lines: int) -> list[str]:
        findings = tuple(make_finding(line=line, end_line=line) for line in lines)
        sources = tuple((line, "ds = ds.shuffle(1000)") for line in lines)
        report = RunReport((FileReport("train.py", findings, source_lines=sources),), 1)
        results = render_valid(validator, report, ReportOptions(version="1"))["results"]
        return [result["partialFingerprints"]["tfguard/v1"] for result in results]

    assert fingerprints(3, 8) == fingerprints(5, 80)
    assert len(set(fingerprints(3, 8))) == 2
