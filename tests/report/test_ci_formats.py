"""The formats of continuous integration services: GitHub, GitLab, JUnit, Markdown."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from dataclasses import replace

from tfguard.model import FileReport, Finding, Problem, RunReport
from tfguard.report import github, gitlab, junit, markdown
from tfguard.report.options import ReportOptions


def test_github_annotations_are_exact(report: RunReport, options: ReportOptions) -> None:
    assert github.render(report, options) == (
        "::error title=tfguard TFG401 (removed-api),file=old/net.py,line=1,endLine=2"
        "::old/net.py:1:1: TFG401 `tf.foo | tf.bar` does not exist in TensorFlow 2.21"
        "%0Ahelp: Use `tf.compat.v1.foo` (unsafe fix)\n"
        "::warning title=tfguard TFG104 (unseeded-shuffle),file=train.py,line=3,col=6,endLine=3,endColumn=22"
        "::train.py:3:6: TFG104 `ds.shuffle(1000)` has no seed, so its order differs on every run"
        "%0Ahelp: Pass `seed=42`\n"
        "::error title=tfguard,file=bad.py,line=4,col=2"
        "::byte 0xff is not UTF-8 (declare the encoding in the first line)\n"
    )


def test_github_escapes_what_would_end_the_command(make_finding: Callable[..., Finding]) -> None:
    finding = make_finding(path="a,b:c%.py", message="100%\r\n::set-output name=x::y", fix=None)
    (line,) = github.render(RunReport((FileReport("a,b:c%.py", (finding,)),), 1), ReportOptions()).splitlines()
    assert "file=a%2Cb%3Ac%25.py," in line
    assert "100%25%0D%0A::set-output" in line


def test_gitlab_issues(report: RunReport, options: ReportOptions) -> None:
    issues = json.loads(gitlab.render(report, options))
    assert [issue["severity"] for issue in issues] == ["major", "minor", "blocker"]
    assert [issue["check_name"] for issue in issues] == ["removed-api", "unseeded-shuffle", "tfguard-error"]
    assert issues[1]["location"]["lines"] == {"begin": 3, "end": 3}
    assert issues[1]["location"]["positions"]["begin"] == {"line": 3, "column": 6}
    assert issues[2]["location"] == {"path": "bad.py", "lines": {"begin": 4, "end": 4}}
    assert len({issue["fingerprint"] for issue in issues}) == 3


def test_gitlab_fingerprints_are_the_same_in_every_run(report: RunReport, options: ReportOptions) -> None:
    shuffled = replace(report, files=tuple(reversed(report.files)))
    assert gitlab.render(report, options) == gitlab.render(shuffled, options)
    assert json.loads(gitlab.render(report, options))[1]["fingerprint"] == "8db316d4f4d2a4b25423c4467f3d0593"


def test_gitlab_without_findings_is_an_empty_list(clean_report: RunReport, options: ReportOptions) -> None:
    assert json.loads(gitlab.render(clean_report, options)) == []


def test_junit_counts_add_up(report: RunReport, options: ReportOptions) -> None:
    root = ElementTree.fromstring(junit.render(report, options))
    assert root.tag == "testsuites"
    assert (root.get("tests"), root.get("failures"), root.get("errors")) == ("3", "2", "1")
    assert [suite.get("name") for suite in root] == ["bad.py", "old/net.py", "train.py"]
    for suite in root:
        cases = suite.findall("testcase")
        assert suite.get("tests") == str(len(cases))
        assert suite.get("failures") == str(len(suite.findall("testcase/failure")))
        assert suite.get("errors") == str(len(suite.findall("testcase/error")))
    failure = root.find("testsuite/testcase/failure[@type='TFG104']")
    assert failure is not None
    assert failure.text is not None
    assert failure.text.splitlines()[1:] == [
        "note: main.py:7:1: the program starts here",
        "note: Keras shuffles too",
        "help: Pass `seed=42`",
    ]


def test_junit_of_a_clean_run_passes_one_case(clean_report: RunReport, options: ReportOptions) -> None:
    root = ElementTree.fromstring(junit.render(clean_report, options))
    assert (root.get("tests"), root.get("failures"), root.get("errors")) == ("1", "0", "0")
    assert len(root.findall("testsuite/testcase")) == 1


def test_junit_survives_characters_that_xml_cannot_hold(make_finding: Callable[..., Finding]) -> None:
    evil = "a\x00b\x1b<\"'&]]>\ud800\uffff"
    report = RunReport((FileReport("x.py", (make_finding(path="x.py", message=evil),)),), 1)
    failure = ElementTree.fromstring(junit.render(report, ReportOptions())).find("testsuite/testcase/failure")
    assert failure is not None
    assert failure.get("message") == "a\ufffdb\ufffd<\"'&]]>\ufffd\ufffd"


def test_markdown_is_exact(report: RunReport, options: ReportOptions) -> None:
    assert markdown.render(report, options) == (
        "### tfguard\n"
        "\n"
        "2 findings (1 fixable) in 2 of 12 files; 12 TensorFlow names seen, 1 undecided; 1 error, see above.\n"
        "\n"
        "| Place | Rule | Severity | Message | Remedy |\n"
        "|---|---|---|---|---|\n"
        "| `old/net.py:1:1` | TFG401 removed-api | error | `tf.foo \\| tf.bar` does not exist in TensorFlow 2.21 "
        "| Use `tf.compat.v1.foo` (unsafe fix) |\n"
        "| `train.py:3:6` | TFG104 unseeded-shuffle | warning "
        "| `ds.shuffle(1000)` has no seed, so its order differs on every run"
        "<br>note: main.py:7:1: the program starts here<br>note: Keras shuffles too "
        "| Pass `seed=42` |\n"
        "\n"
        "Could not be checked:\n"
        "\n"
        "- `bad.py:4:2`: byte 0xff is not UTF-8 (declare the encoding in the first line)\n"
    )


def test_markdown_escapes_prose_but_not_code(make_finding: Callable[..., Finding]) -> None:
    finding = make_finding(message="<b> `<b>` *x* a_b\n| c ` d", notes=(), fix=None)
    rendered = markdown.render(RunReport((FileReport("train.py", (finding,)),), 1), ReportOptions())
    assert r"&lt;b> `<b>` \*x\* a\_b \| c \` d" in rendered


def test_problem_without_remedy(clean_report: RunReport) -> None:
    report = replace(clean_report, problems=(Problem("gone.py", "no such file", ""),))
    assert markdown.render(report, ReportOptions()).endswith("- `gone.py`: no such file\n")
    assert github.render(report, ReportOptions()) == "::error title=tfguard,file=gone.py::no such file\n"
