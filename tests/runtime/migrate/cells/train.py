"""Recurrent cells of contrib, and layers."""
import numpy as np
import tensorflow as tf
from tensorflow.contrib import rnn

x = tf.placeholder(tf.float32, [2, 5, 3])
with tf.variable_scope("net", initializer=tf.constant_initializer(0.1)):
    cell = rnn.MultiRNNCell([rnn.BasicLSTMCell(4), tf.contrib.rnn.GRUCell(4)])
    outputs, state = tf.nn.dynamic_rnn(cell, x, dtype=tf.float32)
    more, _ = tf.contrib.rnn.static_rnn(rnn.BasicRNNCell(2), tf.unstack(x, axis=1), dtype=tf.float32)
    out = tf.layers.dense(outputs[:, -1], 2, kernel_initializer=tf.constant_initializer(0.3))
with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    values = sess.run([out, more[-1], state[0].c], {x: np.linspace(-1, 1, 30).reshape(2, 5, 3)})
    for value in values:
        print("values", value.ravel().tolist())
    print("variables", len(tf.trainable_variables()))
raise ValueError("the end")
