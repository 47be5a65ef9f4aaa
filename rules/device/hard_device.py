"""An operation that is bound to a GPU stops a session that does not place softly, where that GPU is not there.

## Why it matters
A session of TensorFlow 1 takes `tf.device("/gpu:3")` at its word: on a machine without that GPU, or for an operation
that a GPU cannot do, it raises "InvalidArgumentError: Cannot assign a device for operation …: was explicitly assigned
to /device:GPU:3 but available devices are …". With `allow_soft_placement=True` such operations run elsewhere, and
everything else stays where it was put. TensorFlow 2 places softly by itself, and so do Keras and Estimators; sessions
do not: not those with a config of their own, nor any after `disable_v2_behavior()`. (Measured on 1.2, 1.10, 1.15, 2.6,
2.10 and 2.21.)

## Bad
    import tensorflow.compat.v1 as tf

    tf.disable_v2_behavior()

    with tf.device("/gpu:1"):
        total = tf.constant(1.0) + tf.constant(2.0)
    with tf.Session() as sess:
        print(sess.run(total))

## Good
    import tensorflow.compat.v1 as tf

    tf.disable_v2_behavior()

    with tf.device("/gpu:1"):
        total = tf.constant(1.0) + tf.constant(2.0)
    with tf.Session(config=tf.ConfigProto(allow_soft_placement=True)) as sess:
        print(sess.run(total))

## Good
    import tensorflow as tf

    with tf.device("/gpu:1"):
        total = tf.constant(1.0) + tf.constant(2.0)
    print(total)

## Good
    import tensorflow.compat.v1 as tf

    tf.disable_v2_behavior()

    with tf.device("/cpu:0"):
        total = tf.constant(1.0) + tf.constant(2.0)
    with tf.Session() as sess:
        print(sess.run(total))

## Fix safety
Safe: where every operation could be placed before, the same devices are used; where one could not, the program
stopped.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tfguard.rules.device.placement import soft_edits
from tfguard.rules.device.places import note_at, span_of, written_at
from tfguard.rules.device.record import GRAPH, HIDDEN, SESSIONS, SOFT, events_of, record, what
from tfguard.rules.device.sessions import is_test_path

from tfguard.analysis.blocks import call_at
from tfguard.analysis.project import Event, Program, ProjectFacts
from tfguard.model import Finding, Fix, Safety, Severity
from tfguard.rule import Rule

rule = Rule(
    __name__,
    id="TFG208",
    severity=Severity.WARNING,
    since="0.1",
    messages=("Cannot assign a device for operation", "was explicitly assigned to /device:GPU:"),
    records=[record],
)

_GRAPH_MODE = ("disable_v2_behavior", "disable_eager_execution")


@rule.on_project
def check_project(facts: ProjectFacts, _: Sequence[Finding]) -> Iterator[Finding]:
    """Every session that insists on the GPUs that the program's operations are bound to, once."""
    seen: set[tuple[str, int]] = set()
    for program in facts.programs:
        for placed, session in _hard(facts, program):
            place = (session.path, session.item.start)
            if place not in seen and session.path in facts.files:
                seen.add(place)
                yield from _report(facts, placed, session)


def _hard(facts: ProjectFacts, program: Program) -> list[tuple[Event, Event]]:
    """The sessions, when all of them are hard, each with the operations that are bound to a GPU by then."""
    events = events_of(program)
    sessions = [event for event in events if what(event) in SESSIONS]
    placed = [event for event in events if "gpu" in event.item.payload]
    if not sessions or not placed or any(what(event) in (SOFT, HIDDEN) for event in events):
        return []
    if any(event.item.payload.get("soft") is not False for event in sessions):
        return []
    if not _is_in_graph_mode(facts, program, events):
        sessions = [event for event in sessions if event.item.payload["has_config"]]
    return [(_bound_to(session, placed, events), session) for session in sessions]


def _bound_to(session: Event, placed: Sequence[Event], events: Sequence[Event]) -> Event:
    """What is bound to the highest GPU before the session is made, or after it where there is none before."""
    before = [event for event in placed if events.index(event) < events.index(session)]
    return max(before or placed, key=lambda event: int(event.item.payload["gpu"]))


def _is_in_graph_mode(facts: ProjectFacts, program: Program, events: Sequence[Event]) -> bool:
    """Is it TensorFlow 1, or is eager execution switched off? Else a session without a config places softly."""
    if facts.open(program.summary.path).target.tensorflow < (2, 0):
        return True
    return any(what(e) == GRAPH and (e.item.name.endswith(_GRAPH_MODE) or "old" in e.item.payload) for e in events)


def _report(facts: ProjectFacts, placed: Event, session: Event) -> Iterator[Finding]:
    file = facts.open(session.path)
    if is_test_path(session.path) or is_test_path(placed.path):
        return
    number = placed.item.payload["gpu"]
    gpu = f"GPU {number}" if number >= 0 else "the GPU"
    message = (
        f"`{written_at(facts, session)}` does not place softly: where {gpu} is missing, what is bound to it stops "
        "with `InvalidArgumentError: Cannot assign a device for operation`"
    )
    call = call_at(file, session.item.start)
    edits = soft_edits(call) if call is not None else None
    fix = Fix("Pass `allow_soft_placement=True` in the config", edits, Safety.SAFE) if edits else None
    note = note_at(facts, placed, "operations are bound to the GPU here")
    yield rule.finding((file, span_of(session)), message, fix=fix, notes=(note,))
