"""The examples in a rule's docstring are its tests: every Bad yields exactly this rule, every Good nothing."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import pytest

from running import run_check, run_fix, write_files
from tfguard.catalogue import load_catalogue
from tfguard.model import Safety
from tfguard.rule import Rule

RULES = load_catalogue().rules
_BLOCK = re.compile(r"^## (Bad|Good)\n((?:    .*\n|\s*\n)+)", re.MULTILINE)


def blocks(rule: Rule, kind: str) -> list[str]:
    """The code blocks under all headings of one kind."""
    text = rule.documentation + "\n"
    return [textwrap.dedent(body).strip("\n") + "\n" for heading, body in _BLOCK.findall(text) if heading == kind]


KINDS = ("Bad", "Good")
CASES = [(rule, kind, number) for rule in RULES for kind in KINDS for number in range(len(blocks(rule, kind)))]


@pytest.mark.parametrize(("rule", "kind", "number"), CASES, ids=lambda value: getattr(value, "name", str(value)))
def test_example_says_what_the_rule_says(rule: Rule, kind: str, number: int, tmp_path: Path) -> None:
    write_files(tmp_path, {"program.py": blocks(rule, kind)[number]})
    report = run_check(tmp_path, select=[rule.id, "TFG901"])
    assert {finding.rule for finding in report.findings} == ({rule.id} if kind == "Bad" else set()), report.findings


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_fix_of_a_bad_example_leaves_nothing_safe_to_fix(rule: Rule, tmp_path: Path) -> None:
    for number, text in enumerate(blocks(rule, "Bad")):
        folder = tmp_path / str(number)
        write_files(folder, {"program.py": text})
        run_fix(folder, select=[rule.id])
        left = run_check(folder, select=[rule.id]).findings
        assert not [finding for finding in left if finding.fix is not None and finding.fix.safety is Safety.SAFE]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_rule_is_documented(rule: Rule) -> None:
    assert re.fullmatch(r"TFG\d{3}", rule.id)
    assert rule.summary.endswith(".")
    assert len(rule.summary) < 120
    assert "## Why it matters" in rule.documentation
    assert len(blocks(rule, "Bad")) >= 1
    assert len(blocks(rule, "Good")) >= 2


def test_family_digit_is_the_folder() -> None:
    digits = {"reproducibility": "1", "device": "2", "graph": "3", "migration": "4", "theano": "5", "environment": "6"}
    for rule in RULES:
        assert rule.id[3] == digits.get(rule.family, "9"), rule.id
