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

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tfguard.rules.reproducibility.element_inference import Inference
from tfguard.rules.reproducibility.element_types import Type, load_types
from tfguard.rules.reproducibility.hash_calls import Hashed, hashed_calls
from tfguard.rules.reproducibility.hash_flow import Flow, Point, iter_sets
from tfguard.rules.reproducibility.hash_loops import flow_table
from tfguard.rules.reproducibility.hash_names import Names
from tfguard.rules.reproducibility.hash_seed import is_guarded

from tfguard.analysis.calls import Expr
from tfguard.analysis.file_model import FileModel
from tfguard.analysis.project import Program, ProjectFacts
from tfguard.model import Edit, Finding, Fix, Note, Safety, Severity, Span
from tfguard.rule import Rule
from tfguard.tables import load_evidence

rule = Rule(__name__, id="TFG105", severity=Severity.WARNING, since="0.1", evidence=load_evidence())

_WORDS = (
    *flow_table()["training"]["roots"],
    *("list(set(", "tuple(set(", "enumerate(set(", "in set(", "vocab", "PYTHONHASHSEED"),
)
_TEST_FOLDERS = frozenset({"test", "tests", "testing"})


@dataclass(frozen=True, slots=True)
class _Source:
    """A set that is made somewhere, and the points that turn it into an order."""

    text: str
    points: tuple[Point, ...]
    escapes: bool


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
    rows = [] if _is_test(file.path) else [*_rows(file)]
    if rows:
        found["rows"] = sorted(rows, key=lambda row: (row["span"], row["message"]))
    return found or None


def _is_test(path: str) -> bool:
    *folders, name = path.split("/")
    return name.startswith("test_") or name.endswith("_test.py") or not _TEST_FOLDERS.isdisjoint(folders)


def _rows(file: FileModel) -> Iterator[dict[str, Any]]:
    text = file.source.text
    inference = Inference(file)
    if "set(" in text or "{" in text:
        sources = [*_sources(file, inference)]
        for source in sources:
            alike = [p for other in sources if other.text == source.text for p in other.points]
            for point in source.points:
                if point.sinks:
                    yield _row(file, inference, source, point, alike)
    for hashed in hashed_calls(file, inference):
        yield _hashed_row(file, hashed)


def _sources(file: FileModel, inference: Inference) -> Iterator[_Source]:
    names = Names(file, inference)
    for node in iter_sets(file):
        flow = Flow(file, inference, names)
        flow.run(node)
        points = tuple(point for point in flow.points.values() if _is_hashed(inference, point))
        if points:
            yield _Source(file.text_of(file.span(node)), points, flow.escapes)


def _is_hashed(inference: Inference, point: Point) -> bool:
    """Are the elements strings, or are they taken for strings because of a name around them?"""
    if point.elements.kind not in ("unknown", "nothing"):
        return bool(point.elements.is_hashed)
    return bool(_name_around(inference, point).element.is_hashed)


def _name_around(inference: Inference, point: Point) -> Type:
    """What the variable says that gets the order."""
    here: ast.AST = point.call or point.node
    parent = inference.file.index.places[here].parent
    while isinstance(parent, (ast.Call, ast.BinOp)):
        here, parent = parent, inference.file.index.places[parent].parent
    target = parent.targets[0] if isinstance(parent, ast.Assign) else None
    identifier = target.id if isinstance(target, ast.Name) else getattr(target, "attr", "")
    return load_types().by_name(identifier)


# -- one finding ---------------------------------------------------------------------------------------------


