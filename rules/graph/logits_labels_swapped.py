"""Labels and logits that stand in each other's places give another number, or an error.

`tf.nn.softmax_cross_entropy_with_logits` and its likes took (logits, labels) up to TensorFlow 0.12; from 1.0 to
1.15 they take named arguments only; in TensorFlow 2 they take positions again, labels first, and `tf.compat.v1`'s do so
too in the newer ones (2.10 still raises, 2.15 and 2.21 don't).
`tf.losses` takes labels first, `tf.contrib.losses` last; Keras' losses take labels first, and Keras 1's backend last.

## Why it matters
From 1.0 to 1.15 the call raises "Only call `softmax_cross_entropy_with_logits` with named arguments". Elsewhere nothing
fails: of three classes a sure and right prediction has the loss 4.963 instead of 0.0002, a sigmoid loss becomes
negative, and what is minimised is something else.

What is the prediction is told by what it is computed from (variables, layers), or by both names; else nothing is said.

## Bad
    import tensorflow.compat.v1 as tf

    tf.disable_v2_behavior()
    x = tf.placeholder(tf.float32, [None, 3])
    y = tf.placeholder(tf.float32, [None, 3])
    w = tf.Variable(tf.eye(3) * 9.0)
    prediction = tf.matmul(x, w)
    loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(prediction, y))
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        print(sess.run(loss, {x: [[1.0, 0.0, 0.0]], y: [[1.0, 0.0, 0.0]]}))

## Good
    import tensorflow.compat.v1 as tf

    tf.disable_v2_behavior()
    x = tf.placeholder(tf.float32, [None, 3])
    y = tf.placeholder(tf.float32, [None, 3])
    w = tf.Variable(tf.eye(3) * 9.0)
    prediction = tf.matmul(x, w)
    loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(logits=prediction, labels=y))
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        print(sess.run(loss, {x: [[1.0, 0.0, 0.0]], y: [[1.0, 0.0, 0.0]]}))

## Good
    import tensorflow as tf

    model = tf.keras.Sequential([tf.keras.Input((4,)), tf.keras.layers.Dense(3)])
    loss_fn = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    print(loss_fn(tf.constant([0, 1]), model(tf.ones([2, 4]))))

## Fix safety
Safe where what the arguments are computed from says which is which: only the loss, which was another number, or an
error, becomes the one that was meant. Unsafe where only their names, or the order of TensorFlow 0.12, say it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tfguard.rules.graph.crossentropy import LOSS_WORDS
from tfguard.rules.graph.following import followed_with
from tfguard.rules.graph.orders import KERAS_WORDS, Order, orders_in

from tfguard.analysis.file_model import FileModel
from tfguard.analysis.project import ProjectFacts
from tfguard.model import Edit, Finding, Fix, Safety, Severity
from tfguard.rule import Rule
from tfguard.tables import load_evidence

rule = Rule(
    __name__,
    id="TFG308",
    severity=Severity.ERROR,
    since="0.2",
    evidence=load_evidence(),
    messages=(
        "Only call `softmax_cross_entropy_with_logits` with named arguments (labels=..., logits=..., ...)",
        "Only call `sparse_softmax_cross_entropy_with_logits` with named arguments (labels=..., logits=..., ...)",
        "Only call `sigmoid_cross_entropy_with_logits` with named arguments (labels=..., logits=..., ...)",
        "Only call softmax_cross_entropy_with_logits with named arguments (labels=..., logits=..., ...). Received "
        "unnamed argument",
        "`labels.shape.rank` must equal `logits.shape.rank - 1`",
        "Rank mismatch: Rank of labels (received 2) should equal rank of logits minus 1 (received 1)",
    ),
)


@rule.facts(mentions=(*LOSS_WORDS, *KERAS_WORDS))
def has_losses(file: FileModel) -> bool:
    """The file holds the name of a loss whose arguments may change places."""
    return True


@rule.on_project
def judge(facts: ProjectFacts, findings: Sequence[Finding]) -> Iterator[Finding]:
    """Every loss whose labels and predictions stand in each other's places, or must be named."""
    seen: set[tuple[str, int]] = set()
    for followed in followed_with(facts, facts.facts_of(rule.id)):
        for order in orders_in(followed):
            site = order.pair.call.file.call_site(order.pair.call.node)
            key = (site.file.path, site.span.start)
            if key not in seen:
                seen.add(key)
                yield rule.finding(site, _message(order, site.written), fix=_fix(order))


def _message(order: Order, written: str) -> str:
    if order.must_be_named:
        return (
            f"`{written}` takes named arguments only in this version (`labels=`, `logits=`): TensorFlow raises a "
            "ValueError"
        )
    file = order.pair.call.file
    first, second = (file.text_of(file.span(node)) for node in (order.pair.labels_node, order.pair.predictions_node))
    return (
        f"`{_short(first)}`, the prediction, stands where `{written}` takes the labels, and `{_short(second)}` "
        "where it takes the prediction: the loss is another number"
    )


def _short(text: str) -> str:
    return text if len(text) <= 40 and "\n" not in text else "…"


def _fix(order: Order) -> Fix | None:
    """Name the two arguments, or change their places."""
    pair, file = order.pair, order.pair.call.file
    site = file.call_site(pair.call.node)
    spans = [file.span(node) for node in (pair.labels_node, pair.predictions_node)]
    if not file.is_placed(pair.call.node) or any(file.text_of(span).startswith("*") for span in spans):
        return None
    safety = Safety.SAFE if order.is_sure else Safety.UNSAFE
    texts = [file.text_of(span) for span in spans]
    order_of_nodes = [pair.labels_node, pair.predictions_node]
    if order.keywords and list(site.node.args) in (order_of_nodes, order_of_nodes[::-1]):
        names = order.keywords if not order.is_swapped else order.keywords[::-1]
        rows = zip(spans, names, texts, strict=True)
        edits = [Edit(span, f"{name}={text}") for span, name, text in rows]
        return Fix(f"Name the arguments: `{names[0]}=` and `{names[1]}=`", tuple(sorted(edits)), safety)
    if not order.is_swapped:
        return None
    edits = [Edit(spans[0], texts[1]), Edit(spans[1], texts[0])]
    return Fix("Let the two arguments change places", tuple(sorted(edits)), safety)
