"""Reports made by hand: reporters read values only, so no engine is needed to test them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from tfguard.model import (
    Edit,
    FileChange,
    FileReport,
    Finding,
    Fix,
    Note,
    Problem,
    RunReport,
    Safety,
    Severity,
    Span,
)
from tfguard.report.options import ReportOptions, RuleDescription

MakeFinding = Callable[..., Finding]

_SHUFFLE = Finding(
    rule="TFG104",
    name="unseeded-shuffle",
    severity=Severity.WARNING,
    path="train.py",
    span=Span(40, 56),
    line=3,
    column=6,
    end_line=3,
    end_column=22,
    message="`ds.shuffle(1000)` has no seed, so its order differs on every run",
    fix=Fix("Pass `seed=42`", (Edit(Span(55, 55), ", seed=42"),), Safety.SAFE),
    notes=(Note("the program starts here", "main.py", 7, 1), Note("Keras shuffles too")),
)
_REMOVED = replace(
    _SHUFFLE,
    rule="TFG401",
    name="removed-api",
    severity=Severity.ERROR,
    path="old/net.py",
    span=Span(0, 10),
    line=1,
    column=1,
    end_line=2,
    end_column=5,
    message="`tf.foo | tf.bar` does not exist in TensorFlow 2.21",
    fix=Fix("Use `tf.compat.v1.foo`", (Edit(Span(3, 6), "compat.v1.foo"),), Safety.UNSAFE),
    notes=(),
)


@pytest.fixture
def make_finding() -> MakeFinding:
    """A finding like the sample, with the given fields changed."""
    return lambda **fields: replace(_SHUFFLE, **fields)


@pytest.fixture
def report() -> RunReport:
    """Two files with a finding each, one file that cannot be read."""
    train = FileReport(
        "train.py",
        (_SHUFFLE,),
        names_seen=5,
        names_undecided=1,
        source_lines=((3, "ds = ds.shuffle(1000)"),),
        positions=((55, 3, 21),),
    )
    old = FileReport("old/net.py", (_REMOVED,), names_seen=7, source_lines=((1, "tf.foo(\\"),))
    problem = Problem("bad.py", "byte 0xff is not UTF-8", "declare the encoding in the first line", 4, 2)
    broken = FileReport("bad.py", problems=(problem,))
    return RunReport(
        files=(broken, old, train),
        files_checked=12,
        target="TensorFlow 2.21, Keras 3.15",
        suppressed=2,
        baselined=1,
    )


@pytest.fixture
def clean_report() -> RunReport:
    """Nothing found anywhere."""
    return RunReport(files=(FileReport("a.py", names_seen=1),), files_checked=1)


@pytest.fixture
def fix_report(report: RunReport) -> RunReport:
    """A run that fixed one file of the sample."""
    change = FileChange(
        "train.py",
        "a = 1\n",
        "a = 2\n",
        applied=(_SHUFFLE,),
        refused=(Note("TFG401: the result does not parse", "train.py", 9),),
        written=True,
    )
    return replace(report, changes=(change,), fixed=1)


@pytest.fixture
def options() -> ReportOptions:
    """What the command line would pass."""
    rules = (
        RuleDescription("TFG401", "removed-api", "migration", Severity.ERROR, "A removed name.", "A removed name.\n"),
        RuleDescription("TFG104", "unseeded-shuffle", "reproducibility", Severity.WARNING, "No seed.", "No seed.\n"),
    )
    return ReportOptions(version="0.1.0", rules=rules, arguments=("src",))
