"""Run `tfguard verify` on the programs of tests/runtime/planted and their mended twins, and write down what it says.

usage: planted_causes.py [--only NAME ...] [VERSION=PYTHON ...]
VERSION is the one of the programs' first lines (2.21, 1.15), PYTHON an interpreter that has it; without any, the one
that runs this is taken for 2.21. What is recorded of a program is kept while its files are as they were.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from runtime.planted_programs import Planted, all_planted, first_of, verify_planted  # noqa: E402

GOLDENS = ROOT / "tests" / "runtime" / "goldens" / "planted.json"
VERSIONS = """
import json, platform, numpy, tensorflow
found = {"python": platform.python_version(), "numpy": numpy.__version__, "tensorflow": tensorflow.__version__}
try:
    import keras
    found["keras"] = keras.__version__
except ImportError:
    pass
print(json.dumps(found))
"""


def digest_of(planted: Planted) -> str:
    """Of the program and its twin."""
    content = planted.path.read_bytes() + planted.twin.path.read_bytes()
    return hashlib.sha256(content).hexdigest()[:16]


def record(planted: Planted, python: str) -> dict[str, Any]:
    """What the verdict says of the program, and of its twin."""
    with tempfile.TemporaryDirectory() as temporary:
        found = verify_planted(planted, Path(temporary) / "program", ["--python", python])
        twin = verify_planted(planted.twin, Path(temporary) / "twin", ["--python", python])
    return {
        "sources": digest_of(planted),
        "verdict": found["verdict"],
        "first": first_of(found["divergence"] or {}),
        "here": (found["divergence"] or {}).get("place"),
        "causes": [[cause["rule"], cause["place"], cause["sentence"]] for cause in found.get("causes", [])],
        "trials": [[trial["remedy"], trial["same"]] for trial in found.get("trials", [])],
        "missed": planted.misses(found),
        "twin": twin["verdict"],
    }


def main() -> None:
    """Record what can be recorded."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", default=[])
    parser.add_argument("pythons", nargs="*", metavar="VERSION=PYTHON")
    options = parser.parse_args()
    pythons = dict(text.split("=", 1) for text in options.pythons) or {"2.21": sys.executable}
    goldens = json.loads(GOLDENS.read_text()) if GOLDENS.exists() else {"versions": {}, "programs": {}}
    for version, python in sorted(pythons.items()):
        done = subprocess.run([python, "-W", "ignore", "-c", VERSIONS], capture_output=True, text=True, check=True)
        goldens["versions"][version] = json.loads(done.stdout.splitlines()[-1])
    programs = {planted.name: planted for planted in all_planted()}
    for planted in [programs[name] for name in options.only or programs]:
        known = goldens["programs"].get(planted.name, {}).get("sources") == digest_of(planted)
        if (options.only or not known) and planted.version in pythons:
            goldens["programs"][planted.name] = row = record(planted, pythons[planted.version])
            print(
                planted.name,
                row["first"],
                [cause[0] for cause in row["causes"]],
                row["missed"],
                row["twin"],
                flush=True,
            )
            GOLDENS.parent.mkdir(exist_ok=True)
            GOLDENS.write_text(json.dumps(goldens, indent=1, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
