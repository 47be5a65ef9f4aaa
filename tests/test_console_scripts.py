"""Which functions a project installs as commands."""

from __future__ import annotations

from pathlib import Path

import pytest

from running import run_check, write_files
from tfguard.config import load_config
from tfguard.console_scripts import find_scripts

SETUP = """
from setuptools import setup
setup(
    name="x", description="a = b: c",
    entry_points={"console_scripts": ["train = pkg.train:main [gpu]", "x=pkg:run"]},
)
"""

FILES = {
    "project": ("pyproject.toml", '[project.scripts]\ntrain = "pkg.train:main"\n', ("pkg.train:main",)),
    "entry points": ("pyproject.toml", '[project.entry-points.console_scripts]\nt = "pkg:run"\n', ("pkg:run",)),
    "poetry": ("pyproject.toml", '[tool.poetry.scripts]\nt = {reference = "a.b:c", type = "console"}\n', ("a.b:c",)),
    "broken": ("pyproject.toml", "[project.scripts\n", ()),
    "odd": ("pyproject.toml", '[project]\nscripts = 3\n[tool]\npoetry = "x"\n', ()),
    "cfg": ("setup.cfg", "[options.entry_points]\nconsole_scripts =\n  t = a:b\n  u = a.c:d\n", ("a.c:d", "a:b")),
    "broken cfg": ("setup.cfg", "console_scripts = t = a:b\n", ()),
    "setup": ("setup.py", SETUP, ("pkg.train:main", "pkg:run")),
    "broken setup": ("setup.py", "console_scripts = [\n", ()),
}


@pytest.mark.parametrize(("name", "text", "wanted"), FILES.values(), ids=FILES.keys())
def test_scripts_of_a_file(name: str, text: str, wanted: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    assert find_scripts(tmp_path) == wanted


def test_nothing_to_read(tmp_path: Path) -> None:
    (tmp_path / "setup.cfg").mkdir()
    assert find_scripts(tmp_path) == ()


def test_scripts_change_the_fingerprint(tmp_path: Path) -> None:
    before = load_config(tmp_path, {}).fingerprint()
    (tmp_path / "pyproject.toml").write_text('[project.scripts]\ntrain = "train:main"\n')
    assert load_config(tmp_path, {}).fingerprint() != before


TRAIN = "import tensorflow as tf\n\n\ndef main():\n    print(tf.random.normal([2]))\n"


@pytest.mark.parametrize(
    ("files", "path"),
    [
        ({"train.py": TRAIN, "setup.cfg": "[options.entry_points]\nconsole_scripts = t = train:main\n"}, "train.py"),
        ({"src/pkg/train.py": TRAIN, "setup.py": SETUP}, "src/pkg/train.py"),
        ({"pkg/__init__.py": "from .cli import main as run\n", "pkg/cli.py": TRAIN, "setup.py": SETUP}, "pkg/cli.py"),
    ],
)  # fmt: skip
def test_function_of_a_script_is_where_a_program_starts(files: dict[str, str], path: str, tmp_path: Path) -> None:
    assert not run_check(tmp_path, select=["TFG101"]).findings
    write_files(tmp_path, files)
    (finding,) = run_check(tmp_path, select=["TFG101"]).findings
    assert (finding.path, finding.line) == (path, 5)
