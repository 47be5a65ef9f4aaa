# tensorflow: 2.21
# rule: insufficient-seed
# first: inputs 1
import multiprocessing
import random

import numpy as np
import tensorflow as tf


def make_sample(number):
    return [number / 10, random.gauss(0, 1), random.random()]


if __name__ == "__main__":
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        x = np.array(pool.map(make_sample, range(12)), dtype="float32")
    tf.keras.utils.set_random_seed(8)
    model = tf.keras.Sequential([tf.keras.Input((3,)), tf.keras.layers.Dense(1)])
    model.compile(optimizer="sgd", loss="mse")
    for start in (0, 6):
        model.train_on_batch(x[start : start + 6], x[start : start + 6, 0])
