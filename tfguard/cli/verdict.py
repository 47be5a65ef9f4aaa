"""What `tfguard verify` found out, as JSON and as text."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tfguard.cli.recorded_run import Comparison

if TYPE_CHECKING:
    from tfguard.runtime.comparing import Divergence
    from tfguard.runtime.diagnosing import Cause, Trial
    from tfguard.runtime.magnitudes import Tolerance

Event = dict[str, Any]

#: Of the JSON, which is part of the interface.
SCHEMA = 2


@dataclass(frozen=True, slots=True)
class Run:
    """One process, and what it left."""

    hash_seed: int | None
    returncode: int
    stdout: str
    stderr: str
    trace: list[Event]
    #: The events of the trace that are compared, then what was printed and written.
    compared: list[Event]

    @property
    def steps(self) -> int:
        """How many it made."""
        return sum(event["kind"] == "step" for event in self.trace)

    @property
    def end(self) -> str:
        """A digest of all that was compared of the weights at the end."""
        from tfguard.runtime.trace import digest_of_text

        weights = [event["weights"] for event in self.trace if event.get("weights")]
        return digest_of_text(json.dumps([weight[:2] for weight in weights[-1]])) if weights else "-"

    @property
    def environment(self) -> Event:
        """Where it was made; empty for a process that was killed at its end."""
        return next((event for event in self.trace if event["kind"] == "environment"), {})


@dataclass(slots=True)
class Verdict:
    """What is reported."""

    program: str
    runs: list[Run]
    tolerance: Tolerance | None = None
    #: The first difference of bits between the runs.
    bits: Divergence | None = None
    #: The first difference that counts: of bits, or beyond the tolerance.
    divergence: Divergence | None = None
    #: Which run differs from the first, counted from 1.
    differing: int = 0
    causes: list[Cause] = field(default_factory=list)
    trials: list[Trial] = field(default_factory=list)
    diagnosed: bool = False
    record: Comparison | None = None
    #: The folder with the files that the runs wrote.
    kept: str | None = None

    @property
    def is_same(self) -> bool:
        """Do all runs agree, with each other and with the recorded one?"""
        return self.divergence is None and (self.record is None or self.record.divergence is None)

    @property
    def distance(self) -> float:
        """How far any run is from the first, over all steps, in units of the largest magnitude."""
        from tfguard.runtime.distances import largest_difference

        first = self.runs[0].compared
        return max((largest_difference(first, run.compared) for run in self.runs[1:]), default=0.0)

    def to_json(self) -> dict[str, Any]:
        """For machines."""
        causes = [cause.to_json() for cause in self.causes]
        return {
            "schema": SCHEMA,
            "program": self.program,
            "verdict": "same" if self.is_same else "different",
            "bits": "same" if self.bits is None else "different",
            "tolerance": None
            if self.tolerance is None
            else {**self.tolerance._asdict(), "needed": finite(self.distance)},
            "runs": [{"hash_seed": run.hash_seed, "steps": run.steps, "end": run.end} for run in self.runs],
            "divergence": None if self.divergence is None else {**self.divergence._asdict(), "run": self.differing},
            "cause": causes[0] if causes else None,
            "causes": causes,
            "trials": [{"remedy": trial.title, "same": trial.same} for trial in self.trials],
            "environment": {key: value for key, value in self.runs[0].environment.items() if key != "kind"},
            "record": None if self.record is None else self.record.to_json(),
            "files": self.kept,
        }

    def lines(self) -> Iterator[str]:
        """For people: a table and a sentence."""
        yield f"{'run':<5}{'hash seed':<12}{'steps':<8}weights"
        for number, run in enumerate(self.runs, 1):
            seed = "-" if run.hash_seed is None else run.hash_seed
            yield f"{number:<5}{seed:<12}{run.steps:<8}{run.end}"
        yield ""
        yield self.sentence()
        for trial in self.trials:
            outcome = {True: "same", False: "different", None: "failed"}[trial.same]
            yield f"  tried: {trial.title}: {outcome}"
        yield from self.cause_lines()
        if self.record is not None:
            yield from self.record.lines(len(self.runs), alike=self.divergence is None)
        if self.kept is not None:
            yield f"files: {self.kept} holds what each run wrote; what was there before is back in its place"

    def sentence(self) -> str:
        """Do the runs that were made here agree?"""
        if self.divergence is not None:
            return f"different: run {self.differing} parts from run 1 in {self.divergence.what}"
        count = len(self.runs)
        if count == 1:
            return f"{self.program} ran once: whether it computes the same again was not asked (`--runs 2` asks)"
        if self.tolerance is None or self.bits is None:
            return f"same: {self.program} computes the same bits in {count} fresh processes"
        return (
            f"same within {say_tolerance(self.tolerance)}: {self.program} in {count} fresh processes; "
            f"bits differ from {self.bits.what} on, numbers by up to {self.distance:.2g} of the largest"
        )

    def cause_lines(self) -> Iterator[str]:
        """Each cause with its remedy."""
        from tfguard.runtime.diagnosing import RULES

        for cause in self.causes:
            yield f"cause: {RULES[cause.rule]} {cause.rule}: {cause.sentence}"
            yield f"help: {cause.remedy}"
        if self.diagnosed and not self.causes:
            yield "cause: not found: no remedy makes two runs agree; a clock, the network or files may be in play"


def finite(number: float) -> float | None:
    """JSON knows no infinity."""
    return number if math.isfinite(number) else None


def say_tolerance(tolerance: Tolerance) -> str:
    """As it was given."""
    absolute = f" (absolute {tolerance.absolute:g})" if tolerance.absolute else ""
    return f"{tolerance.relative:g}{absolute}"


def compare_with_record(verdict: Verdict, recorded: Event, place: Event) -> Comparison:
    """The first run here with the recorded one."""
    from tfguard.runtime.comparing import find_divergence
    from tfguard.runtime.distances import largest_difference

    ours = verdict.runs[0].compared
    bits = find_divergence(recorded["trace"], ours)
    found = bits if verdict.tolerance is None else find_divergence(recorded["trace"], ours, verdict.tolerance)
    distance = largest_difference(recorded["trace"], ours)
    return Comparison(recorded, place, verdict.program, found, bits, distance)
