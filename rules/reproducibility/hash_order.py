"""The order of a set of strings differs from run to run, and here it reaches the data, the vocabulary or the model.

Python hashes text with a key that it draws when it starts, unless `PYTHONHASHSEED` is set from outside. So a set of
strings has another order in every run, and so has every list, index or dict that is made by iterating over it. Numbers
are not affected, nor is a dict by itself, which keeps the order in which it was filled.

## Why it matters
`list(set(text))` as a vocabulary gives every character another number in every run: the inputs differ, so do the
weights, and a model that was saved with one numbering speaks gibberish with the next. No seed of `random`, NumPy or
TensorFlow changes that.

## Bad
    import tensorflow as tf

    text = "a text to learn from"
    chars = list(set(text))
    index = {char: number for number, char in enumerate(chars)}
    inputs = tf.one_hot([index[char] for char in text], len(chars))

## Good
    import tensorflow as tf

    text = "a text to learn from"
    chars = sorted(set(text))
    index = {char: number for number, char in enumerate(chars)}
    inputs = tf.one_hot([index[char] for char in text], len(chars))

## Good
    import tensorflow as tf

    text = "a text to learn from"
    chars = set(text)
    print("distinct:", len(chars), "has x:", "x" in chars)
    inputs = tf.one_hot([ord(char) for char in text], 256)

## Bad
    import tensorflow as tf
    from tensorflow.keras.preprocessing.text import hashing_trick

    inputs = tf.constant([hashing_trick("a text to learn from", 50)])

## Good
    import tensorflow as tf
    from tensorflow.keras.preprocessing.text import hashing_trick

    inputs = tf.constant([hashing_trick("a text to learn from", 50, hash_function="md5")])

## Fix safety
Safe where the elements are known to be strings: an order that was never the same twice is now always the same. Unsafe
where they are only taken for strings (elements that cannot be compared would raise a TypeError), where the set is also
read by other files, which may use its order too, and where `hash()` itself is replaced.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from tfguard.rules.reproducibility.hash_loops import flow_table
from tfguard.rules.reproducibility.hash_rows import rows_of, sets_given_by
from tfguard.rules.reproducibility.hash_seed import is_guarded

from tfguard.analysis.file_model import FileModel
from tfguard.analysis.project import Program, ProjectFacts
from tfguard.analysis.summary import CALL
from tfguard.model import Edit, Finding, Fix, Note, Safety, Severity, Span
from tfguard.rule import Rule
from tfguard.tables import load_evidence

rule = Rule(__name__, id="TFG105", severity=Severity.WARNING, since="0.1", evidence=load_evidence())

_WORDS = (
    *flow_table()["training"]["roots"],
    *("set(", "hash(", "vocab", "PYTHONHASHSEED"),
)
_TEST_FOLDERS = frozenset({"test", "tests", "testing"})


@rule.facts(mentions=_WORDS)
def note(file: FileModel) -> dict[str, Any] | None:
    """The findings of a file as plain values, and what the file says about the program."""
    found: dict[str, Any] = {}
    if file.references(flow_table()["training"]["roots"]):
        found["trains"] = True
    if file.references(flow_table()["training"]["numeric"]):
        found["numeric"] = True
    if is_guarded(file):
        found["guarded"] = True
    rows = [] if _is_test(file.path) else [*rows_of(file)]
    if rows:
        found["rows"] = sorted(rows, key=lambda row: (row["span"], row["message"]))
    if (gives := sets_given_by(file)) and not _is_test(file.path):
        found["gives"] = gives
    return found or None


def _is_test(path: str) -> bool:
    *folders, name = path.split("/")
    return name.startswith("test_") or name.endswith("_test.py") or not _TEST_FOLDERS.isdisjoint(folders)


# -- the project -----------------------------------------------------------------------------------------------


@rule.on_project
def check(facts: ProjectFacts, own: Sequence[Finding]) -> Iterator[Finding]:
    """The findings of files that belong to a training program whose hash seed nothing pins."""
    noted = facts.facts_of(rule.id)
    for path, note_ in noted.items():
        if "rows" not in note_:
            continue
        programs = facts.programs_with(path)
        if not _trains(noted, path, programs) or _is_pinned(noted, path, programs):
            continue
        file = facts.open(path)
        if file.config.is_hash_seed_pinned:
            continue
        for row in note_["rows"]:
            if "leaves" in row and not _is_taken(facts, path, row["leaves"]):
                continue
            given = _given(facts, noted, path, row["call"]) if "call" in row else True
            if given is None:
                continue
            finding = _finding(file, row, is_imported=path in facts.imported)
            if not given and finding.fix is not None:
                finding = replace(finding, fix=replace(finding.fix, safety=Safety.UNSAFE))
            yield finding


def _is_taken(facts: ProjectFacts, path: str, leaves: Sequence[str]) -> bool:
    """Does another file call one of the functions, or import one of the variables?"""
    for other, summary in facts.files.items():
        if other == path:
            continue
        for target in summary.exports.values():
            module = facts.find_module(summary, target.rpartition(".")[0])
            if module is not None and module.path == path and f"{module.module}.{target.rpartition('.')[2]}" in leaves:
                return True
        for item in (item for body in summary.bodies.values() for item in body if item.kind == CALL):
            body = facts.find_body(summary, item.name)
            if body is not None and body.summary.path == path and body.name in leaves:
                return True
    return False


def _given(facts: ProjectFacts, noted: dict[str, Any], path: str, name: str) -> bool | None:
    """Does a function of another file return a set of strings? False where they are only taken for strings."""
    body = facts.find_body(facts.files[path], name)
    if body is None or body.summary.path == path:
        return None
    found: bool | None = noted.get(body.summary.path, {}).get("gives", {}).get(body.name)
    return found


def _trains(noted: dict[str, Any], path: str, programs: Sequence[Program]) -> bool:
    paths = dict.fromkeys([path, *(other for program in programs for other in program.files)])
    return any("trains" in noted.get(other, {}) for other in paths)


def _is_pinned(noted: dict[str, Any], path: str, programs: Sequence[Program]) -> bool:
    """Does every program that loads the file take care of the hash seed itself?"""
    if not programs:
        return "guarded" in noted[path]
    return all(any("guarded" in noted.get(other, {}) for other in program.files) for program in programs)


def _finding(file: FileModel, row: dict[str, Any], *, is_imported: bool) -> Finding:
    start, end = row["span"]
    notes = []
    for text, offset in row["notes"]:
        line, column = file.source.position(offset)
        notes.append(Note(text, file.path, line, column))
    fix = None
    if "edits" in row:
        edits = tuple(Edit(Span(first, last), text) for first, last, text in row["edits"])
        is_safe = row["safe"] and not (row.get("shared") and is_imported)
        fix = Fix(row["title"], edits, Safety.SAFE if is_safe else Safety.UNSAFE)
    return rule.finding((file, Span(start, end)), row["message"], fix=fix, notes=notes)
