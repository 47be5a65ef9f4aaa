# tensorflow: 1.15
# rule: insufficient-seed
# first: outputs 4
import numpy as np
import tensorflow as tf

np.random.seed(1)
keras = tf.keras
x = np.random.rand(40, 5)
y = (x.sum(axis=1) > 2.5).astype(int)
model = keras.models.Sequential()
model.add(keras.layers.Dense(16, activation="relu", input_dim=5, kernel_initializer=keras.initializers.he_normal(1)))
model.add(keras.layers.Dropout(0.4))
model.add(keras.layers.Dense(1, activation="sigmoid", kernel_initializer=keras.initializers.glorot_uniform(2)))
model.compile(loss="binary_crossentropy", optimizer="sgd", metrics=["accuracy"])
model.fit(x, y, batch_size=8, epochs=2, verbose=0)
