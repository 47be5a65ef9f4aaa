# tensorflow: 2.21
# first: none
import tensorflow as tf

tf.keras.utils.set_random_seed(3)
tf.config.experimental.enable_op_determinism()

image = tf.Variable(tf.random.uniform((1, 8, 8, 8)), name="image")
boxes = tf.random.uniform((3000, 2), 0.0, 0.4)
boxes = tf.concat([boxes, boxes + 0.5], axis=1)
target = tf.random.uniform((3000, 12, 12, 8))


@tf.function
def step():
    with tf.GradientTape() as tape:
        crops = tf.image.crop_and_resize(image, boxes, tf.zeros((3000,), tf.int32), (12, 12))
        loss = tf.reduce_mean((crops - target) ** 2)
    gradient = tape.gradient(loss, image)
    image.assign_sub(100.0 * gradient)
    return loss, gradient


for _ in range(6):
    step()
