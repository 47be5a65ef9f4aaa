"""CPU time, wall time and peak memory of whole processes, and ratios of commands that run in turn."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Command:
    """What is run: arguments, where, with which changes to the environment, and what puts things back before it."""

    arguments: Sequence[str | Path]
    folder: Path
    environment: tuple[tuple[str, str], ...] = ()
    before: Callable[[], None] | None = None
    #: Exit codes that mean that the job was done.
    accepted: tuple[int, ...] = (0, 1)


@dataclass(frozen=True, slots=True)
class Run:
    """One finished command: seconds of CPU (workers included) and on the clock, megabytes of its largest process."""

    cpu: float
    wall: float
    memory: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two commands that ran in turn, A B A B ...: the median of the ratios, run by run, and how far these lie apart."""

    first: tuple[Run, ...]
    second: tuple[Run, ...]

    @property
    def ratios(self) -> list[float]:
        """CPU time of the first over that of the second, run by run."""
        return [a.cpu / b.cpu for a, b in zip(self.first, self.second, strict=True)]

    @property
    def ratio(self) -> float:
        """The middle one of the ratios."""
        return statistics.median(self.ratios)


class BenchmarkError(Exception):
    """A command that should be measured did not do its job."""


def run(command: Command) -> Run:
    """Run a command once; the operating system's own account of it and of all its children."""
    if command.before is not None:
        command.before()
    arguments = [str(argument) for argument in command.arguments]
    # without PYTHONDONTWRITEBYTECODE and the like, with which modules would be compiled anew in each run
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    environment = {**kept, **dict(command.environment)}
    start = time.perf_counter()
    with open(os.devnull, "wb") as nowhere:
        process = subprocess.Popen(
            arguments, cwd=command.folder, env=environment, stdin=subprocess.DEVNULL, stdout=nowhere, stderr=nowhere
        )
        _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in command.accepted:
        shown = " ".join(arguments)
        raise BenchmarkError(f"exit code {process.returncode}: {shown[:300]} (in {command.folder})")
    return Run(usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss / 1024)


def compare(first: Command, second: Command, times: int) -> Comparison:
    """Run two commands in turn, after one run of each that is not counted."""
    run(first)
    run(second)
    pairs = [(run(first), run(second)) for _ in range(times)]
    return Comparison(tuple(a for a, _ in pairs), tuple(b for _, b in pairs))


def repeat(commands: Sequence[Command], times: int) -> list[list[Run]]:
    """Run several commands in turn, after one run of each that is not counted; the runs of each command."""
    for command in commands:
        run(command)
    rounds = [[run(command) for command in commands] for _ in range(times)]
    return [list(runs) for runs in zip(*rounds, strict=True)]


def median_cpu(runs: Sequence[Run]) -> float:
    """The middle one of the CPU times."""
    return statistics.median(one.cpu for one in runs)


def median_wall(runs: Sequence[Run]) -> float:
    """The middle one of the times on the clock."""
    return statistics.median(one.wall for one in runs)
