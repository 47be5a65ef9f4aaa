"""TFG116 by execution: when TensorFlow reads the variables that the table calls late or not, and what a number does."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys

import pytest

pytestmark = [
    pytest.mark.tensorflow,
    pytest.mark.skipif(importlib.util.find_spec("tensorflow") is None, reason="TensorFlow is not installed"),
]

#: What shows that the variables are read: one process tells of all that one import reads.
LATE = {
    "TF_ENABLE_ONEDNN_OPTS": (
        "0",
        "from tensorflow.python.util import _pywrap_util_port as p; print(p.IsMklEnabled())",
    ),
    "KERAS_BACKEND": ("no_such_backend", "import keras; print(keras.backend.backend())"),
}
LAZY = ("TF_DETERMINISTIC_OPS", "1", "tf.random.normal([1])")
READY = """
import os
{before}
import tensorflow as tf
{after}
{show}
"""


def run(program: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    for name in (*LATE, LAZY[0], "TF_USE_LEGACY_KERAS"):
        environment.pop(name, None)
    command = [sys.executable, "-W", "ignore", "-c", program]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)


def settings() -> str:
    return "\n".join(f"os.environ[{name!r}] = {value!r}" for name, (value, _) in LATE.items())


def shown(*, before: str = "", after: str = "") -> list[str]:
    result = run(READY.format(before=before, after=after, show="\n".join(show for _, show in LATE.values())))
    assert result.returncode == 0, result.stderr[-3000:]
    return result.stdout.splitlines()


def test_what_is_read_while_importing_is_too_late_afterwards() -> None:
    unset, late = shown(), shown(after=settings())
    assert late == unset
    result = run(READY.format(before=settings(), after="", show=LATE["TF_ENABLE_ONEDNN_OPTS"][1]))
    assert unset[0] not in result.stdout
    assert "no_such_backend" in result.stderr


def test_what_is_read_later_is_not() -> None:
    name, value, show = LAZY
    lines = [f"os.environ[{name!r}] = {value!r}", "os.environ['TF_USE_LEGACY_KERAS'] = '1'"]
    # Without the package tf_keras, asking for it fails: that shows as well that the variable was read.
    lines += ["try: print('Keras', tf.keras.__version__)", "except (AttributeError, ImportError): print('no Keras')"]
    result = run(READY.format(before="", after="\n".join(lines), show=show))
    assert result.stdout.startswith(("Keras 2.", "no Keras"))
    assert result.returncode != 0
    assert "Random ops require a seed to be set when determinism is enabled" in result.stderr


def test_a_number_stops_the_program() -> None:
    with pytest.raises(TypeError, match="str expected, not int"):
        os.environ["TF_CPP_MIN_LOG_LEVEL"] = 3  # type: ignore[assignment]
