"""The old programs of `fixtures/era`: finding them, running them in a given Python, reading the numbers they print."""

from __future__ import annotations

import math
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "fixtures" / "era"
GOLDENS = FOLDER / "goldens.json"
ENTRIES = ("main.py", "train.py")
QUIET = {
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "CUDA_VISIBLE_DEVICES": "",
    "PYTHONHASHSEED": "0",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONIOENCODING": "utf-8",
}
_HEADER = re.compile(r"^# (era|exercises|numbers|migration): (.*)$", re.MULTILINE)
_TYPES = re.compile(r"dtype=\S+|\b(?:np\.|numpy\.)?u?(?:int|float|complex)\d+(?:_ref)?\b")
_NUMBER = re.compile(r"(?<![\w.])[-+]?(?:\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?|nan\b|inf\b)")


@dataclass(frozen=True)
class Program:
    """A script, or a folder that holds `main.py` or `train.py`."""

    name: str
    path: Path
    entry: str
    header: dict[str, str] = field(compare=False)

    @property
    def has_fixed_numbers(self) -> bool:
        """Whether its numbers must be the same in every version: it draws nothing whose stream a version chooses."""
        return self.header.get("numbers") == "fixed"

    def copy_to(self, folder: Path) -> Path:
        """Copy the program alone into the empty `folder`; the place of its entry file."""
        if self.path.is_dir():
            shutil.copytree(self.path, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copy(self.path, folder)
        return folder / self.entry


@dataclass(frozen=True)
class Outcome:
    """What one run did. `exit` is None when it ran out of time."""

    exit: int | None
    stdout: str
    stderr: str
    seconds: float

    @property
    def error(self) -> str | None:
        """The last line that it wrote to stderr, when it failed."""
        if self.exit == 0:
            return None
        lines = [line.strip() for line in self.stderr.splitlines() if line.strip()]
        errors = [line for line in lines if re.match(r"[\w.]*(Error|Exception|Exit)\b", line)]
        last = (errors or lines or ["no message"])[-1]
        return re.sub(r"(/\S+)?/(site-packages|tmp)/\S+", "...", last)[:200]

    @property
    def numbers(self) -> list[float]:
        return read_numbers(self.stdout)


def iter_programs(folder: Path = FOLDER) -> Iterator[Program]:
    """All programs below `folder`, by name."""
    for path in sorted(folder.iterdir()):
        if path.suffix == ".py":
            yield Program(path.stem, path, path.name, _read_header(path))
        elif path.is_dir() and (entry := _find_entry(path)):
            yield Program(path.name, path, entry, _read_header(path / entry))


def _find_entry(folder: Path) -> str | None:
    return next((name for name in ENTRIES if (folder / name).is_file()), None)


def _read_header(path: Path) -> dict[str, str]:
    text = path.read_bytes()[:2000].decode("latin-1").replace("\r\n", "\n")
    return dict(_HEADER.findall(text))


def run_file(python: str, entry: Path, *, timeout: float = 120.0) -> Outcome:
    """Run `entry` in its own folder."""
    command = [python, "-W", "ignore", entry.name]
    started = time.monotonic()
    try:
        done = subprocess.run(
            command, cwd=entry.parent, env={**os.environ, **QUIET}, capture_output=True, timeout=timeout, check=False
        )
    except subprocess.TimeoutExpired:
        return Outcome(None, "", f"ran longer than {timeout:.0f} seconds", time.monotonic() - started)
    texts = [stream.decode("utf-8", "replace") for stream in (done.stdout, done.stderr)]
    return Outcome(done.returncode, texts[0], texts[1], time.monotonic() - started)


def run_program(python: str, program: Program, *, timeout: float = 120.0) -> Outcome:
    """Run a fresh copy of `program`."""
    with tempfile.TemporaryDirectory() as folder:
        return run_file(python, program.copy_to(Path(folder) / program.name), timeout=timeout)


def read_numbers(text: str) -> list[float]:
    """The numbers that stand in printed text, without those that belong to names and to types."""
    return [float(number) for number in _NUMBER.findall(_TYPES.sub("", text))]


def find_difference(
    expected: Sequence[float], found: Sequence[float], *, relative: float = 1e-3, absolute: float = 2e-4
) -> str | None:
    """The first place where two lists of numbers disagree, in words; None when they agree."""
    if len(expected) != len(found):
        return f"{len(found)} numbers instead of {len(expected)}"
    for index, (a, b) in enumerate(zip(expected, found, strict=True)):
        both_nan = math.isnan(a) and math.isnan(b)
        if not both_nan and not math.isclose(a, b, rel_tol=relative, abs_tol=absolute):
            return f"number {index + 1} of {len(expected)} is {b!r} instead of {a!r}"
    return None
