"""Batch normalisation in a session keeps its moving averages only when the update ops run with the training step.

`tf.layers.batch_normalization(training=...)` and `tf.contrib.layers.batch_norm` put the ops that update the moving mean
and variance into the collection `UPDATE_OPS`. Nothing runs them unless the training step depends on them.

## Why it matters
Training looks well, because it normalises with each batch's own mean. What is computed with `training=False` uses the
moving averages, and these are still 0 and 1: evaluation and the saved model are wrong, and nothing fails.

Nothing is said where the program names `UPDATE_OPS` or a layer's `updates`, or uses `create_train_op`,
`optimize_loss` or `updates_collections=None`; nor where no model is ever computed with the moving averages.

## Bad
    import numpy as np
    import tensorflow.compat.v1 as tf

    tf.disable_v2_behavior()
    x = tf.placeholder(tf.float32, [None, 3])
    is_training = tf.placeholder(tf.bool, [])
    w = tf.Variable(tf.ones([3, 1]))
    hidden = tf.layers.batch_normalization(x, training=is_training)
    loss = tf.reduce_mean(tf.square(tf.matmul(hidden, w) - 1.0))
    train = tf.train.GradientDescentOptimizer(0.01).minimize(loss)

## Good
    import numpy as np
    import tensorflow.compat.v1 as tf

    tf.disable_v2_behavior()
    x = tf.placeholder(tf.float32, [None, 3])
    is_training = tf.placeholder(tf.bool, [])
    w = tf.Variable(tf.ones([3, 1]))
    hidden = tf.layers.batch_normalization(x, training=is_training)
    loss = tf.reduce_mean(tf.square(tf.matmul(hidden, w) - 1.0))
    with tf.control_dependencies(tf.get_collection(tf.GraphKeys.UPDATE_OPS)):
        train = tf.train.GradientDescentOptimizer(0.01).minimize(loss)

## Good
    import tensorflow as tf

    model = tf.keras.Sequential([tf.keras.Input((3,)), tf.keras.layers.BatchNormalization(), tf.keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(tf.ones([4, 3]), tf.ones([4, 1]), verbose=0)

## Fix safety
Safe: the training step computes what it computed, and the moving averages are updated too. It is offered only where
every update op of the graph depends on nothing but what the loss depends on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tfguard.rules.graph.batch_norms import NAMES, Step, steps_without_updates
from tfguard.rules.graph.following import followed_with
from tfguard.rules.graph.missing_gradients import place_of
from tfguard.rules.graph.wrapping import wrap_in

from tfguard.analysis.calls import CallSite
from tfguard.analysis.file_model import FileModel
from tfguard.analysis.project import ProjectFacts
from tfguard.model import Finding, Fix, Safety, Severity
from tfguard.rule import Rule
from tfguard.tables import load_evidence

rule = Rule(__name__, id="TFG309", severity=Severity.WARNING, since="0.2", evidence=load_evidence())


@rule.facts(mentions=NAMES)
def normalises(file: FileModel) -> bool:
    """The file mentions batch normalisation."""
    return True


@rule.on_project
def judge(facts: ProjectFacts, findings: Sequence[Finding]) -> Iterator[Finding]:
    """Every training step that updates the weights of a batch normalisation, and not its moving averages."""
    seen: set[tuple[str, int]] = set()
    for followed in followed_with(facts, facts.facts_of(rule.id)):
        for step in steps_without_updates(followed):
            site = step.call.file.call_site(step.call.node)
            key = (site.file.path, site.span.start)
            if key not in seen:
                seen.add(key)
                yield rule.finding(
                    site,
                    f"`{site.written}` does not run the update ops of `{step.norm.title}`: the moving mean and "
                    "variance stay 0 and 1, and what is computed without `training` is wrong",
                    fix=_fix(step, site),
                    notes=[place_of(step.node, "the batch normalisation is made here")],
                )


def _fix(step: Step, site: CallSite) -> Fix | None:
    """Make the step depend on the update ops, where it stands alone."""
    rewrite, start = site.file.rewrite, site.span.start
    alias = rewrite.module_alias("tensorflow.compat.v1", before=start)
    if alias is None and site.file.target.tensorflow < (2, 0):
        alias = rewrite.module_alias("tensorflow", before=start)
    if alias is None or not step.is_whole:
        return None
    line = f"with {alias}.control_dependencies({alias}.get_collection({alias}.GraphKeys.UPDATE_OPS)):"
    edits = wrap_in(site, line)
    return Fix("Let the step depend on the update ops", edits, Safety.SAFE) if edits else None
