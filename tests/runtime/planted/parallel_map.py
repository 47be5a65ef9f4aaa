# tensorflow: 2.21
# rule: parallel-order
# first: inputs *
import tensorflow as tf

tf.keras.utils.set_random_seed(11)


def augment(image):
    return tf.image.random_contrast(tf.image.random_brightness(image, 0.3), 0.5, 1.5)


images = tf.reshape(tf.linspace(0.0, 1.0, 64 * 8 * 8 * 3), (64, 8, 8, 3))
data = tf.data.Dataset.from_tensor_slices(images).map(augment, num_parallel_calls=8, deterministic=False).batch(16)

filters = tf.Variable(tf.random.normal((3, 3, 3, 2)))


@tf.function
def step(batch):
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.nn.conv2d(batch, filters, 1, "SAME") ** 2)
    filters.assign_sub(0.1 * tape.gradient(loss, filters))
    return loss


for batch in data.repeat(2):
    step(batch)
