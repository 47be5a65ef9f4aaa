"""`tfguard verify` on programs with one planted cause each: the right first difference, the right rule, sound twins.

Some run here, the record of all (by tests/era/planted_causes.py) is checked against what their first lines promise.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from runtime.planted_programs import Planted, all_planted, verify_planted
from runtime.programs import needs_tensorflow

GOLDENS = Path(__file__).parent / "goldens" / "planted.json"
PROGRAMS = {planted.name: planted for planted in all_planted()}
#: Each runs about a dozen processes with TensorFlow; more would take too long.
DIRECT = ("late_seed", "listdir_order", "numpy_split", "set_order")
#: How many programs are recorded of each version.
COUNTS = [("2.21", 26), ("1.15", 8)]
#: What `verify` has to reach.
LEAST = 0.9


def digest_of(planted: Planted) -> str:
    return hashlib.sha256(planted.path.read_bytes() + planted.twin.path.read_bytes()).hexdigest()[:16]


def recorded() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(GOLDENS.read_text())
    return found


def rows(version: str) -> dict[str, dict[str, Any]]:
    return {name: row for name, row in sorted(recorded()["programs"].items()) if PROGRAMS[name].version == version}


def test_the_record_is_of_these_programs() -> None:
    """A program that was changed has to be recorded anew; one that is not recorded yet does not count."""
    assert {name: row["sources"] for name, row in recorded()["programs"].items()} == {
        name: digest_of(PROGRAMS[name]) for name in recorded()["programs"]
    }
    assert {version: found["tensorflow"].rsplit(".", 1)[0] for version, found in recorded()["versions"].items()} == {
        planted.version: planted.version for planted in PROGRAMS.values()
    }


@pytest.mark.parametrize(("version", "count"), COUNTS)
def test_causes_are_named(version: str, count: int) -> None:
    found = rows(version)
    assert len(found) >= count
    assert [name for name, row in found.items() if row["verdict"] != "different"] == []
    right = [name for name, row in found.items() if agrees(PROGRAMS[name], row)]
    assert len(right) >= LEAST * len(found), sorted(set(found) - set(right))


def agrees(planted: Planted, row: dict[str, Any]) -> bool:
    """Judged anew from what was recorded, not by what the recording thought of it."""
    kind, _, where = row["first"].partition(" ")
    expected, _, wanted = planted.first.partition(" ")
    rule, place, _ = row["causes"][0] if row["causes"] else ("", None, "")
    is_first = kind == expected and wanted in ("*", where) and planted.here in ("", row["here"])
    return bool(is_first and rule == planted.rule and planted.cause in ("", place))


@pytest.mark.parametrize("version", ["2.21", "1.15"])
def test_twins_are_the_same(version: str) -> None:
    assert [name for name, row in rows(version).items() if row["twin"] != "same"] == []


@needs_tensorflow
@pytest.mark.parametrize("name", DIRECT)
def test_a_planted_cause_is_named_here(name: str, tmp_path: Path) -> None:
    planted = PROGRAMS[name]
    assert planted.misses(verify_planted(planted, tmp_path / "program")) == []
