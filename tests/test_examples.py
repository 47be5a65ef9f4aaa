"""The example programs: what tfguard makes of them runs on today's TensorFlow and gives the same numbers twice."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from running import run_check, run_fix

EXAMPLES = Path(__file__).parent.parent / "fixtures" / "examples"
PROGRAMS = sorted(path.name for path in EXAMPLES.glob("*.py"))


@pytest.fixture(scope="module")
def fixed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The examples after `tfguard fix`."""
    folder = tmp_path_factory.mktemp("examples")
    for name in PROGRAMS:
        shutil.copy(EXAMPLES / name, folder)
    run_fix(folder, target="2.21")
    return folder


def test_one_program_is_clean_and_the_others_are_not() -> None:
    found = {finding.path.rsplit("/", 1)[-1] for finding in run_check(EXAMPLES, target="2.21").findings}
    assert found == set(PROGRAMS) - {"reproducible.py"}


def test_nothing_is_left_after_fix(fixed: Path) -> None:
    assert run_check(fixed, target="2.21").findings == ()
    assert (fixed / "reproducible.py").read_bytes() == (EXAMPLES / "reproducible.py").read_bytes()


@pytest.mark.tensorflow
@pytest.mark.skipif(importlib.util.find_spec("tensorflow") is None, reason="needs TensorFlow (the extra `tf`)")
@pytest.mark.parametrize("name", PROGRAMS)
def test_fixed_program_gives_the_same_numbers_twice(fixed: Path, name: str) -> None:
    first, second = (run_program(fixed / name) for _ in range(2))
    assert first.startswith("loss ")
    assert first == second


def run_program(path: Path) -> str:
    environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run([sys.executable, path], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
