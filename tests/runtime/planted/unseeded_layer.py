# tensorflow: 2.21
# rule: unseeded-training
# first: initial sequential/hidden/kernel:0
import numpy as np
import tensorflow as tf

x = np.linspace(0, 1, 256, dtype="float32").reshape(64, 4)
y = x.sum(axis=1, keepdims=True)

model = tf.keras.Sequential(  # here
    [
        tf.keras.Input((4,)),
        tf.keras.layers.Dense(8, "relu", name="hidden"),
        tf.keras.layers.Dense(1),
    ]
)
model.compile(optimizer="sgd", loss="mse")
model.fit(x, y, epochs=2, batch_size=16, shuffle=False, verbose=0)
