"""TFG310 by execution: a Keras layer in a session drops nothing unless it is told that it is trained."""

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

CASE = Path(__file__).parent.parent.parent / "fixtures" / "learning-phase-not-fed" / "dropout.py"
PROGRAM = (
    "import tensorflow.compat.v1 as tf\nfor text in {texts!r}:\n    tf.reset_default_graph()\n    exec(text, {{}})\n"
)


def test_nothing_is_dropped_until_the_phase_is_fed(tmp_path: Path) -> None:
    text = CASE.read_text(encoding="utf-8")
    told = text.replace("Dropout(0.5)(x)", "Dropout(0.5)(x, training=True)")
    fed = text.replace("{x: np.ones([1, 100])}", "{x: np.ones([1, 100]), tf.keras.backend.learning_phase(): True}")
    assert len({text, told, fed}) == 3
    write_files(tmp_path, {"program.py": PROGRAM.format(texts=[text, told, fed])})
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "TF_USE_LEGACY_KERAS": "1"}
    command = [sys.executable, "-W", "ignore", "program.py"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    zeros = [int(line) for line in done.stdout.splitlines()[-3:]]
    assert zeros[0] == 0
    assert 20 < zeros[1] < 80
    assert 20 < zeros[2] < 80
