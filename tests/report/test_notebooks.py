"""Notebooks: people get cell and line; services that show the file get no line of text that the file does not have."""

from __future__ import annotations

import json
from collections.abc import Callable
from xml.etree import ElementTree

import pytest

from tfguard.model import FileReport, Finding, Note, Problem, RunReport
from tfguard.report import github, gitlab, junit, markdown, sarif, text
from tfguard.report import json as json_report
from tfguard.report.options import ReportOptions
from tfguard.report.styled import plain


@pytest.fixture
def notebook(make_finding: Callable[..., Finding]) -> RunReport:
    """A finding in the second line of cell 5, which is line 12 of the joined code cells."""
    notes = (Note("here, too", "a.ipynb", 2, 1),)
    finding = make_finding(path="a.ipynb", line=12, end_line=12, notes=notes)
    file = FileReport(
        "a.ipynb",
        (finding,),
        (Problem("a.ipynb", "odd magic", "", 3, 4),),
        source_lines=((12, "ds = ds.shuffle(1000)"),),
        positions=((55, 12, 21),),
        cells=((1, 2), (5, 4), (11, 5)),
    )
    return RunReport((file,), 1)


def test_people_get_cell_and_line(notebook: RunReport, options: ReportOptions) -> None:
    lines = text.render(notebook, options).splitlines()
    assert lines[0].startswith("a.ipynb:cell 5:2:6: TFG104 [*] ")
    assert lines[2] == "2 | ds = ds.shuffle(1000)"
    assert "  = note: a.ipynb:cell 2:2:1: here, too" in lines
    assert plain(text.iter_problems(notebook)) == "a.ipynb:cell 2:3:4: error: odd magic\n"
    assert "| `a.ipynb:cell 5:2:6` |" in markdown.render(notebook, options)


def test_programs_get_both(notebook: RunReport, options: ReportOptions) -> None:
    (finding,) = json.loads(json_report.render(notebook, options))["findings"]
    assert finding["line"] == 12
    assert finding["cell"] == {"number": 5, "line": 2}


def test_services_that_show_the_file_get_no_line(notebook: RunReport, options: ReportOptions) -> None:
    annotation, problem = github.render(notebook, options).splitlines()
    assert ",file=a.ipynb,line=1::a.ipynb:cell 5:2:6: TFG104 " in annotation
    assert problem == "::error title=tfguard,file=a.ipynb::odd magic"
    issue, _ = json.loads(gitlab.render(notebook, options))
    assert issue["description"].startswith("a.ipynb:cell 5:2:6: TFG104: ")
    assert issue["location"] == {"path": "a.ipynb", "lines": {"begin": 1, "end": 1}}
    cases = ElementTree.fromstring(junit.render(notebook, options)).findall("testsuite/testcase")
    assert [case.get("line") for case in cases] == [None, None]
    assert cases[0].get("name") == "TFG104 unseeded-shuffle at a.ipynb:cell 5:2:6"


def test_sarif_neither_points_into_the_json_nor_edits_it(notebook: RunReport, options: ReportOptions) -> None:
    (result,) = json.loads(sarif.render(notebook, options))["runs"][0]["results"]
    assert result["message"]["text"].startswith("a.ipynb:cell 5:2:6: `ds.shuffle(1000)` ")
    assert result["message"]["text"].endswith("\nRemedy: Pass `seed=42`")
    assert "fixes" not in result
    assert list(result["locations"][0]["physicalLocation"]) == ["artifactLocation"]
    assert list(result["relatedLocations"][0]["physicalLocation"]) == ["artifactLocation"]
