# tensorflow: 2.21
# rule: parallel-order
# first: inputs *
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import tensorflow as tf

tf.keras.utils.set_random_seed(4)


def noisy(row):
    scale = sum(i % 7 for i in range(3000 * (1 + row % 3))) % 5
    return np.random.normal(size=(4,)) * (1 + scale / 10) + row


with ThreadPoolExecutor(max_workers=8) as pool:
    x = np.array(list(pool.map(noisy, range(400))), dtype="float32")

weight = tf.Variable(tf.random.normal((4, 1)))
for start in range(0, 400, 100):
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean((x[start : start + 100] @ weight - 1.0) ** 2)
    weight.assign_sub(0.001 * tape.gradient(loss, weight))
