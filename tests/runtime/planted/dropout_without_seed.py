# tensorflow: 2.21
# rule: unseeded-training
# first: initial seed_generator/seed_generator_state:0
import numpy as np
import tensorflow as tf

start = tf.keras.initializers.GlorotUniform(seed=1)
end = tf.keras.initializers.GlorotUniform(seed=2)
x = np.linspace(0, 1, 128, dtype="float32").reshape(32, 4)
y = x.sum(axis=1)

model = tf.keras.Sequential(
    [
        tf.keras.Input((4,)),
        tf.keras.layers.Dense(32, "relu", kernel_initializer=start),
        tf.keras.layers.Dropout(0.5),
        tf.keras.layers.Dense(1, kernel_initializer=end),
    ]
)
model.compile(optimizer="sgd", loss="mse")
model.fit(x, y, epochs=2, batch_size=8, shuffle=False, verbose=0)
