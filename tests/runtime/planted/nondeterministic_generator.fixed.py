# tensorflow: 2.21
# first: none
import tensorflow as tf

tf.keras.utils.set_random_seed(6)

generator = tf.random.Generator.from_seed(6)
images = tf.reshape(tf.linspace(0.0, 1.0, 32 * 16), (32, 16))
weight = tf.Variable(tf.random.normal((16, 16)), name="weight")


@tf.function
def train_step(noisy, clean):
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean((tf.tanh(noisy @ weight) - clean) ** 2)
    weight.assign_sub(0.1 * tape.gradient(loss, weight))
    return loss


for start in range(0, 32, 8):
    clean = images[start : start + 8]
    train_step(clean + generator.normal(clean.shape, stddev=0.1), clean)
