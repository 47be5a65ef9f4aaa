"""The code is clean by the project's own standards: ruff's rules and format, mypy's strict mode."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

CHECKS = {
    "ruff check": ["ruff", "check", "tfguard", "rules", "tests", "setup.py"],
    "ruff format": ["ruff", "format", "--check", "tfguard", "rules", "tests", "setup.py"],
    "mypy": ["mypy"],
}


@pytest.mark.parametrize("name", sorted(CHECKS))
def test_code_is_clean(name: str, root: Path) -> None:
    command = [sys.executable, "-m", *CHECKS[name]]
    result = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-1000:]
