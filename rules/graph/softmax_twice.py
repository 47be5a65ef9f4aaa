"""A loss that applies softmax or sigmoid itself must be given logits, and a loss that does not, probabilities.

`tf.nn.softmax_cross_entropy_with_logits`, `tf.losses.softmax_cross_entropy` and their likes apply the softmax (or the
sigmoid) to their `logits`. Given the output of a softmax they apply it twice. Keras' losses take probabilities, and
logits with `from_logits=True`: a model that ends without activation needs it, one that ends in a softmax must not
say it.

## Why it matters
Nothing fails: the number is wrong. Of three classes a perfect prediction has the loss 0.551 instead of 0, and the
gradient almost vanishes where the model is most wrong, so that training is slow and stops early. Logits taken for
probabilities are clipped to between 0 and 1: most of them get no gradient at all.

Where a Keras loss with `from_logits=True` is given the output of Keras' own softmax or sigmoid, TensorFlow from 2.6 on
takes what went into it instead, and warns: "received `from_logits=True`, but the `output` argument was produced by a
Softmax activation and thus does not represent logits". The loss is then right, but not when the layers are called in
another version, or a layer such as `Reshape` follows.

## Bad
    import tensorflow.compat.v1 as tf

    tf.disable_v2_behavior()
    x = tf.placeholder(tf.float32, [None, 3])
    y = tf.placeholder(tf.float32, [None, 3])
    w = tf.Variable(tf.eye(3) * 20.0)
    prediction = tf.nn.softmax(tf.matmul(x, w))
    loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(labels=y, logits=prediction))
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        eye = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
        print(sess.run(loss, {x: eye, y: eye}))

## Bad
    import tensorflow as tf

    model = tf.keras.Sequential([tf.keras.Input((4,)), tf.keras.layers.Dense(3)])
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy")

## Good
    import tensorflow.compat.v1 as tf

    tf.disable_v2_behavior()
    x = tf.placeholder(tf.float32, [None, 3])
    y = tf.placeholder(tf.float32, [None, 3])
    w = tf.Variable(tf.eye(3) * 20.0)
    logits = tf.matmul(x, w)
    prediction = tf.nn.softmax(logits)
    loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(labels=y, logits=logits))
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        eye = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
        print(sess.run(loss, {x: eye, y: eye}))

## Good
    import tensorflow as tf

    model = tf.keras.Sequential([tf.keras.Input((4,)), tf.keras.layers.Dense(3)])
    loss = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer="adam", loss=loss)

## Good
    import tensorflow as tf

    model = tf.keras.Sequential([tf.keras.Input((4,)), tf.keras.layers.Dense(3, activation="softmax")])
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy")

## Fix safety
The loss and its gradient become those that the model's author meant, and are other numbers than before: unsafe. Safe
where TensorFlow looks through the activation already, and only the warning goes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tfguard.rules.graph.crossentropy import LOSS_WORDS, Doubled, doubled_in
from tfguard.rules.graph.following import followed_with
from tfguard.rules.graph.softmax_fixes import fix_of

from tfguard.analysis.file_model import FileModel
from tfguard.analysis.project import ProjectFacts
from tfguard.model import Finding, Note, Severity
from tfguard.rule import Rule
from tfguard.tables import load_evidence

rule = Rule(
    __name__,
    id="TFG307",
    severity=Severity.ERROR,
    since="0.2",
    messages=(
        "received `from_logits=True`, but the `output` argument was produced by a Softmax activation and thus does not "
        "represent logits. Was this intended?",
        "received `from_logits=True`, but the `output` argument was produced by a sigmoid or softmax activation",
    ),
    evidence=load_evidence(),
)


@rule.facts(mentions=LOSS_WORDS)
def has_losses(file: FileModel) -> bool:
    """The file holds the name of a loss that may be given logits."""
    return True


@rule.on_project
def judge(facts: ProjectFacts, findings: Sequence[Finding]) -> Iterator[Finding]:
    """Every loss that is given what another one should be given."""
    seen: set[tuple[str, int]] = set()
    for followed in followed_with(facts, facts.facts_of(rule.id)):
        for doubled in doubled_in(followed):
            key = (doubled.call.file.path, doubled.file_place.start)
            if key not in seen:
                seen.add(key)
                yield _finding(doubled)


def _finding(doubled: Doubled) -> Finding:
    ending = doubled.ending
    line, column = ending.file.source.position(ending.file.span(ending.place).start)
    what = "made here without activation" if doubled.is_missing else f"the {ending.kind} is applied here"
    return rule.finding(
        doubled.call.file.call_site(doubled.call.node),
        doubled.message,
        fix=fix_of(doubled),
        notes=[Note(what, ending.file.path, line, column)],
    )
