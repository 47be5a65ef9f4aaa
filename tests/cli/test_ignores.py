"""`--add-ignores`: the comments stand where tfguard itself reads them, and change nothing else."""

from __future__ import annotations

import ast

import pytest

from tfguard.cli.ignores import count_covered, suppress_findings
from tfguard.model import Finding, Severity, Span
from tfguard.source import decode


def at(line: int, rule: str = "TFG104") -> Finding:
    return Finding(rule, "unseeded-shuffle", Severity.WARNING, "a.py", Span(0, 1), line, 1, line, 2, "no seed")


CASES = {
    "plain": ("f()\ng()\n", [1], "f()  # tfguard: ignore[TFG104] -- why\ng()\n"),
    "trailing blanks": ("f()  \n", [1], "f()  # tfguard: ignore[TFG104] -- why\n"),
    "no final newline": ("f()", [1], "f()  # tfguard: ignore[TFG104] -- why"),
    "crlf": ("f()\r\ng()\r\n", [2], "f()\r\ng()  # tfguard: ignore[TFG104] -- why\r\n"),
    "own comment": ("f()  # noqa\n", [1], "f()  # noqa  # tfguard: ignore[TFG104] -- why\n"),
    "brackets": ("f(\n    1,\n)\n", [2], "f(\n    1,\n)  # tfguard: ignore[TFG104] -- why\n"),
    "backslash": ("x = 1 + \\\n    f()\n", [1], "x = 1 + \\\n    f()  # tfguard: ignore[TFG104] -- why\n"),
    "string": ('x = f("""\n# a\n""")\n', [1], 'x = f("""\n# a\n""")  # tfguard: ignore[TFG104] -- why\n'),
    "one more rule": (
        "f()  # tfguard: ignore[TFG101] -- old\n",
        [1],
        "f()  # tfguard: ignore[TFG101, TFG104] -- old\n",
    ),
    "already there": ("f()  # tfguard: ignore[TFG104] -- old\n", [1], "f()  # tfguard: ignore[TFG104] -- old\n"),
}


@pytest.mark.parametrize("case", CASES)
def test_comment_is_where_it_counts(case: str) -> None:
    before, lines, after = CASES[case]
    source = decode("a.py", before.encode())
    changed = suppress_findings(source, [at(line) for line in lines], "why")
    assert changed.text == after
    assert count_covered(changed, [at(line) for line in lines]) == len(lines)
    assert ast.dump(ast.parse(changed.text)) == ast.dump(ast.parse(before))


def test_several_findings_of_a_line_share_a_comment() -> None:
    findings = [at(1, "TFG401"), at(1, "TFG104"), at(1, "TFG104")]
    changed = suppress_findings(decode("a.py", b"f(g(h()))\n"), findings, "why")
    assert changed.text == "f(g(h()))  # tfguard: ignore[TFG104, TFG401] -- why\n"


def test_what_cannot_be_suppressed_is_not_counted() -> None:
    source = decode("a.py", b'x = """\nf()\n')
    assert count_covered(suppress_findings(source, [at(1, "TFG901")], "why"), [at(1, "TFG901")]) == 0
