"""What several test folders share."""

from __future__ import annotations

import shutil
import signal
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

_NOT_SOURCE = shutil.ignore_patterns(
    ".git", ".venv", "*.egg-info", "__pycache__", "build", "dist", ".*_cache", ".hypothesis", ".coverage*"
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--update-goldens` rewrites the expected texts of the fixtures (tests/test_fixtures.py)."""
    parser.addoption("--update-goldens", action="store_true", help="rewrite the .fixed twins of the fixtures")


def pytest_configure(config: pytest.Config) -> None:
    """A shell that starts the tests in the background has them ignore Ctrl-C, and so would every program of a test."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def root() -> Path:
    """The folder of the repository."""
    return ROOT


@pytest.fixture(scope="session")
def source_tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the sources, so that building leaves nothing behind and finds nothing stale."""
    copy = tmp_path_factory.mktemp("source") / "tfguard"
    shutil.copytree(ROOT, copy, ignore=_NOT_SOURCE, symlinks=True)
    return copy
