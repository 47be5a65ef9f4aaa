# tensorflow: 2.21
# first: none
import random

import numpy as np
import tensorflow as tf

random.seed(3)
np.random.seed(3)
tf.random.set_seed(3)

x = np.arange(80, dtype="float32").reshape(40, 2) / 80
y = x.mean(axis=1, keepdims=True)
order = np.random.permutation(len(x))
train, test = order[:32], order[32:]

weight, bias = tf.Variable(tf.random.normal((2, 1))), tf.Variable(tf.zeros((1,)))
optimizer = tf.keras.optimizers.SGD(0.1)


@tf.function
def train_step(inputs, targets):
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean((inputs @ weight + bias - targets) ** 2)
    optimizer.apply_gradients(zip(tape.gradient(loss, [weight, bias]), [weight, bias]))
    return loss


for _ in range(3):
    train_step(tf.constant(x[train]), tf.constant(y[train]))
print(float(tf.reduce_mean((x[test] @ weight + bias - y[test]) ** 2)))
