"""Dropout and batch normalisation of Keras in a session do as if they were not trained, until they are told.

A Keras layer that does something else in training asks `K.learning_phase()`, a placeholder. `model.fit` feeds it; a
program that trains with an optimizer of TensorFlow in a session of its own must feed it too, or pass `training=True`.

## Why it matters
Up to Keras 2.0 the session raises "You must feed a value for placeholder tensor 'keras_learning_phase' with dtype
bool". Since then (measured on Keras 2.1.6 and 2.3.1, and on tf.keras of TensorFlow 1.10 and 1.15) the placeholder is
False unless fed, and nothing fails: dropout drops nothing while the model is trained, and batch normalisation uses its
moving averages instead of the batch's.

Nothing is said where the program names `learning_phase` anywhere, or where the layer is called with `training=`.

## Bad
    import tensorflow.compat.v1 as tf
    from tensorflow.keras.layers import Dense, Dropout

    tf.disable_v2_behavior()
    x = tf.placeholder(tf.float32, [None, 3])
    y = tf.placeholder(tf.float32, [None, 1])
    hidden = Dropout(0.5)(x)
    loss = tf.reduce_mean(tf.square(Dense(1)(hidden) - y))
    train = tf.train.GradientDescentOptimizer(0.1).minimize(loss)

## Good
    import tensorflow.compat.v1 as tf
    from tensorflow.keras.layers import Dense, Dropout

    tf.disable_v2_behavior()
    x = tf.placeholder(tf.float32, [None, 3])
    y = tf.placeholder(tf.float32, [None, 1])
    hidden = Dropout(0.5)(x, training=True)
    loss = tf.reduce_mean(tf.square(Dense(1)(hidden) - y))
    train = tf.train.GradientDescentOptimizer(0.1).minimize(loss)

## Good
    import tensorflow as tf

    model = tf.keras.Sequential([tf.keras.Input((3,)), tf.keras.layers.Dropout(0.5), tf.keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(tf.ones([4, 3]), tf.ones([4, 1]), verbose=0)
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tfguard.rules.graph.following import followed_with
from tfguard.rules.graph.missing_gradients import place_of
from tfguard.rules.graph.phases import NAMES, Untold, untold_steps

from tfguard.analysis.file_model import FileModel
from tfguard.analysis.project import ProjectFacts
from tfguard.model import Finding, Severity
from tfguard.rule import Rule
from tfguard.tables import load_evidence

rule = Rule(
    __name__,
    id="TFG310",
    severity=Severity.WARNING,
    since="0.2",
    messages=("You must feed a value for placeholder tensor 'keras_learning_phase' with dtype bool",),
    evidence=load_evidence(),
)


@rule.facts(mentions=NAMES)
def has_phases(file: FileModel) -> bool:
    """The file mentions a layer that does something else in training."""
    return True


@rule.on_project
def judge(facts: ProjectFacts, findings: Sequence[Finding]) -> Iterator[Finding]:
    """Every training step of a session whose loss depends on layers that are not told that they are trained."""
    seen: set[tuple[str, int]] = set()
    for followed in followed_with(facts, facts.facts_of(rule.id)):
        for untold in untold_steps(followed):
            site = untold.step.file.call_site(untold.step.node)
            key = (site.file.path, site.span.start)
            if key not in seen:
                seen.add(key)
                note = place_of(untold.node, f"`{untold.layer}` is applied here, without `training`")
                yield rule.finding(site, f"`{site.written}` trains `{untold.layer}`, {_harm(untold)}", notes=[note])


def _harm(untold: Untold) -> str:
    keras = untold.step.file.target.keras
    if keras is not None and keras < (2, 1):
        return "and running it without feeding `K.learning_phase()` raises an InvalidArgumentError"
    what = "normalises with the moving averages" if "Norm" in untold.layer else "does nothing"
    return f"which {what} unless `K.learning_phase()` is fed or `training=True` is passed"
