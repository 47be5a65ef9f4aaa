"""TFG113 by execution: what it finds raises, its fixed twin repeats itself."""

from __future__ import annotations

import importlib.util

import pytest

from fixture_runs import error, output

pytestmark = [
    pytest.mark.tensorflow,
    pytest.mark.skipif(importlib.util.find_spec("tensorflow") is None, reason="TensorFlow is not installed"),
]

RULE = "determinism-without-seed"
CASES = {
    "no_seed": "RuntimeError: Random ops require a seed to be set when determinism is enabled",
    "by_variable": "RuntimeError: Random ops require a seed to be set when determinism is enabled",
    "own_seeds": "requires a non-zero seed to be passed in when determinism is enabled",
}


@pytest.mark.parametrize(("name", "message"), CASES.items())
def test_found_program_raises(name: str, message: str) -> None:
    assert message in error(RULE, name)


@pytest.mark.parametrize("name", ["no_seed", "own_seeds"])
def test_fixed_program_repeats_itself(name: str) -> None:
    assert output(RULE, f"{name}.fixed", hash_seed="1") == output(RULE, f"{name}.fixed", hash_seed="2")


def test_passed_program_raises_nothing() -> None:
    assert output(RULE, "own_generators")
