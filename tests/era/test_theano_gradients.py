"""TFG302 and TFG303 on Theano: what they find raises, what they pass and what their fixes make runs.

Needs Theano: `TFGUARD_ERA_ENVS=DIR pytest tests/era/test_theano_gradients.py`, where DIR/py27 holds it.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

FIXTURES = Path(__file__).parent.parent.parent / "fixtures"
PYTHON = Path(os.environ.get("TFGUARD_ERA_ENVS", "/nonexistent")) / "py27" / "bin" / "python"
CASES = sorted(
    path for rule in ("unrelated-gradient", "blocked-gradient") for path in (FIXTURES / rule).glob("theano_*")
)
pytestmark = pytest.mark.skipif(not PYTHON.exists(), reason="there is no Theano: set TFGUARD_ERA_ENVS")


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.name)
def test_theano_raises_where_something_is_found(case: Path) -> None:
    done = subprocess.run([str(PYTHON), str(case)], capture_output=True, text=True, timeout=300)
    is_found = "expect: " in case.read_text() and ".fixed" not in case.name
    assert (done.returncode != 0) == is_found, done.stderr[-2000:]
    assert ("DisconnectedInputError" in done.stderr) == is_found
