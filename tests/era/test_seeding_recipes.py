"""The README's table of seeding recipes is what was measured, and today's TensorFlow still gives what is recorded."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

FOLDER = Path(__file__).parent
GOLDEN: dict[str, Any] = json.loads((FOLDER / "seeding_recipes.json").read_text(encoding="utf-8"))


def load_script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("seeding_recipes", FOLDER / "seeding_recipes.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


SCRIPT = load_script()


def test_the_table_of_the_readme_is_what_was_measured() -> None:
    readme = (FOLDER.parent.parent / "README.md").read_text(encoding="utf-8")
    assert SCRIPT.with_table(readme, GOLDEN) == readme


def test_every_recipe_was_measured_on_every_version() -> None:
    assert len(GOLDEN) >= 9
    for version, entry in GOLDEN.items():
        assert list(entry["recipes"]) == sorted(SCRIPT.RECIPES), version


def test_a_cell_says_what_happened() -> None:
    cells = [
        SCRIPT.verdict(result)
        for result in (
            {"processes": 5, "digests": 1},
            {"processes": 2, "digests": 2},
            {"error": "AttributeError: no such name"},
            {"error": "RuntimeError: Random ops require a seed"},
        )
    ]
    assert cells == ["yes", "no", "–", "raises"]


@pytest.mark.tensorflow
@pytest.mark.skipif(importlib.util.find_spec("tensorflow") is None, reason="TensorFlow is not installed")
@pytest.mark.parametrize("name", ["numpy+tensorflow", "python+tensorflow", "determinism"])
def test_the_installed_tensorflow_gives_what_is_recorded(name: str) -> None:
    version, _ = SCRIPT.versions_of(sys.executable, keras2=False)
    if version not in GOLDEN:
        pytest.skip(f"nothing is recorded of TensorFlow {version}")
    result = SCRIPT.try_recipe(sys.executable, name, runs=2)
    assert SCRIPT.verdict(result) == SCRIPT.verdict(GOLDEN[version]["recipes"][name])
