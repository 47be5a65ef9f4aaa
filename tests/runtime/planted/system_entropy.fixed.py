# tensorflow: 2.21
# first: none
import numpy as np
import tensorflow as tf

tf.keras.utils.set_random_seed(6)

noise = np.random.randint(0, 256, 96).reshape(24, 4).astype("float32") / 255
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
