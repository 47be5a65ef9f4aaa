"""The old programs of `fixtures/era` run on today's TensorFlow after `tfguard fix` and print what they printed then."""

from __future__ import annotations

import importlib.util
import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from era.era_programs import GOLDENS, Outcome, Program, find_difference, iter_programs, run_file

pytestmark = [pytest.mark.slow, pytest.mark.tensorflow]
needs_tensorflow = pytest.mark.skipif(
    importlib.util.find_spec("tensorflow") is None, reason="TensorFlow is not installed"
)

PROGRAMS = list(iter_programs())
MIGRATED = [program for program in PROGRAMS if "migration" not in program.header]
LEFT = [program for program in PROGRAMS if program.header.get("migration", "").startswith("not yet")]
STOPPED = [program for program in PROGRAMS if program.header.get("migration", "").startswith("stops")]
GOLDEN: dict[str, dict[str, dict[str, Any]]] = json.loads(GOLDENS.read_text(encoding="utf-8"))["programs"]
TODAY = "2.21"


def named(programs: list[Program]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("program", programs, ids=[program.name for program in programs])


def tfguard(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command line in `folder`, for today's TensorFlow."""
    command = [sys.executable, "-m", "tfguard", *arguments, "--target", TODAY, "--no-cache", "."]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, encoding="utf-8", check=False)


def read_sources(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*.py"))}


def find_own_run(program: Program) -> tuple[str, dict[str, Any]]:
    """The newest TensorFlow before 2 on which the program runs, and what it printed there."""
    runs = [(version, run) for version, run in GOLDEN[program.name].items() if run["exit"] == 0 and version < "2"]
    return max(runs, key=lambda item: [int(part) for part in item[0].split(".")])


def fix(program: Program, folder: Path) -> Path:
    """A fixed copy of the program; its entry."""
    entry = program.copy_to(folder / program.name)
    done = tfguard(entry.parent, "fix")
    assert "Traceback" not in done.stderr, done.stderr
    return entry


@pytest.fixture(scope="module")
def fixed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The entries of fixed copies of all programs."""
    folder = tmp_path_factory.mktemp("fixed")
    return {program.name: fix(program, folder) for program in PROGRAMS}


def explain_run(entry: Path, outcome: Outcome) -> str:
    return f"{outcome.error}\n{outcome.stderr[-1500:]}\n{entry.read_bytes().decode('utf-8', 'replace')}"


def test_every_program_has_goldens() -> None:
    assert sorted(GOLDEN) == [program.name for program in PROGRAMS]
    for program in PROGRAMS:
        assert {"era", "exercises", "numbers"} <= set(program.header), program.name
        assert find_own_run(program)[1]["numbers"] is not None


def test_hardly_any_program_runs_untouched() -> None:
    """What the fixes are measured against: the numbers of the recorded runs of unchanged programs on 2.21."""
    assert [name for name, runs in GOLDEN.items() if runs["2.21.0"]["exit"] == 0] == ["keras_sequential"]


@needs_tensorflow
@named(MIGRATED)
def test_migrated_program_prints_its_own_numbers(program: Program, fixed: dict[str, Path]) -> None:
    entry = fixed[program.name]
    outcome = run_file(sys.executable, entry)
    assert outcome.exit == 0, explain_run(entry, outcome)
    version, run = find_own_run(program)
    if program.has_fixed_numbers:
        assert find_difference(run["numbers"], outcome.numbers) is None, f"as on {version}:\n{outcome.stdout}"
    else:
        assert len(outcome.numbers) == len(run["numbers"])
        assert all(math.isfinite(number) for number in outcome.numbers)


@needs_tensorflow
@named([program for program in MIGRATED if not program.has_fixed_numbers])
def test_drawn_numbers_are_the_same_in_two_processes(program: Program, fixed: dict[str, Path]) -> None:
    first, second = (run_file(sys.executable, fixed[program.name]) for _ in range(2))
    assert first.stdout == second.stdout


@named(PROGRAMS)
def test_second_fix_changes_nothing(program: Program, fixed: dict[str, Path]) -> None:
    folder = fixed[program.name].parent
    before = read_sources(folder)
    tfguard(folder, "fix")
    assert read_sources(folder) == before


@named(MIGRATED)
def test_nothing_removed_is_left(program: Program, fixed: dict[str, Path]) -> None:
    done = tfguard(fixed[program.name].parent, "check", "--select", "TFG401")
    assert done.returncode == 0, done.stdout


@named(LEFT)
def test_what_cannot_be_migrated_is_said_and_not_half_migrated(program: Program, fixed: dict[str, Path]) -> None:
    folder = fixed[program.name].parent
    done = tfguard(folder, "check", "--extend-select", "TFG903")
    assert program.entry in done.stdout + done.stderr
    for name, text in read_sources(folder).items():
        assert b"import tensorflow.compat.v1" not in text, name


@needs_tensorflow
@named(STOPPED)
def test_what_is_not_tensorflows_still_stops(program: Program, fixed: dict[str, Path]) -> None:
    """The TensorFlow part is migrated; when a rule mends the rest, the program's header has to change."""
    assert "numpy" in str(run_file(sys.executable, fixed[program.name]).error)
