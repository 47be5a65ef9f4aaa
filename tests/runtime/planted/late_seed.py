# tensorflow: 2.21
# rule: late-seed
# first: initial sequential/encoder/kernel:0
import numpy as np
import tensorflow as tf

x = np.linspace(-1, 1, 240, dtype="float32").reshape(40, 6)
layers = tf.keras.layers
encoder = tf.keras.Sequential([tf.keras.Input((6,)), layers.Dense(3, "tanh", name="encoder")])  # here
decoder = tf.keras.Sequential([tf.keras.Input((3,)), layers.Dense(6, name="decoder")])
model = tf.keras.Sequential([encoder, decoder])

tf.keras.utils.set_random_seed(1)
model.compile(optimizer=tf.keras.optimizers.Adam(0.01), loss="mse")
model.fit(x, x, epochs=2, batch_size=10, verbose=0)
