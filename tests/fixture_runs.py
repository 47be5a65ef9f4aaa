"""Runs fixtures on the installed TensorFlow, each in a fresh process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import lru_cache
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


#: Runs programs one after the other, each in a namespace of its own; prints what each prints and what stops it.
RUNNER = """
import contextlib, io, json, runpy, sys
import tensorflow as tf
done = {}
for path in sys.argv[1:]:
    out, error = io.StringIO(), ""
    is_graph = "compat.v1" in open(path).read()
    with tf.Graph().as_default() if is_graph else contextlib.nullcontext(), contextlib.redirect_stdout(out):
        try:
            runpy.run_path(path, run_name="__main__")
        except Exception as caught:
            error = f"{type(caught).__name__}: {caught}"
    done[path] = [out.getvalue(), error]
print("RESULT" + json.dumps(done))
"""


@lru_cache(maxsize=8)
def results_of(rule: str) -> dict[str, tuple[str, str]]:
    """What every case of a rule prints and what stops it, all run in one process."""
    paths = [str(path) for path in sorted((FIXTURES / rule).glob("*.py"))]
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-c", RUNNER, *paths]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.rpartition("RESULT")[2])
    return {Path(path).name.removesuffix(".py"): (out, error) for path, (out, error) in found.items()}
