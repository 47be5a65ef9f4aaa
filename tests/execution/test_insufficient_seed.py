"""TFG102 by execution: what it finds differs from run to run, its fixed twin and what it passes do not."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from twice import cases_in, run_twice

pytestmark = [
    pytest.mark.tensorflow,
    pytest.mark.skipif(importlib.util.find_spec("tensorflow") is None, reason="TensorFlow is not installed"),
]

CASES = Path(__file__).parent.parent.parent / "fixtures" / "insufficient-seed"
PROGRAMS = cases_in(
    CASES,
    entries={},
    # scikit-learn is not among the packages of the tests; a name of the other is gone from the newest Keras
    without=("split_has_its_own_state", "keras_3_and_a_lost_name"),
)
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


def test_there_are_cases() -> None:
    assert len(FOUND) >= 3
