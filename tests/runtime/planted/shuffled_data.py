# tensorflow: 2.21
# rule: unseeded-training
# first: inputs 1
import numpy as np
import tensorflow as tf

x = np.linspace(0, 1, 200, dtype="float32").reshape(100, 2)
y = x @ np.array([[1.0], [2.0]], dtype="float32")
data = tf.data.Dataset.from_tensor_slices((x, y)).shuffle(100).batch(20)

weight = tf.Variable([[0.1], [0.1]])
optimizer = tf.keras.optimizers.SGD(0.05)


@tf.function
def step(inputs, targets):
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean((tf.matmul(inputs, weight) - targets) ** 2)
    optimizer.apply_gradients([(tape.gradient(loss, weight), weight)])
    return loss


for epoch in range(2):
    for inputs, targets in data:
        step(inputs, targets)
