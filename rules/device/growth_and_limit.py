"""Memory growth and a memory limit exclude each other on one GPU.

## Why it matters
When a limit was set first, `set_memory_growth` raises "ValueError: Cannot set memory growth on device when virtual
devices configured", only where there is a GPU. The other way round nothing is said: as soon as one GPU has a
limit, TensorFlow drops memory growth, and that GPU takes the whole limit at once. (Read in TensorFlow's
`eager/context.py`, the same in 2.6, 2.15 and 2.21, and run on 2.21 with a GPU that is made up.) In sessions of
TensorFlow 1 the two go together: `allow_growth` then grows up to `per_process_gpu_memory_fraction`.

## Bad
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    if gpus:
        tf.config.set_logical_device_configuration(
            gpus[0], [tf.config.LogicalDeviceConfiguration(memory_limit=4096)]
        )
        tf.config.experimental.set_memory_growth(gpus[0], True)
    print(tf.constant(1))

## Good
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    if gpus:
        tf.config.set_logical_device_configuration(
            gpus[0], [tf.config.LogicalDeviceConfiguration(memory_limit=4096)]
        )
    print(tf.constant(1))

## Good
    import tensorflow as tf

    for gpu in tf.config.list_physical_devices("GPU"):
        tf.config.experimental.set_memory_growth(gpu, True)
    print(tf.constant(1))

## Good
    import sys

    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    if "--limit" in sys.argv:
        limits = [tf.config.LogicalDeviceConfiguration(memory_limit=4096)]
        tf.config.set_logical_device_configuration(gpus[0], limits)
    else:
        tf.config.experimental.set_memory_growth(gpus[0], True)
    print(tf.constant(1))

## Fix safety
There is no fix: which of the two is wanted is not in the source.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tfguard.rules.device.order import happens_before
from tfguard.rules.device.physical import EVERY
from tfguard.rules.device.places import note_at, span_of, written_at
from tfguard.rules.device.record import CONTEXT, USES, events_of, record, what
from tfguard.rules.device.sessions import is_cpu_target, is_test_path

from tfguard.analysis.project import Event, Program, ProjectFacts
from tfguard.model import Finding, Severity
from tfguard.rule import Rule

rule = Rule(
    __name__,
    id="TFG204",
    severity=Severity.ERROR,
    since="0.1",
    messages=("Cannot set memory growth on device when virtual devices configured",),
    records=[record],
)


@rule.on_project
def check_project(facts: ProjectFacts, _: Sequence[Finding]) -> Iterator[Finding]:
    """The later of two settings that exclude each other, once."""
    seen: set[tuple[str, int]] = set()
    for program in facts.programs:
        for first, second in _pairs(program):
            place = (second.path, second.item.start)
            if place not in seen and second.path in facts.files:
                seen.add(place)
                yield from _report(facts, first, second)


def _pairs(program: Program) -> Iterator[tuple[Event, Event]]:
    events = events_of(program)
    started = next((number for number, event in enumerate(events) if what(event) == USES), len(events))
    settings = [event for event in events[:started] if what(event) == CONTEXT]  # later ones are refused: TFG203
    settings = [e for e in settings if e.item.payload["what"] == "limit" or e.item.payload["on"]]
    for number, second in enumerate(settings):
        for first in settings[:number]:
            if _exclude(first, second) and happens_before(first, second):
                yield first, second
                break


def _exclude(first: Event, second: Event) -> bool:
    one, other = first.item.payload, second.item.payload
    if one["what"] == other["what"] or not (one["certain"] or first.item.branch == second.item.branch):
        return False
    devices = {one["device"], other["device"]}
    return None not in devices and (len(devices) == 1 or EVERY in devices)


def _report(facts: ProjectFacts, first: Event, second: Event) -> Iterator[Finding]:
    file = facts.open(second.path)
    if is_cpu_target(file) or is_test_path(second.path) or file.target.tensorflow < (2, 0):
        return
    here, before = written_at(facts, second), written_at(facts, first)
    if second.item.payload["what"] == "growth":
        says = (
            f"`{here}` after `{before}` raises `ValueError: Cannot set memory growth on device when virtual "
            "devices configured` where there is a GPU"
        )
    else:
        says = f"`{here}` after `{before}`: with a memory limit TensorFlow drops the memory growth and says nothing"
    note = note_at(facts, first, "the other one is set here")
    yield rule.finding((file, span_of(second)), says, notes=(note,))
