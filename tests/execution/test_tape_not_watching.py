"""TFG305 by execution: what it finds gives None or raises, what it passes and what its fixes make does neither."""

from __future__ import annotations

import importlib.util

import pytest

from fixture_runs import FIXTURES, results_of

pytestmark = [
    pytest.mark.tensorflow,
    pytest.mark.skipif(importlib.util.find_spec("tensorflow") is None, reason="TensorFlow is not installed"),
]

CASES = FIXTURES / "tape-not-watching"
MULTIPLIED = "TypeError: unsupported operand type(s) for *: 'float' and 'NoneType'"
CONVERTED = "ValueError: Attempt to convert a value (None) with an unsupported type"
#: What stops the program, or what it prints.
FAILS = {
    "array": "AttributeError: 'numpy.ndarray' object has no attribute '_id'",
    "array_watched": "of type 'ndarray', not tf.Tensor or tf.Variable or ExtensionType",
    "asked_in_a_loop": "A non-persistent GradientTape can only be used to compute one set of gradients (or jacobians)",
    "asked_twice": "A non-persistent GradientTape can only be used to compute one set of gradients (or jacobians)",
    "attribute_becomes_a_tensor": MULTIPLIED,
    "constant": MULTIPLIED,
    "constants_in_a_list": "TypeError: unsupported operand type(s) for *: 'NoneType' and 'float'",
    "frozen": MULTIPLIED,
    "integers": "None\n",
    "item_asked_for": "None\n",
    "loss_after_the_block": "No gradients provided for any variable",
    "loss_of_a_model_after_the_block": "No gradients provided for any variable",
    "nothing_accessed": MULTIPLIED,
    "number": "AttributeError: 'float' object has no attribute 'dtype'",
    "second_order_outside": "27.0 None\n",
    "through_numpy": "None\nNone\n",
    "variable_becomes_a_tensor": MULTIPLIED,
    "watched_integers": "None\n",
    "watched_late": "None\n",
}
FIXED = sorted(path.name.removesuffix(".py") for path in CASES.glob("*.fixed.py"))
SOUND = sorted({path.stem for path in CASES.glob("*.py")} - set(FAILS) - set(FIXED))


@pytest.mark.parametrize("case", sorted(FAILS))
def test_found_program_gets_none_or_stops(case: str) -> None:
    assert "expect: TFG305" in (CASES / f"{case}.py").read_text()
    out, error = results_of("tape-not-watching")[case]
    assert FAILS[case] in (error or out)


@pytest.mark.parametrize("case", [*SOUND, *FIXED])
def test_sound_or_fixed_program_gets_gradients(case: str) -> None:
    out, error = results_of("tape-not-watching")[case]
    assert not error
    assert out.strip()
    assert "None" not in out
