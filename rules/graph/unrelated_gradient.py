"""The gradient of a result with respect to a variable that it does not depend on is None, and running it fails.

`tf.gradients(ys, xs)` gives one entry for each of `xs`, and None where no way of the graph leads from it to `ys`:
another model's variable, a layer that is not used, or a result that was computed from something else. The same holds
for `compute_gradients`, `minimize(var_list=)`, `K.gradients`, `GradientTape.gradient`, also where the variables are a
model's `trainable_variables`, and none of them has a part; Theano's `T.grad` raises a DisconnectedInputError.

## Why it matters
The None is noticed later, elsewhere and by a message that names no variable: "Fetch argument None has invalid type"
when it is run, "None values not supported" when it is used. Where it is passed to `apply_gradients` nothing is said at
all: the variable is never trained.

A program is followed from its entry through the functions, classes and files of the project, for at most 150,000
expressions. What a library outside TensorFlow returns may come from anywhere: then nothing is said.

## Bad
    import tensorflow.compat.v1 as tf

    tf.disable_v2_behavior()
    x = tf.placeholder(tf.float32, [None, 3])
    w = tf.Variable(tf.zeros([3, 1]))
    b = tf.Variable(tf.zeros([1]))
    loss = tf.reduce_mean(tf.square(tf.matmul(x, w)))
    grads = tf.gradients(loss, [w, b])
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        print(sess.run(grads, {x: [[1.0, 2.0, 3.0]]}))

## Good
    import tensorflow.compat.v1 as tf

    tf.disable_v2_behavior()
    x = tf.placeholder(tf.float32, [None, 3])
    w = tf.Variable(tf.zeros([3, 1]))
    b = tf.Variable(tf.zeros([1]))
    loss = tf.reduce_mean(tf.square(tf.matmul(x, w) + b))
    grads = tf.gradients(loss, [w, b])
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        print(sess.run(grads, {x: [[1.0, 2.0, 3.0]]}))

## Good
    import tensorflow.compat.v1 as tf

    tf.disable_v2_behavior()
    w = tf.Variable(1.0)
    b = tf.Variable(2.0)
    loss = tf.square(w)
    grads = [grad for grad in tf.gradients(loss, [w, b]) if grad is not None]
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        print(sess.run(grads))

## Fix safety
Zeros (`unconnected_gradients="zero"`, since TensorFlow 1.13; `disconnected_inputs="ignore"` in Theano) are what the
gradient is, and the program stopped before: safe, where other gradients of the call are there. Where no other is, the
result is likely the wrong one: nothing is changed (in Theano, where one call may ask for each variable, unsafe). A
variable taken out of `minimize(var_list=[…])` is not trained, as before; that it was to be trained is likelier: unsafe.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tfguard.rules.graph.followed import GRADIENTS, has_own_cause, missing_gradients
from tfguard.rules.graph.gradient_fixes import mend_question
from tfguard.rules.graph.missing_gradients import MESSAGES, call_of, consequence_of, notes_on, result_of, title_of

from tfguard.analysis.project import ProjectFacts
from tfguard.model import Finding, Severity
from tfguard.rule import Rule
from tfguard.tables import load_evidence

rule = Rule(
    __name__,
    id="TFG302",
    severity=Severity.ERROR,
    since="0.2",
    messages=MESSAGES,
    records=[GRADIENTS],
    evidence=load_evidence(),
)


@rule.on_project
def judge(facts: ProjectFacts, findings: Sequence[Finding]) -> Iterator[Finding]:
    """Every gradient that is None because nothing leads to its variable."""
    for missing in missing_gradients(facts):
        if not missing.reach.blocked and not missing.none.cause and has_own_cause(missing):
            title = title_of(missing)
            message = f"`{title}` has no part in {result_of(missing)}: {consequence_of(missing)}"
            yield rule.finding(call_of(missing), message, fix=mend_question(missing), notes=notes_on(missing))
