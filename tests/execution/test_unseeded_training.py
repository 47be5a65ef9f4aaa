"""TFG101 by execution: what it finds differs from run to run, its fixed twin and what it passes do not."""

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

CASES = Path(__file__).parent.parent.parent / "fixtures" / "unseeded-training"
#: Folders, with the file that starts the program.
ENTRY = {"program": "train.py", "drawn_at_import": "run.py", "seeded_elsewhere": "train.py"}
#: For an older TensorFlow than the installed one.
OLDER = ("tf_1", "right_on_2_9")
FOUND = sorted(p.name.split(".")[0] for p in CASES.glob("*.fixed*") if p.name.split(".")[0] not in OLDER)
PASSED = ("constant_initialisers", "nothing_drawn", "own_generators", "seeded", "seeded_by_hand", "seeded_elsewhere")


def outputs(name: str, suffix: str, folder: Path) -> set[str]:
    """What two runs of a case print, in fresh processes with different hash seeds."""
    shutil.copytree(CASES, folder / "cases", ignore=shutil.ignore_patterns("__pycache__"))
    path = folder / "cases" / (f"{name}{suffix}/{ENTRY[name]}" if name in ENTRY else f"{name}{suffix}.py")
    return {run(path, hash_seed) for hash_seed in ("1", "2")}


def run(path: Path, hash_seed: str) -> str:
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONDONTWRITEBYTECODE": "1"}
    environment = {**os.environ, **quiet, "PYTHONHASHSEED": hash_seed}
    command = [sys.executable, path.name]
    result = subprocess.run(command, cwd=path.parent, env=environment, capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stderr[-3000:]
    assert result.stdout.strip()
    return result.stdout


@pytest.mark.parametrize("name", FOUND)
def test_found_program_differs_from_run_to_run(name: str, tmp_path: Path) -> None:
    assert len(outputs(name, "", tmp_path)) == 2


@pytest.mark.parametrize("name", FOUND)
def test_fixed_program_repeats_itself(name: str, tmp_path: Path) -> None:
    assert len(outputs(name, ".fixed", tmp_path)) == 1


@pytest.mark.parametrize("name", PASSED)
def test_passed_program_repeats_itself(name: str, tmp_path: Path) -> None:
    assert len(outputs(name, "", tmp_path)) == 1
