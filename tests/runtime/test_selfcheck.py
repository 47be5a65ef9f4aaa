"""`tfguard selfcheck` on this machine, and what its table makes of the digests."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from runtime.programs import clean_environment, needs_tensorflow, plain_python
from tfguard.cli.selfcheck import is_differing, iter_lines, judge


def selfcheck(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    environment = clean_environment()
    command = [sys.executable, "-m", "tfguard", "selfcheck", *options]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)


@needs_tensorflow
def test_quick(tmp_path: Path) -> None:
    done = selfcheck(tmp_path, "--quick", "--device", "cpu", "--format", "json")
    assert done.returncode in (0, 1), done.stderr
    result = json.loads(done.stdout)
    probes = result["probes"]["/CPU:0"]
    assert len(probes) > 15
    for name in ("matrix product", "sorting", "seeded random numbers", "session of compat.v1", "shuffled dataset"):
        assert probes[name] == {"fresh_processes": "same", "one_process": "same"}, name
    assert not any("rror" in cell for verdict in probes.values() for cell in verdict.values())
    assert result["versions"]["tensorflow"].startswith("2.")
    assert (done.returncode == 1) == bool(result["differing"])


def test_without_tensorflow_it_says_so(tmp_path: Path) -> None:
    done = selfcheck(tmp_path, "--python", plain_python("3.11"))
    assert done.returncode == 2
    assert "the probes failed: ModuleNotFoundError: No module named" in done.stderr


def run_of(**found: Any) -> dict[str, Any]:
    return {"devices": {"/CPU:0": {"probe": found}}, "versions": {"tensorflow": "2.0"}, "gpus": []}


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (["a", "a"], ["a", "a"], ("same", "same")),
        (["a", "a"], ["b", "b"], ("same", "differs")),
        (["a", "b"], ["a", "b"], ("differs", "differs")),
    ],
)
def test_digests_become_words(first: list[str], second: list[str], expected: tuple[str, str]) -> None:
    others = {"one_thread": [], "op_determinism": [run_of(digests=["c"]), run_of(digests=["c"])]}
    verdict = judge("probe", "/CPU:0", [run_of(digests=first), run_of(digests=second)], others)
    assert (verdict["one_process"], verdict["fresh_processes"]) == expected
    assert verdict["op_determinism"] == "same"
    assert not is_differing(verdict)


def test_errors_are_shown() -> None:
    failing = run_of(error="UnimplementedError: no deterministic kernel")
    others: dict[str, list[dict[str, Any]]] = {"one_thread": [], "op_determinism": [failing, failing]}
    verdict = judge("probe", "/CPU:0", [run_of(digests=["a"]), run_of(digests=["b"])], others)
    assert is_differing(verdict)
    result = {**run_of(), "probes": {"/CPU:0": {"probe": verdict}}, "differing": ["probe on /CPU:0"]}
    text = "\n".join(iter_lines(result))
    assert "raises Unimpleme" in text
    assert "does not repeat itself: probe on /CPU:0" in text
