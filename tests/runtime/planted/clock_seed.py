# tensorflow: 2.21
# rule: fresh-entropy
# first: initial w:0
import random
import time

import numpy as np
import tensorflow as tf

seed = int(time.time() * 1000) % 2**31
random.seed(seed)  # cause
np.random.seed(seed)
tf.random.set_seed(seed)

x = tf.reshape(tf.linspace(0.0, 1.0, 40), (10, 4))
w = tf.Variable(tf.random.normal((4, 1)), name="w")  # here
for _ in range(4):
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean((x @ w) ** 2)
    w.assign_sub(0.1 * tape.gradient(loss, w))
