"""Runs programs twice on the installed TensorFlow, to see whether they repeat themselves.

Importing TensorFlow takes most of the time, so a process imports it, does nothing with it and forks once for each
program; there are two such processes, with different hash seeds and entropy of their own. Python seeds `random` anew
in a child that is forked, and NumPy's state comes from the entropy of the process that imported it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

_FORKS = """
import os, runpy, sys, traceback
import tensorflow
for line in sys.stdin.read().splitlines():
    program, output = line.split("\\t")
    child = os.fork()
    if child == 0:
        os.dup2(os.open(output, os.O_WRONLY | os.O_CREAT), 1)
        os.chdir(os.path.dirname(program))
        sys.path[0] = os.path.dirname(program)
        sys.argv = [program]
        status = 1
        try:
            runpy.run_path(program, run_name="__main__")
            sys.stdout.flush()
            status = 0
        except BaseException:
            traceback.print_exc()
        os._exit(status)
    if os.waitpid(child, 0)[1]:
        sys.exit(f"{program} failed")
"""


def run_twice(programs: Mapping[str, Path], folder: Path) -> dict[str, tuple[str, str]]:
    """What each program prints in two processes; each in a copy of the folder that holds it."""
    first, second = (_run_all(programs, folder / hash_seed, hash_seed) for hash_seed in ("1", "2"))
    return {name: (first[name], second[name]) for name in programs}


def _run_all(programs: Mapping[str, Path], folder: Path, hash_seed: str) -> dict[str, str]:
    lines: list[str] = []
    for name, path in programs.items():
        shutil.copytree(path.parent, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        lines.append(f"{folder / name / path.name}\t{folder / name}.out")
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONDONTWRITEBYTECODE": "1", "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _FORKS],
        input="\n".join(lines),
        env={**os.environ, **quiet, "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    printed = {name: (folder / f"{name}.out").read_text() for name in programs}
    assert all(printed.values()), [name for name, text in printed.items() if not text]
    return printed


def cases_in(folder: Path, *, entries: Mapping[str, str], without: Iterable[str] = ()) -> dict[str, Path]:
    """The programs of a fixture folder by name (`case`, `case.fixed`), those for another TensorFlow left out."""
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        name = path.name.removesuffix(".py")
        case = name.removesuffix(".fixed")
        program = path / entries[case] if path.is_dir() and case in entries else path
        if program.suffix != ".py" or case in without or program.read_bytes().startswith(b"# target:"):
            continue
        found[name] = program
    return found
