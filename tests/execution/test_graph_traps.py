"""TFG317 to TFG323 by execution: every fixture is run; those that are found go wrong, the others do not."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from subprocess import DEVNULL, PIPE

import pytest

from forked import Ran, run_programs
from running import expected_in, run_fix, target_of
from tfguard.catalogue import load_catalogue
from tfguard.cli.errors_explained import find_matches

FIXTURES = Path(__file__).parent.parent.parent / "fixtures"
GOLDENS = Path(__file__).parent / "goldens" / "graph_traps.json"
RULES = {rule.name: rule for rule in load_catalogue().rules}
needs_tensorflow = pytest.mark.skipif(importlib.util.find_spec("tensorflow") is None, reason="TensorFlow is missing")


def cases_of(rule: str) -> list[Path]:
    """The programs of a rule's fixtures that are for today's TensorFlow."""
    return [path for path in sorted((FIXTURES / rule).glob("*.py")) if target_of(path.read_text()) is None]


def is_found(path: Path) -> bool:
    return bool(expected_in(path.read_text())) and not path.stem.endswith(".fixed")


def judge_errors(rule: str, path: Path, ran: Ran, version: str) -> None:
    """A found program raises an error that the rule explains, or counts wrongly; a passed one ends well."""
    if is_found(path):
        assert ran.status != 0, (version, path, ran.stdout)
        explained = any(match.is_whole for match in find_matches([RULES[rule]], ran.stderr))
        is_known = "RuntimeError: ('counted', " in ran.stderr or ran.stderr.endswith("\nAssertionError\n")
        assert explained or is_known, (version, path, ran.stderr[-2000:])
    else:
        assert ran.status == 0, (version, path, ran.stderr[-2000:])


def judge_draws(rule: str, path: Path, ran: Ran, version: str) -> None:
    """Every program prints how many different numbers it got: one where it is found."""
    assert ran.status == 0, (version, path, ran.stderr[-2000:])
    numbers = int(ran.stdout.split()[-1])
    assert numbers == 1 if is_found(path) else numbers > 1, (rule, version, path)


JUDGES = {
    "optimizer-outside-scope": judge_errors,
    "supervisor-with-block": judge_errors,
    "sync-replicas-without-step": judge_errors,
    "side-effect-in-tf-function": judge_errors,
    "variable-in-tf-function": judge_errors,
    "python-random-in-tf-function": judge_draws,
}
CASES = [path for rule in JUDGES for path in cases_of(rule)]


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Ran]:
    return run_programs(CASES, tmp_path_factory.mktemp("ran"))


@needs_tensorflow
@pytest.mark.tensorflow
@pytest.mark.parametrize("path", CASES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_found_programs_go_wrong_and_others_do_not(ran: dict[str, Ran], path: Path) -> None:
    JUDGES[path.parent.name](path.parent.name, path, ran[f"{path.parent.name}/{path.stem}"], "today")


def test_other_versions_are_what_the_rules_say() -> None:
    """Recorded by tests/era/record_graph_traps.py: how each program ended, and with what error."""
    recorded = json.loads(GOLDENS.read_text())
    assert len(recorded) >= 3
    for version, rows in recorded.items():
        for name, row in rows.items():
            rule, case = name.split("/")
            path = FIXTURES / rule / f"{case}.py"
            JUDGES[rule](rule, path, Ran(row["status"], row["stdout"], row["error"]), version)


def lasts(path: Path, seconds: float) -> bool:
    """Is the program still running some seconds after it said that it is up?"""
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONDONTWRITEBYTECODE": "1"}
    with subprocess.Popen(
        [sys.executable, str(path)], env=environment, stdout=PIPE, stderr=DEVNULL, text=True
    ) as running:
        assert running.stdout is not None
        while "parameter server is up" not in running.stdout.readline():
            assert running.poll() is None
        try:
            running.wait(seconds)
        except subprocess.TimeoutExpired:
            running.kill()
            return True
        return False


@needs_tensorflow
@pytest.mark.tensorflow
def test_a_parameter_server_lasts_only_where_it_joins(tmp_path: Path) -> None:
    path = tmp_path / "program.py"
    path.write_text((FIXTURES / "ps-without-join" / "pass_branch.py").read_text())
    assert not lasts(path, 30)
    run_fix(tmp_path, select=["TFG320"], unsafe_fixes=True)
    assert lasts(path, 6)
