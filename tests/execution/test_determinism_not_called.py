"""TFG111 by execution: what is only named or assigned to sets nothing, its fixed twin sets it."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from running import run_fix, write_files

pytestmark = [
    pytest.mark.tensorflow,
    pytest.mark.skipif(importlib.util.find_spec("tensorflow") is None, reason="TensorFlow is not installed"),
]

PROGRAM = """\
import random

import numpy as np
import tensorflow as tf

random.seed = 1
np.random.seed = 2
tf.random.set_seed = 3
tf.config.threading.set_intra_op_parallelism_threads = 1
tf.config.experimental.enable_op_determinism
print(random.random(), np.random.rand(), tf.random.uniform([]).numpy())
print(tf.config.threading.get_intra_op_parallelism_threads())
"""


def run(folder: Path) -> list[str]:
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, "program.py"]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300, check=True)
    return done.stdout.splitlines()


def test_nothing_is_set_before_and_everything_after(tmp_path: Path) -> None:
    write_files(tmp_path, {"program.py": PROGRAM})
    before = [run(tmp_path) for _ in range(2)]
    assert [lines[1] for lines in before] == ["0", "0"]
    assert all(one != other for one, other in zip(*(lines[0].split() for lines in before), strict=True))
    run_fix(tmp_path, select=["TFG111"])
    after = [run(tmp_path) for _ in range(2)]
    assert after[0] == after[1]
    assert after[0][1] == "1"
