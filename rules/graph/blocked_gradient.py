"""A gradient that would have to pass an op without one is None, and running it fails.

Between the variable and the result stands an op through which no gradient passes: `tf.stop_gradient`, `tf.argmax`, a
comparison, a cast to integers, `tf.round`, `tf.shape`, `tf.py_func`. There is no other way, so the gradient is None.

## Why it matters
The None is noticed later, elsewhere and by a message that names neither the variable nor the op: "Fetch argument None
has invalid type" when it is run, "None values not supported" when it is used. Where it is passed to `apply_gradients`
nothing is said at all: the variable is never trained.

A program is followed from its entry through the functions, classes and files of the project, for at most 150,000
expressions. What a library outside TensorFlow returns may come from anywhere: then nothing is said.

## Bad
    import tensorflow.compat.v1 as tf

    tf.disable_v2_behavior()
    w = tf.Variable([1.0, 2.0])
    hit = tf.cast(tf.equal(tf.argmax(w), 1), tf.float32)
    grad = tf.gradients(hit, [w])
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        print(sess.run(grad))

## Good
    import tensorflow.compat.v1 as tf

    tf.disable_v2_behavior()
    w = tf.Variable([1.0, 2.0])
    score = tf.nn.softmax(w)[1]
    grad = tf.gradients(score, [w])
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        print(sess.run(grad))

## Good
    import tensorflow.compat.v1 as tf

    tf.disable_v2_behavior()
    w = tf.Variable(1.0)
    loss = tf.square(w - tf.stop_gradient(w * 0.5))
    grad = tf.gradients(loss, [w])
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        print(sess.run(grad))

## Fix safety
Safe where `stop_gradient` alone stands between and other gradients of the call are there: zeros
(`unconnected_gradients="zero"`, since TensorFlow 1.13) are then what was meant, and the program stopped before. Nothing
is changed for other ops: with zeros nothing would ever be learned. A variable taken out of `minimize(var_list=[…])` is
not trained, as before; that it was to be trained is likelier: unsafe.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tfguard.rules.graph.followed import GRADIENTS, has_own_cause, missing_gradients
from tfguard.rules.graph.gradient_fixes import mend_question
from tfguard.rules.graph.missing_gradients import (
    MESSAGES,
    call_of,
    consequence_of,
    notes_on,
    place_of,
    result_of,
    title_of,
)

from tfguard.analysis.project import ProjectFacts
from tfguard.model import Finding, Severity
from tfguard.rule import Rule
from tfguard.tables import load_evidence

rule = Rule(
    __name__,
    id="TFG303",
    severity=Severity.ERROR,
    since="0.2",
    messages=MESSAGES,
    records=[GRADIENTS],
    evidence=load_evidence(),
)


@rule.on_project
def judge(facts: ProjectFacts, findings: Sequence[Finding]) -> Iterator[Finding]:
    """Every gradient that is None because an op on the only ways lets none through."""
    for missing in missing_gradients(facts):
        if missing.reach.blocked and not missing.none.cause and has_own_cause(missing):
            wall = missing.reach.blocked[0]
            message = (
                f"between {result_of(missing)} and `{title_of(missing)}` stands `{wall.api.rpartition('.')[2]}`, "
                f"which lets no gradient through: {consequence_of(missing)}"
            )
            notes = [place_of(wall, "no gradient passes here"), *notes_on(missing)]
            yield rule.finding(call_of(missing), message, fix=mend_question(missing), notes=notes)
