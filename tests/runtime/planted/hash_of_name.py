# tensorflow: 2.21
# rule: hash-order
# first: inputs 1
import numpy as np
import tensorflow as tf

tf.keras.utils.set_random_seed(0)

users = ["ann", "bob", "cleo", "dan", "eve", "finn"]
items = ["book", "lamp", "desk", "pen", "cup", "hat"]
BUCKETS = 50


def bucket(name):
    return hash(name) % BUCKETS


pairs = np.array([[bucket(user), bucket(item)] for user, item in zip(users, items)])
ratings = np.array([5.0, 3.0, 4.0, 1.0, 2.0, 5.0], dtype="float32")
table = tf.Variable(tf.random.normal((BUCKETS, 4)))
for _ in range(3):
    with tf.GradientTape() as tape:
        vectors = tf.gather(table, pairs)
        loss = tf.reduce_mean((tf.reduce_sum(vectors[:, 0] * vectors[:, 1], axis=1) - ratings) ** 2)
    gradient = tape.gradient(loss, table)
    table.assign_sub(0.1 * tf.convert_to_tensor(gradient))
