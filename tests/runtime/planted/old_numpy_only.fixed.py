# tensorflow: 1.15
# first: none
import numpy as np
import tensorflow as tf

np.random.seed(0)
tf.set_random_seed(0)

data = np.random.rand(30, 4).astype("float32")
with tf.variable_scope("fc"):
    weights = tf.get_variable("weights", [4, 2])
    biases = tf.get_variable("biases", [2], initializer=tf.zeros_initializer())
batch = tf.placeholder(tf.float32, [None, 4])
logits = tf.nn.xw_plus_b(batch, weights, biases)
labels = tf.cast(tf.reduce_sum(batch, axis=1) > 2, tf.int32)
loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits))
train = tf.train.MomentumOptimizer(0.1, 0.9).minimize(loss)

session = tf.Session()
session.run(tf.global_variables_initializer())
for start in range(0, 30, 10):
    session.run(train, feed_dict={batch: data[start : start + 10]})
