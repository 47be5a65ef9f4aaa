"""Rules about what sessions run, by execution: what they find stops with the error they quote, what they pass runs."""

from __future__ import annotations

import functools
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tfguard.catalogue import load_catalogue

pytestmark = [
    pytest.mark.tensorflow,
    pytest.mark.skipif(importlib.util.find_spec("tensorflow") is None, reason="TensorFlow is not installed"),
]

FIXTURES = Path(__file__).parent.parent.parent / "fixtures"
RULES = ("feed-missing",)
CASES = [(rule, path.name) for rule in RULES for path in sorted((FIXTURES / rule).glob("*.py"))]


@functools.cache
def outcomes(rule: str) -> dict[str, str]:
    """How each fixture of a rule ends: the error, or nothing."""
    driver = Path(__file__).parent / "programs_in_one_process.py"
    paths = [str(path) for path in sorted((FIXTURES / rule).glob("*.py"))]
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, str(driver), *paths]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stderr[-3000:]
    found: dict[str, str] = json.loads(result.stdout.splitlines()[-1])
    return found


@pytest.mark.parametrize(("rule", "name"), CASES)
def test_found_programs_stop_and_others_run(rule: str, name: str) -> None:
    text = (FIXTURES / rule / name).read_text(encoding="utf-8")
    error = outcomes(rule)[name]
    if "# expect:" in text:
        messages = next(one.messages for one in load_catalogue().rules if one.name == rule)
        assert any(message in error for message in messages), error or "it ran"
    else:
        assert error == ""
