# tensorflow: 2.21
# rule: unordered-files
# first: inputs 1
import os

import numpy as np
import tensorflow as tf

tf.keras.utils.set_random_seed(0)

samples = []
for name in os.listdir("data"):  # cause
    with open(os.path.join("data", name)) as stream:
        samples.append([float(ord(letter)) / 128 for letter in stream.read(4)])
x = np.array(samples, dtype="float32")
y = np.linspace(0, 1, len(x), dtype="float32")

model = tf.keras.Sequential([tf.keras.Input((4,)), tf.keras.layers.Dense(4), tf.keras.layers.Dense(1)])
model.compile(optimizer="sgd", loss="mse")
for _ in range(3):
    model.train_on_batch(x, y)
