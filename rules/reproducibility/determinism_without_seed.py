"""Op determinism is asked for and TensorFlow has no seed: the first random operation raises.

## Why it matters
Under `tf.config.experimental.enable_op_determinism()` an operation that draws from TensorFlow's generator ends the
program: "RuntimeError: Random ops require a seed to be set when determinism is enabled". `tf.random.*`,
`Dataset.shuffle` and `fit`, which shuffles, are such operations; so are the layers of Keras before 2.10. Some want a
seed of their own besides: `tf.image.sample_distorted_bounding_box` and `tf.nn.fractional_max_pool` raise a ValueError
without `seed=`, and `tf.random.get_global_generator()` raises until `set_global_generator` has been called.

## Bad
    import tensorflow as tf

    tf.config.experimental.enable_op_determinism()
    print(tf.random.normal([2]))

## Bad
    import tensorflow as tf

    tf.keras.utils.set_random_seed(1)
    tf.config.experimental.enable_op_determinism()
    print(tf.nn.fractional_max_pool(tf.ones((1, 8, 8, 1)), [1, 1.4, 1.4, 1], True))

## Good
    import tensorflow as tf

    tf.keras.utils.set_random_seed(1)
    tf.config.experimental.enable_op_determinism()
    print(tf.random.normal([2]))
    print(tf.nn.fractional_max_pool(tf.ones((1, 8, 8, 1)), [1, 1.4, 1.4, 1], True, seed=1))

## Good
    import tensorflow as tf

    tf.config.experimental.enable_op_determinism()
    print(tf.random.stateless_normal([2], seed=[1, 2]))
    print(tf.reduce_sum(tf.ones([3])))

## Fix safety
Safe: the program, which ended here, goes on, with numbers that are the same in every run.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache

from tfguard.rules.reproducibility import determinism
from tfguard.rules.reproducibility.courses import Verdict
from tfguard.rules.reproducibility.draws import is_seeded
from tfguard.rules.reproducibility.generators import recorder
from tfguard.rules.reproducibility.runs import Draw
from tfguard.rules.reproducibility.seed_findings import Report, seed_findings

from tfguard.analysis.calls import CallSite
from tfguard.analysis.project import Event, Program, ProjectFacts
from tfguard.analysis.values import Known
from tfguard.model import Finding, Fix, Note, Safety, Severity
from tfguard.rule import Rule
from tfguard.tables import load_evidence, load_toml

rule = Rule(
    __name__,
    id="TFG113",
    severity=Severity.ERROR,
    since="0.1",
    records=[recorder, determinism.recorder, determinism.raising],
    messages=(
        "Random ops require a seed to be set when determinism is enabled",
        "requires a non-zero seed to be passed in when determinism is enabled",
        '"get_global_generator" cannot be called if determinism is enabled',
    ),
    evidence=load_evidence(),
)


#: The payload of a call that sets the global generator.
_SETS = "sets"


@lru_cache(maxsize=1)
def _op_seeds() -> dict[str, str]:
    """Canonical names of what needs a seed of its own, and the error without one."""
    data = load_toml("determinism.toml")
    generator = dict.fromkeys(data["global_generator"]["gets"], data["global_generator"]["error"])
    return {**generator, **{name: row["error"] for row in data["op_seed"] for name in row["names"]}}


@rule.on_call(mentions=("sample_distorted_bounding_box", "fractional_max_pool", "global_generator"))
def note_call(call: CallSite) -> str | None:
    """A call that needs a seed of its own and has none, or that sets the global generator."""
    name = call.file.knowledge.canonical(call.names[0]) if call.resolution.is_certain and call.names else ""
    if name in load_toml("determinism.toml")["global_generator"]["sets"]:
        return _SETS
    if name in load_toml("determinism.toml")["global_generator"]["gets"]:
        return name
    if name not in _op_seeds() or call.names[0].startswith("tensorflow.compat.v1."):
        return None
    given = call.argument("seed", None)
    is_zero = isinstance(given.value, Known) and given.value.value in (0, None)
    return name if is_zero or not is_seeded(call, "seed", None) else None


@rule.on_project
def check(facts: ProjectFacts, own: Sequence[Finding]) -> Iterator[Finding]:
    """The first random operation that has no seed, and every operation that lacks its own."""
    yield from seed_findings(rule, facts, Verdict.RAISES, message_of)
    seen: set[tuple[str, int]] = set()
    for program in facts.programs:
        for event, ask in _without_own_seed(facts, program):
            if (event.path, event.item.start) not in seen:
                seen.add((event.path, event.item.start))
                yield from _own_seed_finding(facts, event, ask)


def message_of(report: Report, draw: Draw, is_there: bool) -> str:
    """What happens at the draw."""
    drawn = f"`{report.written(draw.event)}`"
    what = f"{drawn} raises" if is_there else f"this leads to {drawn}, which raises"
    return (
        f'{what} "Random ops require a seed to be set when determinism is enabled": '
        "op determinism is on, and no seed of TensorFlow is set before"
    )


# -- operations that need a seed of their own -----------------------------------------------------------------


def _without_own_seed(facts: ProjectFacts, program: Program) -> Iterator[tuple[Event, Event]]:
    asks = determinism.asks_of(facts, program)
    if not asks or facts.open(program.summary.path).target.tensorflow < determinism.load_determinism().asks_since:
        return
    first = determinism.position_of(program, asks[0])
    gets = load_toml("determinism.toml")["global_generator"]["gets"]
    is_set = False
    for number, event in enumerate(program.events):
        if event.item.rule != rule.id:
            continue
        if event.item.payload == _SETS or (event.item.payload in gets and number < first):
            is_set = True
        elif number > first and not (is_set and event.item.payload in gets):
            yield event, asks[0]


def _own_seed_finding(facts: ProjectFacts, event: Event, ask: Event) -> Iterator[Finding]:
    call = determinism.call_of(facts, event)
    if call is None:
        return
    takes_seed = not call.names[0].endswith("generator")
    edit = call.file.rewrite.set_argument(call, "seed", str(call.file.config.seed)) if takes_seed else None
    fix = Fix("Pass `seed=`", (edit,), Safety.SAFE) if edit is not None else None
    line, column = facts.open(ask.path).source.position(ask.item.start)
    yield rule.finding(
        call,
        f'`{call.written}` raises "{_op_seeds()[event.item.payload]}": the global seed is not enough for it',
        fix=fix,
        notes=[Note("op determinism is asked for here", ask.path, line, column)],
    )
