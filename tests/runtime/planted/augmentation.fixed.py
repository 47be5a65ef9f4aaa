# tensorflow: 2.21
# first: none
import numpy as np
import tensorflow as tf

tf.random.set_seed(0)

images = tf.constant(np.linspace(0, 1, 12 * 6 * 6 * 3, dtype="float32").reshape(12, 6, 6, 3))
labels = tf.constant(np.arange(12) % 2)
model = tf.keras.Sequential(
    [
        tf.keras.Input((6, 6, 3)),
        tf.keras.layers.Conv2D(2, 3, kernel_initializer=tf.keras.initializers.HeNormal(seed=1)),
        tf.keras.layers.GlobalAveragePooling2D(),
        tf.keras.layers.Dense(2, kernel_initializer="zeros"),
    ]
)
loss_of = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)

for start in (0, 4, 8):
    batch = tf.image.random_saturation(images[start : start + 4], 0.5, 1.5)
    batch = tf.image.random_brightness(tf.image.random_flip_left_right(batch), 0.2)
    with tf.GradientTape() as tape:
        loss = loss_of(labels[start : start + 4], model(batch, training=True))
    for variable, gradient in zip(model.trainable_weights, tape.gradient(loss, model.trainable_weights)):
        variable.assign_sub(0.1 * gradient)
