"""Makes the runs of `tfguard verify`, compares them, and has their difference diagnosed."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from tfguard.cli.program import Program, make_environment, prepare_program
from tfguard.cli.recorded_run import describe_place, make_record, read_record, write_record
from tfguard.cli.verdict import Run, Verdict, compare_with_record
from tfguard.cli.written_files import WrittenFiles
from tfguard.errors import ConfigError, TfguardError

if TYPE_CHECKING:
    from tfguard.cli.migration import Migrated
    from tfguard.runtime.diagnosing import Conditions, Diagnosis, Trial
    from tfguard.runtime.magnitudes import Tolerance

Event = dict[str, Any]

#: The hash seed of runs for which it is not part of the question.
_PINNED = 0
#: Characters of what a program that fails has printed.
_SHOWN = 4000
#: Runs that have to agree before a trial counts as mended; two may agree by luck.
_CONFIRMING = 3
#: Runs in which a step is looked at before its operations count as the same.
_WATCHING = 5
#: A trial may take this many seconds, and so many times what a run took before.
_PATIENCE, _SLOWER = 60, 20
#: As `timeout` has it.
_TOO_LONG = 124


class VerifyError(TfguardError):
    """A program that could not be verified."""


@dataclass(frozen=True, slots=True)
class Options:
    """Of the command line."""

    runs: int = 2
    diagnose: bool = True
    record: str | None = None
    against: str | None = None
    stdout: bool = False
    files: tuple[str, ...] = ()
    keep: str | None = None
    tolerance: Tolerance | None = None
    timeout: float | None = None
    #: What the diagnosis seeds with.
    seed: int = 42
    #: The program's rewritten sources, with `--migrate`.
    migrated: Migrated | None = None

    @property
    def looked_at(self) -> Event:
        """What is compared beside the trace."""
        return {"stdout": self.stdout, "files": list(self.files)}


class Verification:
    """Of one program."""

    def __init__(self, program: Program, options: Options) -> None:
        self.program = program
        self.options = options
        self.hash_varies = "PYTHONHASHSEED" not in os.environ
        self.files: WrittenFiles | None = None
        self.trials = 0
        #: Seconds that the longest run took so far.
        self.longest = 0.0

    def verify(self) -> Verdict:
        """With the files that the program writes put back after each run, where they are looked at."""
        options = self.options
        recorded = None if options.against is None else read_record(options.against, options.looked_at)
        if not options.files:
            return self.find_verdict(recorded)
        self.files = WrittenFiles(options.files, options.keep)
        kept = None
        try:
            verdict = self.find_verdict(recorded)
        finally:
            kept = self.files.close()
        verdict.kept = kept
        return verdict

    def find_verdict(self, recorded: Event | None) -> Verdict:
        """Run, compare, diagnose."""
        from tfguard.runtime.diagnosing import as_is

        runs = []
        for number in range(self.options.runs):
            tell(f"run {number + 1} of {self.options.runs}")
            runs.append(self.run(as_is(hash_varies=self.hash_varies), number, f"run-{number + 1}"))
            self.require_success(runs[-1])
        verdict = Verdict(" ".join(self.program.arguments), runs, self.options.tolerance)
        self.compare(verdict)
        place = describe_place(self.program, runs[0].trace)
        if self.options.record is not None:
            write_record(self.options.record, make_record(verdict, place, self.options.looked_at))
        if recorded is not None:
            verdict.record = compare_with_record(verdict, recorded, place)
        if verdict.divergence is not None and self.options.diagnose:
            diagnosis = self.diagnosis(verdict)
            verdict.causes = diagnosis.find_causes()
            verdict.trials, verdict.diagnosed = diagnosis.trials, True
        return verdict

    def compare(self, verdict: Verdict) -> None:
        """Every other run with the first."""
        from tfguard.runtime.comparing import find_divergence

        first = verdict.runs[0].compared
        for number, run in enumerate(verdict.runs[1:], 2):
            found = find_divergence(first, run.compared)
            if found is None:
                continue
            verdict.bits = verdict.bits or found
            if self.options.tolerance is not None:
                found = find_divergence(first, run.compared, self.options.tolerance)
            if found is not None:
                verdict.divergence, verdict.differing = found, number
                return

    def diagnosis(self, verdict: Verdict) -> Diagnosis:
        """Of the first run and the one that differs from it."""
        from tfguard.runtime.diagnosing import Diagnosis

        pair = [verdict.runs[0].trace, verdict.runs[verdict.differing - 1].trace]
        return Diagnosis(self.attempt, pair, seed=self.options.seed, hash_varies=self.hash_varies)

    def attempt(self, title: str, conditions: Conditions) -> Trial:
        """Runs under the conditions of a trial, until one differs."""
        from tfguard.runtime.diagnosing import Trial

        self.trials += 1
        tell(f"trying: {title}")
        runs: list[Run] = []
        for number in range(max(self.options.runs, _CONFIRMING if conditions.watch is None else _WATCHING)):
            runs.append(self.run(conditions, number, f"trial-{self.trials}-run-{number + 1}"))
            if runs[-1].returncode:
                return Trial(title, None, [])
            if not self.is_same(conditions, runs[0], runs[-1]):
                return Trial(title, False, [runs[0].trace, runs[-1].trace])
        return Trial(title, True, [run.trace for run in runs])

    def is_same(self, conditions: Conditions, first: Run, other: Run) -> bool:
        """Do two runs of a trial agree? Where one step is looked at: do its operations?"""
        from tfguard.runtime.comparing import find_divergence
        from tfguard.runtime.operations import find_operation

        if conditions.watch is not None:
            return find_operation([first.trace, other.trace], conditions.watch) is None
        return find_divergence(first.compared, other.compared, self.options.tolerance) is None

    def run(self, conditions: Conditions, number: int, label: str) -> Run:
        """One fresh process."""
        from tfguard.runtime.orders import Orders
        from tfguard.runtime.trace import read_trace

        hash_seed = None if not self.hash_varies else _PINNED if conditions.pin_hash else number + 1
        listing = "reversed" if number % 2 and not conditions.pin_listing else "sorted"
        settings = conditions.settings
        with tempfile.TemporaryDirectory(prefix="tfguard-verify-") as folder:
            trace = os.path.join(folder, "trace.jsonl")
            migrated = self.options.migrated
            overlay = None if migrated is None else migrated.overlay
            orders = Orders(settings, guards=False, quiet=True, trace=trace, listing=listing, overlay=overlay)
            orders = orders._replace(remedies=conditions.remedies, watch=conditions.watch)
            environment = make_environment(orders.to_json(), hash_seed=hash_seed, threads=settings.threads)
            environment |= {} if migrated is None else migrated.variables
            try:
                program = prepare_program(self.program) if migrated is None else migrated.prepare()
                done = self.call(program, environment)
            finally:
                written = [] if self.files is None else self.files.collect(label)
            events = read_trace(trace) if os.path.exists(trace) else []
        return Run(hash_seed, done.returncode, done.stdout, done.stderr, events, self.compared(events, done, written))

    def call(self, program: Program, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
        """Run it to its end, with nothing to read."""
        began = time.monotonic()
        timeout = self.options.timeout
        if self.trials and timeout is None:
            timeout = _PATIENCE + _SLOWER * self.longest
        try:
            done = subprocess.run(
                program.command,
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=timeout,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            if self.trials:  # a remedy that the program waits for ever under is none
                return subprocess.CompletedProcess(program.command, _TOO_LONG, "", "")
            raise ConfigError(f"a run took longer than {timeout:g} s") from error
        self.longest = max(self.longest, time.monotonic() - began)
        return done

    def compared(
        self, events: list[Event], done: subprocess.CompletedProcess[str], written: list[Event]
    ) -> list[Event]:
        """What is compared of the trace, then what was printed and written, where that is asked for."""
        from tfguard.runtime.comparing import compared_in
        from tfguard.runtime.printed import read_printed

        found = compared_in(events)
        if self.options.stdout:
            found.append(read_printed(done.stdout))
        return found + written

    def require_success(self, run: Run) -> None:
        """A run that failed, or in which nothing was seen, proves nothing."""
        if run.returncode:
            sys.stderr.write(end_of_text(run.stderr))
            raise VerifyError(f"the program ended with exit code {run.returncode}: there is nothing to compare")
        if not run.compared:
            missing = "no variable and no step of TensorFlow was seen" + (
                ", and no file matches" if self.options.files else ""
            )
            raise VerifyError(
                f"nothing to compare: {missing}; `--stdout` compares what is printed, `--files` what is written"
            )


def tell(progress: str) -> None:
    """To whoever waits at a terminal."""
    if sys.stderr.isatty():
        click.echo(f"tfguard: {progress}", err=True)


def end_of_text(text: str) -> str:
    """The last lines, whole."""
    if len(text) <= _SHOWN:
        return text
    return "..." + text[text.find("\n", len(text) - _SHOWN) :]
