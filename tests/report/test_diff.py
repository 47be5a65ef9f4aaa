"""Diffs that the real `git apply` and `patch` take, byte for byte."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tfguard.model import FileChange, Finding, RunReport
from tfguard.report import changes, diff
from tfguard.report.options import ReportOptions
from tfguard.report.styled import plain

CASES = {
    "plain": (b"import os\nx = 1\ny = 2\n", b"import os\nx = 2\ny = 2\n"),
    "no final newline": (b"x = 1\ny = 1", b"x = 1\ny = 2"),
    "gains a final newline": (b"x = 1", b"x = 1\n"),
    "loses a final newline": (b"x = 1\n", b"x = 1"),
    "crlf": (b"x = 1\r\ny = 1\r\nz = 1\r\n", b"x = 1\r\ny = 2\r\nz = 1\r\n"),
    "mixed": (b"x = 1\r\ny = 1\nz = 1\r\n", b"x = 1\r\ny = 2\nz = 1\r\n"),
    "bare carriage returns": (b"x = 1\ry = 1\r", b"x = 1\ry = 2\r"),
    "bom": (b"\xef\xbb\xbfx = 1\n", b"\xef\xbb\xbfx = 2\n"),
    "latin-1": (b"# coding: latin-1\ns = '\xe9'\nx = 1\n", b"# coding: latin-1\ns = '\xe9'\nx = 2\n"),
    "form feed": (b"x = 1\n\x0cy = 1\n", b"x = 1\n\x0cy = 2\n"),
    "line separator": ("s = '\u2028\x85'\nx = 1\n".encode(), "s = '\u2028\x85'\nx = 2\n".encode()),
    "two hunks": (b"a\n" + b"-\n" * 30 + b"b\n", b"A\n" + b"-\n" * 30 + b"B\n"),
    "at the start": (b"x = 1\n", b"import random\n\nx = 1\n"),
    "lines like a diff": (b"--- a/x\n+++ b/x\n@@ -1 +1 @@\n", b"--- a/x\n+++ b/x\n@@ -2 +1 @@\n"),
}


def render(tree: Path, files: dict[str, tuple[bytes, bytes]], applied: tuple[Finding, ...] = ()) -> bytes:
    """The diff of the files, after writing what they were into the tree."""
    for path, (before, _) in files.items():
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        (tree / path).write_bytes(before)
    found = tuple(
        FileChange(path, "", "", applied=applied, raw_before=before, raw_after=after)
        for path, (before, after) in sorted(files.items())
    )
    text = diff.render(RunReport((), len(files), changes=found), ReportOptions())
    return text.encode("utf-8", "surrogateescape")


def apply_patch(tree: Path, command: list[str], patch: bytes) -> None:
    done = subprocess.run(command, cwd=tree, input=patch, capture_output=True, check=False)
    assert done.returncode == 0, (done.stdout + done.stderr, patch)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("command", [["git", "apply"], ["patch", "-p1", "--binary", "--quiet"]])
def test_patch_tools_write_the_bytes(
    tmp_path: Path, case: str, command: list[str], make_finding: Callable[..., Finding]
) -> None:
    if not shutil.which(command[0]):  # git is always there; patch is not part of every system
        assert command[0] == "patch"
        pytest.skip("patch is not installed")
    files = {"train.py": CASES[case]}
    apply_patch(tmp_path, command, render(tmp_path, files, (make_finding(),)))
    assert (tmp_path / "train.py").read_bytes() == CASES[case][1]


def test_all_files_in_one_patch(tmp_path: Path, make_finding: Callable[..., Finding]) -> None:
    files = {f"src {number}/file.py": content for number, content in enumerate(CASES.values())}
    apply_patch(tmp_path, ["git", "apply"], render(tmp_path, files, (make_finding(),)))
    assert {path: (tmp_path / path).read_bytes() for path in files} == {
        path: after for path, (_, after) in files.items()
    }


@pytest.mark.parametrize("name", ["my file.py", 'a"b.py', "a\\b.py", "tab\there.py", "new\nline.py", "caf\u00e9.py"])
def test_unusual_file_names(tmp_path: Path, name: str) -> None:
    apply_patch(tmp_path, ["git", "apply"], render(tmp_path, {name: CASES["plain"]}))
    assert (tmp_path / name).read_bytes() == CASES["plain"][1]


def test_text_of_a_diff(make_finding: Callable[..., Finding]) -> None:
    change = FileChange("train.py", "a\nb", "a\nc", applied=(make_finding(), make_finding(fix=None)))
    assert diff.render(RunReport((), 1, changes=(change,)), ReportOptions()) == (
        "# TFG104 (safe): Pass `seed=42`\n"
        "--- a/train.py\n"
        "+++ b/train.py\n"
        "@@ -1,2 +1,2 @@\n"
        " a\n"
        "-b\n"
        "\\ No newline at end of file\n"
        "+c\n"
        "\\ No newline at end of file\n"
    )


def test_fix_that_many_findings_share_is_named_once(make_finding: Callable[..., Finding]) -> None:
    change = FileChange("train.py", "a\n", "b\n", applied=(make_finding(), make_finding(line=9)))
    title, *_ = diff.render(RunReport((), 1, changes=(change,)), ReportOptions()).splitlines()
    assert title == "# TFG104 (safe) x 2: Pass `seed=42`"


def test_no_change_prints_nothing() -> None:
    change = FileChange("train.py", "a\n", "a\n")
    assert diff.render(RunReport((), 1, changes=(change,)), ReportOptions()) == ""


def test_colours_change_no_character(make_finding: Callable[..., Finding], monkeypatch: pytest.MonkeyPatch) -> None:
    from tfguard.report import terminal

    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    change = FileChange("train.py", "a = [1]\nb\n", "a = [1]\nc\n", applied=(make_finding(),))
    report = RunReport((), 1, changes=(change,))
    coloured = terminal.render(diff.iter_lines(report, ReportOptions()))
    assert re.sub("\x1b\\[[0-9;]*m", "", coloured) == diff.render(report, ReportOptions())


def test_changes_are_listed(fix_report: RunReport, options: ReportOptions) -> None:
    assert changes.render(fix_report, options) == "fixed train.py: 1 x TFG104 unseeded-shuffle\n"
    assert changes.render(fix_report, replace(options, verbose=True)) == (
        "fixed train.py: 1 x TFG104 unseeded-shuffle\n  3:6: TFG104 (safe) Pass `seed=42`\n"
    )
    assert plain(changes.iter_refusals(fix_report)) == "train.py:9: not fixed: TFG401: the result does not parse\n"
    assert changes.describe(fix_report) == "Fixed 1 finding in 1 file."


def test_changes_that_are_not_written_are_pending(fix_report: RunReport, clean_report: RunReport) -> None:
    pending = replace(fix_report, changes=(replace(fix_report.changes[0], written=False),))
    assert changes.is_pending(pending)
    assert not changes.is_pending(fix_report)
    assert changes.describe(pending) == "Would fix 1 finding in 1 file."
    assert changes.render(pending, ReportOptions()).startswith("would fix train.py: ")
    assert changes.describe(clean_report) == "Nothing to fix."


_PIECES = [b"x = 1", b"y", b"\n", b"\r\n", b"\r", b"\x0c", b"\\", b"-- a", b"\xe9", b"\0"]
_BYTES = st.lists(st.sampled_from(_PIECES), min_size=1, max_size=30).map(b"".join)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=_BYTES, after=_BYTES)
def test_any_change_can_be_applied(tmp_path: Path, before: bytes, after: bytes) -> None:
    patch = render(tmp_path, {"train.py": (before, after)})
    if patch:
        apply_patch(tmp_path, ["git", "apply"], patch)
    assert (tmp_path / "train.py").read_bytes() == after
