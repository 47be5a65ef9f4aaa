"""`verify --record` and `--against`: a run made elsewhere, what differs from it, and between there and here."""

from __future__ import annotations

import json
import math
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tfguard.cli.program import Program
from tfguard.errors import ConfigError

if TYPE_CHECKING:
    from tfguard.cli.verdict import Verdict
    from tfguard.runtime.comparing import Divergence

Event = dict[str, Any]

#: Of the file that `--record` writes.
SCHEMA = 2
#: What a record holds.
_FIELDS = {"program": str, "trace": list, "environment": dict, "runs": int, "agree": bool, "looked_at": dict}

#: Its kernels round in their own way, and decide on much else that is listed.
_LIBRARY = "TensorFlow"
#: What differs can change what is computed, or only how it is rounded.
_CONTENT = (
    *("program", "source", "commit", "TensorFlow", "Keras", "tf_keras", "NumPy", "SciPy", "scikit-learn", "pandas"),
    *("PyTorch", "JAX", "variable"),
)
_ROUNDING = (
    *("GPUs", "processor", "instruction sets", "cores", "threads inside operations", "threads between operations"),
    *("oneDNN", "CUDA", "cuDNN", "GPU driver"),
)
#: Runs that are no further apart than this, in units of the largest magnitude, differ in rounding.
_ROUNDED = 1e-4
#: Differences without which a run can't be told to be made elsewhere: shown, but never called a cause.
_UNLIKELY = ("Python", "system")


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that is not as it was."""

    kind: str
    what: str
    then: str | None
    now: str | None

    def __str__(self) -> str:
        if self.kind == "source":
            return f"{self.what} {'is new' if not self.then else 'is gone' if not self.now else 'has changed'}"
        return f"{self.what} {self.then or 'absent'} then, {self.now or 'absent'} now"


@dataclass(frozen=True, slots=True)
class Comparison:
    """The first run here and the recorded one."""

    recorded: Event
    place: Event
    program: str
    #: The first difference that counts, and the first one of bits.
    divergence: Divergence | None
    bits: Divergence | None
    #: How far they are apart, in units of the largest magnitude.
    distance: float

    @property
    def changes(self) -> list[Change]:
        """What differs between the two places, the likeliest cause first."""
        then = {**self.recorded["environment"], "program": self.recorded["program"]}
        found = list(iter_changes(then, {**self.place, "program": self.program}))
        order = [_LIBRARY, *_ROUNDING, *_CONTENT] if self.is_rounding else [*_CONTENT, *_ROUNDING]
        ranks = [*order, *_UNLIKELY]
        return sorted(found, key=lambda change: ranks.index(change.kind))

    @property
    def is_rounding(self) -> bool:
        """Are all numbers close?"""
        return self.bits is not None and self.distance <= _ROUNDED

    @property
    def likely(self) -> list[Change]:
        """Changes that explain the difference."""
        return [] if self.divergence is None else [change for change in self.changes if change.kind not in _UNLIKELY]

    def to_json(self) -> Event:
        """For machines."""
        changes = [
            {"kind": change.kind, "what": change.what, "then": change.then, "now": change.now}
            for change in self.changes
        ]
        return {
            "agrees": self.divergence is None,
            "bits": "same" if self.bits is None else "different",
            "divergence": None if self.divergence is None else self.divergence._asdict(),
            "distance": self.distance if math.isfinite(self.distance) else None,
            "recorded_runs_agree": self.recorded["agree"] if self.recorded["runs"] > 1 else None,
            "changes": changes,
            "likely_cause": str(self.likely[0]) if self.likely else None,
        }

    def lines(self, count: int, *, alike: bool) -> Iterator[str]:
        """For people."""
        if self.divergence is None:
            how = "the same bits" if self.bits is None else f"the same within the tolerance ({self.distance:.2g} apart)"
            yield f"same: run 1 and the recorded run compute {how}"
        else:
            yield f"different: run 1 parts from the recorded run in {self.divergence.what}"
            yield f"  {self.say_how_far()}; {self.say_who_agrees(count, alike=alike)}"
        for change in self.changes:
            yield f"  {change}"
        if self.divergence is not None:
            yield from self.cause_lines(alike=alike)

    def say_how_far(self) -> str:
        """In words."""
        if not math.isfinite(self.distance):
            return "not only numbers differ"
        kind = "a matter of rounding" if self.is_rounding else "more than rounding"
        return f"numbers differ by up to {self.distance:.2g} of the largest, {kind}"

    def say_who_agrees(self, count: int, *, alike: bool) -> str:
        """Here, and there."""
        here = "one run was made here" if count == 1 else f"the runs here {'agree' if alike else 'differ'}"
        there = "one run was made there" if self.recorded["runs"] == 1 else None
        return f"{here}, {there or 'those there ' + ('agreed' if self.recorded['agree'] else 'differed')}"

    def cause_lines(self, *, alike: bool) -> Iterator[str]:
        """Which change it may be; none where the program does not agree with itself."""
        if not alike or not self.recorded["agree"]:
            yield "cause: the program does not repeat itself in one place: mend that first, then compare places"
        elif self.likely:
            more = len(self.likely) - 1
            others = f", or one of the {more} other changes" if more > 1 else ", or the other change" if more else ""
            yield f"likely cause: {self.likely[0]}{others}"
        else:
            yield "cause: not found: sources, versions, hardware and settings are the same; data may have changed"


def iter_changes(then: Event, now: Event) -> Iterator[Change]:
    """What differs between two places; nested things one by one."""
    for key in sorted({*then, *now}):
        if key in ("sources", "variables"):
            kind = {"sources": "source", "variables": "variable"}[key]
            ours, theirs = then.get(key, {}), now.get(key, {})
            for name in sorted({*ours, *theirs}):
                if ours.get(name) != theirs.get(name):
                    yield Change(kind, name, ours.get(name), theirs.get(name))
        elif then.get(key) != now.get(key) and key in (*_CONTENT, *_ROUNDING, *_UNLIKELY):
            old, new = (None if place.get(key) is None else str(place[key]) for place in (then, now))
            yield Change(key, key, old, new)


def describe_place(program: Program, trace: list[Event]) -> Event:
    """What the run itself said of its environment, and what only its surroundings know: the script, the commit."""
    from tfguard.runtime.trace import digest_of_bytes

    found = next((event for event in trace if event["kind"] == "environment"), {})
    place = {key: value for key, value in found.items() if key != "kind"}
    script = Path(program.arguments[0])
    if script.is_file():
        place["sources"] = {**place.get("sources", {}), script.name: digest_of_bytes(script.read_bytes())}
    commit = find_commit(script.parent if script.is_file() else Path())
    return place if commit is None else {**place, "commit": commit}


def find_commit(folder: Path) -> str | None:
    """The commit that is checked out, and whether files differ from it; None where there is no repository or no git."""
    try:
        head = run_git(folder, "rev-parse", "--short=12", "HEAD")
        changed = run_git(folder, "status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.CalledProcessError):
        return None
    return f"{head} with changes" if changed else head


def run_git(folder: Path, *arguments: str) -> str:
    """What it prints."""
    command = ["git", "-C", os.fspath(folder), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def make_record(verdict: Verdict, place: Event, looked_at: Event) -> Event:
    """The first run, where it was made, and whether it is worth anything: do all runs agree?"""
    return {
        "schema": SCHEMA,
        "program": verdict.program,
        "runs": len(verdict.runs),
        "agree": verdict.divergence is None,
        "looked_at": looked_at,
        "environment": place,
        "trace": verdict.runs[0].compared,
    }


def write_record(path: str, document: Event) -> None:
    """As JSON of one line."""
    Path(path).write_text(json.dumps(document, sort_keys=True) + "\n", encoding="utf-8")


def read_record(path: str, looked_at: Event) -> Event:
    """What `--record` wrote, with the same options."""
    try:
        document: Any = json.loads(Path(path).read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:
        raise ConfigError(f"{path} is no record that `tfguard verify --record` wrote") from error
    if not isinstance(document, dict) or "trace" not in document:
        raise ConfigError(f"{path} is no record that `tfguard verify --record` wrote")
    if document.get("schema") != SCHEMA:
        raise ConfigError(f"{path} was written by another version of tfguard: record it anew")
    if not all(isinstance(document.get(name), kind) for name, kind in _FIELDS.items()):
        raise ConfigError(f"{path} is damaged: record it anew")
    if document["looked_at"] != looked_at:
        then = say_options(document["looked_at"])
        raise ConfigError(f"{path} was recorded with {then}: only the same can be compared")
    return document


def say_options(looked_at: Event) -> str:
    """As they are given."""
    patterns = [f"--files '{pattern}'" for pattern in looked_at.get("files", [])]
    return " ".join([*(["--stdout"] if looked_at.get("stdout") else []), *patterns]) or "neither --stdout nor --files"
