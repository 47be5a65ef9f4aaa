# -*- coding: utf-8 -*-
# A program of Python 2.7 and TensorFlow 0.12, with the module beside it.
import cPickle
import os
import string
import tensorflow as tf
import batches


def report(step, (loss, size)):
    print "step", step, "loss", "%.6f" % loss, "of", size


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    with open(os.path.join(here, "points.pkl")) as stream:
        points = cPickle.load(stream)
    size = len(points["x"]) / 2
    x = tf.placeholder(tf.float32, [None, 2])
    y = tf.placeholder(tf.float32, [None])
    w = tf.Variable(tf.constant([0.3, -0.1]))
    halves = tf.constant([7, 9]) / 2
    out = tf.reduce_sum(tf.mul(x, w), 1)
    loss = tf.reduce_mean(tf.square(tf.sub(out, y)))
    step = tf.train.GradientDescentOptimizer(0.1).minimize(loss)
    sess = tf.Session()
    sess.run(tf.initialize_all_variables())
    for number, (a, b) in enumerate(batches.iterate(points, size)):
        _, value = sess.run([step, loss], {x: a, y: b})
        report(number, (value, size))
    print "weights", sess.run(w).tolist()
    print "halves", sess.run(halves).tolist(), 7 / 2, -7 / 2, 7 / 2.0, round(2.5), round(-0.5), round(0.125, 2)
    print "names", string.letters[0:3].lower(), sorted(points.keys()), points.has_key("x")
    try:
        batches.fail(size)
    except ValueError, error:
        print "caught", error
    batches.fail(size)


main()
