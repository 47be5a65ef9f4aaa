"""A generator that begins with fresh entropy: no seed that is set elsewhere reaches it.

## Why it matters
`np.random.default_rng()`, `RandomState()` and `random.Random()` are generators of their own: `np.random.seed` does not
touch them, and without a seed they begin with the operating system's entropy. So does a global generator that is seeded
with the clock, with `os.getpid()` or with nothing: `np.random.seed()` throws away the seed that was set before.
`tf.random.Generator.from_non_deterministic_state()` says so in its name; under op determinism it raises.

Fresh bits that name a run folder or a file are right and get no finding, and neither does a generator that a function
makes only where its caller gives none.

## Bad
    import numpy as np
    import tensorflow as tf

    rng = np.random.default_rng()
    x = rng.normal(size=(100, 4))
    w = tf.Variable(tf.zeros((4, 1)))
    print(x @ w)

## Bad
    import time

    import numpy as np
    import tensorflow as tf

    np.random.seed(int(time.time()))
    tf.random.set_seed(0)
    print(np.random.rand(2), tf.random.uniform((2,)))

## Good
    import numpy as np
    import tensorflow as tf

    rng = np.random.default_rng(42)
    x = rng.normal(size=(100, 4))
    w = tf.Variable(tf.zeros((4, 1)))
    print(x @ w)

## Good
    import time
    import uuid

    import tensorflow as tf

    tf.keras.utils.set_random_seed(42)
    run = f"runs/{int(time.time())}-{uuid.uuid4().hex}"
    tf.keras.Sequential([tf.keras.layers.Dense(1)]).save(f"{run}.keras")

## Fix safety
Safe: numbers that were never the same twice are always the same from then on. That holds for a clock that the author
asked for, too: it is what the rule is about. Where the call runs more than once there is no fix, for the same seed each
time would repeat the same numbers: make one generator and pass it on. The operating system's generator (`SystemRandom`,
`secrets`) takes no seed, so what replaces it is for a person to say.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from tfguard.rules.reproducibility.entropy import Fresh, assigned_to, fresh_of, load_entropy
from tfguard.rules.reproducibility.seeds import seed_of
from tfguard.rules.reproducibility.training import LIBRARIES, Training, note_training

from tfguard.analysis.calls import CallSite
from tfguard.analysis.file_model import FileModel
from tfguard.analysis.project import ProjectFacts
from tfguard.model import Edit, Finding, Fix, Note, Safety, Severity, Span
from tfguard.rule import Rule
from tfguard.tables import load_evidence

rule = Rule(
    __name__,
    id="TFG107",
    severity=Severity.WARNING,
    since="0.2",
    messages=('"from_non_deterministic_state" cannot be called when determinism is enabled.',),
    evidence=load_evidence(),
)

_WORDS = (
    *("default_rng", "RandomState", "SeedSequence", "PCG64", "MT19937", "Philox", "SFC64", "SystemRandom", "secrets."),
    *("from_non_deterministic_state", "get_global_generator", "Random(", "PRNGKey", "random.key", "SeedGenerator"),
    *("seed(", "seed=", "seed =", "random_state=", "seeds("),
)
_WHAT = {
    "generator": "begins with fresh entropy",
    "seeder": "seeds with fresh entropy",
    "argument": "is seeded with fresh entropy",
    "state": "begins with fresh entropy",
    "shared": "begins with fresh entropy, whatever the global seed is",
    "system": "draws from the operating system's entropy, which takes no seed",
}


@rule.facts(mentions=(*LIBRARIES, *_WORDS))
def facts_of_file(file: FileModel) -> dict[str, Any] | None:
    """Does the file load a library that trains, and which of its calls take fresh entropy?"""
    found: dict[str, Any] = note_training(file) or {}
    if any(word in file.source.text for word in _WORDS):
        rows = [call.span.start for call in file.calls if fresh_of(call) is not None]
        if rows:
            found["fresh"] = rows
    return found or None


@rule.on_call(mentions=_WORDS)
def effect(call: CallSite) -> dict[str, Any] | None:
    """Calls that take fresh entropy, and those that seed a global generator."""
    fresh = fresh_of(call)
    if fresh is not None:
        return {"fresh": fresh.drawn}
    seed = seed_of(call)
    return {"seeds": seed.get("seeds", ["python", "numpy"])} if seed and ("seeds" in seed or "helper" in seed) else None


@rule.on_project
def check(facts: ProjectFacts, own: Sequence[Finding]) -> Iterator[Finding]:
    """The calls of files that belong to a program which loads a training library."""
    training = Training(facts, rule.id)
    runs = _runs(facts)
    for path, note in facts.facts_of(rule.id).items():
        if not note.get("fresh") or not training.is_loaded_with(path):
            continue
        file = facts.open(path)
        calls = {call.span.start: call for call in file.calls if fresh_of(call) is not None}
        for start in note["fresh"]:
            fresh, times = fresh_of(calls[start]), runs.get((path, start), 0)
            if fresh is not None and (not fresh.drawn or times > 0):
                yield _finding(file, calls[start], fresh, is_once=times == 1)


def _runs(facts: ProjectFacts) -> dict[tuple[str, int], int]:
    """How often each call runs in the program that runs it most; 0: seeded with what a seeded generator drew."""
    found: dict[tuple[str, int], int] = {}
    for program in facts.programs:
        counts: dict[tuple[str, int], int] = {}
        seeded: set[str] = set()
        for event in program.effects(rule.id):
            payload, key = event.item.payload, (event.path, event.item.start)
            if "fresh" not in payload:
                seeded.update(payload["seeds"])
            elif payload["fresh"] not in seeded:
                counts[key] = counts.get(key, 0) + (2 if event.is_repeated else 1)
        for key, count in counts.items():
            found[key] = max(found.get(key, 0), count)
    return found


# -- the finding ------------------------------------------------------------------------------------------


def _finding(file: FileModel, call: CallSite, fresh: Fresh, *, is_once: bool) -> Finding:
    by = f" (`{fresh.source.text}`)" if fresh.source is not None and "\n" not in fresh.source.text else ""
    message = f"`{call.written}` {_WHAT[fresh.kind]}{by}, so every run differs"
    edits = _edits(file, call, fresh) if is_once else None
    if edits is not None:
        return rule.finding(call, message, fix=Fix("Give it a seed", edits, Safety.SAFE))
    return rule.finding(call, message, notes=[Note(_advice(fresh, is_once=is_once))])


def _advice(fresh: Fresh, *, is_once: bool) -> str:
    if fresh.kind == "system":
        return "draw from a generator that takes a seed, `random.Random(seed)`"
    if fresh.kind == "shared":
        return "set it first: `tf.random.set_global_generator(tf.random.Generator.from_seed(seed))`"
    if not is_once:
        return "make one generator with a seed where the program starts, and pass it on: this may run more than once"
    return "give it a seed"


def _edits(file: FileModel, call: CallSite, fresh: Fresh) -> tuple[Edit, ...] | None:
    """The edits that give the seed of the settings."""
    if not file.is_placed(call.node) or fresh.kind in ("shared", "system"):
        return None
    seed = str(file.config.seed)
    if fresh.kind == "state":
        return _from_seed(file, call, seed)
    if fresh.given is None:
        edit = file.rewrite.add_argument(call, seed) if not call.node.keywords else None
        return (edit,) if edit is not None else None
    origin = assigned_to(fresh.given) if "seed" in fresh.given.text.lower() else None
    edit = file.rewrite.replace(origin if origin is not None else fresh.given, seed)
    return (edit,) if edit is not None else None


def _from_seed(file: FileModel, call: CallSite, seed: str) -> tuple[Edit, ...] | None:
    """`Generator.from_non_deterministic_state()` becomes `Generator.from_seed(42)`."""
    end = file.span(call.node.func).end
    name = call.written.rpartition(".")[2]
    opening = file.source.text.find("(", end)
    if name.strip() not in {known.rpartition(".")[2] for known in load_entropy().nondeterministic} or opening != end:
        return None
    more = ", " if call.node.args or call.node.keywords else ""
    renamed = Edit(Span(end - len(name.lstrip()), end), load_entropy().seeded)
    return (renamed, Edit(Span(opening + 1, opening + 1), f"{seed}{more}"))
