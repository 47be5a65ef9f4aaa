# tensorflow: 2.21
# rule: fresh-entropy
# first: inputs 1
import os

import numpy as np
import tensorflow as tf

tf.keras.utils.set_random_seed(6)

noise = np.frombuffer(os.urandom(96), dtype="uint8").reshape(24, 4).astype("float32") / 255  # cause
y = noise.sum(axis=1, keepdims=True)
weight = tf.Variable(tf.random.normal((4, 1)))


@tf.function
def step(inputs, targets):
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean((inputs @ weight - targets) ** 2)
    weight.assign_sub(0.1 * tape.gradient(loss, weight))
    return loss


for start in (0, 8, 16):
    step(tf.constant(noise[start : start + 8]), tf.constant(y[start : start + 8]))
