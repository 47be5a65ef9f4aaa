"""Why do two runs differ? Repeats them with one remedy after the other: the first that mends them names the cause."""

from typing import Any, Callable, Dict, List, NamedTuple, Optional

from tfguard.runtime.comparing import Event
from tfguard.runtime.settings import Settings

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
NAMES = {"random": "Python's `random`", "numpy": "NumPy", "tensorflow": "TensorFlow"}


class Conditions(NamedTuple):
    """How both runs of a trial are made."""

    settings: Settings
    pin_hash: bool = True
    pin_listing: bool = True


class Trial(NamedTuple):
    """Two runs under the same conditions."""

    title: str
    #: None where the program failed under them.
    same: Optional[bool]
    traces: List[List[Event]]


class Cause(NamedTuple):
    """The rule that explains the difference, and what to do."""

    rule: str
    sentence: str
    remedy: str
    place: Optional[str]

    def to_json(self) -> Dict[str, Any]:
        """For machines."""
        return dict(self._asdict(), id=RULES[self.rule])


Try = Callable[[str, Conditions], Trial]


class Diagnosis:
    """The trials of one program, made as they are needed."""

    def __init__(self, run: Try, baseline: List[List[Event]], *, seed: int, hash_varies: bool) -> None:
        self.run = run
        self.baseline = baseline
        self.seed = seed
        self.hash_varies = hash_varies
        self.trials: List[Trial] = []

    def find_cause(self) -> Optional[Cause]:
        """From the cheapest remedy to the dearest; None where none of them helps."""
        return self.from_order() or self.from_fresh_seed() or self.from_seeds() or self.from_kernels()

    def attempt(self, title: str, conditions: Conditions) -> Optional[bool]:
        """Make a trial; True where the runs agree."""
        trial = self.run(title, conditions)
        self.trials.append(trial)
        return trial.same

    def from_order(self) -> Optional[Cause]:
        """The order of sets of strings, or of the entries of a folder."""
        listed = events_of(self.baseline, "listing")
        if not self.hash_varies and not listed:
            return None
        as_is = Settings(seed=None, gpu_memory=None)
        if not self.attempt("hash seed and order of folders fixed", Conditions(as_is)):
            return None
        only_hash = not listed or self.attempt("hash seed fixed", Conditions(as_is, pin_listing=False))
        if only_hash:
            return Cause(
                "hash-order",
                "the order of a set of strings, or a hash of one, reaches the data: it changes with PYTHONHASHSEED",
                "`sorted(...)` where a set is iterated, or start with PYTHONHASHSEED=0 (`tfguard run` does)",
                None,
            )
        place = listed[0].get("place")
        return Cause(
            "unordered-files",
            "the order in which a folder is listed reaches the data, and the file system promises none",
            "sort what is listed at {}".format(place),
            place,
        )

    def from_fresh_seed(self) -> Optional[Cause]:
        """A seed that is itself different in every run."""
        traces = self.trials[-1].traces if self.trials and len(self.trials[-1].traces) > 1 else self.baseline
        for one, other in zip(events_of(traces[:1], "seed"), events_of(traces[1:2], "seed")):
            if one["value"] != other["value"]:
                name, place = NAMES[one["generator"]], one.get("place")
                sentence = "{} is seeded with another value in every run, at {}".format(name, place)
                return Cause("fresh-entropy", sentence, "seed with a constant there", place)
        return None

    def from_seeds(self) -> Optional[Cause]:
        """Generators that nobody seeds, seeds too late, or generators made from entropy."""
        title = "all generators seeded when they are imported"
        if not self.attempt(title, Conditions(Settings(seed=self.seed, gpu_memory=None))):
            return None
        trace = self.baseline[0]
        used, seeded = used_in(trace), [event["generator"] for event in events_of([trace], "seed")]
        missing = [name for name in used if name not in seeded]
        entropy = events_of([trace], "entropy")
        seeding = "`tfguard fix` seeds them, `tfguard run` does so without an edit"
        if not missing and entropy:
            place = entropy[0]["place"]
            sentence = "a generator is made from fresh entropy at {}".format(place)
            return Cause("fresh-entropy", sentence, "give it a seed there", place)
        if not seeded:
            names = join([NAMES[name] for name in missing or ["tensorflow"]])
            return Cause("unseeded-training", "nothing seeds {}".format(names), seeding, None)
        if missing:
            names, others = join([NAMES[n] for n in missing]), join([NAMES[n] for n in sorted(set(seeded))])
            sentence = "only {} seeded: {} drawn from, too".format(verb(others, seeded), verb(names, missing))
            return Cause("insufficient-seed", sentence, seeding, None)
        late = [event for event in events_of([trace], "seed") if event["used"]] or events_of([trace], "seed")
        place = late[0].get("place")
        sentence = "every generator is seeded, but too late or for another graph; the first such seed is at {}".format(
            place
        )
        return Cause(
            "late-seed", sentence, "seed first thing after the imports; in graph mode, in every new graph", place
        )

    def from_kernels(self) -> Optional[Cause]:
        """Operations and threads."""
        seeded = Settings(seed=self.seed, gpu_memory=None)
        pinned = self.attempt("seeded, op determinism", Conditions(seeded._replace(op_determinism=True)))
        single = self.attempt("seeded, one thread", Conditions(seeded._replace(threads=1)))
        if pinned and not single:
            return Cause(
                "parallel-order",
                "random functions run in a parallel `map` or `interleave`: which element gets which number changes",
                "`deterministic=True` and no random functions of the global generator in it, or op determinism",
                None,
            )
        if pinned:
            return Cause(
                "nondeterministic-op",
                "an operation adds in the order in which its threads end",
                "`tf.config.experimental.enable_op_determinism()` (`tfguard run --op-determinism`)",
                None,
            )
        if single:
            return Cause(
                "unpinned-threads",
                "the result depends on how the work is divided among threads",
                "one thread (`tfguard run --threads 1`)",
                None,
            )
        return None


def events_of(traces: List[List[Event]], kind: str) -> List[Event]:
    """All events of a kind."""
    return [event for trace in traces for event in trace if event["kind"] == kind]


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
    """`a, b and c`."""
    return names[0] if len(names) == 1 else "{} and {}".format(", ".join(names[:-1]), names[-1])


def verb(names: str, counted: List[str]) -> str:
    """With the verb that fits."""
    return "{} {}".format(names, "is" if len(set(counted)) == 1 else "are")
