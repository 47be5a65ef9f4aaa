"""Runs programs in fresh interpreters of several versions, for the tests of the shim."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
HAS_TENSORFLOW = importlib.util.find_spec("tensorflow") is not None
QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONDONTWRITEBYTECODE": "1", "PYTHONWARNINGS": "ignore"}
#: What a test that starts TensorFlow carries.
needs_tensorflow = pytest.mark.skipif(not HAS_TENSORFLOW, reason="TensorFlow is not installed")


def clean_environment(**variables: str) -> dict[str, str]:
    """The environment without what would change a program: hash seeds, paths, settings of earlier runs."""
    dropped = ("PYTHON", "TFGUARD_T", "TFGUARD_R", "TFGUARD_F", "COV_", "TF_", "CUDA_")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(dropped)}
    return {**kept, **QUIET, "VIRTUAL_ENV": "", **variables}


def run_program(
    text: str, folder: Path, *, python: str | Path = sys.executable, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Write a program and run it as `python program.py`, with this tfguard on its path."""
    path = folder / "program.py"
    path.write_text(text)
    environment = clean_environment(PYTHONPATH=str(ROOT), **variables)
    return subprocess.run([python, path.name], cwd=folder, env=environment, capture_output=True, text=True, timeout=120)


def output_of(text: str, folder: Path, *, python: str | Path = sys.executable, **variables: str) -> str:
    """What the program prints; it has to end well."""
    done = run_program(text, folder, python=python, **variables)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def era_python(name: str) -> str:
    """The interpreter of an old environment; skips the test where there is none."""
    path = Path(os.environ.get("TFGUARD_ERA_ENVS", "/nowhere")) / name / "bin" / "python"
    if not path.exists():
        pytest.skip(f"no environment {name} in $TFGUARD_ERA_ENVS")
    return str(path)


def plain_python(version: str) -> str:
    """An interpreter of a version, without any library; skips the test where there is none."""
    found = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"))
    if not found:
        pytest.skip(f"no Python {version}")
    return str(found[0])
