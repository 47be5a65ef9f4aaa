"""TFG105 by execution: what it finds differs with the hash seed, its fixed twin and what it passes do not."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from functools import lru_cache
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.tensorflow,
    pytest.mark.skipif(importlib.util.find_spec("tensorflow") is None, reason="TensorFlow is not installed"),
]

CASES = Path(__file__).parent.parent.parent / "fixtures" / "hash-order"
#: They want data, files or arguments, start themselves anew, or leave the hash seed to whoever starts them.
APART = (
    *("unknown_elements", "labels_of_a_table", "written_to_file", "executes_itself", "asks_for_the_seed"),
    *("labels_that_are_numbers", "legend_of_a_picture"),
)
NAMES = sorted({path.name.split(".")[0] for path in CASES.glob("*.py")} - set(APART))
FOUND = [name for name in NAMES if "# expect:" in (CASES / f"{name}.py").read_text()]
FIXED = [name for name in FOUND if (CASES / f"{name}.fixed.py").exists()]
PASSED = sorted(set(NAMES) - set(FOUND))

#: Runs many cases in one process and prints what each of them printed.
DRIVER = """
import contextlib, io, json, runpy, sys
found = {}
for name in sys.argv[1:]:
    with contextlib.redirect_stdout(io.StringIO()) as screen:
        runpy.run_path(name, run_name="__main__")
    found[name] = screen.getvalue()
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hash-order")
    shutil.copytree(CASES, folder / "cases", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "cases" / "driver.py").write_text(DRIVER)
    return folder / "cases"


@lru_cache(maxsize=8)
def outputs(folder: Path, names: tuple[str, ...], hash_seed: str) -> dict[str, str]:
    """What the cases print in one fresh process."""
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONHASHSEED": hash_seed}
    command = [sys.executable, "driver.py", *names]
    result = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stderr[-3000:]
    found: dict[str, str] = json.loads(result.stdout.splitlines()[-1])
    return found


def printed(folder: Path, case: str, every: list[str], suffix: str) -> set[str]:
    names = tuple(f"{name}{suffix}.py" for name in every)
    found = {outputs(folder, names, hash_seed)[f"{case}{suffix}.py"] for hash_seed in ("1", "2")}
    assert all(text.strip() for text in found)
    return found


@pytest.mark.parametrize("case", FOUND)
def test_found_program_differs_with_the_hash_seed(case: str, cases: Path) -> None:
    assert len(printed(cases, case, FOUND, "")) == 2


@pytest.mark.parametrize("case", FIXED)
def test_fixed_program_does_not(case: str, cases: Path) -> None:
    assert len(printed(cases, case, FIXED, ".fixed")) == 1


@pytest.mark.parametrize("case", PASSED)
def test_passed_program_does_not(case: str, cases: Path) -> None:
    assert len(printed(cases, case, PASSED, "")) == 1
