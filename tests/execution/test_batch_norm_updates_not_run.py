"""TFG309 by execution: without the update ops the moving averages stay as they were, with them evaluation is right."""

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

CASES = Path(__file__).parent.parent.parent / "fixtures" / "batch-norm-updates-not-run"
PROGRAM = (
    "import tensorflow.compat.v1 as tf\nfor text in {texts!r}:\n    tf.reset_default_graph()\n    exec(text, {{}})\n"
)


def test_evaluation_is_wrong_until_the_updates_run(tmp_path: Path) -> None:
    texts = [(CASES / name).read_text(encoding="utf-8") for name in ("placeholder.py", "placeholder.fixed.py")]
    write_files(tmp_path, {"program.py": PROGRAM.format(texts=texts)})
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "TF_USE_LEGACY_KERAS": "1"}
    command = [sys.executable, "-W", "ignore", "program.py"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    found, fixed = (float(line) for line in done.stdout.splitlines()[-2:])
    # The input is 5 everywhere: normalised it is 0, its loss 1 at first. With the averages 0 and 1 it stays 5.
    assert 15.0 < found < 17.0
    assert fixed < 1.0
