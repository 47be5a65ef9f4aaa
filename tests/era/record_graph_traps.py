"""Run the fixtures of TFG317 to TFG323 on other versions of TensorFlow, and write down how they end.

usage: record_graph_traps.py PYTHON ...
Each PYTHON is an interpreter with a TensorFlow of its own. A case with a `# target:` line runs on that version only,
the others of `tf.function` on TensorFlow 2, those of TensorFlow 1's distributed training on 1.15 (which has
`tf.compat.v1`). The others of TFG317 are about Keras 3, and parameter servers of TFG320 do not end.
Cases of which the rules say something else on a version than on today's are left out there (NOT_ON).
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from forked import run_programs  # noqa: E402

FIXTURES = ROOT / "fixtures"
TRACED = ("variable-in-tf-function", "side-effect-in-tf-function", "python-random-in-tf-function")
DISTRIBUTED = ("supervisor-with-block", "sync-replicas-without-step")
SCOPES = "optimizer-outside-scope"
RULES = (*TRACED, *DISTRIBUTED, SCOPES)
GOLDENS = ROOT / "tests" / "execution" / "goldens" / "graph_traps.json"
#: What a version answers otherwise: variables in data sets are no error before 2.15.
NOT_ON = {"variable-in-tf-function/mapped": ("2.6", "2.9", "2.10")}
_TARGET = re.compile(r"# target: tensorflow==([\d.]+)")


def wanted_on(version: str, path: Path) -> bool:
    """Is the case for this version?"""
    target = _TARGET.match(path.read_text())
    name = f"{path.parent.name}/{path.stem}"
    if target is not None:
        return target[1] == version
    if path.parent.name == SCOPES:
        return False
    if (path.parent.name in TRACED) != version.startswith("2.") or version.startswith(("1.2.", "1.10.")):
        return False
    return not version.startswith(NOT_ON.get(name, ("none",)))


def record(python: str) -> tuple[str, dict[str, dict[str, object]]]:
    """How every case ends on one interpreter."""
    ask = [python, "-W", "ignore", "-c", "import tensorflow; print(tensorflow.__version__)"]
    version = subprocess.run(ask, capture_output=True, text=True, check=True).stdout.strip()
    found: dict[str, dict[str, object]] = {}
    cases = [path for rule in RULES for path in sorted((FIXTURES / rule).glob("*.py")) if wanted_on(version, path)]
    with tempfile.TemporaryDirectory() as folder:
        for name, ran in run_programs(cases, Path(folder), python=python).items():
            error = ran.message if ran.status else ""
            found[name] = {"status": ran.status, "stdout": ran.stdout[-500:], "error": error}
    return version, found


def main() -> None:
    """Record all interpreters, keep what is recorded of others."""
    recorded = json.loads(GOLDENS.read_text()) if GOLDENS.exists() else {}
    recorded.update(record(python) for python in sys.argv[1:])
    GOLDENS.write_text(json.dumps(recorded, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
