"""Baselines: known findings stay away, new ones do not, and lines may move."""

import json
from pathlib import Path

import pytest

from running import run_check, write_files
from tfguard.baseline import apply_baseline, load_baseline, render_baseline
from tfguard.errors import ConfigError

TEXT = "import tensorflow as tf\n\na = tf.Session()\nb = tf.Session()\nc = tf.Sesion()\n"


def accept(folder: Path) -> str:
    text = render_baseline(run_check(folder, select=["TFG401"]))
    (folder / "base.json").write_text(text)
    return text


def left(folder: Path) -> list[int]:
    report = run_check(folder, select=["TFG401"], baseline=str(folder / "base.json"))
    return [finding.line for finding in report.findings]


def test_what_is_listed_is_not_reported(tmp_path: Path) -> None:
    write_files(tmp_path, {"a.py": TEXT, "b.py": TEXT})
    accept(tmp_path)
    report = run_check(tmp_path, select=["TFG401"], baseline=str(tmp_path / "base.json"))
    assert (report.findings, report.baselined, report.all_problems) == ((), 6, ())


def test_lines_may_move_and_be_indented(tmp_path: Path) -> None:
    write_files(tmp_path, {"a.py": TEXT})
    accept(tmp_path)
    moved = TEXT.replace("\na = tf.Session()", "x = 1\n\nif x:\n    a  =  tf.Session()")
    write_files(tmp_path, {"a.py": moved.replace("a  =  tf", "a = tf")})
    assert left(tmp_path) == []


def test_new_findings_and_changed_lines_are_reported(tmp_path: Path) -> None:
    write_files(tmp_path, {"a.py": TEXT})
    accept(tmp_path)
    write_files(tmp_path, {"a.py": TEXT + "d = tf.Session()\n"})
    assert left(tmp_path) == [6]
    write_files(tmp_path, {"a.py": TEXT.replace("b = tf", "bb = tf")})
    assert left(tmp_path) == [4]
    write_files(tmp_path, {"a.py": "", "c.py": TEXT})
    assert left(tmp_path) == [3, 4, 5]


def test_of_several_alike_as_many_as_were_listed(tmp_path: Path) -> None:
    twice = "import tensorflow as tf\n\ntf.Session()\ntf.Session()\n"
    write_files(tmp_path, {"a.py": twice})
    document = json.loads(accept(tmp_path))
    assert [entry["count"] for entry in document["findings"]] == [2]
    write_files(tmp_path, {"a.py": twice + "tf.Session()\n"})
    assert left(tmp_path) == [5]


def test_a_baseline_is_sorted_reviewable_and_the_same_every_time(tmp_path: Path) -> None:
    write_files(tmp_path, {"b.py": TEXT, "a.py": TEXT})
    text = accept(tmp_path)
    assert text == accept(tmp_path)
    document = json.loads(text)
    assert document["version"] == 1
    assert [(entry["path"], entry["rule"]) for entry in document["findings"]] == [("a.py", "TFG401")] * 3 + [
        ("b.py", "TFG401")
    ] * 3
    assert text.endswith("\n")
    assert len(text.splitlines()) == len(document["findings"]) + 5


def test_an_empty_baseline(tmp_path: Path) -> None:
    write_files(tmp_path, {"a.py": "x = 1\n"})
    accept(tmp_path)
    assert load_baseline(tmp_path / "base.json") == {}
    assert apply_baseline((), {}) == ((), 0)


def test_what_cannot_be_parsed_can_be_accepted(tmp_path: Path) -> None:
    write_files(tmp_path, {"a.py": "import tensorflow\nprint 'x'\n"})
    (tmp_path / "base.json").write_text(render_baseline(run_check(tmp_path)))
    report = run_check(tmp_path, baseline=str(tmp_path / "base.json"))
    assert (report.findings, report.all_problems) == ((), ())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{",
        '{"version": 2, "findings": []}',
        '{"version": 1}',
        '{"version": 1, "findings": [{"fingerprint": 1}]}',
    ]
    + ['{"version": 1, "findings": [{"fingerprint": "x", "count": "1"}]}', "[" * 100_000],
)
def test_what_is_no_baseline_says_so(tmp_path: Path, text: str) -> None:
    (tmp_path / "base.json").write_text(text)
    with pytest.raises(ConfigError, match=r"base\.json: this is not a baseline of tfguard; make it anew"):
        load_baseline(tmp_path / "base.json")


def test_a_missing_baseline(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        load_baseline(tmp_path / "base.json")
