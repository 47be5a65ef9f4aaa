"""Op determinism is asked for in a program of sessions or graphs, for which TensorFlow does not guarantee it.

## Why it matters
The documentation of `tf.config.experimental.enable_op_determinism` says: "Do not use `tf.compat.v1.Session` and
`tf.distribute.experimental.ParameterServerStrategy`, which can introduce nondeterminism. [...] determinism cannot be
guaranteed when using the TF1 API." Operations of one `run` that do not depend on each other start in any order: with
the call, two updates of one variable in a `run` of 2.21 came out one way 102 times of 300 and another way 198 times.

## Bad
    import tensorflow as tf

    tf.compat.v1.disable_eager_execution()
    tf.compat.v1.set_random_seed(1)
    tf.config.experimental.enable_op_determinism()
    with tf.compat.v1.Session() as session:
        print(session.run(tf.ones([2])))

## Good
    import tensorflow as tf

    tf.keras.utils.set_random_seed(1)
    tf.config.experimental.enable_op_determinism()
    print(tf.ones([2]))

## Good
    import tensorflow.compat.v1 as tf

    tf.disable_v2_behavior()
    tf.set_random_seed(1)
    with tf.Session() as session:
        print(session.run(tf.ones([2])))
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tfguard.rules.reproducibility import determinism
from tfguard.rules.reproducibility.determinism import GRAPH, SESSION, STRATEGY, call_of, written

from tfguard.analysis.project import Event, Program, ProjectFacts
from tfguard.model import Finding, Note, Severity
from tfguard.rule import Rule

rule = Rule(__name__, id="TFG114", severity=Severity.WARNING, since="0.1", records=[determinism.recorder])

_REMEDY = Note("run the operations eagerly or in a `tf.function`, or do not rely on op determinism here")


@rule.on_project
def check(facts: ProjectFacts, own: Sequence[Finding]) -> Iterator[Finding]:
    """Every call that asks for op determinism in a program that is excluded from it."""
    seen: set[tuple[str, int]] = set()
    for program in facts.programs:
        excluded = _excluded(program)
        asks = determinism.asks_of(facts, program) if excluded is not None else ()
        for ask in asks:
            if excluded is not None and ask.item.payload[1] == "call" and (ask.path, ask.item.start) not in seen:
                seen.add((ask.path, ask.item.start))
                yield from _finding(facts, ask, excluded)


def _excluded(program: Program) -> Event | None:
    """What surely takes the program out of the guarantee: a session first, else a strategy, else graph mode."""
    for kind in (SESSION, STRATEGY, GRAPH):
        sure = (event for event in determinism.events_of(program, kind) if not event.is_conditional)
        found: Event | None = next(sure, None)
        if found is not None:
            return found
    return None


def _finding(facts: ProjectFacts, ask: Event, excluded: Event) -> Iterator[Finding]:
    call = call_of(facts, ask)
    if call is None:
        return
    other = written(facts, excluded)
    line, column = facts.open(excluded.path).source.position(excluded.item.start)
    yield rule.finding(
        call,
        f"`{call.written}` guarantees nothing in this program: `{other}` is excluded from op determinism",
        notes=[Note(f"`{other}` is here", excluded.path, line, column), _REMEDY],
    )
