"""The model of `train.py`."""

import tensorflow as tf


def build(x, name):
    with tf.variable_scope(name):
        w = tf.get_variable("w", [3, 1], initializer=tf.constant_initializer([[0.5], [-0.25], [1.0]]))
        b = tf.get_variable("b", [1], initializer=tf.zeros_initializer())
    tf.summary.scalar("weight", tf.reduce_sum(w))
    return tf.matmul(x, w) + b


def check(loss):
    if not loss < 0.5:
        raise ValueError("the loss is %.3f" % loss)
