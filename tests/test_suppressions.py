"""Suppression comments: what they name, and which lines they cover."""

import pytest

from tfguard.source import decode
from tfguard.suppressions import END_OF_FILE, Suppression


def read(text: str) -> tuple[Suppression, ...]:
    return decode("a.py", text.encode()).suppressions


def test_a_comment_names_rules_and_a_reason() -> None:
    (found,) = read("x = 1  # noqa  # tfguard: ignore[TFG101, unseeded-shuffle] -- the launcher seeds\n")
    assert found.rules == ("TFG101", "unseeded-shuffle")
    assert found.reason == "the launcher seeds"
    assert found.has_reason
    assert (found.line, found.column) == (1, 16)
    assert found.covers("TFG101", "unseeded-training", 1)
    assert found.covers("TFG104", "unseeded-shuffle", 1)
    assert not found.covers("TFG102", "another", 1)
    assert not found.covers("TFG101", "unseeded-training", 2)


@pytest.mark.parametrize(
    ("text", "rules", "reason"),
    [
        ("# tfguard: ignore[TFG101]", ("TFG101",), ""),
        ("# tfguard: ignore[TFG101] --", ("TFG101",), ""),
        ("#tfguard:ignore[TFG101]--why", ("TFG101",), "why"),
        ("# tfguard: ignore", (), ""),
        ("# tfguard: ignore -- why", (), "why"),
        ("# tfguard: ignore[] -- why", (), "why"),
        ("# tfguard: ignore[TFG101 -- why", (), ""),
    ],
)
def test_what_is_missing_is_seen(text: str, rules: tuple[str, ...], reason: str) -> None:
    (found,) = read(f"x = 1  {text}\n")
    assert (found.rules, found.reason, found.has_reason) == (rules, reason, bool(reason))


@pytest.mark.parametrize(
    "text",
    [
        "x = '# tfguard: ignore[TFG101] -- no comment'\n",
        '"""\n# tfguard: ignore[TFG101] -- no comment\n"""\n',
        "# tfguard: ignored[TFG101]\n",
        "# see tfguard\n",
        "x = 1\n",
    ],
)
def test_what_is_no_comment_counts_for_nothing(text: str) -> None:
    assert read(text) == ()


def test_two_in_one_comment() -> None:
    first, second = read("x  # tfguard: ignore[TFG101] -- a  # tfguard: ignore[TFG102] -- b\n")
    assert (first.rules, first.reason) == (("TFG101",), "a")
    assert (second.rules, second.reason) == (("TFG102",), "b")


MARK = "# tfguard: ignore[TFG101] -- why"


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        (f"x\ny  {MARK}\nz\n", 2, 2),
        (f"f(\n  1,\n)  {MARK}\n", 1, 3),
        (f"f(\n  1,  {MARK}\n)\n", 2, 2),
        (f"x = '''\n\n'''  {MARK}\n", 1, 3),
        (f"x = 1 + \\\n  2  {MARK}\n", 1, 2),
        (f"x\n{MARK}\nf(\n  1,\n)\n", 3, 5),
        (f"{MARK}\n# another\nf()\n", 3, 3),
        (f"{MARK}\n\nf()\n", 2, 2),
        (f"f(\n  {MARK}\n  1,\n)\n", 3, 3),
        (f"if x:  {MARK}\n    y\n", 1, 1),
        (f"if x:\n    {MARK}\n    y\n", 3, 3),
        (f"f(1)\n{MARK}", 3, 3),
        (f"x\r\ny  {MARK}\r\n", 2, 2),
        (f"x\ry  {MARK}\r", 2, 2),
        (f"\x0cx = '\x0c'\ny  {MARK}\n", 2, 2),
    ],
)
def test_covered_lines(text: str, first: int, last: int) -> None:
    (found,) = read(text)
    assert (found.first, found.last) == (first, last)
    source = decode("a.py", text.encode())
    assert source.text[found.span.start : found.span.end] == MARK
    assert source.position(found.span.start) == (found.line, found.column)


def test_the_whole_file() -> None:
    (found,) = read("x = 1\n# tfguard: ignore-file[TFG902] -- runs on Python 2\n")
    assert found.is_file_wide
    assert (found.first, found.last) == (1, END_OF_FILE)


def test_a_file_that_is_not_python_still_has_comments() -> None:
    text = f"{MARK}\nprint 'x'\nx = (\n# tfguard: ignore-file[TFG902] -- old\n'# tfguard: ignore[TFG1] -- no'\n"
    assert [(s.rules, s.is_file_wide) for s in read(text)] == [(("TFG101",), False), (("TFG902",), True)]
    assert read("x = '''\n  # tfguard: ignore-file[TFG901] -- unfinished\n")[0].rules == ("TFG901",)
