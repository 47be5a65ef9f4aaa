"""TFG108 by execution: what it finds differs from run to run though all seeds are set, fixed or passed it does not."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

from running import run_fix
from twice import run_twice

CASES = Path(__file__).parent.parent.parent / "fixtures" / "parallel-order"
GOLDENS = Path(__file__).parent / "goldens" / "parallel_queues.json"
FOUND = ("mapped", "layers", "unordered")
PASSED = ("deterministic", "deterministic_by_variable", "in_order")
needs_tensorflow = pytest.mark.skipif(importlib.util.find_spec("tensorflow") is None, reason="TensorFlow is missing")


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[str, str]]:
    """What every case prints in two runs, as it is and after all fixes."""
    folder = tmp_path_factory.mktemp("twice")
    programs: dict[str, Path] = {}
    for name in (*FOUND, *PASSED):
        for suffix in ("", ".fixed") if name in FOUND else ("",):
            programs[name + suffix] = folder / "cases" / (name + suffix) / "program.py"
            programs[name + suffix].parent.mkdir(parents=True)
            programs[name + suffix].write_bytes((CASES / f"{name}.py").read_bytes())
            if suffix:
                run_fix(programs[name + suffix].parent, select=["TFG108"], unsafe_fixes=True)
                assert programs[name + suffix].read_bytes() != (CASES / f"{name}.py").read_bytes()
    return run_twice(programs, folder / "runs")


@needs_tensorflow
@pytest.mark.tensorflow
@pytest.mark.parametrize("name", FOUND)
def test_found_program_differs_from_run_to_run(printed: dict[str, tuple[str, str]], name: str) -> None:
    one, other = printed[name]
    assert one.count("\n") == other.count("\n") > 0
    assert one != other


@needs_tensorflow
@pytest.mark.tensorflow
@pytest.mark.parametrize("name", [*(f"{name}.fixed" for name in FOUND), *PASSED])
def test_fixed_or_passed_program_repeats_itself(printed: dict[str, tuple[str, str]], name: str) -> None:
    one, other = printed[name]
    assert one.strip()
    assert one == other


def test_queues_of_old_versions_are_what_the_rule_says() -> None:
    """Recorded by tests/era/record_parallel_queues.py: digests of what a program prints, run five times."""
    recorded = json.loads(GOLDENS.read_text())
    assert len(recorded) >= 3
    for version, rows in recorded.items():
        assert len(set(rows["batch, 1 thread"])) == 1, version
        for found in ("batch, 4 threads", "shuffle_batch, 1 thread", "shuffle_batch, 4 threads", "batch_join"):
            assert len(set(rows[found])) > 1, (version, found)
