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
RULES = (
    "merge-all-shared-scope",
    "feed-missing",
    "variable-exists",
    "variables-not-initialized",
    "graph-grows-in-loop",
    "fetch-not-in-graph",
)


def runs_here(path: Path) -> bool:
    """Is a fixture for the TensorFlow that is installed, and one that needs TensorFlow?"""
    text = path.read_text(encoding="utf-8")
    return not text.startswith("# target:") and "import tensorflow" in text


def cases(rule: str) -> list[Path]:
    """The programs of a rule: files, and the entries of folders."""
    folder = FIXTURES / rule
    entries = [path for path in folder.glob("*/*.py") if "Session(" in path.read_text(encoding="utf-8")]
    return sorted(path for path in (*folder.glob("*.py"), *entries) if runs_here(path))


CASES = [(rule, path.relative_to(FIXTURES / rule).as_posix()) for rule in RULES for path in cases(rule)]


@functools.cache
def outcomes(rule: str) -> dict[str, tuple[str, str]]:
    """How each program of a rule ends: the error, or nothing; and what it prints."""
    driver = Path(__file__).parent / "programs_in_one_process.py"
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONDONTWRITEBYTECODE": "1"}
    options = ["--finalize"] if rule == "graph-grows-in-loop" else []
    command = [sys.executable, str(driver), *options, *map(str, cases(rule))]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stderr[-3000:]
    found: dict[str, tuple[str, str]] = json.loads(result.stdout.splitlines()[-1])
    return found


@pytest.mark.parametrize(("rule", "name"), CASES)
def test_found_programs_stop_and_others_run(rule: str, name: str) -> None:
    path = FIXTURES / rule / name
    files = path.parent.glob("*.py") if "/" in name else [path]
    is_found = any("# expect:" in file.read_text(encoding="utf-8") for file in files) and ".fixed" not in name
    error, printed = outcomes(rule)[str(path)]
    if is_found:
        messages = next(one.messages for one in load_catalogue().rules if one.name == rule)
        assert any(message in error for message in messages), error or "it ran"
    else:
        assert error == ""
        assert "False" not in printed.splitlines()
