"""The rule that a difference breaks, by the remedy that takes it away and by what was seen in the runs without it."""

from typing import Any, Dict, List, NamedTuple, Optional

from tfguard.runtime.comparing import Event
from tfguard.runtime.remedies import Traces, events_of, find_fresh_seed

RULES = {
    "unseeded-training": "TFG101",
    "insufficient-seed": "TFG102",
    "late-seed": "TFG103",
    "hash-order": "TFG105",
    "unordered-files": "TFG106",
    "fresh-entropy": "TFG107",
    "parallel-order": "TFG108",
    "nondeterministic-op": "TFG115",
    "unpinned-threads": "TFG117",
}
NAMES = {"random": "Python's `random`", "numpy": "NumPy", "tensorflow": "TensorFlow", "system": "the operating system"}
_SEEDING = "`tfguard fix` seeds them, `tfguard run` does so without an edit"


class Cause(NamedTuple):
    """The rule that explains the difference, and what to do."""

    rule: str
    sentence: str
    remedy: str
    place: Optional[str]

    def to_json(self) -> Dict[str, Any]:
        """For machines."""
        return dict(self._asdict(), id=RULES[self.rule])


class Operation(NamedTuple):
    """An operation that gives another result for the same inputs."""

    type: str
    #: Its name in the graph, None where it ran eagerly.
    name: Optional[str]
    device: str
    place: Optional[str]
    step: int

    def describe(self) -> str:
        """In words."""
        name = " `{}`".format(self.name) if self.name else ""
        place = " at {}".format(self.place) if self.place else ""
        return "`{}`{} on {}{}".format(self.type, name, self.device or "an unknown device", place)


def hash_cause() -> Cause:
    """The order of sets of strings."""
    return Cause(
        "hash-order",
        "the order of a set of strings, or a hash of one, reaches the data: it changes with PYTHONHASHSEED",
        "`sorted(...)` where a set is iterated, or start with PYTHONHASHSEED=0 (`tfguard run` does)",
        None,
    )


def listing_cause(traces: Traces) -> Cause:
    """The order of the entries of a folder."""
    places = places_of(traces, "listing")
    return Cause(
        "unordered-files",
        "the order in which a folder is listed reaches the data, and the file system promises none",
        "sort what is listed at {}".format(join(places)),
        places[0],
    )


def constants_cause(traces: Traces) -> Cause:
    """A seed that is itself different in every run, or a generator that begins with entropy."""
    fresh = find_fresh_seed(traces)
    if fresh is not None:
        place = fresh.get("place")
        sentence = "{} is seeded with another value in every run, at {}".format(NAMES[fresh["generator"]], place)
        return Cause("fresh-entropy", sentence, "seed with a constant there", place)
    entropy = events_of(traces, "entropy")[0]
    place = entropy["place"]
    if entropy["generator"] == "system":
        sentence = "the operating system's entropy reaches the data, from {}".format(place)
        return Cause("fresh-entropy", sentence, "draw from a generator that has a seed", place)
    sentence = "a generator of {} is made from fresh entropy at {}".format(NAMES[entropy["generator"]], place)
    return Cause("fresh-entropy", sentence, "give it a seed there", place)


def clock_cause(traces: Traces) -> Cause:
    """The time reaches what is computed."""
    places = places_of(traces, "clock")
    at = ", read at {}".format(join(places)) if places else ""
    sentence = "the time reaches the data{}".format(at)
    return Cause(
        "fresh-entropy", sentence, "take a constant, or leave it out of the data", places[0] if places else None
    )


