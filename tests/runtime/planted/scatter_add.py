# tensorflow: 2.21
# rule: nondeterministic-op
# first: weights 1
import tensorflow as tf

tf.keras.utils.set_random_seed(3)

counts = tf.Variable(tf.zeros((8,)), trainable=True, name="counts")
signal = tf.Variable(1.0, name="signal")
indices = tf.random.uniform((400000,), 0, 8, dtype=tf.int32)
values = tf.random.normal((400000,))
for _ in range(3):
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(counts) * signal
    gradient = tape.gradient(loss, signal)
    signal.assign_sub(1e-6 * gradient)
    counts.scatter_add(tf.IndexedSlices(values * signal, indices))
