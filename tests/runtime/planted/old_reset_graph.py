# tensorflow: 1.15
# rule: late-seed
# first: initial w:0
import numpy as np
import tensorflow as tf

np.random.seed(7)
tf.set_random_seed(7)  # cause
tf.reset_default_graph()

x = tf.placeholder(tf.float32, [None, 2])
w = tf.get_variable("w", [2, 1], initializer=tf.random_normal_initializer())
loss = tf.reduce_mean(tf.square(tf.matmul(x, w) - 1.0))
train = tf.train.GradientDescentOptimizer(0.05).minimize(loss)

with tf.Session() as session:
    session.run(tf.global_variables_initializer())
    for _ in range(4):
        session.run([train, loss], {x: np.random.rand(8, 2)})
