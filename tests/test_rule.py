"""Rules that share a recorder: it runs once a file, whichever of them are enabled."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from extra_rules import add_rules
from running import run_check, write_files
from tfguard.analysis.calls import CallSite
from tfguard.analysis.project import ProjectFacts
from tfguard.model import Finding, Severity
from tfguard.rule import Recorder, Rule, recorders_of

__all__ = ["add_rules"]

AddRules = Callable[..., None]


def family(seen: list[str]) -> tuple[Rule, Rule]:
    """Two rules that look at the same calls: one finds those of even length, the other all others."""
    recorder = Recorder("lengths")

    @recorder.on_call(mentions="measure")
    def note(call: CallSite) -> int | None:
        seen.append(call.text)
        return len(call.text) if call.written == "measure" else None

    return _rule(981, 0, recorder), _rule(982, 1, recorder)


def _rule(number: int, rest: int, recorder: Recorder) -> Rule:
    made = Rule(
        f"tests.made_up.rule_{number}", id=f"TFG{number}", severity=Severity.WARNING, since="0.1", records=[recorder]
    )

    @made.on_project
    def check(facts: ProjectFacts, own: Sequence[Finding]) -> Iterator[Finding]:
        for program in facts.programs:
            for event in program.effects(recorder.key):
                if event.item.payload % 2 == rest:
                    (call,) = [c for c in facts.open(event.path).calls if c.span.start == event.item.start]
                    yield made.finding(call, f"`{call.text}` is too long")

    return made


@pytest.mark.parametrize(
    ("select", "lines"),
    [(["TFG981"], [("TFG981", 1)]), (["TFG982"], [("TFG982", 2)]), (["TFG98"], [("TFG981", 1), ("TFG982", 2)])],
)
def test_each_rule_alone_and_both_together(
    select: list[str], lines: list[tuple[str, int]], add_rules: AddRules, tmp_path: Path
) -> None:
    seen: list[str] = []
    add_rules(*family(seen))
    write_files(tmp_path, {"a.py": "measure(1)\nmeasure(12)\n", "b.py": "nothing(1)\n"})
    assert [(f.rule, f.line) for f in run_check(tmp_path, select=select).findings] == lines
    assert seen == ["measure(1)", "measure(12)"]


def test_words_of_a_shared_recorder_are_words_of_the_rule() -> None:
    rules = family([])
    assert all(rule.words == {"measure"} for rule in rules)
    assert [recorder.key for recorder in recorders_of(rules)] == ["TFG981", "lengths", "TFG982"]


def test_suppression_names_one_of_them(add_rules: AddRules, tmp_path: Path) -> None:
    add_rules(*family([]))
    write_files(tmp_path, {"a.py": "measure(1)  # tfguard: ignore[TFG981] -- known\nmeasure(12)\n"})
    report = run_check(tmp_path, select=["TFG98"], severity={"TFG982": "error"})
    assert [(f.rule, f.severity) for f in report.findings] == [("TFG982", Severity.ERROR)]
    assert report.suppressed == 1


def test_what_several_rules_ask_is_made_once() -> None:
    facts = ProjectFacts([], lambda path: pytest.fail(path))
    made: list[int] = []

    def make() -> int:
        made.append(1)
        return len(made)

    assert (facts.once("a", make), facts.once("a", make), facts.once("b", make)) == (1, 1, 2)
