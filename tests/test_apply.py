"""Which fixes go together: whole or not at all, shared edits once, overlaps wait, lower phases first."""

from hypothesis import given, settings
from hypothesis import strategies as st

from tfguard.apply import apply, choose_fixes, merge_edits
from tfguard.model import Edit, Finding, Fix, Safety, Severity, Span
from tfguard.source import decode


def finding(
    *edits: tuple[int, int, str], rule: str = "TFG101", safety: Safety = Safety.SAFE, phase: int = 1
) -> Finding:
    fix = Fix("mend", tuple(Edit(Span(start, end), text) for start, end, text in edits), safety, phase)
    return Finding(rule, "a-rule", Severity.WARNING, "a.py", Span(0, 0), 1, 1, 1, 1, str(edits), fix)


def after(text: str, *findings: Finding, unsafe: bool = False) -> str:
    return apply(decode("a.py", text.encode()), choose_fixes(findings, unsafe=unsafe)).text


def test_disjoint_fixes_go_together_whatever_their_order() -> None:
    one, two = finding((0, 1, "x")), finding((2, 3, "z"))
    assert after("a b c", one, two) == after("a b c", two, one) == "x z c"


def test_shared_edits_are_made_once() -> None:
    one = finding((0, 0, "import os\n"), (2, 3, "x"))
    two = finding((0, 0, "import os\n"), (4, 5, "y"))
    assert after("a b c", one, two) == "import os\na x y"


def test_a_fix_is_taken_whole_or_waits() -> None:
    one = finding((2, 3, "x"))
    two = finding((2, 3, "y"), (4, 5, "z"), rule="TFG102")
    assert choose_fixes([two, one]) == (one,)
    assert after("a b c", one, two) == "a x c"


def test_overlapping_nested_and_touching_edits_wait() -> None:
    wide = finding((0, 5, "w"))
    for other in (
        finding((1, 2, "")),
        finding((4, 7, "")),
        finding((5, 6, "")),
        finding((3, 3, "i")),
        finding((5, 5, "i")),
    ):
        assert choose_fixes([other, wide]) == (wide,)
    assert choose_fixes([wide, finding((6, 7, ""))]) == (wide, finding((6, 7, "")))


def test_two_insertions_at_one_place_do_not_race() -> None:
    one, two = finding((3, 3, "a")), finding((3, 3, "b"))
    assert choose_fixes([two, one]) == choose_fixes([one, two]) == (one,)


def test_grades() -> None:
    safe, unsafe, manual = (finding((n, n, "x"), safety=grade) for n, grade in zip((0, 2, 4), Safety, strict=True))
    assert choose_fixes([safe, unsafe, manual]) == (safe,)
    assert choose_fixes([safe, unsafe, manual], unsafe=True) == (safe, unsafe)


def test_the_lowest_phase_goes_first() -> None:
    early, late = finding((4, 5, "x"), phase=0), finding((0, 1, "x"), phase=2)
    assert choose_fixes([late, early]) == (early,)
    assert choose_fixes([late]) == (late,)
    assert choose_fixes([late, finding((4, 5, "x"), phase=0, safety=Safety.UNSAFE)]) == (late,)
    assert choose_fixes([late, early], is_refused=lambda f: f is early) == (late,)


def test_findings_without_a_fix_are_nothing_to_apply() -> None:
    bare = Finding("TFG101", "a-rule", Severity.WARNING, "a.py", Span(0, 0), 1, 1, 1, 1, "m")
    assert choose_fixes([bare]) == ()
    assert merge_edits([bare]) == []


@st.composite
def _fixes(draw: st.DrawFn) -> Finding:
    cuts = sorted(draw(st.sets(st.integers(0, 20), min_size=2, max_size=6)))
    pairs = list(zip(cuts[::2], cuts[1::2], strict=False))
    edits = [
        (start, end if draw(st.booleans()) else start, draw(st.sampled_from(["", "x", "yy"]))) for start, end in pairs
    ]
    return finding(*edits, rule=draw(st.sampled_from(["TFG101", "TFG102"])), phase=draw(st.integers(0, 1)))


@settings(max_examples=300, deadline=None)
@given(st.lists(_fixes(), max_size=8), st.randoms(use_true_random=False))
def test_the_choice_is_applicable_and_does_not_depend_on_order(findings: list[Finding], random: object) -> None:
    chosen = choose_fixes(findings)
    shuffled = list(findings)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert merge_edits(choose_fixes(shuffled)) == merge_edits(chosen)
    text = "abcdefghijklmnopqrstuvwxyz"
    edits = merge_edits(chosen)
    kept, position = "", 0
    for edit in edits:
        assert edit.span.start >= position
        kept += text[position : edit.span.start]
        position = edit.span.end
    assert len(after(text, *findings)) == len(kept + text[position:]) + sum(len(edit.text) for edit in edits)
    if findings:
        assert chosen
