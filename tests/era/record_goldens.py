"""Run the programs of `fixtures/era` on the TensorFlow of their time and write down what they print.

usage: record_goldens.py DIR [--only NAME ...] [--check]
DIR holds the environments that `make_envs.sh` builds (py27, tf12, tf110, tf115); those that are missing are skipped and
keep the goldens they have. The Python that runs this script is used too, when it has TensorFlow: today's.
Every program that ends well is run a second time, and its numbers must be the same.
`--check` writes nothing and fails where a golden differs from what is run.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from era_programs import GOLDENS, Outcome, Program, find_difference, iter_programs, run_program

ENVIRONMENTS = ("py27", "tf12", "tf110", "tf115")
VERSIONS = (
    "import json, sys, numpy, tensorflow as tf\n"
    "python = '.'.join(map(str, sys.version_info[:2]))\n"
    "print(json.dumps([tf.__version__, {'python': python, 'numpy': numpy.__version__}]))"
)


def iter_pythons(folder: Path) -> Iterator[str]:
    """The interpreters to run with, oldest first."""
    for name in ENVIRONMENTS:
        python = folder / name / "bin" / "python"
        if python.exists():
            yield str(python)
        else:
            print(f"skipped: no environment {name}", file=sys.stderr)
    yield sys.executable


def find_version(python: str) -> tuple[str, dict[str, str]] | None:
    """TensorFlow's version in `python` with what else decides numbers; None without TensorFlow."""
    done = subprocess.run([python, "-W", "ignore", "-c", VERSIONS], capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"skipped: no TensorFlow in {Path(python).parent.parent.name}", file=sys.stderr)
        return None
    version, others = json.loads(done.stdout.splitlines()[-1])
    return version, others


def record(python: str, program: Program) -> dict[str, Any]:
    """One golden: exit status, error and numbers; a second run says whether they are stable."""
    first = run_program(python, program)
    golden: dict[str, Any] = {"exit": first.exit}
    if first.exit != 0:
        return {**golden, "error": first.error}
    golden["numbers"] = first.numbers
    if (difference := _find_instability(python, program, first)) is not None:
        golden["unstable"] = difference
    return golden


def _find_instability(python: str, program: Program, first: Outcome) -> str | None:
    second = run_program(python, program)
    return find_difference(first.numbers, second.numbers, relative=0.0, absolute=0.0)


def find_mismatch(old: dict[str, Any] | None, new: dict[str, Any]) -> str | None:
    """Why a new golden disagrees with the one on file."""
    if old is None:
        return "no golden"
    if old["exit"] != new["exit"]:
        return f"exit {new['exit']} instead of {old['exit']}: {new.get('error')}"
    if old["exit"] == 0:
        return find_difference(old["numbers"], new["numbers"])
    return None if old["error"] == new["error"] else f"{new['error']} instead of {old['error']}"


def render(goldens: dict[str, Any]) -> str:
    """JSON with one line for a program in a version, so that a change reads well in a diff."""
    lines = ["{", f' "environments": {json.dumps(goldens["environments"], sort_keys=True)},', ' "programs": {']
    programs = goldens["programs"]
    for name in sorted(programs):
        runs = sorted(programs[name].items(), key=lambda item: [int(part) for part in item[0].split(".")])
        rows = ",\n".join(f"   {json.dumps(version)}: {json.dumps(run)}" for version, run in runs)
        lines += [f"  {json.dumps(name)}: {{", rows, "  }" + ("," if name != max(programs) else "")]
    return "\n".join([*lines, " }", "}", ""])


def load() -> dict[str, Any]:
    if not GOLDENS.exists():
        return {"environments": {}, "programs": {}}
    loaded: dict[str, Any] = json.loads(GOLDENS.read_text(encoding="utf-8"))
    return loaded


def main(arguments: Sequence[str] | None = None) -> int:
    """Record or check; 1 when something is unstable or, with `--check`, differs."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", nargs="+", default=[])
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args(arguments)
    programs = [program for program in iter_programs() if not options.only or program.name in options.only]
    goldens, complaints = load(), 0
    for python in iter_pythons(options.folder):
        if (found := find_version(python)) is None:
            continue
        version, goldens["environments"][found[0]] = found[0], found[1]
        for program in programs:
            golden = record(python, program)
            row = goldens["programs"].setdefault(program.name, {})
            problem = find_mismatch(row.get(version), golden) if options.check else golden.get("unstable")
            complaints += problem is not None
            print(f"{version} {program.name}: {problem or golden.get('error') or 'ok'}", flush=True)
            if not options.check:
                row[version] = golden
                GOLDENS.write_text(render(goldens), encoding="utf-8")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
