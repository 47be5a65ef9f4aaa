"""A seed that is set after the draw, or for a graph that is not the one that runs, has no effect.

## Why it matters
The seed is there, everyone trusts it, and every run differs. A generator that has been drawn from does not go back: a
seed behind the model's construction comes when the weights are drawn. In graphs (TF 1, and `tf.compat.v1` later) the
seed belongs to the default graph of the moment, and an operation takes it when it is made. So it is lost when it is set
after the operations, when `tf.reset_default_graph()` or Keras' `clear_session()` begins a new graph behind it, and when
`with tf.Graph().as_default():` builds in a graph of its own.

## Bad
    import tensorflow as tf

    model = tf.keras.Sequential([tf.keras.Input((2,)), tf.keras.layers.Dense(1)])
    tf.keras.utils.set_random_seed(7)
    print(model(tf.ones((1, 2))))

## Good
    import tensorflow as tf

    tf.keras.utils.set_random_seed(7)
    model = tf.keras.Sequential([tf.keras.Input((2,)), tf.keras.layers.Dense(1)])
    print(model(tf.ones((1, 2))))

## Bad
    import tensorflow.compat.v1 as tf

    tf.disable_eager_execution()
    tf.set_random_seed(7)
    tf.reset_default_graph()
    x = tf.random_normal([2])
    with tf.Session() as sess:
        print(sess.run(x))

## Good
    import tensorflow.compat.v1 as tf

    tf.disable_eager_execution()
    tf.reset_default_graph()
    tf.set_random_seed(7)
    x = tf.random_normal([2])
    with tf.Session() as sess:
        print(sess.run(x))

## Good
    import tensorflow as tf

    tf.random.set_seed(7)
    tf.keras.backend.clear_session()
    print(tf.random.normal([2]))

## Fix safety
Safe: the seed is set where it has an effect too, with the same value; what was the same in every run still is, and what
was not now is. Unsafe where the program draws while its file is imported and other files of the project import it too:
the seed would then act on them as well.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tfguard.rules.reproducibility.courses import Verdict
from tfguard.rules.reproducibility.generators import recorder
from tfguard.rules.reproducibility.runs import Draw
from tfguard.rules.reproducibility.seed_findings import Report, seed_findings

from tfguard.analysis.project import ProjectFacts
from tfguard.model import Finding, Severity
from tfguard.rule import Rule

rule = Rule(__name__, id="TFG103", severity=Severity.WARNING, since="0.1", records=[recorder])


@rule.on_project
def check(facts: ProjectFacts, own: Sequence[Finding]) -> Iterator[Finding]:
    """One finding a program that sets a seed in vain, at that seed."""
    yield from seed_findings(rule, facts, Verdict.LATE, message_of)


def message_of(report: Report, draw: Draw, is_there: bool) -> str:
    """Why the seed has no effect."""
    loss = report.course.losses[0]
    return f"{report.why_lost(loss.seeding, loss.draw, loss.cause)}, so every run differs"
