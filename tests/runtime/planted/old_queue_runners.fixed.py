# tensorflow: 1.15
# first: none
import numpy as np
import tensorflow as tf

tf.set_random_seed(5)
values = np.arange(400, dtype=np.float32).reshape(200, 2) / 400
row = tf.train.slice_input_producer([tf.constant(values)], shuffle=True, seed=5)[0]
row = row + tf.random_uniform([2], 0, 0.01, seed=6)
batch = tf.train.batch([row], batch_size=10, num_threads=1, capacity=64)

w = tf.get_variable("w", [2, 1], initializer=tf.zeros_initializer())
loss = tf.reduce_mean(tf.square(tf.matmul(batch, w) - tf.reduce_sum(batch, axis=1, keepdims=True)))
train = tf.train.GradientDescentOptimizer(0.1).minimize(loss)

with tf.Session() as session:
    session.run(tf.global_variables_initializer())
    coordinator = tf.train.Coordinator()
    threads = tf.train.start_queue_runners(session, coordinator)
    for _ in range(80):
        session.run([train, loss])
    coordinator.request_stop()
    coordinator.join(threads)
