"""Run the programs of `tests/runtime/migrate` on the TensorFlow of their time and write down what they print.

usage: record_migrate.py DIR [--check]
DIR holds the environments that `make_envs.sh` builds (py27, tf115).
`--check` writes nothing and fails where a golden differs from what is run.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

PROGRAMS = Path(__file__).parent.parent / "runtime" / "migrate"
GOLDENS = PROGRAMS / "goldens.json"
#: The programs, and the environment that each was written for.
ENVIRONMENTS = {"cells": "tf115", "contrib": "tf115", "python2": "py27", "session": "tf115"}
#: Lines that name a temporary folder.
FOLDERS = "Extracting "
VERSIONS = "import sys, tensorflow as tf; print('%d.%d' % sys.version_info[:2]); print(tf.__version__)"


def run(python: str, *arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [python, "-B", "-W", "ignore", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def record(name: str, python: str) -> dict[str, Any]:
    """What the program printed, how it ended, and on what it ran."""
    versions = run(python, "-c", VERSIONS, folder=PROGRAMS).stdout.split()
    done = run(python, "train.py", folder=PROGRAMS / name)
    last = done.stderr.rstrip().splitlines()[-1]
    return {
        "python": versions[0],
        "tensorflow": versions[1],
        "exit": done.returncode,
        "stdout": [line for line in done.stdout.splitlines() if not line.startswith(FOLDERS)],
        "error": last,
    }


def main() -> None:
    folder = Path(sys.argv[1])
    found = {name: record(name, str(folder / env / "bin" / "python")) for name, env in sorted(ENVIRONMENTS.items())}
    text = json.dumps(found, indent=1, sort_keys=True) + "\n"
    if "--check" in sys.argv:
        if GOLDENS.read_text() != text:
            raise SystemExit("the goldens differ from what was run")
    else:
        GOLDENS.write_text(text)


main()
