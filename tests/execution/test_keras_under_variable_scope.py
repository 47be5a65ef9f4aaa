"""TFG311 by execution: under a reused scope a Keras layer has other weights, a shared object the same."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from running import write_files

pytestmark = [
    pytest.mark.tensorflow,
    pytest.mark.skipif(
        importlib.util.find_spec("tensorflow") is None or importlib.util.find_spec("tf_keras") is None,
        reason="TensorFlow or tf_keras is not installed",
    ),
]

CASES = Path(__file__).parent.parent.parent / "fixtures" / "keras-under-variable-scope"
RUN = """
import numpy as np
with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    one, other = sess.run(outs, {x: np.ones([1, 3])})
    print(bool(np.allclose(one, other)), len(tf.trainable_variables()))
"""
PROGRAM = """
import tensorflow.compat.v1 as tf
for text in {texts!r}:
    tf.reset_default_graph()
    exec(text, {{}})
"""


def test_weights_are_shared_by_the_object_only(tmp_path: Path) -> None:
    found = (CASES / "train_and_test.py").read_text(encoding="utf-8")
    shared = (CASES / "shared_object.py").read_text(encoding="utf-8") + RUN
    write_files(tmp_path, {"program.py": PROGRAM.format(texts=[found, shared])})
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "TF_USE_LEGACY_KERAS": "1"}
    command = [sys.executable, "-W", "ignore", "program.py"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.splitlines()[-2:] == ["False 8", "True 2"]
