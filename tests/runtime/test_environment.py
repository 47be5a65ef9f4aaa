"""Where a run was made: what a record holds, and what of it differs between two places."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from runtime.programs import clean_environment
from tfguard.cli.recorded_run import find_commit, iter_changes
from tfguard.runtime.environment import is_onednn_on, read_driver, read_processor

PROGRAM = "import os, helper, json\nos.chdir('/')\nprint(helper.VALUE)"


class Library:
    """What is asked of TensorFlow."""

    def __init__(self, version: str) -> None:
        self.__version__ = version


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "program.py").write_text(PROGRAM)
    (tmp_path / "helper.py").write_text("VALUE = 1\n")
    (tmp_path / "unused.py").write_text("VALUE = 1\n")
    return tmp_path


def verify(folder: Path, *options: str, **variables: str) -> tuple[int, Any]:
    command = [sys.executable, "-m", "tfguard", "verify", "--runs", "1", "--stdout", "--format", "json", *options]
    environment = clean_environment(**variables)
    done = subprocess.run(
        [*command, "program.py"], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    return done.returncode, json.loads(done.stdout)


def git(folder: Path, *arguments: str) -> None:
    names = ("-c", "user.name=n", "-c", "user.email=e@example.org")
    subprocess.run(["git", *names, *arguments], cwd=folder, check=True, capture_output=True)


def test_a_record_holds_sources_commit_and_variables(folder: Path) -> None:
    git(folder, "init", "--quiet")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "-m", "c")
    assert verify(folder, "--record", "run.json", OMP_NUM_THREADS="2", TF_CPP_MIN_VLOG_LEVEL="0")[0] == 0
    place = json.loads((folder / "run.json").read_text())["environment"]
    assert sorted(place["sources"]) == ["helper.py", "program.py"]
    assert place["variables"]["OMP_NUM_THREADS"] == "2"
    assert not [name for name in place["variables"] if "LOG" in name]
    assert len(place["commit"]) == 12
    assert place["Python"].count(".") == 2
    (folder / "helper.py").write_text("VALUE = 2\n")
    code, result = verify(folder, "--against", "run.json", OMP_NUM_THREADS="3")
    changes = {change["what"]: (change["then"], change["now"]) for change in result["record"]["changes"]}
    assert (code, sorted(changes)) == (1, ["OMP_NUM_THREADS", "commit", "helper.py"])
    assert changes["OMP_NUM_THREADS"] == ("2", "3")
    assert changes["commit"] == (place["commit"], f"{place['commit']} with changes")
    assert result["record"]["likely_cause"] == "helper.py has changed"


def test_no_repository_no_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert find_commit(tmp_path) is None


def test_hardware_as_the_system_tells_it(tmp_path: Path) -> None:
    intel, arm, driver = tmp_path / "intel", tmp_path / "arm", tmp_path / "driver"
    intel.write_text("processor : 0\nmodel name\t: One CPU\nflags : fpu avx avx2 fma\nmodel name : Other\n")
    arm.write_text("processor : 0\nFeatures : fp asimd sve\n")
    driver.write_text("NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.104.05  Sat Aug 19 01:15:15 UTC 2023\n")
    assert read_processor(str(intel)) == ("One CPU", ["avx", "avx2", "fma"])
    assert read_processor(str(arm)) == (None, ["asimd", "sve"])
    assert read_processor(str(tmp_path / "none")) == (None, [])
    assert (read_driver(str(driver)), read_driver(str(tmp_path / "none"))) == ("535.104.05", "not known")


@pytest.mark.parametrize(
    ("setting", "version", "machine", "on"),
    [
        (None, "2.9.0", "x86_64", True),
        (None, "2.8.4", "x86_64", False),
        (None, "2.15.1", "aarch64", False),
        ("0", "2.21.0", "x86_64", False),
        ("1", "2.5.0", "x86_64", True),
    ],
)
def test_onednn(monkeypatch: pytest.MonkeyPatch, setting: str | None, version: str, machine: str, on: bool) -> None:
    monkeypatch.delenv("TF_ENABLE_ONEDNN_OPTS", raising=False)
    if setting is not None:
        monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", setting)
    monkeypatch.setattr("platform.machine", lambda: machine)
    assert is_onednn_on(Library(version)) is on


def test_changes_one_by_one() -> None:
    then = {"TensorFlow": "2.15.1", "sources": {"a.py": "1", "b.py": "1"}, "unknown": 1}
    now = {"TensorFlow": "2.21.0", "sources": {"a.py": "2", "c.py": "1"}, "GPUs": "A GPU", "unknown": 2}
    assert [str(change) for change in iter_changes(then, now)] == [
        "GPUs absent then, A GPU now",
        "TensorFlow 2.15.1 then, 2.21.0 now",
        "a.py has changed",
        "b.py is gone",
        "c.py is new",
    ]
