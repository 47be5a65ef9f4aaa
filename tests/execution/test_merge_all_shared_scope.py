"""TFG301 by execution: what the rule finds asks for a placeholder of the other model, what it passes runs."""

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

CASES = Path(__file__).parent.parent.parent / "fixtures" / "merge-all-shared-scope"
#: For TensorFlow 0.12, or without TensorFlow at all.
NOT_HERE = ("zero_x_names.py", "other_class_of_the_name.py")
FOUND = ("class_in_loop.py", "class_twice.py", "function_twice.py", "two_files/train.py")
PASSED = sorted(p.name for p in CASES.glob("*.py") if p.name not in (*NOT_HERE, *FOUND))


def run(script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    shutil.copytree(CASES, folder / "cases")
    path = folder / "cases" / script
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, path.name]
    return subprocess.run(command, cwd=path.parent, env=environment, capture_output=True, text=True, timeout=300)


@pytest.mark.parametrize("script", FOUND)
def test_found_program_stops(script: str, tmp_path: Path) -> None:
    result = run(script, tmp_path)
    assert result.returncode != 0
    assert "You must feed a value for placeholder tensor" in result.stderr


@pytest.mark.parametrize("script", PASSED)
def test_passed_program_runs(script: str, tmp_path: Path) -> None:
    result = run(script, tmp_path)
    assert result.returncode == 0, result.stderr[-3000:]
    assert result.stdout.strip().splitlines()[-1] == "True"
