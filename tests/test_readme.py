"""The README: every command block is run, what it shows is what is printed, its table of rules is up to date."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tfguard.catalogue import load_catalogue
from tfguard.cli.rules import render_markdown

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")

_BLOCK = re.compile(
    r"^(?:<!-- (?P<mark>[^>]*) -->\n)?```(?P<language>\w+)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL
)


@dataclass(frozen=True)
class Block:
    """A fenced block; `mark` is the comment on the line above it."""

    mark: str
    language: str
    body: str


BLOCKS = [Block(found["mark"] or "", found["language"], found["body"]) for found in _BLOCK.finditer(README)]
SESSIONS = [block for block in BLOCKS if block.language == "console"]
COMMANDS = [block for block in BLOCKS if block.language == "sh"]
ELSEWHERE = {"main job", "test command"}


def programs() -> dict[str, str]:
    """An environment whose first programs are those of this Python's environment."""
    kept = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "FORCE_COLOR")}
    return kept | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}


def run(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-c", command], cwd=folder, env=programs(), capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files that the README shows, as `<!-- file: name -->` marks them, and the examples, in a git repository."""
    base = tmp_path_factory.mktemp("readme")
    for block in BLOCKS:
        if block.mark.startswith("file: "):
            path = base / block.mark.removeprefix("file: ")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.body, encoding="utf-8")
    shutil.copytree(ROOT / "fixtures" / "examples", base / "fixtures" / "examples")
    run("git init --quiet", base)
    return base


def test_readme_is_short() -> None:
    assert len(README.splitlines()) < 200


def test_there_is_something_to_run() -> None:
    assert len(SESSIONS) >= 2
    assert {block.mark for block in COMMANDS} >= ELSEWHERE


def test_sessions_are_real(folder: Path) -> None:
    """In order, in one folder: a command may build on the one before it."""
    for block in SESSIONS:
        for session in block.body.removeprefix("$ ").split("\n$ "):
            command, _, expected = session.partition("\n")
            done = run(command, folder)
            assert "Traceback" not in done.stderr, done.stderr
            assert done.stdout.strip("\n") == expected.strip("\n"), (command, done.stderr)


@pytest.mark.parametrize(
    "block", [block for block in COMMANDS if block.mark not in ELSEWHERE], ids=lambda block: block.body
)
def test_commands_run(block: Block, folder: Path) -> None:
    """Each line by itself; exit code 1 means findings, and 2 a command that does not work."""
    for line in block.body.splitlines():
        done = run(line, folder)
        assert done.returncode in (0, 1), (line, done.stderr)


@pytest.mark.slow
def test_main_job_runs_in_a_clean_tree(source_tree: Path) -> None:
    (block,) = [block for block in COMMANDS if block.mark == "main job"]
    assert len(block.body.splitlines()) == 1
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "COV_", "FORCE_"))}
    done = subprocess.run(
        ["bash", "-c", block.body], cwd=source_tree, env=kept, capture_output=True, text=True, check=False
    )
    shutil.rmtree(source_tree / ".venv")
    assert done.returncode == 1, done.stderr
    assert "fixtures/examples/mnist_tf1.py:" in done.stdout
    assert "\n--- a/fixtures/examples/mnist_tf1.py\n" in done.stdout
    assert "fixtures/examples/reproducible.py" not in done.stdout


def test_continuous_integration_runs_the_test_command() -> None:
    (block,) = [block for block in COMMANDS if block.mark == "test command"]
    assert re.fullmatch(r"python3 -m venv \.venv && \.venv/bin/pip install .*\[dev,tf\].* -m pytest\n", block.body)
    script = f"sed -n '{_sed_expression()}' README.md | grep '^python3 -m venv'"
    assert run(script, ROOT).stdout == block.body


def _sed_expression() -> str:
    found = re.search(r"sed -n '([^']*)' README\.md", (ROOT / ".ci" / "run").read_text())
    assert found
    return found[1]


def test_table_of_rules_is_up_to_date() -> None:
    """Regenerate it with `tfguard rules --format markdown`."""
    found = re.search(r"<!-- rules: [^>]*-->\n(.*?)<!-- end of rules -->", README, re.DOTALL)
    assert found
    assert found[1] == render_markdown(load_catalogue().rules)
