"""Which of two things that a program does surely comes before the other (no rule)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from tfguard.analysis.project import Event, Program, ProjectFacts
from tfguard.analysis.scopes import is_exclusive
from tfguard.analysis.summary import METHOD


def surely_before(first: Event, second: Event) -> bool:
    """Has the first, which comes earlier in the program, happened whenever the second does?"""
    shared = 0
    while shared < min(len(first.chain), len(second.chain)) and first.chain[shared] == second.chain[shared]:
        shared += 1
    if shared == len(first.trail) or shared == len(second.trail) or first.chain[shared][0] != second.chain[shared][0]:
        return False
    if any(item.kind == METHOD and not item.payload for item in first.trail[shared:-1]):
        return False
    here, there = first.trail[shared].branch, second.trail[shared].branch
    return here == there[: len(here)] and not any(item.branch for item in first.trail[shared + 1 :])


def may_both_happen(first: Event, second: Event) -> bool:
    """Is there no branch that one takes and the other does not, as far as their ways are the same?"""
    for here, there, place, other in zip(first.trail, second.trail, first.chain, second.chain, strict=False):
        if place[0] == other[0] and is_exclusive(here.branch, there.branch):
            return False
        if place != other:
            break
    return True


def happens_before(first: Event, second: Event) -> bool:
    """Has the first happened when the second does, if the first's own place is reached for sure where its body runs?"""
    own = replace(first.item, branch=())
    certain = replace(first, item=own, trail=(*first.trail[:-1], own))
    return may_both_happen(first, second) and surely_before(certain, second)


def late_in_programs(
    facts: ProjectFacts, late_of: Callable[[Program], Iterable[tuple[Event, Event]]]
) -> Iterator[tuple[Program, Event, Event]]:
    """What comes too late in each program, and what came before it; a place of the project once."""
    seen: set[tuple[str, int]] = set()
    for program in facts.programs:
        for start, late in late_of(program):
            place = (late.path, late.item.start)
            if place not in seen and late.path in facts.files:
                seen.add(place)
                yield program, start, late
