"""A gradient that is None cannot be clipped, summed, plotted or fetched.

`tf.gradients` and `compute_gradients` give None for a variable that the loss does not depend on: a variable of another
model in the same graph, of a layer that is not used. What is then done with each gradient has to leave the None out.

## Why it matters
The program stops with "None values not supported.", "Tried to convert 'values' to a tensor and failed", "unsupported
operand type(s) for *: 'NoneType' and 'float'" or, in `session.run`, "Fetch argument None has invalid type <class
'NoneType'>" ("Argument `fetch` = None has invalid type" since 2.0), which name neither the variable nor the loss.
`clip_by_global_norm` and `apply_gradients` take None and skip it: of them nothing is said.

A program is followed from its entry through the functions, classes and files of the project, for at most 150,000
expressions. Only a gradient that is None on every way counts.

## Bad
    import tensorflow.compat.v1 as tf

    tf.disable_v2_behavior()
    w = tf.Variable(1.0)
    b = tf.Variable(0.0)
    loss = tf.square(w - 3.0)
    optimizer = tf.train.GradientDescentOptimizer(0.1)
    pairs = optimizer.compute_gradients(loss)
    clipped = [(tf.clip_by_value(grad, -1.0, 1.0), var) for grad, var in pairs]
    train = optimizer.apply_gradients(clipped)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        sess.run(train)

## Good
    import tensorflow.compat.v1 as tf

    tf.disable_v2_behavior()
    w = tf.Variable(1.0)
    b = tf.Variable(0.0)
    loss = tf.square(w - 3.0)
    optimizer = tf.train.GradientDescentOptimizer(0.1)
    pairs = optimizer.compute_gradients(loss)
    clipped = [(tf.clip_by_value(grad, -1.0, 1.0), var) for grad, var in pairs if grad is not None]
    train = optimizer.apply_gradients(clipped)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        sess.run(train)

## Good
    import tensorflow.compat.v1 as tf

    tf.disable_v2_behavior()
    w = tf.Variable(1.0)
    b = tf.Variable(0.0)
    loss = tf.square(w - 3.0)
    optimizer = tf.train.GradientDescentOptimizer(0.1)
    grads, variables = zip(*optimizer.compute_gradients(loss))
    grads, _ = tf.clip_by_global_norm(grads, 1.0)
    train = optimizer.apply_gradients(zip(grads, variables))
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        sess.run(train)

## Fix safety
Safe: the program stops where the None is used, so nothing that it computes is changed. A comprehension leaves the pair
out, as `apply_gradients` would, or keeps the None in its place where the gradients stand alone; in a loop the statement
gets an `if`. Whether the variable should have had a gradient is another question: TFG302 and TFG303 say why it is None.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tfguard.rules.graph.followed import GRADIENTS, Missing, missing_gradients
from tfguard.rules.graph.gradient_fixes import leave_out
from tfguard.rules.graph.missing_gradients import call_of, place_of, result_of, title_of
from tfguard.rules.graph.uses import Use

from tfguard.analysis.project import ProjectFacts
from tfguard.model import Finding, Note, Severity
from tfguard.rule import Rule
from tfguard.tables import load_evidence

MESSAGES = (
    "None values not supported.",
    "Fetch argument None has invalid type <class 'NoneType'>",
    'Argument `fetch` = None has invalid type "NoneType"',
    "Tried to convert 'values' to a tensor and failed",
    "unsupported operand type(s) for *: 'NoneType' and 'float'",
    "Attempt to convert a value (None) with an unsupported type",
)
rule = Rule(
    __name__,
    id="TFG304",
    severity=Severity.ERROR,
    since="0.2",
    messages=MESSAGES,
    records=[GRADIENTS],
    evidence=load_evidence(),
)

WHAT = {
    "run": "fetching it fails",
    "clip": "it cannot be clipped",
    "summary": "it cannot be summarised",
    "arithmetic": "it cannot be computed with",
    "assign": "it cannot be assigned",
    "op": "no op takes it",
}


@rule.on_project
def judge(facts: ProjectFacts, findings: Sequence[Finding]) -> Iterator[Finding]:
    """Every use of a gradient that is None, each place once; what a tape does not know is another rule's."""
    seen: set[tuple[str, int, int]] = set()
    for missing in missing_gradients(facts):
        for use in missing.uses:
            span = use.file.span(use.node)
            key = (use.file.path, span.start, span.end)
            if use.kind in WHAT and not missing.none.cause and key not in seen:
                seen.add(key)
                yield _finding(missing, use)


def _finding(missing: Missing, use: Use) -> Finding:
    title = title_of(missing)
    message = f"the gradient of {result_of(missing)} for `{title}` is None: {WHAT[use.kind]}"
    at = missing.asked.call
    line, column = at.file.source.position(call_of(missing).span.start)
    notes = [
        Note("it is asked for here", at.file.path, line, column),
        place_of(missing.none.of, f"`{title}` is made here"),
    ]
    place = (use.file, use.file.span(use.node))
    return rule.finding(place, message, fix=leave_out(use), notes=notes)
