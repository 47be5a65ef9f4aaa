"""TFG101 to TFG103 on older TensorFlow: what `tests/era/record_seed_rules.py` recorded of their fixtures there."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

FIXTURES = Path(__file__).parent.parent.parent / "fixtures"
GOLDENS = json.loads((Path(__file__).parent / "goldens" / "seed_rules.json").read_text())
CASES: dict[str, dict[str, dict[str, dict[str, list[str]]]]] = GOLDENS["cases"]
RUNS = [(name, version) for name, case in CASES.items() for version in case["runs"]]
#: Cases that the rule passes on their own version, run on the next ones too, where the same seeds no longer do.
NO_LONGER = {("insufficient-seed/right_on_2_9", "2.10.1"), ("insufficient-seed/right_on_2_9", "2.15.1")}


@pytest.mark.parametrize("name", CASES)
def test_the_recorded_programs_are_those_of_the_fixtures(name: str) -> None:
    for file, digest in CASES[name]["sources"].items():
        found = hashlib.sha256((FIXTURES / file).read_bytes()).hexdigest()[:16]
        assert found == digest, f"{file} has changed: record it again"


@pytest.mark.parametrize(("name", "version"), RUNS)
def test_found_programs_differed_and_fixed_ones_repeated(name: str, version: str) -> None:
    runs = CASES[name]["runs"][version]
    is_found = "fixed" in runs or (name, version) in NO_LONGER
    assert (len(set(runs["as it is"])) == 2) is is_found
    assert len(set(runs.get("fixed", ["same"]))) == 1


def test_versions_that_matter_were_run() -> None:
    assert {version.rsplit(".", 1)[0] for _, version in RUNS} >= {"1.15", "2.9", "2.10", "2.15"}
    assert len(CASES) >= 15
