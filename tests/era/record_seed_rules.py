"""Run the fixtures of TFG101 to TFG103 that are for an older TensorFlow, and write down digests of what they print.

usage: record_seed_rules.py PYTHON ...
Each PYTHON is an interpreter with a TensorFlow of its own. A case runs on those whose version is the one of its
`# target:` line (the case of 2.9 on 2.10 too, where it is no longer right), twice, in fresh processes with different
hash seeds, as it is and fixed. Cases without an interpreter keep what is recorded of them.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
FIXTURES = ROOT / "fixtures"
RULES = ("unseeded-training", "insufficient-seed", "late-seed")
GOLDENS = ROOT / "tests" / "execution" / "goldens" / "seed_rules.json"
ENTRY = {"late-seed/reset_in_a_module": "train.py"}
#: Cases that need what the environments lack, or more than a processor.
NOT_RUN: dict[str, str] = {}
#: Versions that a case is run on besides its own.
ALSO = {"insufficient-seed/right_on_2_9": ("2.10", "2.15"), "insufficient-seed/recipe_on_2_10": ("2.15",)}
VERSIONS = """
import json, sys, numpy, tensorflow
try:
    import keras
except ImportError:
    keras = None
found = {"python": ".".join(map(str, sys.version_info[:3])), "numpy": numpy.__version__}
found["keras"] = keras.__version__ if keras is not None else ""
print(json.dumps([tensorflow.__version__, found]))
"""


class DoesNotRun(Exception):  # noqa: N818  (a value on its way to the report)
    """A case that ends with an error, or prints nothing; the last line of its errors."""


def versions_of(python: str) -> tuple[str, dict[str, str]]:
    """TensorFlow's version, and what else decides the numbers."""
    done = subprocess.run([python, "-W", "ignore", "-c", VERSIONS], capture_output=True, text=True, check=True)
    version, others = json.loads(done.stdout.splitlines()[-1])
    return version, others


def target_of(case: Path) -> str | None:
    """The version of a case's `# target:` line, None for today's."""
    files = [case] if case.is_file() else sorted(case.glob("*.py"))
    found = [re.match(rb"# target: tensorflow==([\d.]+)", file.read_bytes()) for file in files]
    return next((match[1].decode() for match in found if match), None)


def write_mnist(folder: Path) -> None:
    """A small data set in the format of the MNIST reader."""
    folder.mkdir()
    for name, count in (("train", 5600), ("t10k", 200)):
        with gzip.open(folder / f"{name}-images-idx3-ubyte.gz", "wb") as file:
            file.write(struct.pack(">IIII", 2051, count, 28, 28) + bytes(count * 784))
        with gzip.open(folder / f"{name}-labels-idx1-ubyte.gz", "wb") as file:
            file.write(struct.pack(">II", 2049, count) + bytes(number * 7 % 10 for number in range(count)))


def digests(python: str, name: str, suffix: str) -> list[str]:
    """Digests of what two runs print."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "case"
        source = FIXTURES / f"{name}{suffix}"
        if source.is_dir():
            shutil.copytree(source, folder)
        else:
            folder.mkdir()
            shutil.copyfile(source.with_name(f"{source.name}.py"), folder / "program.py")
        write_mnist(folder / "MNIST_data")
        entry = ENTRY.get(name, "program.py")
        return [hashlib.sha256(run(python, folder, [entry], seed)).hexdigest()[:16] for seed in ("1", "2")]


def run(python: str, folder: Path, arguments: list[str], hash_seed: str) -> bytes:
    """What a program prints."""
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "", "PYTHONHASHSEED": hash_seed}
    environment = {**os.environ, **quiet, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run([python, "-W", "ignore", *arguments], cwd=folder, env=environment, capture_output=True)
    if done.returncode or not done.stdout.strip():
        last = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
        raise DoesNotRun(" ".join(last)[:150])
    return done.stdout


def sources_of(name: str) -> dict[str, str]:
    """Digests of the files of a case and of its twin."""
    paths = [path for stem in (name, f"{name}.fixed") for path in (FIXTURES / stem, FIXTURES / f"{stem}.py")]
    files = [file for path in paths for file in ([path] if path.is_file() else sorted(path.glob("*.py")))]
    return {f.relative_to(FIXTURES).as_posix(): hashlib.sha256(f.read_bytes()).hexdigest()[:16] for f in files}


def record(name: str, pythons: dict[str, str], before: dict[str, Any]) -> dict[str, Any]:
    """What a case does on the interpreters that are meant for it."""
    case = next(path for path in (FIXTURES / name, FIXTURES / f"{name}.py") if path.exists())
    wanted = [target_of(case), *ALSO.get(name, ())]
    sources = sources_of(name)
    runs = dict(before.get("runs", {})) if before.get("sources") == sources else {}
    is_fixed = any((FIXTURES / f"{name}.fixed{suffix}").exists() for suffix in ("", ".py"))
    for version, python in pythons.items():
        if ".".join(version.split(".")[:2]) in wanted and version not in runs:
            runs[version] = {"as it is": digests(python, name, "")}
            if is_fixed:
                runs[version]["fixed"] = digests(python, name, ".fixed")
            print(name, version, runs[version])
    return {"sources": sources, "runs": dict(sorted(runs.items()))}


def all_cases() -> list[str]:
    """The cases of all three rules that are for an older TensorFlow."""
    found: list[str] = []
    for rule in RULES:
        for path in sorted((FIXTURES / rule).iterdir()):
            is_case = path.suffix in ("", ".py") and ".fixed" not in path.name and path.name != "__pycache__"
            if is_case and target_of(path) is not None:
                found.append(f"{rule}/{path.stem}")
    return found


def main(arguments: list[str]) -> None:
    """Record what can be recorded."""
    goldens = json.loads(GOLDENS.read_text()) if GOLDENS.exists() else {"versions": {}, "cases": {}}
    pythons: dict[str, str] = {}
    for python in arguments:
        version, others = versions_of(python)
        pythons[version] = python
        goldens["versions"][version] = others
    older = [name for name in all_cases() if name not in NOT_RUN]
    goldens["not run"] = dict(NOT_RUN)
    goldens["cases"] = {name: row for name, row in goldens["cases"].items() if name in older}
    for name in older:
        try:
            row = record(name, pythons, goldens["cases"].get(name, {}))
            goldens["cases"][name] = row
            if not row["runs"]:
                goldens["not run"][name] = "no interpreter"
        except DoesNotRun as error:
            goldens["cases"].pop(name, None)
            goldens["not run"][name] = str(error)
        write(goldens)


def write(goldens: dict[str, Any]) -> None:
    """Write down what is known so far."""
    goldens["versions"] = dict(sorted(goldens["versions"].items()))
    found = {**goldens, "cases": {name: row for name, row in goldens["cases"].items() if row["runs"]}}
    GOLDENS.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
