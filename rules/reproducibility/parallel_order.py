"""What runs in parallel draws, or hands its results on, in another order on every run.

## Why it matters
A random op keeps a state that every draw moves on. In a `map` with `num_parallel_calls` the elements compete for it:
each gets another number on every run, though every seed is set, op-level seeds included, and though the elements come
out in order (`deterministic=True` does not help). `deterministic=False` gives the order itself up. The queues of TF 1
that several threads fill, Keras' `workers`, pools of threads and `as_completed` are the same race in other clothes.

Under `tf.config.experimental.enable_op_determinism()` data sets call such functions one after the other, so a program
that asks for it gets no finding for them. `tf.random.stateless_*` with a seed made of the element repeats itself in
parallel.

## Bad
    import tensorflow as tf

    tf.keras.utils.set_random_seed(42)
    images = tf.data.Dataset.from_tensor_slices(tf.zeros((64, 8, 8, 3)))
    images = images.map(lambda x: tf.image.random_brightness(x, 0.2), num_parallel_calls=tf.data.AUTOTUNE)
    print(list(images.take(1)))

## Bad
    import tensorflow as tf

    files = tf.data.Dataset.list_files("data/*.tfrecord", shuffle=False)
    records = files.interleave(tf.data.TFRecordDataset, 4, num_parallel_calls=4, deterministic=False)
    print(list(records.take(1)))

## Good
    import tensorflow as tf

    def change(number, image):
        return tf.image.stateless_random_brightness(image, 0.2, seed=tf.stack([number, 42]))

    images = tf.data.Dataset.from_tensor_slices(tf.zeros((64, 8, 8, 3)))
    images = images.enumerate().map(change, num_parallel_calls=tf.data.AUTOTUNE)
    print(list(images.take(1)))

## Good
    import tensorflow as tf

    tf.keras.utils.set_random_seed(42)
    images = tf.data.Dataset.from_tensor_slices(tf.zeros((64, 8, 8, 3)))
    images = images.map(lambda x: tf.image.random_brightness(x, 0.2)).prefetch(tf.data.AUTOTUNE)
    print(list(images.take(1)))

## Fix safety
`deterministic=False`, `sloppy=True`, `imap_unordered` and `as_completed` become their ordered counterparts safely: the
same elements in one order. One call, thread or worker at a time instead of several is unsafe, for it costs speed.
Randomness without a state is another program, which is for a person to write.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from typing import Any

from tfguard.rules.reproducibility.parallel import draws_of, prevents
from tfguard.rules.reproducibility.races import Race, iter_races
from tfguard.rules.reproducibility.training import LIBRARIES, Training, note_training

from tfguard.analysis.file_model import FileModel
from tfguard.analysis.modules import Body
from tfguard.analysis.project import ProjectFacts
from tfguard.model import Finding, Fix, Note, Severity, Span
from tfguard.rule import Rule
from tfguard.tables import load_evidence

rule = Rule(__name__, id="TFG108", severity=Severity.WARNING, since="0.2", evidence=load_evidence())

_POOLS = ("as_completed", "imap_unordered", "PoolExecutor", "ThreadPool", "Pool(")


@rule.facts(mentions=(*LIBRARIES, *_POOLS))
def facts_of_file(file: FileModel) -> dict[str, Any] | None:
    """Does the file train, does it ask for op determinism, where are its races?"""
    found: dict[str, Any] = note_training(file) or {}
    if prevents(file):
        found["prevented"] = True
    races = [
        [race.at.span.start, race.at.span.end, race.is_prevented, list(race.elsewhere)] for race in iter_races(file)
    ]
    if races:
        found["races"] = races
    return found or None


@rule.on_project
def check(facts: ProjectFacts, own: Sequence[Finding]) -> Iterator[Finding]:
    """The races of programs that load a training library, unless op determinism prevents them."""
    training = Training(facts, rule.id)
    notes = facts.facts_of(rule.id)
    prevented = _prevented(facts, notes)
    for path, note in notes.items():
        wanted = [
            (start, end)
            for start, end, can_prevent, elsewhere in note.get("races", ())
            if not (can_prevent and path in prevented) and _draws_elsewhere(facts, notes, path, elsewhere)
        ]
        if wanted and training.is_loaded_with(path):
            races = {(race.at.span.start, race.at.span.end): race for race in iter_races(facts.open(path))}
            yield from (_finding(races[place]) for place in wanted)


def _prevented(facts: ProjectFacts, notes: dict[str, Any]) -> frozenset[str]:
    """The files of programs that ask for op determinism."""
    asking = {path for path, note in notes.items() if note.get("prevented")}
    programs = (program.files for program in facts.programs if asking & set(program.files))
    return frozenset(asking).union(*programs)


def _draws_elsewhere(facts: ProjectFacts, notes: dict[str, Any], path: str, names: Sequence[str]) -> bool:
    """Does one of the functions of other files draw (or is there none to ask for)?"""
    if not names:
        return True
    bodies = [facts.find_body(facts.files[path], name) for name in names]
    return any(body is not None and _draws(facts, notes, body) for body in bodies)


def _draws(facts: ProjectFacts, notes: dict[str, Any], body: Body) -> bool:
    """Does a function of a file that loads a training library draw? Read again, for hardly any file asks."""
    if not notes.get(body.summary.path, {}).get("loads"):
        return False
    file = facts.open(body.summary.path)
    function = file.resolver.functions.get(body.name)
    return function is not None and bool(draws_of(file, function).op)


def _finding(race: Race) -> Finding:
    fix = Fix(race.title, race.edits, race.safety) if race.edits else None
    notes = [Note(race.advice)] if race.advice else []
    return rule.finding((race.at.file, _place(race)), race.message, fix=fix, notes=notes)


def _place(race: Race) -> Span:
    """Where it stands; in a chain of calls from the name of its own on."""
    span: Span = race.at.span
    node = race.at.node
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        function = race.at.file.span(node.func)
        if "(" in race.at.file.text_of(function):
            return Span(function.end - len(node.func.attr), span.end)
    return span
