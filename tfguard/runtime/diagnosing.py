"""Why do two runs differ? Repeats them with one remedy after the other until they agree: the remedies name the causes.

A remedy that only moves the first difference later is kept, and the search goes on with the next. In the end each of
several is left out once, so that no cause is named that the others explain.
"""

from typing import Any, Callable, List, NamedTuple, Optional

from tfguard.runtime import causes
from tfguard.runtime.causes import RULES, Cause, Operation
from tfguard.runtime.comparing import count_steps, find_divergence
from tfguard.runtime.operations import find_operation
from tfguard.runtime.remedies import (
    KERNELS,
    REMEDIES,
    Conditions,
    Remedy,
    Traces,
    as_is,
    count_agreeing,
    events_of,
)

__all__ = ["RULES", "Cause", "Conditions", "Diagnosis", "Operation", "Trial", "as_is"]


class Trial(NamedTuple):
    """Runs under the same conditions."""

    title: str
    #: None where the program failed under them.
    same: Optional[bool]
    traces: Traces


Try = Callable[[str, Conditions], Trial]


class Diagnosis:
    """The trials of one program, made as they are needed."""

    def __init__(self, run: Try, baseline: Traces, *, seed: int, hash_varies: bool) -> None:
        self.run = run
        self.seed = seed
        self.trials: List[Trial] = []
        self.hash_varies = hash_varies
        #: Runs with the remedies that were chosen so far, which still differ.
        self.traces = self.baseline = baseline
        self.is_mended = False
        self.agreeing: Traces = []
        self.chosen: List[Remedy] = []

    def find_cause(self) -> Optional[Cause]:
        """The first cause, or None where no remedy helps."""
        found = self.find_causes()
        return found[0] if found else None

    def find_causes(self) -> List[Cause]:
        """All causes that are needed to explain the difference, in the order in which they show."""
        tried = []
        for remedy in self.remedies():
            if not self.can_matter(remedy):
                continue
            tried.append(remedy)
            if self.consider(remedy):
                break
        else:
            self.try_together(tried)
        self.leave_out()
        found = [cause for remedy in self.chosen for cause in self.explain(remedy)]
        unexplained = None if self.is_mended else self.explain_kernel(None, self.chosen)
        return found if unexplained is None else [*found, unexplained]

    def remedies(self) -> List[Remedy]:
        """In the order in which they are tried: those first for which something was seen, so that trials are few."""
        trace = self.baseline[0]
        seeded = [event["generator"] for event in events_of([trace], "seed")]
        seen = {
            "order": bool(events_of([trace], "listing")),
            "constants": True,
            "seed": any(name not in seeded for name in causes.used_in(trace)),
            "in turn": True,
        }
        return sorted(REMEDIES, key=lambda remedy: not seen.get(remedy.name, False))

    def can_matter(self, remedy: Remedy) -> bool:
        """Is there anything that it changes?"""
        if remedy.name == "order" and not self.hash_varies:
            return bool(events_of(self.traces, "listing"))
        return remedy.matters(self.traces)

    def consider(self, remedy: Remedy) -> bool:
        """Try a remedy on top of the chosen ones; choose it if it helps; True if the runs agree."""
        trial = self.attempt([*self.chosen, remedy])
        if trial.same:
            self.chosen.append(remedy)
            self.is_mended, self.agreeing = True, trial.traces
            return True
        if trial.same is not None and count_agreeing(trial.traces) > count_agreeing(self.traces):
            self.chosen.append(remedy)
            self.traces = trial.traces
        return False

    def try_together(self, tried: List[Remedy]) -> None:
        """What does not help alone may help with others, where a remedy cannot be seen to help a part of the way."""
        if len(tried) > len(self.chosen) + 1 and self.attempt(tried).same:
            self.chosen, self.is_mended, self.agreeing = tried, True, self.trials[-1].traces

    def leave_out(self) -> None:
        """Choose nothing that the others make needless; the dearest first."""
        if not self.is_mended:
            return
        for remedy in list(reversed(self.chosen)):
            others = [other for other in self.chosen if other is not remedy]
            if others and len(self.chosen) > 1 and self.attempt(others).same:
                self.chosen = others

    def attempt(self, remedies: List[Remedy], *, title: str = "", **changes: Any) -> Trial:
        """Make a trial."""
        conditions = as_is(hash_varies=self.hash_varies)
        for remedy in remedies:
            conditions = remedy.apply(conditions, self.seed)
        title = title or ", ".join(remedy.title for remedy in remedies)
        trial = self.run(title, conditions._replace(**changes))
        self.trials.append(trial)
        return trial

    def explain(self, remedy: Remedy) -> List[Cause]:
        """The causes that a chosen remedy takes away."""
        others = [other for other in self.chosen if other is not remedy]
        if remedy.name == "order":
            return self.explain_order(others)
        if remedy.name in KERNELS:
            kernel = self.explain_kernel(remedy, others)
            return [] if kernel is None else [kernel]
        if remedy.name == "seed":
            return [causes.seed_cause(self.baseline[0])]
        if remedy.name == "clock":  # what `datetime` gives is seen only where it is replaced
            return [causes.clock_cause([*self.traces, *self.agreeing])]
        return [
            causes.constants_cause(self.traces) if remedy.name == "constants" else causes.parallel_cause(self.traces)
        ]

    def explain_order(self, others: List[Remedy]) -> List[Cause]:
        """Sets, folders or both?"""
        if not events_of(self.baseline, "listing"):
            return [causes.hash_cause()]
        if not self.hash_varies:
            return [causes.listing_cause(self.baseline)]
        order = REMEDIES[0]
        if self.attempt([*others, order], title="hash seed fixed", pin_listing=False).same:
            return [causes.hash_cause()]
        if self.attempt([*others, order], title="order of folders fixed", pin_hash=False).same:
            return [causes.listing_cause(self.baseline)]
        return [causes.hash_cause(), causes.listing_cause(self.baseline)]

    def explain_kernel(self, remedy: Optional[Remedy], others: List[Remedy]) -> Optional[Cause]:
        """Which operation? Replays the first step that differs, without the remedy, operation by operation."""
        operation, step = None, self.first_differing_step()
        if step is not None:
            trial = self.attempt(others, title="step {} operation by operation".format(step), watch=step)
            operation = find_operation(trial.traces, step)
        if remedy is None:
            return None if operation is None else causes.kernel_cause("", operation)
        return causes.kernel_cause(remedy.name, operation)

    def first_differing_step(self) -> Optional[int]:
        """The earliest that was seen whose inputs agree; None where what goes in differs already."""
        steps = []
        for traces in (self.baseline, self.traces):
            found = find_divergence(traces[0], traces[1])
            if found is not None and found.kind in ("outputs", "weights"):
                steps.append(found.step)
            elif found is not None and found.kind == "end":
                steps.append(count_steps(traces[0]))
        return min([step for step in steps if step], default=None)
