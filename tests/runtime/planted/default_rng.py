# tensorflow: 2.21
# rule: fresh-entropy
# first: inputs 1
import numpy as np
import tensorflow as tf

tf.keras.utils.set_random_seed(2)
rng = np.random.default_rng()  # cause

x = rng.normal(size=(48, 5)).astype("float32")
y = (x[:, 0] > 0).astype("float32")
model = tf.keras.Sequential([tf.keras.Input((5,)), tf.keras.layers.Dense(1, "sigmoid")])
model.compile(optimizer="adam", loss="binary_crossentropy")
for start in range(0, 48, 16):
    model.train_on_batch(x[start : start + 16], y[start : start + 16])
