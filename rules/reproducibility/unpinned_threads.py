"""Results that depend on how many threads run, in a program that leaves the number to the machine.

It is said of programs of TF 1 that differ from run to run unless their threads are pinned (`KMeans`,
`KMeansClustering` and `GMM` of `tf.contrib.factorization`, Keras before 2.3, Keras 2.3 with `Adam`), and of
every program that trains where the setting `threads` asks for a number.

## Why it matters
The bits of a sum depend on the number of threads that add it up: 1, 2 and 4 threads repeat themselves and differ from
each other, with every seed set and under op determinism too, so the same program gives other numbers on another
machine. In the KMeans of TF 1 the update of the centres and the reading of them are not ordered: with every seed set,
each of five runs gave other clusters in 1.2, 1.10 and 1.15. With one thread for an operation and none but the caller's
for operations (-1, since 1.14) 30 of 32 runs of 1.15 agreed; 1.10 knows no -1, and with one thread for operations eight
of its eight runs agreed. Keras before 2.3 updates the weights of one layer while the
gradients of another still read them: with every seed set, three of three runs differed with Keras 2.0.8 on 1.2 and
2.1.6 on 1.10, and none with one operation at a time. Its `Adam`, and whatever has a `decay`, reads the count of steps
while another operation raises it, in Keras 2.3 on 1.15 too: three results in four runs.

## Bad
    import tensorflow as tf
    from tensorflow.contrib.factorization import KMeans

    points = tf.placeholder(tf.float32, [None, 2])
    kmeans = KMeans(inputs=points, num_clusters=3, use_mini_batch=True)
    session = tf.Session()

## Good
    import tensorflow as tf
    from tensorflow.contrib.factorization import KMeans

    points = tf.placeholder(tf.float32, [None, 2])
    kmeans = KMeans(inputs=points, num_clusters=3, use_mini_batch=True)
    session = tf.Session(config=tf.ConfigProto(intra_op_parallelism_threads=1, inter_op_parallelism_threads=1))

## Good
    import tensorflow as tf

    tf.keras.utils.set_random_seed(1)
    model = tf.keras.Sequential([tf.keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(tf.ones((4, 2)), tf.ones((4, 1)))

## Fix safety
Safe: what is computed stays the same, but for the order of sums, which was never the same twice or is what the setting
asks for. With fewer threads the program may run longer. Unsafe where the session stands in a file that other programs
import too: it would pin theirs as well.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

from tfguard.rules.reproducibility import determinism, generators
from tfguard.rules.reproducibility.determinism import PINS, STARTS, TRAINS, call_of, span_in
from tfguard.rules.reproducibility.keras_threads import Race, race_of, reads_count, session_edits
from tfguard.rules.reproducibility.runs import versions_of
from tfguard.rules.reproducibility.thread_config import INTER, INTRA, is_pinned, kind_of, pin

from tfguard.analysis.calls import CallSite
from tfguard.analysis.file_model import FileModel
from tfguard.analysis.preamble import Module, insert_preamble
from tfguard.analysis.project import Event, Program, ProjectFacts
from tfguard.model import Edit, Finding, Fix, Note, Safety, Severity
from tfguard.rule import Rule
from tfguard.tables import load_evidence, load_toml

rule = Rule(
    __name__,
    id="TFG117",
    severity=Severity.HINT,
    since="0.1",
    records=[determinism.recorder, generators.recorder],
    evidence=load_evidence(),
)

_TF = Module(("tensorflow",), "tensorflow", ("tf", "tensorflow"))
#: From here on `inter_op_parallelism_threads=-1` runs (1.10 aborts: "Check failed: num_threads >= 1"), and there is a
#: `tf.config` to tell it by.
_CALLERS_THREAD = (1, 14)
_SESSIONS = ("Session", "Supervisor", "RunConfig", "Estimator", "estimator", "slim", "contrib")
_COUNTING = ("Adam", "adam", "decay")


@lru_cache(maxsize=1)
def _unpinned() -> frozenset[str]:
    return frozenset(name for row in load_toml("determinism.toml")["unpinned"] for name in row["names"])


@rule.on_call(mentions=(*_SESSIONS, *_COUNTING))
def note_call(call: CallSite) -> list[Any] | None:
    """Calls that want pinned threads, sessions that pin none, optimizers of Keras that read the count of steps."""
    if not call.resolution.is_certain or len(call.names) != 1:
        return None
    wants = call.file.knowledge.canonical(call.names[0]) in _unpinned()
    kind = kind_of(call)
    is_open = kind is not None and not is_pinned(call, kind)
    counts = reads_count(call)
    return [wants, is_open, counts] if wants or is_open or counts else None


@rule.on_project
def check(facts: ProjectFacts, own: Sequence[Finding]) -> Iterator[Finding]:
    """Sessions without pinned threads where that matters, else the first training."""
    seen: set[tuple[str, int]] = set()
    for program in facts.programs:
        if any(event.item.payload[1] != "inter" for event in determinism.events_of(program, PINS)):
            continue
        for finding in _findings(facts, program):
            if (finding.path, finding.line) not in seen:
                seen.add((finding.path, finding.line))
                yield finding


def _findings(facts: ProjectFacts, program: Program) -> Iterator[Finding]:
    events = program.effects(rule.id)
    wants = next((event for event in events if event.item.payload[0]), None)
    sessions = [event for event in events if event.item.payload[1]]
    threads = facts.open(program.summary.path).config.threads if _may_train(program, events) else None
    race = race_of(facts, program, counts=any(event.item.payload[2] for event in events))
    if wants is not None:
        for event in sessions:
            options = {INTRA: str(threads or 1), INTER: _one_at_a_time(facts.open(event.path))}
            yield from _session(facts, event, options, wants)
    elif race is not None and sessions:
        for event in sessions:
            if not _is_in_turn(call_of(facts, event)):
                yield from _session(facts, event, {INTER: "1"}, race.event)
    elif race is not None:
        yield _racing(facts, program, race)
    elif threads is not None and sessions:
        for event in sessions:
            yield from _session(facts, event, {INTRA: str(threads)}, None)
    elif threads is not None and determinism.events_of(program, TRAINS):
        yield from _training(facts, program, threads)


def _may_train(program: Program, events: Sequence[Event]) -> bool:
    """Is there anything that the number of threads may matter to?"""
    return bool(events) or bool(determinism.events_of(program, TRAINS))


def _one_at_a_time(file: FileModel) -> str:
    """The number that lets operations run one after the other: in the caller's thread, where the version can."""
    if file.target.tensorflow >= (2, 0):  # which version of TensorFlow 1 it is for is not known
        return '-1 if hasattr({tf}, "config") else 1'
    return "-1" if file.target.tensorflow >= _CALLERS_THREAD else "1"


