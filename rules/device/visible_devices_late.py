"""`CUDA_VISIBLE_DEVICES` is read when the GPU is first looked at; set after that it has no effect.

CUDA reads the variable once in a process, when something first asks it for its devices: an operation or a session,
but also `tf.config.list_physical_devices`, `tf.test.is_gpu_available` or `device_lib.list_local_devices`. Importing
TensorFlow does not.

## Why it matters
The program runs on the GPU that it should not touch, or on all of them, and takes their memory; nothing is printed.
The same holds for `CUDA_DEVICE_ORDER`. (When CUDA reads them is documented by NVIDIA; what of TensorFlow asks it was
read in the sources.)

## Bad
    import os

    import tensorflow as tf

    print(tf.config.list_physical_devices("GPU"))
    os.environ["CUDA_VISIBLE_DEVICES"] = "1"
    print(tf.constant(1).device)

## Good
    import os

    import tensorflow as tf

    os.environ["CUDA_VISIBLE_DEVICES"] = "1"
    print(tf.config.list_physical_devices("GPU"))
    print(tf.constant(1).device)

## Good
    import os
    import subprocess
    import sys

    import tensorflow as tf

    for number in range(len(tf.config.list_physical_devices("GPU"))):
        os.environ["CUDA_VISIBLE_DEVICES"] = str(number)
        subprocess.run([sys.executable, "train.py"], check=True)

## Fix safety
Safe: the line is moved above what asks for the GPUs first, only where both stand in the same body and the line reads
nothing but imports and parameters.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tfguard.rules.device.moves import move_above
from tfguard.rules.device.order import late_in_programs, surely_before
from tfguard.rules.device.places import note_at, span_of, written_at
from tfguard.rules.device.record import (
    BARE,
    CONFIGURED,
    GRAPH,
    HIDDEN,
    LAUNCHED,
    LISTED,
    LOOKED,
    SESSIONS,
    STARTED,
    USES,
    VISIBLE,
    events_of,
    makes_devices,
    record,
    what,
)
from tfguard.rules.device.sessions import is_cpu_target, is_test_path

from tfguard.analysis.project import Event, Program, ProjectFacts
from tfguard.model import Finding, Fix, Safety, Severity
from tfguard.rule import Rule

rule = Rule(__name__, id="TFG206", severity=Severity.ERROR, since="0.1", records=[record])

_STARTERS = frozenset({BARE, CONFIGURED, STARTED, LISTED, LOOKED, USES})


@rule.on_project
def check_project(facts: ProjectFacts, _: Sequence[Finding]) -> Iterator[Finding]:
    """Every variable that is set after something has surely asked for the GPUs, once."""
    for program, start, late in late_in_programs(facts, _late_variables):
        yield from _report(facts, program, start, late)


def _late_variables(program: Program) -> Iterator[tuple[Event, Event]]:
    events = events_of(program)
    if any(what(event) == LAUNCHED for event in events):
        return
    of_graphs = any(what(event) == GRAPH or what(event) in SESSIONS for event in events)
    for number, late in enumerate(events):
        if what(late) not in (HIDDEN, VISIBLE) or "variable" not in late.item.payload:
            continue
        starts = (event for event in events[:number] if _asks(event, of_graphs) and surely_before(event, late))
        start = next(starts, None)
        if start is not None and not _is_set_before(events[: events.index(start)], late):
            yield start, late


def _asks(event: Event, of_graphs: bool) -> bool:
    """Does it ask CUDA for its devices?"""
    if what(event) not in _STARTERS or not event.item.payload.get("starts", True):
        return False
    if what(event) != USES or makes_devices(event):
        return True
    return not of_graphs or bool(event.item.payload.get("keras"))


def _is_set_before(earlier: Sequence[Event], late: Event) -> bool:
    """Was the variable set before too? Then the first value may be the one that is meant."""
    wanted = late.item.payload["variable"]
    return any(event.item.payload.get("variable") == wanted for event in earlier)


def _report(facts: ProjectFacts, program: Program, start: Event, late: Event) -> Iterator[Finding]:
    file = facts.open(late.path)
    if is_cpu_target(file) or is_test_path(late.path):
        return
    message = (
        f"`{late.item.payload['variable']}` is set after `{written_at(facts, start)}`, which has asked for the GPUs: "
        "it has no effect any more"
    )
    note = note_at(facts, start, "the GPUs are asked for here")
    yield rule.finding((file, span_of(late)), message, fix=_fix(facts, program, start, late), notes=(note,))


def _fix(facts: ProjectFacts, program: Program, start: Event, late: Event) -> Fix | None:
    edits = move_above(facts, program, late, start, more=_STARTERS)
    return Fix("Move it above what asks for the GPUs", edits, Safety.SAFE) if edits is not None else None
