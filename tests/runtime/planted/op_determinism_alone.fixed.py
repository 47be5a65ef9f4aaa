# tensorflow: 2.21
# first: none
import tensorflow as tf

tf.keras.utils.set_random_seed(1)
tf.config.experimental.enable_op_determinism()

images = tf.random.uniform((16, 12, 12, 1))
labels = tf.range(16) % 3
model = tf.keras.Sequential(
    [
        tf.keras.Input((12, 12, 1)),
        tf.keras.layers.Conv2D(4, 3, activation="relu", name="conv"),
        tf.keras.layers.MaxPooling2D(),
        tf.keras.layers.Flatten(),
        tf.keras.layers.Dense(3),
    ]
)
loss = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)
model.compile(optimizer="rmsprop", loss=loss)
model.fit(images, labels, epochs=1, batch_size=8, verbose=0)
