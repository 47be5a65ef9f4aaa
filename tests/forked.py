"""Runs programs on a TensorFlow, each in a process forked from one that has imported it and done nothing with it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_FORKS = """
import os, runpy, sys, traceback
import tensorflow
for line in sys.stdin.read().splitlines():
    program, output = line.split("\\t")
    child = os.fork()
    if child == 0:
        for number, suffix in ((1, ".out"), (2, ".err")):
            os.dup2(os.open(output + suffix, os.O_WRONLY | os.O_CREAT), number)
        os.chdir(os.path.dirname(output))
        sys.path[0] = os.path.dirname(program)
        sys.argv = [program]
        status = 1
        try:
            runpy.run_path(program, run_name="__main__")
            status = 0
        except SystemExit:
            status = 0
        except BaseException:
            traceback.print_exc()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    with open(output + ".status", "w") as file:
        file.write(str(os.waitpid(child, 0)[1]))
"""
_ERROR = re.compile(r"[\w.]*(?:Error|Exception|Interrupt)\b")
_QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONDONTWRITEBYTECODE": "1", "CUDA_VISIBLE_DEVICES": ""}


@dataclass(frozen=True)
class Ran:
    """What became of a program."""

    status: int
    stdout: str
    stderr: str

    @property
    def message(self) -> str:
        """The error that ended it, as the last lines of its errors tell it, without places of files."""
        lines = self.stderr.rstrip().splitlines()
        starts = [number for number, line in enumerate(lines) if _ERROR.match(line)]
        kept = (line.strip() for line in lines[starts[-1] if starts else 0 :])
        return "\n".join(line for line in kept if line and not line.startswith("File "))


def run_programs(
    programs: Iterable[Path], folder: Path, *, python: str = sys.executable, environment: dict[str, str] | None = None
) -> dict[str, Ran]:
    """Run the programs; the answer is by `folder/name` without `.py`. What they write goes into a folder."""
    outputs = {
        f"{path.parent.name}/{path.stem}": (path.resolve(), folder.resolve() / path.parent.name / path.stem)
        for path in programs
    }
    for _, output in outputs.values():
        output.parent.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        [python, "-W", "ignore", "-c", _FORKS],
        input="".join(f"{path}\t{output}\n" for path, output in outputs.values()),
        env={**os.environ, **_QUIET, **(environment or {})},
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return {name: _read(output) for name, (_, output) in outputs.items()}


def _read(output: Path) -> Ran:
    out, err, status = (Path(f"{output}{suffix}") for suffix in (".out", ".err", ".status"))
    return Ran(int(status.read_text()), out.read_text(errors="replace"), err.read_text(errors="replace"))
