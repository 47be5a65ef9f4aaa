"""Layers of contrib and the reader of MNIST, as programs of TensorFlow 1 used them."""
import gzip
import os
import struct
import tempfile
import numpy as np
import tensorflow as tf
from tensorflow.examples.tutorials.mnist import input_data


def write(folder):
    """Small files of the same form."""
    for part, count in (("train", 60), ("t10k", 20)):
        pixels = (np.arange(count * 784) * 7 % 256).astype(np.uint8)
        labels = (np.arange(count) * 3 % 10).astype(np.uint8)
        with gzip.open(os.path.join(folder, part + "-images-idx3-ubyte.gz"), "wb") as stream:
            stream.write(struct.pack(">4I", 2051, count, 28, 28) + pixels.tobytes())
        with gzip.open(os.path.join(folder, part + "-labels-idx1-ubyte.gz"), "wb") as stream:
            stream.write(struct.pack(">2I", 2049, count) + labels.tobytes())


folder = tempfile.mkdtemp()
write(folder)
mnist = input_data.read_data_sets(folder, one_hot=True, validation_size=10, seed=3)
print("sizes", mnist.train.num_examples, mnist.validation.images.shape, mnist.test.labels.shape)

x = tf.placeholder(tf.float32, [None, 28, 28, 1])
y = tf.placeholder(tf.float32, [None, 10])
start = tf.constant_initializer(np.linspace(-0.1, 0.1, 784 * 10).reshape(784, 10).tolist())
out = tf.contrib.layers.fully_connected(
    tf.contrib.layers.flatten(x), 10, activation_fn=None, weights_initializer=start,
    weights_regularizer=tf.contrib.layers.l2_regularizer(0.01), scope="out")
hidden = tf.get_variable("hidden", [3, 4], initializer=tf.contrib.layers.xavier_initializer(seed=1))
with tf.variable_scope("more"):
    more = tf.contrib.layers.linear(tf.contrib.layers.relu(out, 3, weights_initializer=tf.constant_initializer(0.2)),
                                    10, weights_initializer=tf.constant_initializer(-0.1), scope="end")
loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(labels=y, logits=out + more))
loss += tf.reduce_sum(tf.get_collection(tf.GraphKeys.REGULARIZATION_LOSSES))
step = tf.train.GradientDescentOptimizer(0.001).minimize(loss)
with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    for _ in range(4):
        images, labels = mnist.train.next_batch(20)
        _, value = sess.run([step, loss], {x: images.reshape(-1, 28, 28, 1), y: labels})
        print("loss", value, labels.argmax(1).tolist(), mnist.train.epochs_completed)
    print("variables", [v.name for v in tf.trainable_variables()])
    print("bounds", bool(abs(sess.run(hidden)).max() < (6.0 / 7) ** 0.5))
for name in os.listdir(folder):
    os.remove(os.path.join(folder, name))
os.rmdir(folder)
raise ValueError("the end")
