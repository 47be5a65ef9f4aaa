"""TFG401 by execution: on the installed TensorFlow every bad program of the fixtures stops, and its fixed twin runs."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.tensorflow,
    pytest.mark.skipif(importlib.util.find_spec("tensorflow") is None, reason="TensorFlow is not installed"),
]

CASES = Path(__file__).parent.parent.parent / "fixtures" / "removed-api"
#: Where a program of several files starts.
ENTRY = {"program": "train.py", "builds_at_import": "run.py"}
#: Something is left in it that has no successor.
UNMENDED = "keras_modules.fixed.py"
TWINS = sorted(path.name for path in CASES.glob("*.fixed*"))


def run(script: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, script.name]
    return subprocess.run(command, cwd=script.parent, env=environment, capture_output=True, text=True, timeout=300)


def script_of(name: str, folder: Path) -> Path:
    """The script of a case, copied away so that modules are found beside it and nowhere else."""
    path = CASES / name
    if path.is_dir():
        shutil.copytree(path, folder / "case")
        return folder / "case" / ENTRY[name.removesuffix(".fixed")]
    shutil.copy(path, folder)
    return folder / name


@pytest.mark.parametrize("twin", [twin for twin in TWINS if twin != UNMENDED])
def test_fixed_program_runs(twin: str, tmp_path: Path) -> None:
    result = run(script_of(twin, tmp_path))
    assert result.returncode == 0, result.stderr[-3000:]
    assert result.stdout.strip() or "\nOK" in result.stderr


@pytest.mark.parametrize("twin", TWINS)
def test_program_stopped_before(twin: str, tmp_path: Path) -> None:
    result = run(script_of(twin.replace(".fixed", ""), tmp_path))
    assert result.returncode != 0
    assert any(error in result.stderr for error in ("AttributeError", "ImportError", "ModuleNotFoundError")), (
        result.stderr[-3000:]
    )


def test_what_has_no_successor_still_stops(tmp_path: Path) -> None:
    result = run(script_of(UNMENDED, tmp_path))
    assert "module 'keras.layers' has no attribute 'MaxoutDense'" in result.stderr
