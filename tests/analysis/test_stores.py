"""Writes to attributes and items: what they are, and that they are effects in the order of the program."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tfguard.analysis.calls import StoreSite
from tfguard.analysis.file_model import FileModel
from tfguard.analysis.summarise import summarise
from tfguard.analysis.values import Known, Unknown

Model = Callable[..., FileModel]


@pytest.mark.parametrize(
    ("text", "names", "key", "value"),
    [
        ("import os\nos.environ['A'] = '1'", ("os.environ",), "A", "1"),
        ("from os import environ as e\nkey = 'A'\ne[key] = '1'", ("os.environ",), "A", "1"),
        ("import lib\nlib.config.a = 1", ("lib.config",), "a", 1),
        ("import lib\nlib.a += 1", ("lib",), "a", None),
    ],
)
def test_store(text: str, names: tuple[str, ...], key: object, value: object, model: Model) -> None:
    (store,) = model(text).stores
    assert store.names == names
    assert store.key == Known(key)
    assert (store.value.value if store.value is not None else None) == (Known(value) if value is not None else None)


def test_computed_key_is_unknown(model: Model) -> None:
    (store,) = model("import os\nos.environ[name()] = '1'").stores
    assert isinstance(store.key, Unknown)
    assert store.written == "os.environ[name()]"


def test_stores_are_effects_between_the_calls(model: Model) -> None:
    file = model("import os\nimport lib\nlib.one()\nif lib.x:\n    os.environ['A'] = '1'\nlib.two()\n")

    def note(store: StoreSite) -> object:
        return store.key.value if isinstance(store.key, Known) else None

    summary = summarise(file, {"TFG000": lambda call: call.written}, {}, stores={"TFG000": note})
    effects = [(item.payload, bool(item.branch)) for item in summary.bodies["train"] if item.rule == "TFG000"]
    assert effects == [("lib.one", False), ("A", True), ("lib.two", False)]


def test_rule_that_notes_nothing_makes_no_effect(model: Model) -> None:
    summary = summarise(model("import lib\nlib.a = 1\n"), {}, {}, stores={"TFG000": lambda store: None})
    assert not summary.is_interesting
