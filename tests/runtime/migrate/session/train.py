"""A program of TensorFlow 1 in three files, with data beside it."""

import os
import sys
import tensorflow as tf
import network
from tools import reading

FLAGS = tf.app.flags.FLAGS
tf.app.flags.DEFINE_integer("steps", 5, "How long to train.")
tf.app.flags.DEFINE_float("rate", 0.05, "Of learning.")


def main(_):
    tf.set_random_seed(1)
    data, target = reading.read(os.path.join(os.path.dirname(__file__), "data.csv"))
    x = tf.placeholder(tf.float32, [None, 3], name="x")
    y = tf.placeholder(tf.float32, [None, 1], name="y")
    loss = tf.reduce_mean(tf.square(network.build(x, "net") - y), reduction_indices=[0, 1])
    step = tf.train.GradientDescentOptimizer(FLAGS.rate).minimize(loss)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        for _ in range(FLAGS.steps):
            _, value = sess.run([step, loss], feed_dict={x: data, y: target})
            print("loss", value)
        print("weights", [float(v.sum()) for v in sess.run(tf.trainable_variables())])
    sys.stdout.flush()
    network.check(value)


if __name__ == "__main__":
    tf.app.run()