def _is_in_turn(call: CallSite | None) -> bool:
    """Does the config of a session say how many operations run at a time?"""
    kind = kind_of(call) if call is not None else None
    return call is None or kind is None or is_pinned(call, kind, INTER)


def _session(facts: ProjectFacts, event: Event, options: dict[str, str], wants: Event | None) -> Iterator[Finding]:
    call = call_of(facts, event)
    kind = kind_of(call) if call is not None else None
    if call is None or kind is None:
        return
    edits = pin(call, kind, options)
    title = f"Pin the threads in the config: {' and '.join(f'`{name}`' for name in options)}"
    is_shared = wants is not None and event.path != wants.path and event.path in facts.imported
    fix = _fix(title, edits, Safety.UNSAFE if is_shared else Safety.SAFE)
    if wants is None:
        yield rule.finding(call, f"`{call.written}` leaves the number of threads to the machine", fix=fix)
        return
    what = determinism.written(facts, wants)
    line, column = facts.open(wants.path).source.position(wants.item.start)
    yield rule.finding(
        call,
        f"`{call.written}` runs `{what}` on as many threads as the machine has, and its result differs from run to run",
        fix=fix,
        notes=[Note(f"`{what}` is here", wants.path, line, column)],
    )


def _fix(title: str, edits: tuple[Edit, ...] | None, safety: Safety = Safety.SAFE) -> Fix | None:
    return Fix(title, edits, safety) if edits else None


def _racing(facts: ProjectFacts, program: Program, race: Race) -> Finding:
    """Give Keras a session that runs one operation at a time."""
    file = facts.open(program.summary.path)
    edits = session_edits(program, file, race, inside=file.path in facts.imported)
    message = f"`{determinism.written(facts, race.event)}` differs from run to run: {race.why}"
    return rule.finding((file, span_in(file.path, race.event)), message, fix=_fix("Run one operation at a time", edits))


def _training(facts: ProjectFacts, program: Program, threads: int) -> Iterator[Finding]:
    """Pin the threads of TensorFlow 2 before it starts."""
    file = facts.open(program.summary.path)
    notes = [facts.files[path].facts.get(generators.recorder.key, {}) for path in program.files if path in facts.files]
    if file.target.tensorflow < (2, 0) or versions_of(notes, file.target).graph:
        return
    events = determinism.events_of(program, STARTS, TRAINS)
    trains = next(event for event in events if event.item.payload[0] == TRAINS)
    setter = f"config.threading.set_intra_op_parallelism_threads({threads})"
    edits = insert_preamble(
        file,
        modules={"tf": _TF},
        lines=lambda names: [f"{names['tf']}.{setter}"],
        before=events[0].chain[0][1],
        inside_guard=file.path in facts.imported,
    )
    message = f"`{determinism.written(facts, trains)}` leaves the number of threads to the machine"
    fix = _fix(f"Pin the threads before TensorFlow starts: `tf.{setter}`", edits)
    yield rule.finding((file, span_in(file.path, trains)), message, fix=fix)
