"""TFG305 by execution: what it finds gives None or raises, what it passes and what its fixes make does neither."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from functools import lru_cache
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.tensorflow,
    pytest.mark.skipif(importlib.util.find_spec("tensorflow") is None, reason="TensorFlow is not installed"),
]

CASES = Path(__file__).parent.parent.parent / "fixtures" / "tape-not-watching"
#: Runs programs one after the other, each in a namespace of its own; prints what each prints and what stops it.
RUNNER = """
import contextlib, io, json, runpy, sys
done = {}
for path in sys.argv[1:]:
    out, error = io.StringIO(), ""
    with contextlib.redirect_stdout(out):
        try:
            runpy.run_path(path, run_name="__main__")
        except Exception as caught:
            error = f"{type(caught).__name__}: {caught}"
    done[path] = [out.getvalue(), error]
print("RESULT" + json.dumps(done))
"""
MULTIPLIED = "TypeError: unsupported operand type(s) for *: 'float' and 'NoneType'"
CONVERTED = "ValueError: Attempt to convert a value (None) with an unsupported type"
#: What stops the program, or what it prints.
FAILS = {
    "array": "AttributeError: 'numpy.ndarray' object has no attribute '_id'",
    "array_watched": "of type 'ndarray', not tf.Tensor or tf.Variable or ExtensionType",
    "asked_in_a_loop": "A non-persistent GradientTape can only be used to compute one set of gradients (or jacobians)",
    "asked_twice": "A non-persistent GradientTape can only be used to compute one set of gradients (or jacobians)",
    "attribute_becomes_a_tensor": MULTIPLIED,
    "constant": MULTIPLIED,
    "constants_in_a_list": "TypeError: unsupported operand type(s) for *: 'NoneType' and 'float'",
    "frozen": MULTIPLIED,
    "integers": "None\n",
    "item_asked_for": "None\n",
    "loss_after_the_block": "No gradients provided for any variable",
    "loss_of_a_model_after_the_block": "No gradients provided for any variable",
    "nothing_accessed": MULTIPLIED,
    "number": "AttributeError: 'float' object has no attribute 'dtype'",
    "second_order_outside": "27.0 None\n",
    "through_numpy": "None\nNone\n",
    "variable_becomes_a_tensor": MULTIPLIED,
    "watched_integers": "None\n",
    "watched_late": "None\n",
}
FIXED = sorted(path.name.removesuffix(".py") for path in CASES.glob("*.fixed.py"))
SOUND = sorted({path.stem for path in CASES.glob("*.py")} - set(FAILS) - set(FIXED))


@lru_cache(maxsize=1)
def results() -> dict[str, tuple[str, str]]:
    """What every case prints, and what stops it."""
    paths = [str(path) for path in sorted(CASES.glob("*.py"))]
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-c", RUNNER, *paths]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.rpartition("RESULT")[2])
    return {Path(path).name.removesuffix(".py"): (out, error) for path, (out, error) in found.items()}


@pytest.mark.parametrize("case", sorted(FAILS))
def test_found_program_gets_none_or_stops(case: str) -> None:
    assert "expect: TFG305" in (CASES / f"{case}.py").read_text()
    out, error = results()[case]
    assert FAILS[case] in (error or out)


@pytest.mark.parametrize("case", [*SOUND, *FIXED])
def test_sound_or_fixed_program_gets_gradients(case: str) -> None:
    out, error = results()[case]
    assert not error
    assert out.strip()
    assert "None" not in out
