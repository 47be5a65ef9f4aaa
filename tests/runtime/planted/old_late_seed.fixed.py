# tensorflow: 1.15
# first: none
import numpy as np
import tensorflow as tf

tf.set_random_seed(1234)

x = np.linspace(0, 1, 60, dtype="float32").reshape(20, 3)
inputs = tf.placeholder(tf.float32, [None, 3])
hidden = tf.layers.dense(inputs, 4, tf.nn.relu, name="dense")
output = tf.layers.dense(hidden, 1, name="output")
loss = tf.losses.mean_squared_error(tf.reduce_sum(inputs, axis=1, keepdims=True), output)
train = tf.train.AdamOptimizer(0.01).minimize(loss)

with tf.Session() as session:
    np.random.seed(1234)
    session.run(tf.global_variables_initializer())
    for _ in range(3):
        session.run(train, {inputs: x[np.random.permutation(20)]})
