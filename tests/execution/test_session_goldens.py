"""TFG301, TFG312 to TFG316 on older TensorFlow: what `tests/era/record_session_rules.py` recorded of their examples."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tfguard.catalogue import load_catalogue

GOLDENS: dict[str, dict[str, dict[str, str]]] = json.loads(
    (Path(__file__).parent / "goldens" / "session_rules.json").read_text(encoding="utf-8")
)
MESSAGES = {rule.name: rule.messages for rule in load_catalogue().rules}
VERSIONS = ("0.12.1", "1.2.1", "1.10.0", "1.15.5")
#: `tf.metrics` came with 1.2.
ABSENT = {
    ("variables-not-initialized", "0.12.1", "Good 1"): "AttributeError: 'module' object has no attribute 'metrics'"
}


@pytest.mark.parametrize("rule", sorted(GOLDENS))
@pytest.mark.parametrize("version", VERSIONS)
def test_bad_examples_stop_with_a_known_message_and_good_ones_run(rule: str, version: str) -> None:
    endings = GOLDENS[rule][version]
    assert any(message in endings["Bad 0"] for message in MESSAGES[rule]), endings["Bad 0"]
    good = {name: ending for name, ending in endings.items() if name.startswith("Good")}
    assert good == {name: ABSENT.get((rule, version, name), "") for name in good}
    assert len(good) >= 2
