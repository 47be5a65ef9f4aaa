"""TFG104 by execution: set in a program, the variable leaves the order of its sets to chance; the guard does not."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from running import run_fix

pytestmark = [
    pytest.mark.tensorflow,
    pytest.mark.skipif(importlib.util.find_spec("tensorflow") is None, reason="TensorFlow is not installed"),
]

CASES = Path(__file__).parent.parent.parent / "fixtures" / "hash-seed-in-process"


def outputs(path: Path) -> set[str]:
    """What two runs print, in fresh processes that nobody gives a hash seed."""
    return {run(path) for _ in range(2)}


def run(path: Path) -> str:
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONDONTWRITEBYTECODE": "1"}
    environment.pop("PYTHONHASHSEED", None)
    command = [sys.executable, "-W", "ignore", path.name, "an argument"]
    result = subprocess.run(command, cwd=path.parent, env=environment, capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stderr[-3000:]
    assert "'" in result.stdout
    return result.stdout


def test_the_variable_has_no_effect_and_the_guard_has(tmp_path: Path) -> None:
    path = tmp_path / "item.py"
    shutil.copyfile(CASES / "item.py", path)
    assert len(outputs(path)) == 2
    run_fix(tmp_path, select=["TFG104"], unsafe_fixes=True)
    assert "os.execv" in path.read_text()
    assert len(outputs(path)) == 1


@pytest.mark.parametrize(("case", "count"), [("forked_workers", 2), ("for_a_child", 1)])
def test_children_that_begin_anew_get_it_and_forks_do_not(case: str, count: int, tmp_path: Path) -> None:
    shutil.copyfile(CASES / f"{case}.py", tmp_path / f"{case}.py")
    assert len(outputs(tmp_path / f"{case}.py")) == count
