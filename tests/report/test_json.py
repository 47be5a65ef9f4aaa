"""JSON: the shape that the documentation promises."""

from __future__ import annotations

import json

from tfguard.model import RunReport
from tfguard.report import json as json_report
from tfguard.report.options import ReportOptions


def test_findings_carry_everything(report: RunReport, options: ReportOptions) -> None:
    document = json.loads(json_report.render(report, options))
    assert list(document) == ["version", "findings", "errors", "summary"]
    assert document["version"] == "0.1.0"
    removed, shuffle = document["findings"]
    assert list(removed) == [
        "rule",
        "name",
        "severity",
        "path",
        "line",
        "column",
        "end_line",
        "end_column",
        "cell",
        "message",
        "notes",
        "fix",
    ]
    assert shuffle["notes"][0] == {"message": "the program starts here", "path": "main.py", "line": 7, "column": 1}
    assert shuffle["fix"] == {
        "title": "Pass `seed=42`",
        "safety": "safe",
        "edits": [
            {
                "start": 55,
                "end": 55,
                "line": 3,
                "column": 21,
                "end_line": 3,
                "end_column": 21,
                "text": ", seed=42",
            }
        ],
    }
    assert removed["fix"]["safety"] == "unsafe"
    assert removed["fix"]["edits"][0]["line"] is None


def test_errors_and_summary(report: RunReport, options: ReportOptions) -> None:
    document = json.loads(json_report.render(report, options))
    assert document["errors"] == [
        {
            "path": "bad.py",
            "line": 4,
            "column": 2,
            "message": "byte 0xff is not UTF-8",
            "remedy": "declare the encoding in the first line",
        }
    ]
    assert document["summary"] == {
        "findings": 2,
        "fixable": 1,
        "fixable_unsafe": 1,
        "errors": 1,
        "files_checked": 12,
        "files_with_findings": 2,
        "by_severity": {"error": 1, "warning": 1, "hint": 0},
        "by_rule": {"TFG104": 1, "TFG401": 1},
        "names_seen": 12,
        "names_undecided": 1,
        "suppressed": 2,
        "baselined": 1,
        "fixed": 0,
        "target": "TensorFlow 2.21, Keras 3.15",
    }


def test_changes_of_a_fix_run(fix_report: RunReport, options: ReportOptions) -> None:
    document = json.loads(json_report.render(fix_report, options))
    (change,) = document["changes"]
    assert change["path"] == "train.py"
    assert change["written"] is True
    assert change["fixes"][0]["title"] == "Pass `seed=42`"
    assert change["refused"][0]["line"] == 9


def test_output_is_ascii(report: RunReport, options: ReportOptions) -> None:
    assert json_report.render(report, options).isascii()
    assert json_report.dump({"path": "caf\udce9.py"}).isascii()
