"""TFG308 by execution: swapped arguments give another loss, the fixed program the right one."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from running import change_of, preview_fix, write_files

pytestmark = [
    pytest.mark.tensorflow,
    pytest.mark.skipif(importlib.util.find_spec("tensorflow") is None, reason="TensorFlow is not installed"),
]

CASE = Path(__file__).parent.parent.parent / "fixtures" / "logits-labels-swapped" / "graph.py"
EAGER = """
import numpy as np
import tensorflow as tf

dense = tf.keras.layers.Dense(3, use_bias=False)
model = tf.keras.Sequential([tf.keras.Input((3,)), dense])
dense.set_weights([9.0 * np.eye(3, dtype="float32")])
labels = tf.one_hot([0, 1, 2], 3)
by_class = tf.keras.losses.CategoricalCrossentropy(from_logits=True)
by_place = float(by_class(model(np.eye(3)), labels))
by_function = float(tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(model(np.eye(3)), labels)))
print([by_place, by_function])
"""


def numbers(text: str, folder: Path) -> Any:
    write_files(folder, {"program.py": text})
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, "-W", "ignore", "program.py"]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


def fixed(text: str, folder: Path) -> str:
    write_files(folder, {"program.py": text})
    change = change_of(preview_fix(folder, select=["TFG308"]), "program.py")
    assert change is not None
    return change.after


def test_losses_of_a_graph(tmp_path: Path) -> None:
    text = CASE.read_text(encoding="utf-8")
    found = numbers(text, tmp_path / "found")
    right = numbers(fixed(text, tmp_path / "fixed"), tmp_path / "run")
    assert [round(loss, 3) for loss in found] == [4.963, -2.1, 4.963, -2.1, 4.963]
    assert [round(loss, 4) for loss in right] == [0.0002, 0.4621, 0.0002, 0.4621, 0.0002]


def test_losses_of_a_loop_of_ones_own(tmp_path: Path) -> None:
    found = numbers(EAGER, tmp_path / "found")
    right = numbers(fixed(EAGER, tmp_path / "fixed"), tmp_path / "run")
    assert [round(loss, 3) for loss in found] == [4.963, -2.1]
    assert [round(loss, 4) for loss in right] == [0.0002, 0.4621]
