"""Files listed in the order of the file system reach the data of a training program.

## Why it matters
`os.listdir`, `glob.glob`, `Path.iterdir`, `os.walk` and TensorFlow's own `tf.io.gfile.glob`, `listdir` and `walk` sort
nothing: they give the order in which the file system keeps the names, which is another one on every machine and after
every copy of the data. Examples are then read, split, numbered and shuffled in another order. A seeded shuffle does not
help: it deals the same permutation to another hand. `Dataset.list_files` shuffles unless it is told not to, with
TensorFlow's generator, so it repeats only with a seed.

Only an order that reaches the data counts. What sorts, counts, looks up, copies or removes files gets no finding.

## Bad
    import glob

    import tensorflow as tf

    files = glob.glob("data/*.tfrecord")
    dataset = tf.data.TFRecordDataset(files)
    model = tf.keras.models.load_model("model.keras")
    model.fit(dataset)

## Bad
    import os

    import numpy as np
    import tensorflow as tf

    images = []
    for root, folders, files in os.walk("data"):
        for name in files:
            images.append(np.load(os.path.join(root, name)))
    model = tf.keras.models.load_model("model.keras")
    model.fit(np.stack(images), np.zeros(len(images)))

## Good
    import glob

    import tensorflow as tf

    files = sorted(glob.glob("data/*.tfrecord"))
    dataset = tf.data.TFRecordDataset(files)
    model = tf.keras.models.load_model("model.keras")
    model.fit(dataset)

## Good
    import os

    import tensorflow as tf

    model = tf.keras.models.load_model("model.keras")
    model.fit(tf.data.TFRecordDataset("data.tfrecord"))
    for name in os.listdir("checkpoints"):
        os.remove(os.path.join("checkpoints", name))

## Fix safety
Safe: the sorted order is one of those that a file system may give. `sorted(...)` of an iterator is a list, so it is
only written where a loop or a function that takes both consumes it; `os.walk` gets lines that sort its own lists.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from typing import Any

from tfguard.rules.reproducibility.listings import Listing, follow, iter_listings, sorting_edits
from tfguard.rules.reproducibility.order_flow import Flow, Reach, Returned, follow_result
from tfguard.rules.reproducibility.order_table import NAMES, canonical_names, load_order
from tfguard.rules.reproducibility.seeds import seed_of
from tfguard.rules.reproducibility.training import LIBRARIES, Training, note_training

from tfguard.analysis.calls import CallSite
from tfguard.analysis.file_model import FileModel
from tfguard.analysis.modules import Body
from tfguard.analysis.project import ProjectFacts
from tfguard.analysis.summary import CALL
from tfguard.model import Finding, Fix, Note, Safety, Severity, Span
from tfguard.rule import Rule
from tfguard.tables import load_evidence

rule = Rule(__name__, id="TFG106", severity=Severity.WARNING, since="0.2", evidence=load_evidence())

_LISTS = (
    *("listdir", "ListDirectory", "scandir", "iterdir", "glob(", "glob1(", "Glob(", ".walk(", ".Walk(", "import walk"),
    *("list_directory", "get_matching_files", "match_filenames_once", "matching_files"),
)
_SHUFFLES = ("list_files",)


@rule.facts(mentions=(*LIBRARIES, *_LISTS))
def facts_of_file(file: FileModel) -> dict[str, Any] | None:
    """Does the file train, and which of its listings reach what?"""
    found: dict[str, Any] = note_training(file) or {}
    rows = [row for listing in iter_listings(file) for row in _row(listing)]
    if rows:
        found["listings"] = rows
    return found or None


def _row(listing: Listing) -> Iterator[list[Any]]:
    """`[offset, what it reaches and where]`, or `[offset, "", functions that return it]`."""
    flow = follow(listing)
    reach = flow.run()
    offset = listing.call.span.start
    if reach is not None:
        yield [offset, reach.what, reach.start]
    elif flow.returned:
        yield [offset, "", [[returned.function, returned.position] for returned in flow.returned]]


@rule.on_call(mentions=_SHUFFLES)
def effect(call: CallSite) -> dict[str, Any] | None:
    """Data sets that shuffle files, and what seeds TensorFlow."""
    if canonical_names(call) & load_order().shuffled:
        is_shuffled = not call.argument("shuffle", 1).is_constant(False) and call.argument("seed", 2)
        return {"shuffled": True} if is_shuffled and (is_shuffled.is_absent or is_shuffled.is_constant(None)) else None
    seed = seed_of(call)
    return {"seed": True} if seed is not None and ("seeds" in seed or "helper" in seed) else None


@rule.on_project
def check(facts: ProjectFacts, own: Sequence[Finding]) -> Iterator[Finding]:
    """The listings whose order a training program sees."""
    training = Training(facts, rule.id)
    for path, note in facts.facts_of(rule.id).items():
        for offset, what, more in note.get("listings", ()):
            if not training.may_be_trained_with(path):
                continue
            reach = Reach(what, more) if what else None
            where = path
            if reach is None:
                where, reach = _elsewhere(facts, training, path, [Returned(*row) for row in more])
            if reach is not None:
                yield _finding(facts, path, offset, (where, reach))
    yield from _unseeded_lists(facts, training)


def _elsewhere(
    facts: ProjectFacts, training: Training, path: str, returned: Sequence[Returned]
) -> tuple[str, Reach | None]:
    """Where other files take an order to that a function of this one returns."""
    for other, summary in facts.files.items():
        if other == path or not training.may_be_trained_with(other):
            continue
        names = {item.name for items in summary.bodies.values() for item in items if item.kind == CALL}
        for one in returned:
            body = Body(facts.files[path], one.function)
            known = sorted(name for name in names if facts.find_body(summary, name) == body)
            reach = _in_file(facts.open(other), known, one) if known else None
            if reach is not None:
                return other, reach
    return path, None


def _in_file(file: FileModel, names: Sequence[str], returned: Returned) -> Reach | None:
    """What the calls of one of the names lead to."""
    flow = Flow(file)
    for call in file.calls:
        if set(call.names) & set(names):
            follow_result(flow, call.node, NAMES, returned.position)
    return flow.run()


def _finding(facts: ProjectFacts, path: str, offset: int, reached: tuple[str, Reach]) -> Finding:
    file = facts.open(path)
    listing = next(found for found in iter_listings(file) if found.call.span.start == offset)
    edits = sorting_edits(listing)
    fix = Fix(_title(listing), edits, Safety.SAFE) if edits is not None else None
    where, reach = reached
    line, column = facts.open(where).source.position(reach.start)
    message = f"`{listing.call.written}` gives the order of the file system, which differs from machine to machine"
    note = Note(f"the order reaches the data here: {reach.what}", where, line, column)
    notes = [note] if fix is not None else [note, Note("sort what it gives before the order is used")]
    return rule.finding(listing.call, message, fix=fix, notes=notes)


def _title(listing: Listing) -> str:
    parent = listing.call.file.index.places[listing.call.node].parent
    if isinstance(parent, ast.For) and parent.iter is listing.call.node and isinstance(parent.target, ast.Tuple):
        return "Sort the folders and files that it walks through"
    return "Sort the files"


# -- data sets that shuffle files ----------------------------------------------------------------------------


def _unseeded_lists(facts: ProjectFacts, training: Training) -> Iterator[Finding]:
    """`Dataset.list_files` in a program that has not seeded TensorFlow by then."""
    seen: set[tuple[str, int, int]] = set()
    for program in facts.programs:
        for event in program.effects(rule.id):
            key = (event.path, event.item.start, event.item.end)
            if "seed" in event.item.payload:
                break
            if key not in seen and training.may_be_trained_with(event.path):
                seen.add(key)
                yield _shuffled(facts.open(event.path), Span(event.item.start, event.item.end))


def _shuffled(file: FileModel, span: Span) -> Finding:
    call = next(call for call in file.calls if call.span == span)
    edit = file.rewrite.set_argument(call, "seed", str(file.config.seed), 2)
    fix = Fix("Pass `seed=`", (edit,), Safety.SAFE) if edit is not None else None
    return rule.finding(call, f"`{call.written}` shuffles the files without a seed, so every run differs", fix=fix)