def _row(file: FileModel, inference: Inference, source: _Source, point: Point, alike: list[Point]) -> dict[str, Any]:
    place = point.call or point.node
    span = file.span(place)
    what = point.sinks[0][1]
    kind = "strings" if point.elements.is_certain and point.elements.kind == "str" else "elements"
    written = " ".join(file.text_of(span).split())
    written = written if len(written) <= 60 else f"{written[:57]}..."
    message = f"`{written}` has its {kind} in another order in every run, unless PYTHONHASHSEED is set outside: {what}"
    if point.elements.kind == "unknown" or not point.elements.sure:
        message = f"`{written}` has its elements, if they are strings, in another order in every run: {what}"
    notes = [(node, text) for node, text in point.sinks[:3] if file.span(node) != span]
    rows = [[text, file.span(node).start] for node, text in notes if hasattr(node, "lineno")]
    fix = _fix(file, point, source, alike)
    return {"span": [span.start, span.end], "message": message, "notes": rows, **(fix or {})}


def _fix(file: FileModel, point: Point, source: _Source, alike: list[Point]) -> dict[str, Any] | None:
    """Sort at every point where the set becomes an order, so that all of them still agree."""
    points = list(dict.fromkeys([point, *source.points, *alike]))
    if any(other.is_pop for other in points) or not all(file.is_placed(other.node) for other in points):
        return None
    if "sorted" in file.index.module.bindings:
        return None
    sure = all(other.elements.is_certain and other.elements.is_sortable for other in points)
    edits: set[Edit] = set()
    if not sure and len(points) == 1:
        kept = _first_seen(file, point)
        if kept is not None:
            return {
                "title": "Keep the order of first appearance: `dict.fromkeys`",
                "edits": _plain([kept]),
                "safe": True,
            }
    for other in points:
        edits.update(_sorting(file, other))
    safe = sure and not (source.escapes and len(points) > 0 and _has_name(source))
    return {"title": "Sort the set", "edits": _plain(sorted(edits)), "safe": sure, "shared": sure and not safe}


def _has_name(source: _Source) -> bool:
    """Is the set itself kept in a variable (not used up where it is made)?"""
    return any(not isinstance(point.node, (ast.Call, ast.Set, ast.SetComp)) for point in source.points)


def _plain(edits: Sequence[Edit]) -> list[list[Any]]:
    return [[edit.span.start, edit.span.end, edit.text] for edit in edits]


def _sorting(file: FileModel, point: Point) -> list[Edit]:
    if point.call is not None:
        return [Edit(file.span(point.call.func), "sorted")]
    span = file.span(point.node)
    return [Edit(Span(span.start, span.start), "sorted("), Edit(Span(span.end, span.end), ")")]


def _first_seen(file: FileModel, point: Point) -> Edit | None:
    """`list(set(words))` as `list(dict.fromkeys(words))`, which compares nothing."""
    node = point.node
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "set"):
        return None
    if len(node.args) != 1 or node.keywords or isinstance(node.args[0], (ast.Starred, ast.GeneratorExp, ast.SetComp)):
        return None
    return Edit(Expr(file, node.func).span, "dict.fromkeys") if "dict" not in file.index.module.bindings else None


def _hashed_row(file: FileModel, hashed: Hashed) -> dict[str, Any]:
    span = file.span(hashed.node)
    row: dict[str, Any] = {"span": [span.start, span.end], "message": hashed.message, "notes": []}
    if hashed.edits:
        row |= {"title": hashed.title, "edits": _plain(hashed.edits), "safe": hashed.safe}
    return row


# -- the project -----------------------------------------------------------------------------------------------


@rule.on_project
def check(facts: ProjectFacts, own: Sequence[Finding]) -> Iterator[Finding]:
    """The findings of files that belong to a training program whose hash seed nothing pins."""
    noted = facts.facts_of(rule.id)
    for path, note_ in noted.items():
        if "rows" not in note_:
            continue
        programs = [program for program in facts.programs if path in program.files]
        if not _trains(noted, path, programs) or _is_pinned(noted, path, programs):
            continue
        file = facts.open(path)
        if file.config.is_hash_seed_pinned:
            continue
        for row in note_["rows"]:
            yield _finding(file, row, is_imported=path in facts.imported)


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
