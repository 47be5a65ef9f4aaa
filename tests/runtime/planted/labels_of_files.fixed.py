# tensorflow: 2.21
# first: none
import glob
import os

import numpy as np
import tensorflow as tf

tf.keras.utils.set_random_seed(0)

labels = {os.path.basename(path): number for number, path in enumerate(sorted(glob.glob("data/*.txt")))}
names = sorted(labels)
x = np.array([[len(name), ord(name[0])] for name in names], dtype="float32") / 100
y = np.array([labels[name] for name in names])
data = tf.data.Dataset.from_tensor_slices((x, y)).batch(2)

model = tf.keras.Sequential([tf.keras.Input((2,)), tf.keras.layers.Dense(len(labels))])
loss_of = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)
optimizer = tf.keras.optimizers.Adam(0.01)


@tf.function
def train(inputs, targets):
    with tf.GradientTape() as tape:
        loss = loss_of(targets, model(inputs, training=True))
    gradients = tape.gradient(loss, model.trainable_variables)
    optimizer.apply_gradients(zip(gradients, model.trainable_variables))


for inputs, targets in data:
    train(inputs, targets)
