"""Wheel, sdist and editable installation carry the rules, and nothing pulls TensorFlow."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from tfguard.catalogue import load_catalogue

KNOWLEDGE = (".py", ".toml", ".tsv", ".txt")

pytestmark = pytest.mark.slow


def run(*command: str | Path, cwd: Path) -> str:
    """Run a command and return what it printed on stdout."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "COV_", "FORCE_"))}
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def built(source_tree: Path) -> Path:
    """The folder with the sdist, and with the wheel that was built from the sdist."""
    run(sys.executable, "-m", "build", "--outdir", source_tree / "dist", source_tree, cwd=source_tree)
    return source_tree / "dist"


@pytest.fixture(scope="module")
def knowledge(source_tree: Path) -> set[str]:
    """The paths below rules/ that must be part of every distribution."""
    found = {
        path.relative_to(source_tree / "rules").as_posix()
        for path in (source_tree / "rules").rglob("*")
        if path.suffix in KNOWLEDGE
    }
    assert "__init__.py" in found
    assert any(path.startswith("tables/") for path in found)
    return found


def test_wheel_has_all_rules_and_modules(built: Path, source_tree: Path, knowledge: set[str]) -> None:
    (wheel,) = built.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {f"tfguard/rules/{path}" for path in knowledge} <= names
    modules = {path.relative_to(source_tree).as_posix() for path in (source_tree / "tfguard").rglob("*.py")}
    assert modules | {"tfguard/py.typed"} <= names
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {"tfguard"}


def test_sdist_has_rules_tests_and_fixtures(built: Path, knowledge: set[str]) -> None:
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.split("/", 1)[1] for name in archive.getnames() if "/" in name}
    assert {f"rules/{path}" for path in knowledge} <= names
    assert {"LICENSE", "README.md", "setup.py", "tests/test_packaging.py", ".pre-commit-hooks.yaml"} <= names


def make_environment(folder: Path) -> Path:
    """A new virtual environment; returns its folder of programs."""
    run(sys.executable, "-m", "venv", folder, cwd=folder.parent)
    return folder / ("Scripts" if os.name == "nt" else "bin")


@pytest.mark.parametrize("editable", [False, True])
def test_installed_tool_knows_its_rules(built: Path, source_tree: Path, tmp_path: Path, editable: bool) -> None:
    programs = make_environment(tmp_path / "venv")
    what = ["-e", str(source_tree)] if editable else [str(next(built.glob("*.whl")))]
    run(programs / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *what, cwd=tmp_path)
    listed = run(programs / "tfguard", "rules", cwd=tmp_path)
    assert [line.split()[0] for line in listed.splitlines()[1:]] == [rule.id for rule in load_catalogue().rules]
    (tmp_path / "old.py").write_text("import tensorflow as tf\n\ntf.train.AdmaOptimizer()\n")
    assert "old.py:3:1: TFG401 " in run(programs / "tfguard", "check", "--exit-zero", "old.py", cwd=tmp_path)
    assert listed == run(programs / "python", "-m", "tfguard", "rules", cwd=tmp_path)
    installed = run(programs / "python", "-m", "pip", "list", cwd=tmp_path).lower()
    assert "tensorflow" not in installed
    assert "numpy" not in installed
