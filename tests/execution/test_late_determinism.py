"""TFG112 by execution: the late setter raises, its fixed twin runs."""

from __future__ import annotations

import importlib.util

import pytest

from fixture_runs import error, output

pytestmark = [
    pytest.mark.tensorflow,
    pytest.mark.skipif(importlib.util.find_spec("tensorflow") is None, reason="TensorFlow is not installed"),
]

RULE = "late-determinism"
MESSAGE = "RuntimeError: Intra op parallelism cannot be modified after initialization."


def test_late_setter_raises_and_fixed_runs() -> None:
    assert MESSAGE in error(RULE, "threads_after_an_operation")
    assert output(RULE, "threads_after_an_operation.fixed")


def test_the_same_value_again_raises_nothing() -> None:
    assert output(RULE, "same_value")


def test_a_data_set_that_was_made_before_repeats_itself() -> None:
    assert len({output(RULE, "data_set_before") for _ in range(2)}) == 1
