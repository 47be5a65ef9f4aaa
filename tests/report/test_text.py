"""The text format, byte for byte, and the same text with colours."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import pytest

from tfguard.model import Edit, FileReport, Finding, Fix, RunReport, Safety, Span
from tfguard.report import statistics, summary, text
from tfguard.report.options import ReportOptions
from tfguard.report.styled import plain, visible

EXPECTED = """\
old/net.py:1:1: TFG401 `tf.foo | tf.bar` does not exist in TensorFlow 2.21
  |
1 | tf.foo(\\
  | ^^^^^^^^
  = help: Use `tf.compat.v1.foo` (unsafe fix)

train.py:3:6: TFG104 [*] `ds.shuffle(1000)` has no seed, so its order differs on every run
  |
3 | ds = ds.shuffle(1000)
  |      ^^^^^^^^^^^^^^^^
  = note: main.py:7:1: the program starts here
  = note: Keras shuffles too
  = help: Pass `seed=42`

"""


def test_text_is_exact(report: RunReport, options: ReportOptions) -> None:
    assert text.render(report, options) == EXPECTED


def test_nothing_found_prints_nothing(clean_report: RunReport, options: ReportOptions) -> None:
    assert text.render(clean_report, options) == ""


def test_problems_have_place_and_remedy(report: RunReport) -> None:
    assert plain(text.iter_problems(report)) == (
        "bad.py:4:2: error: byte 0xff is not UTF-8\n  = help: declare the encoding in the first line\n"
    )


def test_finding_without_source_line_has_no_excerpt(make_finding: Callable[..., Finding]) -> None:
    report = RunReport((FileReport("train.py", (make_finding(notes=(), fix=None),)),), 1)
    assert text.render(report, ReportOptions()).count("\n") == 2


def test_manual_fix_is_not_marked(make_finding: Callable[..., Finding]) -> None:
    fix = Fix("Call `set_seed`", (Edit(Span(0, 0), "x"),), Safety.MANUAL)
    report = RunReport((FileReport("train.py", (make_finding(fix=fix),)),), 1)
    rendered = text.render(report, ReportOptions())
    assert "[*]" not in rendered
    assert "help: Call `set_seed` (by hand)" in rendered


@pytest.mark.parametrize(
    ("source", "columns", "underline"),
    [
        ("\tx = f(1)", (6, 10), "        ^^^^"),  # a tab is four columns wide
        ("a\tx = f(1)", (3, 4), "    ^"),
        ("名前 = f()", (6, 9), "       ^^^"),  # two columns a character
        ("f('名前')", (3, 7), "  ^^^^^^"),
        ("e\u0301 = f()", (6, 9), "    ^^^"),  # the combining accent takes no column
        ("x = 1", (5, 5), "    ^"),  # an insertion point
        ("x = 1", (6, 6), "     ^"),  # behind the end
        ("x = 1", (40, 50), "     ^"),  # a line that is shorter than the finding says
        ("\x0cx = f()", (6, 9), "        ^^^"),  # a form feed is spelled out
    ],
)
def test_underline_stands_below_the_span(
    make_finding: Callable[..., Finding], source: str, columns: tuple[int, int], underline: str
) -> None:
    finding = make_finding(line=1, end_line=1, column=columns[0], end_column=columns[1], notes=(), fix=None)
    report = RunReport((FileReport("train.py", (finding,), source_lines=((1, source),)),), 1)
    lines = text.render(report, ReportOptions()).split("\n")
    assert lines[3] == f"  | {underline}"


def test_long_lines_are_shown_in_part(make_finding: Callable[..., Finding]) -> None:
    source = "x = [" + "1, " * 500 + "f(2), " + "3, " * 500 + "]"
    column = source.index("f(2)") + 1
    finding = make_finding(line=1, end_line=1, column=column, end_column=column + 4, notes=(), fix=None)
    report = RunReport((FileReport("train.py", (finding,), source_lines=((1, source),)),), 1)
    _, _, shown, marks, *_ = text.render(report, ReportOptions()).split("\n")
    assert len(shown) < 180
    assert shown.startswith("1 | ...")
    assert shown.endswith("...")
    assert shown[marks.index("^") : marks.rindex("^") + 1] == "f(2)"


def test_control_and_reordering_characters_cannot_reach_the_terminal(make_finding: Callable[..., Finding]) -> None:
    evil = "x = '\x1b[2J\u202e\u2028'\r"
    finding = make_finding(path="a\nb.py", line=1, end_line=1, column=1, end_column=2, message=evil)
    report = RunReport((FileReport("a\nb.py", (finding,), source_lines=((1, evil),)),), 1)
    rendered = text.render(report, ReportOptions())
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f\u202e\u2028]", rendered)
    assert "a\\nb.py:1:1" in rendered


def test_visible_keeps_usual_text() -> None:
    assert visible("naïve 名前") == "naïve 名前"
    assert visible("a\ud800b") == "a\\ud800b"


def test_colours_change_no_character(
    report: RunReport, options: ReportOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tfguard.report import terminal

    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "20")
    monkeypatch.delenv("NO_COLOR", raising=False)
    coloured = terminal.render(text.iter_lines(report, options))
    assert "\x1b[" in coloured
    assert re.sub("\x1b\\[[0-9;]*m", "", coloured) == EXPECTED


def test_summary_counts_and_proposes(report: RunReport, options: ReportOptions) -> None:
    assert plain(summary.iter_lines(report, options)) == (
        "2 findings (1 fixable) in 2 of 12 files; 12 TensorFlow names seen, 1 undecided; 1 error, see above.\n"
        "Not shown: 2 suppressed by comments, 1 in the baseline.\n"
        "See the fixes with `tfguard fix --diff src`, write them with `tfguard fix src`.\n"
        "`tfguard fix --unsafe-fixes src` mends 1 finding more, but may change results.\n"
    )


def test_summary_after_a_fix_does_not_propose_it_again(report: RunReport, options: ReportOptions) -> None:
    said = plain(summary.iter_lines(report, replace(options, is_after_fix=True)))
    assert "fix --diff" not in said
    assert "`tfguard fix src`" not in said
    assert "`tfguard fix --unsafe-fixes src`" in said
    assert "tfguard explain" in said


def test_summary_of_a_clean_run_is_one_line(clean_report: RunReport, options: ReportOptions) -> None:
    assert plain(summary.iter_lines(clean_report, options)) == (
        "No findings in 1 file; 1 TensorFlow name seen, 0 undecided.\n"
    )


def test_summary_without_fixes_proposes_explain(make_finding: Callable[..., Finding]) -> None:
    report = RunReport((FileReport("train.py", (make_finding(fix=None),)),), 1)
    assert "tfguard explain TFG104" in plain(summary.iter_lines(report, ReportOptions()))


def test_summary_quotes_paths_and_drops_long_lists(report: RunReport, options: ReportOptions) -> None:
    spaced = plain(summary.iter_lines(report, replace(options, arguments=("my code",))))
    assert "`tfguard fix 'my code'`" in spaced
    many = plain(summary.iter_lines(report, replace(options, arguments=tuple("abcd"))))
    assert "`tfguard fix`" in many


def test_statistics_are_ranked_and_marked(report: RunReport, make_finding: Callable[..., Finding]) -> None:
    half = FileReport("z.py", (make_finding(path="z.py"), make_finding(path="z.py", line=9, fix=None)))
    more = replace(report, files=(*report.files, half))
    assert statistics.render(more, ReportOptions()) == ("3  TFG104  [-] unseeded-shuffle\n1  TFG401  [ ] removed-api\n")
    assert statistics.render(report, ReportOptions()) == (
        "1  TFG104  [*] unseeded-shuffle\n1  TFG401  [ ] removed-api\n"
    )
