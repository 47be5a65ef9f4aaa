"""`tfguard verify`: does a program compute the same twice, and if not, where and why does it part?"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tfguard.cli.program import Program, ProgramCommand, make_environment, prepare_program, read_program
from tfguard.errors import EXIT_CLEAN, EXIT_FINDINGS, ConfigError, TfguardError

if TYPE_CHECKING:
    from tfguard.runtime.comparing import Divergence
    from tfguard.runtime.diagnosing import Cause, Conditions, Diagnosis, Trial

Event = dict[str, Any]

#: The hash seed of runs for which it is not part of the question.
_PINNED = 0
_SCHEMA = 1


@click.command("verify", cls=ProgramCommand)
@click.option("--runs", type=click.IntRange(1, 100), default=2, metavar="N", help="Fresh processes. Default: 2.")
@click.option("--python", metavar="PATH", help="The interpreter. Default: the active virtual environment's, else this.")
@click.option(
    "--diagnose/--no-diagnose", default=True, help="Find the cause by running again with remedies. Default: yes."
)
@click.option("--record", type=click.Path(dir_okay=False), metavar="FILE", help="Write the trace of the first run.")
@click.option(
    "--against", type=click.Path(exists=True, dir_okay=False), metavar="FILE", help="Compare with that trace."
)
@click.option("--stdout/--no-stdout", "with_stdout", default=False, help="Compare what is printed, too. Default: no.")
@click.option("--timeout", type=click.FloatRange(min=0), metavar="SECONDS", help="Of each run. Default: none.")
@click.option("--format", "--output-format", "output_format", type=click.Choice(["text", "json"]), default="text")
@click.pass_context
def command(ctx: click.Context, /, **options: Any) -> None:
    """Run a program several times and compare the runs bit for bit.

    Each run is a fresh process with another hash seed (unless PYTHONHASHSEED is set) and another order of listed
    folders, so that what depends on them shows. Compared are the first value of every variable, and inputs, results and
    weights of every step: Keras' `fit`, custom loops with `tf.function` or `GradientTape`, `Session.run`, Estimators.
    Where runs differ, the first difference is named, and its cause found by running again with one remedy after the
    other: that takes up to ten further runs.

    \b
    tfguard verify train.py --epochs 1
    tfguard verify --record trace.json train.py     here, and on another machine:
    tfguard verify --against trace.json train.py

    Exit codes: 0 all runs the same, 1 they differ, 2 the program failed or there was nothing to compare. What the
    program prints is not shown.
    """
    verification = Verification(read_program(ctx, options["python"]), options)
    result = verification.verify()
    if options["output_format"] == "json":
        click.echo(json.dumps(result.to_json(), indent=2, sort_keys=True))
    else:
        for line in result.lines():
            click.echo(line)
    ctx.exit(EXIT_CLEAN if result.divergence is None else EXIT_FINDINGS)


@dataclass(frozen=True, slots=True)
class Run:
    """One process, and what it left."""

    hash_seed: int | None
    returncode: int
    stdout: str
    stderr: str
    trace: list[Event]


@dataclass(slots=True)
class Verdict:
    """What is reported."""

    program: str
    runs: list[Run]
    divergence: Divergence | None = None
    #: Which run differs from the first, counted from 1; 0 for the first run itself, against a recorded trace.
    differing: int = 0
    cause: Cause | None = None
    trials: list[Trial] = field(default_factory=list)
    diagnosed: bool = False

    def to_json(self) -> dict[str, Any]:
        """For machines."""
        from tfguard.runtime.comparing import count_steps

        return {
            "schema": _SCHEMA,
            "program": self.program,
            "verdict": "same" if self.divergence is None else "different",
            "runs": [
                {"hash_seed": run.hash_seed, "steps": count_steps(run.trace), "end": end_of(run)} for run in self.runs
            ],
            "divergence": None if self.divergence is None else {**self.divergence._asdict(), "run": self.differing},
            "cause": None if self.cause is None else self.cause.to_json(),
            "trials": [{"remedy": trial.title, "same": trial.same} for trial in self.trials],
        }

    def lines(self) -> Iterator[str]:
        """For people: a table and a sentence."""
        from tfguard.runtime.comparing import count_steps

        yield f"{'run':<5}{'hash seed':<12}{'steps':<8}weights"
        for number, run in enumerate(self.runs, 1):
            seed = "-" if run.hash_seed is None else run.hash_seed
            yield f"{number:<5}{seed:<12}{count_steps(run.trace):<8}{end_of(run)}"
        yield ""
        if self.divergence is None:
            yield f"same: {self.program} computes the same bits in {len(self.runs)} fresh processes"
            return
        one = "the recorded run" if self.differing == 0 else "run 1"
        yield f"different: run {self.differing or 1} parts from {one} in {self.divergence.what}"
        for trial in self.trials:
            outcome = {True: "same", False: "different", None: "failed"}[trial.same]
            yield f"  tried: {trial.title}: {outcome}"
        if self.cause is not None:
            from tfguard.runtime.diagnosing import RULES

            yield f"cause: {RULES[self.cause.rule]} {self.cause.rule}: {self.cause.sentence}"
            yield f"help: {self.cause.remedy}"
        elif self.diagnosed:
            yield "cause: not found: no remedy makes two runs agree; a clock, the network or files may be in play"


def end_of(run: Run) -> str:
    """A digest of all that was compared of the weights at the end of a run."""
    from tfguard.runtime.trace import digest_of_text

    weights = [event["weights"] for event in run.trace if event.get("weights")]
    return digest_of_text(json.dumps(weights[-1])) if weights else "-"


class Verification:
    """Makes the runs of one program."""

    def __init__(self, program: Program, options: dict[str, Any]) -> None:
        self.program = program
        self.options = options
        self.hash_varies = "PYTHONHASHSEED" not in os.environ

    def verify(self) -> Verdict:
        """Run, compare, diagnose."""
        from tfguard.runtime.diagnosing import Conditions
        from tfguard.runtime.settings import Settings

        as_is = Conditions(Settings(seed=None, gpu_memory=None), pin_hash=False, pin_listing=False)
        runs = [self.run(as_is, number) for number in range(self.options["runs"])]
        for run in runs:
            self.require_success(run)
        verdict = Verdict(" ".join(self.program.arguments), runs)
        if self.options["record"] is not None:
            document = {"schema": _SCHEMA, "program": verdict.program, "trace": self.compared(runs[0])}
            Path(self.options["record"]).write_text(json.dumps(document) + "\n")
        self.compare(verdict)
        if verdict.divergence is not None and verdict.differing and self.options["diagnose"]:
            diagnosis = self.diagnosis(verdict)
            verdict.cause, verdict.trials, verdict.diagnosed = diagnosis.find_cause(), diagnosis.trials, True
        return verdict

    def compare(self, verdict: Verdict) -> None:
        """The first run with the recorded one, then every other run with the first."""
        from tfguard.runtime.comparing import find_divergence

        traces = [self.compared(run) for run in verdict.runs]
        if self.options["against"] is not None:
            verdict.divergence = find_divergence(read_recorded(self.options["against"]), traces[0])
        for number, trace in enumerate(traces[1:], 2):
            if verdict.divergence is None:
                verdict.divergence = find_divergence(traces[0], trace)
                verdict.differing = number if verdict.divergence is not None else 0

    def diagnosis(self, verdict: Verdict) -> Diagnosis:
        """Of the first run and the one that differs from it."""
        from tfguard.runtime.diagnosing import Diagnosis

        pair = [verdict.runs[0].trace, verdict.runs[verdict.differing - 1].trace]
        return Diagnosis(self.attempt, pair, seed=42, hash_varies=self.hash_varies)

    def attempt(self, title: str, conditions: Conditions) -> Trial:
        """Two runs, or as many as were asked for, under the conditions of a trial."""
        from tfguard.runtime.comparing import find_divergence
        from tfguard.runtime.diagnosing import Trial

        runs = [self.run(conditions, number) for number in range(max(2, self.options["runs"]))]
        if any(run.returncode for run in runs):
            return Trial(title, None, [])
        traces = [self.compared(run) for run in runs]
        same = all(find_divergence(traces[0], trace) is None for trace in traces[1:])
        return Trial(title, same, [run.trace for run in runs])

    def run(self, conditions: Conditions, number: int) -> Run:
        """One fresh process."""
        from tfguard.runtime.orders import Orders
        from tfguard.runtime.trace import read_trace

        hash_seed = None if not self.hash_varies else _PINNED if conditions.pin_hash else number + 1
        listing = "reversed" if number % 2 and not conditions.pin_listing else "sorted"
        settings = conditions.settings
        with tempfile.TemporaryDirectory(prefix="tfguard-verify-") as folder:
            trace = os.path.join(folder, "trace.jsonl")
            orders = Orders(settings, guards=False, quiet=True, trace=trace, listing=listing)
            environment = make_environment(orders.to_json(), hash_seed=hash_seed, threads=settings.threads)
            done = self.call(prepare_program(self.program), environment)
            events = read_trace(trace) if os.path.exists(trace) else []
        return Run(hash_seed, done.returncode, done.stdout, done.stderr, events)

    def call(self, program: Program, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
        """Run it to its end, with nothing to read."""
        try:
            return subprocess.run(
                program.command,
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=self.options["timeout"],
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise ConfigError(f"a run took longer than {self.options['timeout']:g} s") from error

    def compared(self, run: Run) -> list[Event]:
        """The events that are compared, with what was printed where that is asked for."""
        from tfguard.runtime.comparing import compared_in
        from tfguard.runtime.trace import digest_of_text

        events = compared_in(run.trace)
        if self.options["with_stdout"]:
            events.append({"kind": "end", "weights": [["stdout", digest_of_text(run.stdout)]]})
        return events

    def require_success(self, run: Run) -> None:
        """A run that failed, or in which nothing was seen, proves nothing."""
        if run.returncode:
            sys.stderr.write(run.stderr[-4000:])
            raise VerifyError(f"the program ended with exit code {run.returncode}: there is nothing to compare")
        if not self.compared(run):
            raise VerifyError(
                "nothing to compare: no variable and no step of TensorFlow was seen; `--stdout` compares the output"
            )


class VerifyError(TfguardError):
    """A program that could not be verified."""


def read_recorded(path: str) -> list[Event]:
    """The trace that `--record` wrote."""
    try:
        document = json.loads(Path(path).read_text())
        trace: list[Event] = document["trace"]
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"{path} is no trace that `tfguard verify --record` wrote") from error
    if document.get("schema") != _SCHEMA:
        raise ConfigError(f"{path} was written by another version of tfguard")
    return trace
