"""Run queues of TF 1 with one and several threads, five times each, and write down digests of the batches.

usage: record_parallel_queues.py PYTHON ...
Each PYTHON is an interpreter with a TensorFlow 1 of its own. Every seed is set. Versions without an interpreter keep
what is recorded of them.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

GOLDENS = Path(__file__).resolve().parents[1] / "execution" / "goldens" / "parallel_queues.json"
RUNS = 5
PROGRAM = """
import hashlib, os, sys
import numpy as np
import tensorflow as tf
if sys.argv[1] == "version":
    print(tf.__version__)
    raise SystemExit
tf.set_random_seed(1)
threads = int(sys.argv[2])
queue = tf.train.string_input_producer([str(i) for i in range(64)], shuffle=True, seed=1)
x = tf.string_to_number(queue.dequeue())
x = x + tf.reduce_sum(tf.matmul(tf.ones([64, 64]) * x, tf.ones([64, 64]))) * 0
if sys.argv[1] == "batch":
    batch = tf.train.batch([x], 16, num_threads=threads)
elif sys.argv[1] == "shuffle_batch":
    batch = tf.train.shuffle_batch([x], 16, 128, 64, num_threads=threads, seed=2)
else:
    batch = tf.train.batch_join([[x], [x + 0.0]], 16)
session = tf.Session()
session.run([tf.global_variables_initializer(), tf.local_variables_initializer()])
tf.train.start_queue_runners(session, tf.train.Coordinator())
found = np.array([session.run(batch) for _ in range(30)])
print(hashlib.sha256(found.tobytes()).hexdigest()[:10])
sys.stdout.flush()
os._exit(0)
"""
CASES = {
    "batch, 1 thread": ("batch", "1"),
    "batch, 4 threads": ("batch", "4"),
    "shuffle_batch, 1 thread": ("shuffle_batch", "1"),
    "shuffle_batch, 4 threads": ("shuffle_batch", "4"),
    "batch_join": ("batch_join", "2"),
}


def run(python: str, *arguments: str) -> str:
    """The last line that the program prints."""
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
    command = [python, "-W", "ignore", "-c", PROGRAM, *arguments]
    done = subprocess.run(command, env={**os.environ, **quiet}, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()[-1]


def main(pythons: list[str]) -> None:
    """Record what every interpreter does."""
    goldens = json.loads(GOLDENS.read_text()) if GOLDENS.exists() else {}
    for python in pythons:
        version = run(python, "version")
        goldens[version] = {name: [run(python, *case) for _ in range(RUNS)] for name, case in CASES.items()}
        print(version, goldens[version])
    GOLDENS.write_text(json.dumps(dict(sorted(goldens.items())), indent=1, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
