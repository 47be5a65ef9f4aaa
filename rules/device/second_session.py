"""Only the first session of a process decides how much GPU memory is taken; what a later one asks for has no effect.

TensorFlow makes the memory pool of a GPU once, with the options of whoever starts the GPU first: a session, Keras'
own session, or a call that lists the devices by making them. Later ones share the pool.

## Why it matters
`allow_growth` or a fraction in the config of the second session looks right, and the process takes nearly all the
memory all the same. Typical first ones: a bare session that only restores or converts something,
`device_lib.list_local_devices()` or `tf.test.is_gpu_available()` at the top, a Keras model that is used before
`K.set_session(…)`. (Read in TensorFlow's sources, `GPUProcessState`; no message tells it.)

## Bad
    import tensorflow.compat.v1 as tf

    tf.disable_v2_behavior()

    with tf.Session() as sess:
        print(sess.run(tf.constant(1)))

    config = tf.ConfigProto()
    config.gpu_options.allow_growth = True
    with tf.Session(config=config) as sess:
        print(sess.run(tf.constant(2)))

## Good
    import tensorflow.compat.v1 as tf

    tf.disable_v2_behavior()

    config = tf.ConfigProto()
    config.gpu_options.allow_growth = True
    with tf.Session(config=config) as sess:
        print(sess.run(tf.constant(1)))

    with tf.Session(config=config) as sess:
        print(sess.run(tf.constant(2)))

## Good
    import tensorflow.compat.v1 as tf

    tf.disable_v2_behavior()

    config = tf.ConfigProto()
    config.gpu_options.allow_growth = True
    with tf.Session(config=config) as sess:
        print(sess.run(tf.constant(1)))

    with tf.Session() as sess:
        print(sess.run(tf.constant(2)))

## Fix safety
There is no fix here: TFG201 bounds the first session, and then this finding is gone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tfguard.rules.device.order import may_both_happen, surely_before
from tfguard.rules.device.places import note_at, span_of, written_at
from tfguard.rules.device.record import (
    BARE,
    CONFIGURED,
    CONTEXT,
    DECIDED,
    ELSEWHERE,
    HIDDEN,
    LISTED,
    STARTED,
    USES,
    events_of,
    makes_devices,
    record,
    what,
)

from tfguard.analysis.project import Event, Program, ProjectFacts
from tfguard.model import Finding, Severity
from tfguard.rule import Rule

rule = Rule(
    __name__,
    id="TFG205",
    severity=Severity.WARNING,
    since="0.1",
    messages=("CUDA_ERROR_OUT_OF_MEMORY",),
    records=[record],
)

#: A program with one of these bounds its memory in another way, or works elsewhere.
_OTHERWISE = frozenset({CONTEXT, DECIDED, HIDDEN, ELSEWHERE})


@rule.on_project
def check_project(facts: ProjectFacts, _: Sequence[Finding]) -> Iterator[Finding]:
    """The first session that asks for bounded memory after something has taken it all."""
    seen: set[tuple[str, int]] = set()
    for program in facts.programs:
        found = _late_session(facts, program)
        if found is not None and (found[1].path, found[1].item.start) not in seen:
            first, second = found
            seen.add((second.path, second.item.start))
            yield _report(facts, first, second)


def _late_session(facts: ProjectFacts, program: Program) -> tuple[Event, Event] | None:
    events = events_of(program)
    if any(what(event) in _OTHERWISE for event in events):
        return None
    for number, second in enumerate(events):
        if what(second) != STARTED or not (second.item.payload["bounded"] and second.item.payload["has_config"]):
            continue
        if any(what(event) == STARTED and may_both_happen(event, second) for event in events[:number]):
            continue
        first = next((e for e in events[:number] if _takes_all(e) and surely_before(e, second)), None)
        if first is not None and second.path in facts.files:
            return first, second
    return None


def _takes_all(event: Event) -> bool:
    """Does it start every GPU without a bound?"""
    if what(event) in (BARE, CONFIGURED):
        return bool(event.item.payload["starts"])
    if makes_devices(event) or what(event) == LISTED:
        return True
    return what(event) == USES and bool(event.item.payload.get("keras"))


def _report(facts: ProjectFacts, first: Event, second: Event) -> Finding:
    file = facts.open(second.path)
    here, before = written_at(facts, second), written_at(facts, first)
    message = (
        f"the config of `{here}` cannot bound the GPU memory: `{before}` comes first in this process and has "
        "taken nearly all of it"
    )
    return rule.finding((file, span_of(second)), message, notes=(note_at(facts, first, "the GPU is started here"),))
