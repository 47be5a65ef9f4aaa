"""The programs of `planted/`: one cause each, what `tfguard verify` has to say of them, and their mended twins.

A program says on its first lines which TensorFlow it is for, the rule that its cause has, and where two runs part first
(kind, step or variable). The line that the verdict has to name ends with `# here` (the difference) or `# cause`.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runtime.programs import ROOT, clean_environment

PLANTED = Path(__file__).parent / "planted"
_HEADER = re.compile(r"# (tensorflow|rule|first): (.+)\n")


@dataclass(frozen=True, slots=True)
class Planted:
    """One program and what is expected of it."""

    name: str
    path: Path
    version: str
    #: "" for a mended twin, of which nothing is said but "same".
    rule: str
    #: `initial NAME`, `inputs STEP` and so on; `*` where chance says which step.
    first: str
    #: Places as the verdict writes them, "" where no line is marked.
    here: str
    cause: str

    @property
    def twin(self) -> Planted:
        """The program without its cause."""
        return read_planted(self.path.with_name(f"{self.name}.fixed.py"))

    def misses(self, result: dict[str, Any]) -> list[str]:
        """What the verdict does not say, or says wrongly."""
        if not self.rule:
            return [] if result["verdict"] == "same" else ["same"]
        divergence, cause = result["divergence"] or {}, result["cause"] or {}
        first = first_of(divergence)
        is_first = first.split()[0] + " *" == self.first if self.first.endswith("*") else first == self.first
        wrong = ([] if cause.get("rule") == self.rule else ["rule"]) + ([] if is_first else ["first"])
        wrong += ["here"] if self.here and divergence.get("place") != self.here else []
        return wrong + (["cause"] if self.cause and cause.get("place") != self.cause else [])


def first_of(divergence: dict[str, Any]) -> str:
    """The first difference as the headers have it: the variable before the first step, else the number of the step."""
    if not divergence:
        return "none"
    return f"{divergence['kind']} {divergence['step'] or divergence['name']}"


def read_planted(path: Path) -> Planted:
    """A program with its header."""
    text = path.read_text()
    header = dict(_HEADER.findall(text))
    marks = {
        mark: next((f"program.py:{n}" for n, line in enumerate(text.splitlines(), 1) if line.endswith(f"# {mark}")), "")
        for mark in ("here", "cause")
    }
    name = path.name.removesuffix(".py")
    return Planted(name, path, header["tensorflow"], header.get("rule", ""), header["first"], **marks)


def all_planted() -> list[Planted]:
    """Every program with a cause, by name."""
    paths = [path for path in sorted(PLANTED.glob("*.py")) if not path.name.endswith(".fixed.py")]
    return [read_planted(path) for path in paths]


def verify_planted(planted: Planted, folder: Path, options: Sequence[str] = ()) -> dict[str, Any]:
    """The JSON of `tfguard verify` on the program, in a folder of its own with a few files of data."""
    (folder / "data").mkdir(parents=True)
    for name in ("apple", "cherry", "lemon", "melon", "peach"):
        (folder / "data" / f"{name}.txt").write_text(name)
    shutil.copyfile(planted.path, folder / "program.py")
    command = [sys.executable, "-m", "tfguard", "verify", "--format", "json", *options, "program.py"]
    done = subprocess.run(
        command, cwd=folder, env=clean_environment(PYTHONPATH=str(ROOT)), capture_output=True, text=True, timeout=600
    )
    if done.returncode not in (0, 1):
        return {"verdict": "failed", "divergence": None, "cause": None, "error": done.stderr[-1500:]}
    found: dict[str, Any] = json.loads(done.stdout)
    return found
