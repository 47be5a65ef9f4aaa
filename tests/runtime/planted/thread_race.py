# tensorflow: 2.21
# rule: parallel-order
# first: inputs *
import threading
import time

import numpy as np
import tensorflow as tf

tf.keras.utils.set_random_seed(4)
loaded = []


def load(number):
    started = time.perf_counter()
    total = sum(i * i for i in range(20000 + (number * 7919) % 5000))
    time.sleep((time.perf_counter() - started) % 0.003)
    loaded.append(np.full((2, 3), (number + total % 7) / 40, dtype="float32"))


threads = [threading.Thread(target=load, args=(number,)) for number in range(24)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()

x = np.concatenate(loaded)
model = tf.keras.Sequential([tf.keras.Input((3,)), tf.keras.layers.Dense(1)])
model.compile(optimizer="sgd", loss="mse")
for start in range(0, len(x), 16):
    model.train_on_batch(x[start : start + 16], x[start : start + 16, :1])
