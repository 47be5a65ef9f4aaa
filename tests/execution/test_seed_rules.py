"""TFG101 to TFG103 by execution: what they find differs from run to run, its fixed twin and what they pass do not."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from twice import cases_in, run_twice

pytestmark = [
    pytest.mark.tensorflow,
    pytest.mark.skipif(importlib.util.find_spec("tensorflow") is None, reason="TensorFlow is not installed"),
]

FIXTURES = Path(__file__).parent.parent.parent / "fixtures"
CASES = {
    "unseeded-training": cases_in(
        FIXTURES / "unseeded-training",
        entries={"program": "train.py", "drawn_at_import": "run.py", "seeded_elsewhere": "train.py"},
        without=("library", "no_tensorflow", "seeded_if_asked", "test_layers", "unreached"),
    ),
    "insufficient-seed": cases_in(
        FIXTURES / "insufficient-seed",
        entries={},
        # scikit-learn is not among the packages of the tests; a name of the other is gone from the newest Keras
        without=("split_has_its_own_state", "keras_3_and_a_lost_name"),
    ),
    "late-seed": cases_in(FIXTURES / "late-seed", entries={"drawn_by_an_import": "train.py"}),
}
PROGRAMS = {f"{rule}/{name}": program for rule, programs in CASES.items() for name, program in programs.items()}
FOUND = sorted(name.removesuffix(".fixed") for name in PROGRAMS if name.endswith(".fixed"))


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[str, str]]:
    """What two runs of each case print."""
    return run_twice(PROGRAMS, tmp_path_factory.mktemp("cases"))


@pytest.mark.parametrize("name", FOUND)
def test_found_program_differs_from_run_to_run(name: str, printed: dict[str, tuple[str, str]]) -> None:
    first, second = printed[name]
    assert first != second


@pytest.mark.parametrize("name", sorted(set(PROGRAMS) - set(FOUND)))
def test_fixed_or_passed_program_repeats_itself(name: str, printed: dict[str, tuple[str, str]]) -> None:
    first, second = printed[name]
    assert first == second


@pytest.mark.parametrize("rule", sorted(CASES))
def test_there_are_cases(rule: str) -> None:
    assert sum(name.startswith(f"{rule}/") for name in FOUND) >= 3
