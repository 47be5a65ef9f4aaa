"""TFG107 by execution: what it finds differs from run to run, its fixed twin and what it passes do not."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from twice import run_twice

pytestmark = [
    pytest.mark.tensorflow,
    pytest.mark.skipif(importlib.util.find_spec("tensorflow") is None, reason="TensorFlow is not installed"),
]

CASES = Path(__file__).parent.parent.parent / "fixtures" / "fresh-entropy"
FOUND = ("generators", "clock", "clock_in_a_variable", "drawn_seed", "seeded_anew")
#: Part of these takes no seed, so that their twins still differ.
IN_PART = ("tensorflow_generator",)
PASSED = ("seeded", "global_generator_set", "drawn_seed_of_a_seeded_one")


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[str, str]]:
    """What every case prints in two runs."""
    names = [*FOUND, *(f"{name}.fixed" for name in FOUND), *IN_PART, *PASSED]
    folder = tmp_path_factory.mktemp("twice")
    programs = {}
    for name in names:
        (folder / "cases" / name).mkdir(parents=True)
        programs[name] = folder / "cases" / name / "program.py"
        programs[name].write_bytes((CASES / f"{name}.py").read_bytes())
    return run_twice(programs, folder / "runs")


@pytest.mark.parametrize("name", [*FOUND, *IN_PART])
def test_found_program_differs_from_run_to_run(printed: dict[str, tuple[str, str]], name: str) -> None:
    one, other = printed[name]
    assert one.strip()
    assert one != other


@pytest.mark.parametrize("name", [*(f"{name}.fixed" for name in FOUND), *PASSED])
def test_fixed_or_passed_program_repeats_itself(printed: dict[str, tuple[str, str]], name: str) -> None:
    one, other = printed[name]
    assert one.strip()
    assert one == other


def test_every_number_of_a_found_program_differs(printed: dict[str, tuple[str, str]]) -> None:
    """The three generators of one program: each begins with entropy, though the global seed is set."""
    one, other = (text.replace("[", " ").split("shape") for text in printed["tensorflow_generator"])
    assert len(one) == 4
    assert all(a != b for a, b in zip(one[:3], other[:3], strict=True))
