# tensorflow: 2.21
# first: none
import numpy as np
import tensorflow as tf

tf.keras.utils.set_random_seed(1)

x = np.linspace(-1, 1, 240, dtype="float32").reshape(40, 6)
layers = tf.keras.layers
encoder = tf.keras.Sequential([tf.keras.Input((6,)), layers.Dense(3, "tanh", name="encoder")])
decoder = tf.keras.Sequential([tf.keras.Input((3,)), layers.Dense(6, name="decoder")])
model = tf.keras.Sequential([encoder, decoder])

model.compile(optimizer=tf.keras.optimizers.Adam(0.01), loss="mse")
model.fit(x, x, epochs=2, batch_size=10, verbose=0)
