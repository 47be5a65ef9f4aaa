"""TFG304 by execution: what it finds stops where the None is used, what it passes and what its fixes make runs."""

from __future__ import annotations

import importlib.util

import pytest

from fixture_runs import FIXTURES, results_of

pytestmark = [
    pytest.mark.tensorflow,
    pytest.mark.skipif(importlib.util.find_spec("tensorflow") is None, reason="TensorFlow is not installed"),
]

CASES = FIXTURES / "none-gradient-used"
NO_VALUES = "None values not supported."
STOPS = {
    "collected_in_a_loop": NO_VALUES,
    "fetched": 'Argument `fetch` = None has invalid type "NoneType"',
    "gradients_clipped": NO_VALUES,
    "pairs_clipped": NO_VALUES,
    "pairs_clipped_over_lines": NO_VALUES,
    "scaled": "unsupported operand type(s) for *: 'NoneType' and 'float'",
    "summaries_in_a_list": "Tried to convert 'values' to a tensor and failed",
    "summaries_in_a_loop": "Tried to convert 'values' to a tensor and failed",
    "two_models": NO_VALUES,
}
FIXED = sorted(path.name.removesuffix(".py") for path in CASES.glob("*.fixed.py"))
SOUND = sorted({path.stem for path in CASES.glob("*.py")} - set(STOPS) - set(FIXED))


@pytest.mark.parametrize("case", sorted(STOPS))
def test_found_program_stops(case: str) -> None:
    assert "expect: TFG304" in (CASES / f"{case}.py").read_text()
    _, error = results_of("none-gradient-used")[case]
    assert STOPS[case] in error


@pytest.mark.parametrize("case", [*SOUND, *FIXED])
def test_sound_or_fixed_program_runs(case: str) -> None:
    out, error = results_of("none-gradient-used")[case]
    assert not error
    assert out.strip() or case.startswith("two_models")