def seed_cause(trace: List[Event]) -> Cause:
    """Generators that nobody seeds, or seeds too late, or not in the processes that draw."""
    used, seeded = used_in(trace), [event["generator"] for event in events_of([trace], "seed")]
    missing = [name for name in used if name not in seeded]
    if not seeded:
        names = join([NAMES[name] for name in missing or ["tensorflow"]])
        return Cause("unseeded-training", "nothing seeds {}".format(names), _SEEDING, None)
    if missing:
        names, others = join([NAMES[n] for n in missing]), join([NAMES[n] for n in sorted(set(seeded))])
        sentence = "only {} seeded: {} drawn from, too".format(verb(others, seeded), verb(names, missing))
        return Cause("insufficient-seed", sentence, _SEEDING, None)
    late = [event for event in events_of([trace], "seed") if event["used"]]
    processes = places_of([trace], "process")
    if processes:
        sentence = "the processes started at {} draw, and the seeds of this one do not reach them".format(
            join(processes)
        )
        remedy = "seed in the function that they run, with a number of its own for each (`tfguard run` does)"
        return Cause("insufficient-seed", sentence, remedy, processes[0])
    seeds = events_of([trace], "seed")
    unseen = [event for event in seeds if event["generator"] == "tensorflow"]  # draws from it are not seen
    place = (late or unseen or seeds)[0].get("place")
    sentence = "every generator is seeded, but too late or for another graph; the first such seed is at {}".format(
        place
    )
    remedy = "seed first thing after the imports; in graph mode, in every new graph"
    return Cause("late-seed", sentence, remedy, place)


def parallel_cause(traces: Traces) -> Cause:
    """What runs in parallel draws, or hands on, in another order each time."""
    events = events_of(traces, "parallel")
    places = places_of(traces, "parallel")
    whats = sorted({event["what"] for event in events})
    sentence = "what runs in parallel ({}, started at {}) draws or ends in another order in every run".format(
        join(["`{}`".format(what) for what in whats]), join(places)
    )
    remedy = "one worker, or results by number and random functions whose seed is made of the element"
    return Cause("parallel-order", sentence, remedy, places[0])


def kernel_cause(remedy: str, operation: Optional[Operation]) -> Cause:
    """Within an operation, or between operations."""
    helps = {
        "determinism": "`tf.config.experimental.enable_op_determinism()` (`tfguard run --op-determinism`)",
        "threads": "one thread (`tfguard run --threads 1`)",
        "": "no setting mends it: put other operations in its place",
    }[remedy]
    if operation is not None:
        found = "{} gives another result for the same inputs, in step {}"
        return Cause("nondeterministic-op", found.format(operation.describe(), operation.step), helps, operation.place)
    unseen = "; which one cannot be seen: run one by one, none differs"
    if remedy == "determinism":
        sentence = "an operation adds in the order in which its threads end" + unseen
        return Cause("nondeterministic-op", sentence, helps, None)
    sentence = "the result depends on how the work is divided among threads" + unseen
    return Cause("unpinned-threads", sentence, helps, None)


def places_of(traces: Traces, kind: str) -> List[str]:
    """Where events of a kind were, each once, in order."""
    found: List[str] = []
    for event in events_of(traces, kind):
        if event.get("place") and event["place"] not in found:
            found.append(event["place"])
    return found


def used_in(trace: List[Event]) -> List[str]:
    """The generators that were drawn from; TensorFlow's own says nothing, so its presence counts."""
    ends = events_of([trace], "generators")
    if not ends:
        return []
    used = [name for name in ("numpy", "random") if ends[-1]["used"].get(name)]
    early = [event["generator"] for event in events_of([trace], "seed") if event["used"]]
    found = used + [name for name in early if name not in used]
    return sorted([*found, "tensorflow"] if ends[-1]["tensorflow"] else found)


def join(names: List[str]) -> str:
    """`a, b and c`; many are cut short."""
    if len(names) > 4:
        names = [*names[:3], "{} more".format(len(names) - 3)]
    return names[0] if len(names) == 1 else "{} and {}".format(", ".join(names[:-1]), names[-1])


def verb(names: str, counted: List[str]) -> str:
    """With the verb that fits."""
    return "{} {}".format(names, "is" if len(set(counted)) == 1 else "are")
