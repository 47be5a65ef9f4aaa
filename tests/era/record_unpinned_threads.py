"""Run the KMeans fixture of TFG117 many times on its own TensorFlow, as it is and fixed, and count the results.

usage: record_unpinned_threads.py PYTHON
PYTHON is an interpreter with the TensorFlow of the fixture's `# target:` line. What threads race for shows on some runs
only, so that what is written down is how many different results there were, and how often the commonest came.
"""

from __future__ import annotations

import collections
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
CASES = ROOT / "fixtures" / "unpinned-threads"
GOLDEN = ROOT / "tests" / "execution" / "goldens" / "unpinned_threads.json"
RUNS = 8


def run(python: str, path: Path) -> str:
    """What one fresh process prints."""
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONDONTWRITEBYTECODE": "1"}
    command = [python, "-W", "ignore", str(path)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout


def count(python: str, path: Path) -> dict[str, Any]:
    """How many results `RUNS` processes gave."""
    results = collections.Counter(run(python, path) for _ in range(RUNS))
    source = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    return {"runs": RUNS, "results": len(results), "commonest": max(results.values()), "source": source}


def main() -> None:
    """Record both twins."""
    python = sys.argv[1]
    code = "import json, os, tensorflow as tf; print(json.dumps([tf.__version__, os.cpu_count()]))"
    done = subprocess.run([python, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True)
    version, cores = json.loads(done.stdout.splitlines()[-1])
    found = {"tensorflow": version, "cores": cores}
    for name, path in (("as it is", CASES / "kmeans.py"), ("fixed", CASES / "kmeans.fixed.py")):
        found[name] = count(python, path)
    GOLDEN.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
