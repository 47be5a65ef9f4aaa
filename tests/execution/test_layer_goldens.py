"""TFG306 to TFG311 on older TensorFlow: what `tests/era/record_layer_rules.py` recorded of their claims there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

GOLDENS: dict[str, dict[str, dict[str, Any]]] = json.loads(
    (Path(__file__).parent / "goldens" / "layer_rules.json").read_text()
)
NAMED_ONLY = "named arguments (labels=..., logits=..., ...)"
SWAPPED = GOLDENS["logits-labels-swapped"]


def release(version: str) -> tuple[int, int]:
    major, minor = version.split(".")[:2]
    return int(major), int(minor)


@pytest.mark.parametrize("version", GOLDENS["softmax-twice"])
def test_softmax_twice(version: str) -> None:
    found = {name: round(loss, 3) for name, loss in GOLDENS["softmax-twice"][version].items()}
    if release(version) < (2, 0):
        assert (found["logits"], found["softmax"]) == (0.0, 0.551)
    if release(version) >= (1, 15):
        assert (found["linear, from_logits"], found["keras softmax, probabilities"]) == (0.0, 0.0)
        assert found["linear, probabilities"] == 16.118
        assert found["keras softmax, from_logits"] == (0.0 if release(version) >= (2, 6) else 0.551)
        assert found["tf.nn.softmax, from_logits"] == (0.0 if release(version) >= (2, 10) else 0.551)


@pytest.mark.parametrize("version", SWAPPED)
def test_order_of_labels_and_logits(version: str) -> None:
    right, wrong = (
        ("logits, labels", "labels, logits") if release(version) < (1, 0) else ("labels, logits", "logits, labels")
    )
    found = SWAPPED[version]
    assert found[f"nn.weighted_cross_entropy_with_logits({right})"] == 0.4621
    assert found[f"nn.weighted_cross_entropy_with_logits({wrong})"] == -2.1001
    for name, good, bad in (("softmax", 0.0002, 4.963), ("sigmoid", 0.4621, -2.1001)):
        placed, misplaced = (found[f"nn.{name}_cross_entropy_with_logits({order})"] for order in (right, wrong))
        if (1, 0) <= release(version) <= (2, 10):
            assert NAMED_ONLY in placed
            assert NAMED_ONLY in misplaced
        else:
            assert (placed, misplaced) == (good, bad)
        if f"losses.{name}_cross_entropy(labels, logits)" in found:
            assert found[f"losses.{name}_cross_entropy(labels, logits)"] == good
        if release(version) < (2, 0):
            assert found[f"contrib.losses.{name}_cross_entropy(logits, labels)"] == good
            assert found[f"contrib.losses.{name}_cross_entropy(labels, logits)"] == bad


@pytest.mark.parametrize("version", GOLDENS["batch-norm-updates-not-run"])
def test_moving_averages(version: str) -> None:
    found = GOLDENS["batch-norm-updates-not-run"][version]
    assert found == {"without": 24.98, "with": 0.0}


@pytest.mark.parametrize("version", GOLDENS["learning-phase-not-fed"])
def test_learning_phase(version: str) -> None:
    found = GOLDENS["learning-phase-not-fed"][version]
    if release(found["version"]) < (2, 0):
        assert "AttributeError" in found["keras fed"]  # This Keras has no dropout on this TensorFlow.
    elif release(found["version"]) < (2, 1):
        assert "You must feed a value for placeholder tensor" in found["keras not fed"]
        assert "keras_learning_phase' with dtype bool" in found["keras not fed"]
    else:
        assert [found[f"{name} not fed"] for name in ("keras", "tf.keras")] == [False, False]
        assert [found[f"{name} fed"] for name in ("keras", "tf.keras")] == [True, True]


@pytest.mark.parametrize("version", GOLDENS["keras-under-variable-scope"])
def test_weights_under_a_reused_scope(version: str) -> None:
    found = GOLDENS["keras-under-variable-scope"][version]
    assert {"keras": 4, "tf.keras": 4, "tf.layers": 2}.items() >= found.items()


@pytest.mark.parametrize("version", GOLDENS["summary-without-step"])
def test_summaries(version: str) -> None:
    found = dict(GOLDENS["summary-without-step"][version])
    assert found.pop("no step").startswith("ValueError: No step set")
    assert found == {"no writer": False, "step": True, "writer's step": True}


def test_versions_that_matter_were_run() -> None:
    assert {release(version) for version in SWAPPED} >= {(0, 12), (1, 2), (1, 10), (1, 15), (2, 10), (2, 15)}
    assert all(len(versions) >= 3 for versions in GOLDENS.values())
