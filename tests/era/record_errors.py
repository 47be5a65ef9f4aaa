"""Run the bad examples of all rules that explain errors, and write down the tracebacks with which they end.

usage: record_errors.py [--only RULE,RULE] PYTHON ...
Each PYTHON is an interpreter with a TensorFlow of its own. Examples that end well there (what is wrong with them is a
number, or needs a GPU) or that are for another version (a module or name is missing) are left out.
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
from test_rule_docs import blocks  # noqa: E402
from tfguard.catalogue import load_catalogue  # noqa: E402

GOLDENS = ROOT / "tests" / "execution" / "goldens" / "errors.json"
#: The longest end of a traceback that is kept.
_LINES = 60
_OTHER_VERSION = re.compile(r"^(?:ModuleNotFoundError|ImportError|AttributeError: module |SyntaxError)", re.MULTILINE)


def write_examples(folder: Path, only: list[str]) -> list[Path]:
    """The bad examples, as `TFG301/bad0.py`."""
    found: list[Path] = []
    for rule in load_catalogue().rules:
        if only and rule.id not in only:
            continue
        for number, text in enumerate(blocks(rule, "Bad") if rule.messages else ()):
            path = folder / rule.id / f"bad{number}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            found.append(path)
    return found


def traceback_of(stderr: str) -> str:
    """The end of the errors, with file names but without the folders of the machine, from the traceback on."""
    text = re.sub(r"(?:/[\w.+-]+)+/([\w.+-]+/[\w.+-]+\.py)", r"\1", stderr.rstrip())
    text = re.sub(r"0x[0-9a-f]{6,}", "0x7f0000000000", text)
    text = re.sub(r"/\w+/__autograph_generated_file\w+\.py", "__autograph_generated_file.py", text)
    start = text.find("Traceback (most recent call last):")
    return "\n".join(text[max(start, 0) :].splitlines()[-_LINES:])


def record(python: str, folder: Path, only: list[str]) -> tuple[str, dict[str, str]]:
    """The tracebacks of all examples on one interpreter."""
    ask = [python, "-W", "ignore", "-c", "import tensorflow; print(tensorflow.__version__)"]
    version = subprocess.run(ask, capture_output=True, text=True, check=True).stdout.strip()
    found: dict[str, str] = {}
    for name, ran in run_programs(write_examples(folder / "examples", only), folder / "ran", python=python).items():
        if ran.status and "Error" in ran.stderr and not _OTHER_VERSION.search(ran.message):
            found[name] = traceback_of(ran.stderr)
    return version, found


def main() -> None:
    """Record all interpreters, keep what is recorded of others."""
    recorded = json.loads(GOLDENS.read_text()) if GOLDENS.exists() else {}
    arguments = sys.argv[1:]
    only = arguments[1].split(",") if arguments[:1] == ["--only"] else []
    for python in arguments[2 if only else 0 :]:
        with tempfile.TemporaryDirectory() as folder:
            version, found = record(python, Path(folder), only)
            recorded.setdefault(version, {}).update(found)
    GOLDENS.write_text(json.dumps(recorded, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
