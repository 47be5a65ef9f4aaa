"""Runs the real command line in the test's own folder."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tfguard.cli.main import command_line

Tfguard = Callable[..., Result]

SHUFFLE = """\
import tensorflow as tf

tf.keras.utils.set_random_seed(1)
data = tf.data.Dataset.range(10).shuffle(10)
"""
OLD = """\
import tensorflow as tf

x = tf.mul(1, 2)
y = tf.train.AdmaOptimizer(0.1)
"""
CLEAN = "print('nothing to see')\n"

#: click 8.1 mixes the streams unless it is told not to; later versions never do.
_SEPARATE = {"mix_stderr": False} if "mix_stderr" in inspect.signature(CliRunner).parameters else {}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project, which is the current folder; rules are selected so that new ones change no test."""
    settings = 'cache = false\njobs = 1\ntarget = "2.21"\nselect = ["TFG401", "TFG901", "TFG902"]\n'
    (tmp_path / "tfguard.toml").write_text(settings)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    monkeypatch.delenv("NO_COLOR", raising=False)
    return tmp_path


@pytest.fixture
def tfguard(project: Path) -> Tfguard:
    """Call the command line with arguments; the result has stdout, stderr and exit_code."""

    def call(*arguments: str, stdin: bytes | None = None) -> Result:
        result = CliRunner(**_SEPARATE).invoke(command_line, list(arguments), input=stdin, prog_name="tfguard")
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result

    return call
