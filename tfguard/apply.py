"""Which fixes are applied together, and the text after them. Pure functions; `write_atomically` writes it."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Sequence

from tfguard.atomic import write_atomically
from tfguard.model import Edit, Finding, Safety, Span
from tfguard.source import SourceFile

__all__ = ["apply", "choose_fixes", "write_atomically"]


def choose_fixes(
    findings: Iterable[Finding], *, unsafe: bool = False, is_refused: Callable[[Finding], bool] = lambda _: False
) -> tuple[Finding, ...]:
    """The findings of one file whose fixes can be applied in one pass, in order of place and rule.

    Only fixes of the lowest phase are taken. A fix is taken whole or waits for the next pass; edits that several
    fixes share (the same import) are made once.
    """
    grades = (Safety.SAFE, Safety.UNSAFE) if unsafe else (Safety.SAFE,)
    wanted = [f for f in findings if f.fix is not None and f.fix.safety in grades and not is_refused(f)]
    phase = min((f.fix.phase for f in wanted if f.fix is not None), default=0)
    taken: list[Edit] = []
    chosen: list[Finding] = []
    for finding in sorted(wanted, key=_order):
        if finding.fix is None or finding.fix.phase != phase:
            continue
        if all(_fits(edit, taken) for edit in finding.fix.edits):
            chosen.append(finding)
            for edit in finding.fix.edits:
                if edit not in taken:
                    insort(taken, edit)
    return tuple(chosen)


def apply(source: SourceFile, findings: Sequence[Finding]) -> SourceFile:
    """The file after the fixes of chosen findings; raises GateError where the text cannot be written so."""
    return source.with_edits(merge_edits(findings))


def merge_edits(findings: Iterable[Finding]) -> list[Edit]:
    """All edits of the fixes, each once, in order."""
    return sorted({edit for finding in findings if finding.fix is not None for edit in finding.fix.edits})


def _order(finding: Finding) -> tuple[Span, str, Edit, str, int]:
    """By place and rule; what the names in a file are spelled like has no say in which of two fixes comes first."""
    assert finding.fix is not None
    first = finding.fix.edits[0]
    return first.span, finding.rule, first, finding.message, finding.span.start


def _fits(edit: Edit, taken: Sequence[Edit]) -> bool:
    """Is the edit among the sorted, disjoint edits already, or clear of them all? Touching is not clear."""
    at = bisect_left(taken, edit)
    if at < len(taken) and taken[at] == edit:
        return True
    before = taken[at - 1].span.end if at else -1
    after = taken[at].span.start if at < len(taken) else edit.span.end + 1
    return before < edit.span.start and edit.span.end < after
