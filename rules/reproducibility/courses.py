"""The courses of the programs that train, and which of the rules TFG101 to TFG103 each is for."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from functools import partial

from tfguard.rules.reproducibility import determinism
from tfguard.rules.reproducibility.determinism import is_asked
from tfguard.rules.reproducibility.generators import recorder
from tfguard.rules.reproducibility.runs import EAGER, Course, Draw, follow

from tfguard.analysis.project import Event, Program, ProjectFacts

_TEST_FOLDERS = frozenset({"test", "tests", "testing"})


class Verdict(enum.Enum):
    """What is wrong with the seeds of a program that draws without one."""

    #: Nothing is seeded at all.
    UNSEEDED = "unseeded"
    #: Something is seeded, and none of the generators that are drawn from without a seed.
    INSUFFICIENT = "insufficient"
    #: A generator that is drawn from without a seed is seeded all the same: too late, or in vain.
    LATE = "late"
    #: Op determinism is on, and a random operation without a seed ends the program (TFG113).
    RAISES = "raises"


def verdict_on(course: Course) -> Verdict:
    """Which rule is to speak of a program."""
    if course.raising is not None:
        return Verdict.RAISES
    if course.losses:
        return Verdict.LATE
    return Verdict.INSUFFICIENT if course.seedings else Verdict.UNSEEDED


def courses(facts: ProjectFacts, verdict: Verdict) -> Iterator[tuple[Program, Course]]:
    """The programs that draw without a seed and get this verdict; they are followed once for all three rules."""
    for program in facts.programs:
        course: Course | None = facts.once(("course", program), partial(_course, facts, program))
        if course is not None and verdict_on(course) is verdict:
            yield program, course


def _course(facts: ProjectFacts, program: Program) -> Course | None:
    """The course of a program that trains and surely draws something without a seed."""
    if not is_training(facts, program):
        return None
    course = follow(facts, program, recorder.key, facts.open(program.summary.path).target)
    course.raising = _raising(program, course)
    return course if course.sure else None


def _raising(program: Program, course: Course) -> Draw | None:
    """The draw that ends the program because op determinism is on by then, where TFG113 has noted that."""
    asked: list[Event] = []
    draws = {draw.position: draw for draw in course.draws if draw.key == EAGER and draw.is_sure}
    position = -1
    for event in program.events:
        if event.item.rule == determinism.raising.key:
            asked = [*asked, event] if event.item.payload[0] == determinism.ASKS else []
        position += event.item.rule == recorder.key
        if event.item.rule == recorder.key and position in draws and is_asked(asked, course.versions.tensorflow):
            return draws[position]
    return None


def is_training(facts: ProjectFacts, program: Program) -> bool:
    """Does the program load a library that trains, and is it no test?"""
    if _TEST_FOLDERS & set(program.summary.path.split("/")[:-1]) or not program.effects(recorder.key):
        return False
    bases = [base for cls in program.summary.classes.values() for base in cls.bases]
    if any(base.rsplit(".", 1)[-1] == "TestCase" for base in bases):
        return False
    return any(recorder.key in facts.files[path].facts for path in program.files if path in facts.files)
