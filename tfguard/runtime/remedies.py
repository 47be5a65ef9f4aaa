"""What a trial changes to see whether two runs then agree: each remedy takes one cause away and leaves the others."""

from typing import Any, Callable, List, NamedTuple, Optional, Tuple

from tfguard.runtime.comparing import Event, compare_events, compared_in
from tfguard.runtime.settings import Settings

#: Two or more runs under the same conditions.
Traces = List[List[Event]]


class Conditions(NamedTuple):
    """How the runs of a trial are made."""

    settings: Settings
    pin_hash: bool = True
    pin_listing: bool = True
    #: Names that the shim knows: `constants`, `clock`, `in turn`.
    remedies: Tuple[str, ...] = ()
    #: The step whose operations are recorded one by one.
    watch: Optional[int] = None


class Remedy(NamedTuple):
    """A change of the conditions."""

    name: str
    title: str
    #: Can it matter, by what was seen of the runs? A seed is asked for from outside.
    matters: Callable[[Traces], bool]
    apply: Callable[[Conditions, int], Conditions]


def as_is(*, hash_varies: bool = True) -> Conditions:
    """Nothing changed: another hash seed and another order of folders in each run."""
    return Conditions(Settings(seed=None, gpu_memory=None), pin_hash=not hash_varies, pin_listing=False)


def has(*kinds: str) -> Callable[[Traces], bool]:
    """Is there an event of one of these kinds?"""
    return lambda traces: any(event["kind"] in kinds for trace in traces for event in trace)


def always(traces: Traces) -> bool:
    """Nothing can be seen that would rule it out."""
    return True


def has_own_seed(traces: Traces) -> bool:
    """Entropy that the program asks for, or a seed that differs."""
    return has("entropy")(traces) or find_fresh_seed(traces) is not None


def uses(*libraries: str) -> Callable[[Traces], bool]:
    """Is one of these libraries imported?"""

    def matters(traces: Traces) -> bool:
        ends = events_of(traces, "generators")
        return any(
            end["tensorflow"] if name == "tensorflow" else name in end["used"] for end in ends for name in libraries
        )

    return matters


def with_remedy(name: str) -> Callable[[Conditions, int], Conditions]:
    """One that the shim carries out."""
    return lambda conditions, seed: conditions._replace(remedies=(*conditions.remedies, name))


def with_settings(**changes: Any) -> Callable[[Conditions, int], Conditions]:
    """One that is a setting; a seed is given by the caller."""

    def apply(conditions: Conditions, seed: int) -> Conditions:
        changed: Any = {key: seed if key == "seed" else value for key, value in changes.items()}
        return conditions._replace(settings=conditions.settings._replace(**changed))

    return apply


#: From the cheapest and narrowest to the dearest and broadest.
REMEDIES = (
    Remedy(
        "order",
        "hash seed and order of folders fixed",
        always,
        lambda conditions, seed: conditions._replace(pin_hash=True, pin_listing=True),
    ),
    Remedy("constants", "seeds and entropy of the program's own constant", has_own_seed, with_remedy("constants")),
    Remedy("seed", "all generators seeded when they are imported", always, with_settings(seed=None)),
    Remedy("clock", "the clock replaced by a counter", has("clock"), with_remedy("clock")),
    Remedy("in turn", "parallel work in turn", has("parallel"), with_remedy("in turn")),
    Remedy("determinism", "op determinism", uses("tensorflow"), with_settings(seed=None, op_determinism=True)),
    Remedy("threads", "one thread", uses("tensorflow", "numpy"), with_settings(threads=1)),
)
#: Those whose cause lies within an operation.
KERNELS = ("determinism", "threads")


def events_of(traces: Traces, kind: str) -> List[Event]:
    """All events of a kind."""
    return [event for trace in traces for event in trace if event["kind"] == kind]


def find_fresh_seed(traces: Traces) -> Optional[Event]:
    """The first seed whose value differs between the first two runs."""
    for one, other in zip(events_of(traces[:1], "seed"), events_of(traces[1:2], "seed")):
        if one["value"] != other["value"]:
            return one
    return None


def count_agreeing(traces: Traces) -> int:
    """How many of the events that are compared come before the first difference."""
    first = compared_in(traces[0])
    fewest = len(first)
    for trace in traces[1:]:
        agreeing = 0
        for one, other in zip(first, compared_in(trace)):
            if compare_events(one, other, None) is not None:
                break
            agreeing += 1
        fewest = min(fewest, agreeing)
    return fewest
