# tensorflow: 2.21
# first: none
import random

import numpy as np
import tensorflow as tf

seed = 1234
random.seed(seed)
np.random.seed(seed)
tf.random.set_seed(seed)

x = tf.reshape(tf.linspace(0.0, 1.0, 40), (10, 4))
w = tf.Variable(tf.random.normal((4, 1)), name="w")
for _ in range(4):
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean((x @ w) ** 2)
    w.assign_sub(0.1 * tape.gradient(loss, w))
