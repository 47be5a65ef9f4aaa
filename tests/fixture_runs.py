"""Runs fixtures on the installed TensorFlow, each in a fresh process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

FIXTURES = Path(__file__).parent.parent / "fixtures"


def run(rule: str, name: str, *, hash_seed: str = "1") -> subprocess.CompletedProcess[str]:
    """What a fixture prints, and how it ends."""
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": hash_seed}
    command = [sys.executable, f"{name}.py"]
    environment = {**os.environ, **quiet}
    return subprocess.run(command, cwd=FIXTURES / rule, env=environment, capture_output=True, text=True, timeout=300)


def output(rule: str, name: str, *, hash_seed: str = "1") -> str:
    """What a fixture prints; it must end well and print something."""
    done = run(rule, name, hash_seed=hash_seed)
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.strip()
    return done.stdout


def error(rule: str, name: str) -> str:
    """The last lines of a fixture that ends with an error."""
    done = run(rule, name)
    assert done.returncode != 0, done.stdout
    return done.stderr[-3000:]
