"""TFG114 by execution: op determinism is on, and a session of TensorFlow 1 still runs two updates in any order."""

from __future__ import annotations

import ast
import importlib.util
import os
import subprocess
import sys

import pytest

pytestmark = [
    pytest.mark.tensorflow,
    pytest.mark.skipif(importlib.util.find_spec("tensorflow") is None, reason="TensorFlow is not installed"),
]

PROGRAM = """
import tensorflow as tf

tf.config.experimental.enable_op_determinism()


def in_a_session():
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        v = tf.compat.v1.get_variable("v", initializer=1.0)
        updates = [v.assign_add(1.0, read_value=False), v.assign(v * 2.0, read_value=False)]
        for _ in range(300):
            session.run(v.initializer)
            session.run(updates)
            yield float(session.run(v))


@tf.function
def update(v):
    v.assign(1.0)
    v.assign_add(1.0)
    v.assign(v * 2.0)
    return v.read_value()


v = tf.Variable(1.0)
print(sorted(set(in_a_session())), sorted({float(update(v)) for _ in range(300)}))
"""


def test_updates_of_a_session_have_no_order() -> None:
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, "-W", "ignore", "-c", PROGRAM]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    of_session, of_function = (ast.literal_eval(part + "]") for part in done.stdout.strip().split("]")[:2])
    assert len(of_session) > 1
    assert of_function == [4.0]
