"""The README: every command block is run, what it shows is what is printed, its table of rules is up to date.

`pytest tests/test_readme.py --update-goldens` writes the outputs and the table anew.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from runtime.programs import HAS_TENSORFLOW
from tfguard.catalogue import load_catalogue
from tfguard.report.markdown import table
from tfguard.rule import Rule

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")

_BLOCK = re.compile(
    r"^(?:<!-- (?P<mark>[^>]*) -->\n)?```(?P<language>\w+)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL
)
_CONSOLE = re.compile(r"(^(?:<!-- needs TensorFlow -->\n)?)```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_RULES = re.compile(r"(<!-- rules: [^>]*-->\n).*?(<!-- end of rules -->)", re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A fenced block; `mark` is the comment on the line above it."""

    mark: str
    language: str
    body: str


BLOCKS = [Block(found["mark"] or "", found["language"], found["body"]) for found in _BLOCK.finditer(README)]
MAIN_JOB, TEST_COMMAND = "main job", "test command"
LINES = [
    line
    for block in BLOCKS
    if block.language == "sh" and block.mark not in (MAIN_JOB, TEST_COMMAND)
    for line in block.body.splitlines()
]


def block_marked(mark: str) -> str:
    """The one block under a comment; set-up commands are one line each."""
    (body,) = [block.body for block in BLOCKS if block.mark == mark]
    assert body.count("\n") == 1
    return body


def run(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a line in bash, with the programs of this Python's environment first."""
    kept = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "FORCE_COLOR")}
    environment = kept | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    return subprocess.run(
        ["bash", "-c", command], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files that the README shows, as `<!-- file: name -->` marks them, and the examples."""
    base = tmp_path_factory.mktemp("readme")
    for block in BLOCKS:
        if block.mark.startswith("file: "):
            (base / block.mark.removeprefix("file: ")).write_text(block.body, encoding="utf-8")
    shutil.copytree(ROOT / "fixtures" / "examples", base / "fixtures" / "examples")
    return base


def overview(rules: tuple[Rule, ...]) -> str:
    """The table of rules: a line for each family, in the order of their ids."""
    families: dict[str, list[str]] = {}
    for rule in rules:
        families.setdefault(rule.family, []).append(f"{rule.id}\u00a0`{rule.name}`")
    rows = table(("Family", "Rules"), [(family, ", ".join(names)) for family, names in families.items()])
    return "\n".join(rows) + "\n"


def replay(body: str, folder: Path) -> str:
    """A console block with what its commands print today."""
    shown = []
    for line in body.splitlines():
        if line.startswith("$ "):
            done = run(line.removeprefix("$ "), folder)
            assert done.returncode in (0, 1), (line, done.stderr)
            output = done.stdout.rstrip("\n")
            shown += [line, *([output] if output else [])]
    return "\n".join(shown) + "\n"


def shown_by(console: re.Match[str], folder: Path) -> str:
    """What a console block shows today; where it needs TensorFlow and there is none, what it showed."""
    return console[2] if console[1] and not HAS_TENSORFLOW else replay(console[2], folder)


def test_readme_is_short_and_whole() -> None:
    assert len(README.splitlines()) < 200
    assert len(_CONSOLE.findall(README)) >= 1
    assert len(_RULES.findall(README)) == 1
    assert len(LINES) >= 1


def test_shown_output_and_table_of_rules_are_real(folder: Path, request: pytest.FixtureRequest) -> None:
    """Sessions run in order, in one folder: a command may build on the one before it."""
    fresh = _CONSOLE.sub(lambda found: f"{found[1]}```console\n{shown_by(found, folder)}```", README)
    rows = overview(load_catalogue().rules)
    fresh = _RULES.sub(lambda found: f"{found[1]}{rows}{found[2]}", fresh)
    if request.config.getoption("--update-goldens"):
        (ROOT / "README.md").write_text(fresh, encoding="utf-8")
    else:
        assert fresh == README


@pytest.mark.parametrize("line", LINES)
def test_commands_run(line: str, folder: Path) -> None:
    """Exit code 1 means findings; 2 would be a command that does not work."""
    done = run(line, folder)
    assert done.returncode in (0, 1), done.stderr


@pytest.mark.slow
def test_main_job_runs_in_a_clean_tree(source_tree: Path) -> None:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "COV_", "FORCE_"))}
    command = ["bash", "-c", block_marked(MAIN_JOB)]
    done = subprocess.run(command, cwd=source_tree, env=kept, capture_output=True, text=True, check=False)
    shutil.rmtree(source_tree / ".venv")
    assert done.returncode == 1, done.stderr
    assert "\nfixtures/examples/mnist_tf1.py:" in done.stdout
    assert "\n--- a/fixtures/examples/mnist_tf1.py\n" in done.stdout
    assert "fixtures/examples/reproducible.py" not in done.stdout


def test_continuous_integration_runs_the_test_command() -> None:
    command = block_marked(TEST_COMMAND)
    assert re.fullmatch(r"python3 -m venv \.venv && \.venv/bin/pip install .*\[dev,tf\].* -m pytest\n", command)
    found = re.search(r"\$\((sed .* README\.md \| grep .*)\)", (ROOT / ".ci" / "run").read_text())
    assert found
    assert run(found[1], ROOT).stdout == command
