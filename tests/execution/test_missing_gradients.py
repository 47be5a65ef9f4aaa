"""TFG302 and TFG303 by execution: what they find stops or never trains, what they pass runs."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.tensorflow,
    pytest.mark.skipif(importlib.util.find_spec("tensorflow") is None, reason="TensorFlow is not installed"),
]

CASES = Path(__file__).parent.parent.parent / "fixtures"
FETCHED = 'Argument `fetch` = None has invalid type "NoneType"'
STOPS = {
    "unrelated-gradient/fetched.py": FETCHED,
    "unrelated-gradient/other_model.py": "None values not supported",
    "unrelated-gradient/two_files/train.py": FETCHED,
    "blocked-gradient/accuracy.py": "No gradients provided for any variable",
    "blocked-gradient/rounded.py": "unsupported operand type(s) for *: 'float' and 'NoneType'",
}
RUNS = (
    *("unrelated-gradient/filtered.py", "unrelated-gradient/replaced_by_zeros.py"),
    *("unrelated-gradient/variable_found_again.py", "blocked-gradient/gradient_overridden.py"),
)


def run(case: str) -> subprocess.CompletedProcess[str]:
    path = CASES / case
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, path.name]
    return subprocess.run(command, cwd=path.parent, env=environment, capture_output=True, text=True, timeout=300)


@pytest.mark.parametrize("case", sorted(STOPS))
def test_found_program_stops(case: str) -> None:
    done = run(case)
    assert done.returncode == 1
    assert STOPS[case] in done.stderr


def test_found_variable_is_never_trained() -> None:
    done = run("unrelated-gradient/never_trained.py")
    assert done.returncode == 0, done.stderr[-2000:]
    trained, untouched = done.stdout.strip("[]\n").split(", ")
    assert "1.0" not in trained
    assert "1.0" in untouched


@pytest.mark.parametrize("case", RUNS)
def test_passed_program_runs(case: str) -> None:
    done = run(case)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "None" not in done.stdout
