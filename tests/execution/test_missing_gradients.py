"""TFG302 and TFG303 by execution: what they find stops or never trains, what they pass runs."""

from __future__ import annotations

import importlib.util

import pytest

from fixture_runs import results_of, run

pytestmark = [
    pytest.mark.tensorflow,
    pytest.mark.skipif(importlib.util.find_spec("tensorflow") is None, reason="TensorFlow is not installed"),
]

FETCHED = 'Argument `fetch` = None has invalid type "NoneType"'
STOPS = {
    "unrelated-gradient/fetched.py": FETCHED,
    "unrelated-gradient/other_model.py": "None values not supported",
    "unrelated-gradient/two_files/train.py": FETCHED,
    "unrelated-gradient/generator_loss_of_real_images.py": "No gradients provided for any variable",
    "unrelated-gradient/tape_of_two_variables.py": "unsupported operand type(s) for *: 'float' and 'NoneType'",
    "unrelated-gradient/backend_of_keras.py": "None values not supported",
    "blocked-gradient/accuracy_of_a_model.py": "No gradients provided for any variable",
    "blocked-gradient/accuracy.py": "No gradients provided for any variable",
    "blocked-gradient/rounded.py": "unsupported operand type(s) for *: 'float' and 'NoneType'",
}
RUNS = (
    *("unrelated-gradient/filtered.py", "unrelated-gradient/replaced_by_zeros.py"),
    *("unrelated-gradient/variable_found_again.py", "blocked-gradient/gradient_overridden.py"),
    *("unrelated-gradient/fetched.fixed.py", "unrelated-gradient/tape_of_two_variables.fixed.py"),
    *("unrelated-gradient/generator_and_discriminator.py", "unrelated-gradient/tape_asked_for_zeros.py"),
    "unrelated-gradient/layers_of_a_model.py",
)


def outcome(case: str) -> tuple[str, str]:
    """What a case prints, and what stops it; a folder's program runs in a process of its own."""
    rule, _, rest = case.partition("/")
    if "/" in rest:
        done = run(f"{rule}/{rest.partition('/')[0]}", rest.partition("/")[2].removesuffix(".py"))
        return done.stdout, done.stderr
    return results_of(rule)[rest.removesuffix(".py")]


@pytest.mark.parametrize("case", sorted(STOPS))
def test_found_program_stops(case: str) -> None:
    _, error = outcome(case)
    assert STOPS[case] in error


def test_found_variable_is_never_trained() -> None:
    out, error = outcome("unrelated-gradient/never_trained.py")
    assert not error
    trained, untouched = out.strip("[]\n").split(", ")
    assert "1.0" not in trained
    assert "1.0" in untouched


@pytest.mark.parametrize("case", RUNS)
def test_passed_program_runs(case: str) -> None:
    out, error = outcome(case)
    assert not error
    assert "None" not in out
