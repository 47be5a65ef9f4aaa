"""The gradient of a result with respect to a variable that it does not depend on is None, and running it fails.

`tf.gradients(ys, xs)` gives one entry for each of `xs`, and None where no way of the graph leads from it to `ys`:
another model's variable, a layer that is not used, or a result that was computed from something else.

## Why it matters
The None is noticed later, elsewhere and by a message that names no variable: "Fetch argument None has invalid type"
when it is run, "None values not supported" when it is used. Where it is passed to `apply_gradients` nothing is said at
all: the variable is never trained.

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
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tfguard.rules.graph.library import TensorLibrary

from tfguard.analysis.flow.graph import Node, reach
from tfguard.analysis.flow.machine import Call, Machine
from tfguard.analysis.flow.values import NoGradient
from tfguard.analysis.flow.values import Sequence as Several
from tfguard.model import Finding, Severity
from tfguard.rule import Rule
