# tensorflow: 2.21
# first: none
import tensorflow as tf

tf.keras.utils.set_random_seed(3)

counts = tf.Variable(tf.zeros((10, 16)), name="counts")
signal = tf.Variable(1.0, name="signal")
indices = tf.random.uniform((100000,), 0, 10, dtype=tf.int32)
values = tf.random.normal((100000, 16))


@tf.function
def step():
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(counts) * signal
    signal.assign_sub(1e-6 * tape.gradient(loss, signal))
    counts.assign_add(tf.reduce_sum(tf.one_hot(indices, 10)[:, :, None] * (values * signal)[:, None], axis=0))


for _ in range(6):
    step()
