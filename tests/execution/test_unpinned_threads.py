"""TFG117 by execution, as recorded on TF 1.15 by tests/era/record_unpinned_threads.py."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

CASES = Path(__file__).parent.parent.parent / "fixtures" / "unpinned-threads"
GOLDEN = json.loads((Path(__file__).parent / "goldens" / "unpinned_threads.json").read_text(encoding="utf-8"))


def test_the_recorded_programs_are_the_fixtures() -> None:
    for name, file in (("as it is", "kmeans.py"), ("fixed", "kmeans.fixed.py")):
        assert GOLDEN[name]["source"] == hashlib.sha256((CASES / file).read_bytes()).hexdigest()[:16]


def test_pinned_threads_leave_little_of_what_differed() -> None:
    before, after = GOLDEN["as it is"], GOLDEN["fixed"]
    assert before["runs"] == after["runs"] == 8
    assert before["commonest"] <= 4 < 7 <= after["commonest"]
    assert before["results"] > after["results"]
