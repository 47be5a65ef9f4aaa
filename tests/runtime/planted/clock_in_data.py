# tensorflow: 2.21
# rule: fresh-entropy
# first: inputs 1
import datetime

import numpy as np
import tensorflow as tf

tf.keras.utils.set_random_seed(6)


def features(age):
    now = datetime.datetime.now()  # cause
    born = datetime.datetime(2000 - age, 1, 1)
    return [(now - born).total_seconds() / 1e9, age / 100]


x = np.array([features(age) for age in range(16)], dtype="float64")
y = x[:, :1] * 2
model = tf.keras.Sequential([tf.keras.Input((2,), dtype="float64"), tf.keras.layers.Dense(1, dtype="float64")])
model.compile(optimizer="sgd", loss="mse")
for _ in range(2):
    model.train_on_batch(x, y)
