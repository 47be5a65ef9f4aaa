"""A run that needs a placeholder and does not feed it fails.

What is fetched is computed from its inputs, those from theirs, back to the placeholders: each of them must be among the
keys of `feed_dict`, unless something on the way is fed instead or the placeholder has a default.

## Why it matters
"You must feed a value for placeholder tensor 'x' with dtype float" names the placeholder by a number when it was given
no name, and says nothing of the fetch that needs it. The summaries of a training step, the keep probability of a
dropout that only training feeds, the labels of a loss that is printed at prediction are the usual ones.

A program is followed from its entry. A `feed_dict` that is not fully known, and what libraries other than TensorFlow
make of tensors, are never judged.

## Bad
    import tensorflow.compat.v1 as tf

    tf.disable_v2_behavior()
    x = tf.placeholder(tf.float32, [None, 3])
    keep = tf.placeholder(tf.float32)
    w = tf.Variable(tf.ones([3, 1]))
    out = tf.matmul(x, w) * keep
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        print(sess.run(out, feed_dict={x: [[1.0, 2.0, 3.0]]}))

## Good
    import tensorflow.compat.v1 as tf

    tf.disable_v2_behavior()
    x = tf.placeholder(tf.float32, [None, 3])
    keep = tf.placeholder(tf.float32)
    w = tf.Variable(tf.ones([3, 1]))
    out = tf.matmul(x, w) * keep
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        print(sess.run(out, feed_dict={x: [[1.0, 2.0, 3.0]], keep: 1.0}))

## Good
    import tensorflow.compat.v1 as tf

    tf.disable_v2_behavior()
    x = tf.placeholder(tf.float32, [None, 3])
    keep = tf.placeholder_with_default(1.0, [])
    out = tf.reduce_sum(x) * keep
    with tf.Session() as sess:
        print(sess.run(out, feed_dict={x: [[1.0, 2.0, 3.0]]}))
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from tfguard.rules.graph.missing_gradients import place_of
from tfguard.rules.graph.runs import SESSIONS, Unfed, unfed_placeholders

from tfguard.analysis.project import ProjectFacts
from tfguard.model import Finding, Note, Severity
from tfguard.rule import Rule
from tfguard.tables import load_evidence

rule = Rule(
    __name__,
    id="TFG316",
    severity=Severity.ERROR,
    since="0.2",
    messages=("You must feed a value for placeholder tensor", "Shape [-1,3] has negative dimensions"),
    records=[SESSIONS],
    evidence=load_evidence(),
)


@rule.on_project
def judge(facts: ProjectFacts, findings: Sequence[Finding]) -> Iterator[Finding]:
    """Every run that lacks a placeholder, with all that it lacks."""
    by_place: dict[tuple[str, int], list[Unfed]] = {}
    for unfed in unfed_placeholders(facts):
        if unfed.merge is None:
            call = unfed.run.call
            by_place.setdefault((call.file.path, call.file.span(call.node).start), []).append(unfed)
    for missing in by_place.values():
        yield _finding(missing)


def _finding(missing: list[Unfed]) -> Finding:
    first = missing[0]
    call = first.run.call
    lacking = list(dict.fromkeys(unfed.placeholder for unfed in missing if unfed.run is first.run))
    names = ", ".join(f"`{node.title}`" for node in lacking)
    what = f"`{first.fetched.title}` is computed from {names}, which this run does not feed"
    notes = [place_of(node, f"`{node.title}` is made here") for node in lacking]
    if isinstance(first.fetched.place, (ast.expr, ast.stmt)):
        notes.append(place_of(first.fetched, f"`{first.fetched.title}` is made here"))
    notes.append(Note("feed it, or give it a default: `tf.placeholder_with_default(...)`"))
    return rule.finding(call.file.call_site(call.node), what, notes=notes)
