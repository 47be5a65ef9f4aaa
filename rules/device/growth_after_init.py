"""Memory growth, limits and visible GPUs cannot be set once TensorFlow has started the GPU.

TensorFlow 2 makes its devices at the first thing that needs one: an operation, a variable, a model that knows its
inputs, a strategy, `tf.config.list_logical_devices()`. What is set up after that is refused.

## Why it matters
The call raises "RuntimeError: Physical devices cannot be modified after being initialized" (for limits "Virtual
devices cannot be modified after being initialized", for visible GPUs "Visible devices cannot be modified after being
initialized"), but only where there is a GPU: without one the loop has nothing to do, and the error shows first on the
server. In a `try` that prints the error, training goes on and takes all the memory. `tf.test.is_gpu_available()`,
`tf.test.gpu_device_name()` and `device_lib.list_local_devices()` are worse: they make every GPU and take its memory
without a word, and growth that is set later raises nothing and has no effect.

## Bad
    import tensorflow as tf

    x = tf.constant([[1.0, 2.0]])

    for gpu in tf.config.list_physical_devices("GPU"):
        tf.config.experimental.set_memory_growth(gpu, True)

    print(tf.matmul(x, x, transpose_b=True))

## Good
    import tensorflow as tf

    for gpu in tf.config.list_physical_devices("GPU"):
        tf.config.experimental.set_memory_growth(gpu, True)

    x = tf.constant([[1.0, 2.0]])

    print(tf.matmul(x, x, transpose_b=True))

## Good
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    if gpus:
        try:
            tf.config.set_visible_devices(gpus[0], "GPU")
            print(len(gpus), "GPUs,", len(tf.config.list_logical_devices("GPU")), "in use")
        except RuntimeError as error:
            print(error)

## Good
    import tensorflow as tf

    tf.random.set_seed(1)
    tf.config.set_visible_devices([], "GPU")
    print(tf.constant(1))

## Fix safety
Safe: the lines are moved above the first use only where they stand in the same body, read nothing but imports,
parameters and what they bind themselves, and call nothing but `tf.config`. Elsewhere there is no fix.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tfguard.rules.device.moves import move_above
from tfguard.rules.device.order import late_in_programs, may_both_happen, surely_before
from tfguard.rules.device.places import note_at, span_of, written_at
from tfguard.rules.device.record import (
    CONTEXT,
    DECIDED,
    GRAPH,
    HIDDEN,
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

rule = Rule(
    __name__,
    id="TFG203",
    severity=Severity.ERROR,
    since="0.1",
    messages=(
        "Physical devices cannot be modified after being initialized",
        "Virtual devices cannot be modified after being initialized",
        "Visible devices cannot be modified after being initialized",
    ),
    records=[record],
)

_ERRORS = {"growth": "Physical", "limit": "Virtual", "visible": "Visible"}


@rule.on_project
def check_project(facts: ProjectFacts, _: Sequence[Finding]) -> Iterator[Finding]:
    """Every setting that comes after something that surely started the GPU, once."""
    for program, start, late in late_in_programs(facts, _late_settings):
        yield from _report(facts, program, start, late)


def _late_settings(program: Program) -> Iterator[tuple[Event, Event]]:
    events = events_of(program)
    kinds = {what(event) for event in events}
    if GRAPH in kinds:
        return
    if DECIDED in kinds:  # then what lists the devices takes no more than it needs
        events = [event for event in events if not makes_devices(event)]
    for number, late in enumerate(events):
        if what(late) not in (CONTEXT, HIDDEN, VISIBLE) or late.item.payload.get("what") not in _ERRORS:
            continue
        start = next((event for event in events[:number] if _starts(event, late)), None)
        if start is not None and not _is_repeated(events[: events.index(start)], late):
            yield start, late


def _starts(event: Event, late: Event) -> bool:
    """Has the event surely started the GPU when the setting comes?"""
    if makes_devices(event):
        return late.item.payload["what"] != "visible" and bool(surely_before(event, late))
    return what(event) == USES and bool(surely_before(event, late))


def _is_repeated(earlier: Sequence[Event], late: Event) -> bool:
    """Was the same set before the start? Then setting it again changes nothing and is not refused."""
    wanted = late.item.payload["what"]
    return any(event.item.payload.get("what") == wanted and may_both_happen(event, late) for event in earlier)


def _report(facts: ProjectFacts, program: Program, start: Event, late: Event) -> Iterator[Finding]:
    file = facts.open(late.path)
    if is_cpu_target(file) or is_test_path(late.path) or file.target.tensorflow < (2, 0):
        return
    span, written, started = span_of(late), written_at(facts, late), written_at(facts, start)
    if not makes_devices(start):
        kind = _ERRORS[late.item.payload["what"]]
        says = f"raises `RuntimeError: {kind} devices cannot be modified after being initialized` where there is a GPU"
        message = f"`{written}` comes after `{started}`, which has started TensorFlow: it {says}"
    else:
        message = f"`{written}` comes after `{started}`, which has taken the memory of every GPU: it has no effect"
    note = note_at(facts, start, "TensorFlow is started here")
    yield rule.finding((file, span), message, fix=_fix(facts, program, start, late), notes=(note,))


def _fix(facts: ProjectFacts, program: Program, start: Event, late: Event) -> Fix | None:
    edits = move_above(facts, program, late, start)
    return Fix("Move it above what starts TensorFlow", edits, Safety.SAFE) if edits is not None else None
