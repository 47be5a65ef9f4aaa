"""Trains a small convnet and prints how long each step took, in milliseconds, as JSON: what `shim.py` measures.

Arguments: the number of steps, and of how many steps every second block is not traced, where the process is traced.
"""

import itertools
import json
import sys
import time
from typing import Any

import numpy as np
import tensorflow as tf

STEPS, BLOCK, BATCH = int(sys.argv[1]), int(sys.argv[2]), 32

tf.keras.utils.set_random_seed(1)
images = np.random.rand(BATCH * STEPS, 28, 28, 1).astype("float32")
labels = np.random.randint(0, 10, BATCH * STEPS)
model = tf.keras.Sequential(
    [
        tf.keras.layers.Conv2D(16, 3, activation="relu"),
        tf.keras.layers.MaxPooling2D(),
        tf.keras.layers.Conv2D(32, 3, activation="relu"),
        tf.keras.layers.MaxPooling2D(),
        tf.keras.layers.Flatten(),
        tf.keras.layers.Dense(10, activation="softmax"),
    ]
)
model.compile("adam", "sparse_categorical_crossentropy")
ends = [time.perf_counter()]
#: The module of the trace, in a process that is traced.
trace: Any = sys.modules.get("tfguard.runtime.trace")
is_ours = None if trace is None else trace.Trace.is_ours


class Clock(tf.keras.callbacks.Callback):  # type: ignore[misc]
    """Notes when each step ends."""

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        ends.append(time.perf_counter())
        if trace is not None:
            trace.Trace.is_ours = is_ours if (batch + 1) // BLOCK % 2 == 0 else lambda self: False


model.fit(images, labels, batch_size=BATCH, verbose=0, callbacks=[Clock()])
print(json.dumps([1000 * (end - begin) for begin, end in itertools.pairwise(ends)]))
