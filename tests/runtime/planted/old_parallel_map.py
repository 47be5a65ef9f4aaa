# tensorflow: 1.15
# rule: parallel-order
# first: outputs *
import numpy as np
import tensorflow as tf

tf.set_random_seed(5)
x = np.linspace(0, 1, 640).reshape(64, 10).astype("float32")


def corrupt(row):
    return row + tf.random_normal([10], stddev=0.1), row


data = tf.data.Dataset.from_tensor_slices(x).map(corrupt, num_parallel_calls=8).batch(8).repeat()
noisy, clean = data.make_one_shot_iterator().get_next()
code = tf.layers.dense(noisy, 3, tf.nn.sigmoid)
loss = tf.losses.mean_squared_error(clean, tf.layers.dense(code, 10))
train = tf.train.AdamOptimizer(0.01).minimize(loss)

with tf.Session() as session:
    session.run(tf.global_variables_initializer())
    for _ in range(12):
        session.run([loss, train])
