# tensorflow: 1.15
# rule: unseeded-training
# first: initial w:0
import numpy as np
import tensorflow as tf

x = np.linspace(0, 1, 60).reshape(20, 3)
inputs = tf.placeholder(tf.float32, [None, 3])
targets = tf.placeholder(tf.float32, [None, 1])
w = tf.Variable(tf.truncated_normal([3, 1]), name="w")
b = tf.Variable(tf.zeros([1]), name="b")
loss = tf.reduce_mean(tf.square(tf.matmul(inputs, w) + b - targets))
train = tf.train.GradientDescentOptimizer(0.1).minimize(loss)

with tf.Session() as session:
    session.run(tf.global_variables_initializer())
    for _ in range(3):
        session.run([train, loss], {inputs: x, targets: x[:, :1]})
