"""What one file has to say of the order of its sets, as plain values for the whole-program pass (part of TFG105)."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tfguard.rules.reproducibility.element_inference import Inference
from tfguard.rules.reproducibility.element_types import STR, load_types
from tfguard.rules.reproducibility.hash_calls import Hashed, hashed_calls
from tfguard.rules.reproducibility.hash_flow import Flow, Point, iter_sets
from tfguard.rules.reproducibility.hash_names import Names

from tfguard.analysis.calls import Expr
from tfguard.analysis.file_model import FileModel
from tfguard.model import Edit, Span

#: What stands in every file that makes a set by a call, or by a display or comprehension.
_MAKES_SET = re.compile(r"(?<![\w.])(?:frozen)?set\(")
_MAY_MAKE_SET = re.compile(rf"{_MAKES_SET.pattern}|\{{[^{{}}:]*(?:,|\bfor\b)")


@dataclass(frozen=True, slots=True)
class _Source:
    """A set that is made somewhere, and the points that turn it into an order."""

    #: In which function, and how it is written: what is the same there has the same elements.
    made: tuple[str, str]
    points: tuple[Point, ...]
    escapes: bool


def rows_of(file: FileModel) -> Iterator[dict[str, Any]]:
    """One row a finding; of those at one place the first."""
    seen: set[tuple[int, int]] = set()
    for row in _every_row(file):
        place = (row["span"][0], row["span"][1])
        if place not in seen:
            seen.add(place)
            yield row


def _every_row(file: FileModel) -> Iterator[dict[str, Any]]:
    text = file.source.text
    inference = Inference(file)
    if _MAY_MAKE_SET.search(text):
        sources = [*_sources(file, inference)]
        for source in sources:
            alike = [p for other in sources if other.made == source.made for p in other.points]
            for point in source.points:
                if point.sinks or point.leaves:
                    yield _row(file, inference, source, point, alike)
    yield from _rows_of_other_files(file, inference)
    for hashed in hashed_calls(file, inference):
        yield _hashed_row(file, hashed)


def _rows_of_other_files(file: FileModel, inference: Inference) -> Iterator[dict[str, Any]]:
    """What becomes of the results of other files' functions, should they be sets of strings."""
    names = Names(file, inference)
    for call in file.calls:
        if call.name is None or file.resolver.is_foreign(call.name) or names.function(call.name) is not None:
            continue
        flow = Flow(file, inference, names)
        flow.run(call.node)
        points = tuple(replace(point, elements=STR) for point in flow.points.values())
        source = _Source((call.function, call.text), points, flow.escapes)
        for point in points:
            if point.sinks and not point.is_pop:
                yield {**_row(file, inference, source, point, []), "call": call.name}


def sets_given_by(file: FileModel) -> dict[str, bool]:
    """The functions of a file that return a set of strings; True where that is certain."""
    inference = Inference(file)
    found: dict[str, bool] = {}
    for name in file.resolver.functions if _MAKES_SET.search(file.source.text) else ():
        returned = inference.call_types.returned(name)
        if returned is not None and returned.kind == "set" and returned.element.is_hashed:
            found[name] = returned.is_certain
    return found


def _sources(file: FileModel, inference: Inference) -> Iterator[_Source]:
    names = Names(file, inference)
    for node in iter_sets(file):
        flow = Flow(file, inference, names)
        flow.run(node)
        points = tuple(point for point in flow.points.values() if _is_hashed(inference, point))
        if points:
            yield _Source((file.enclosing(node), file.text_of(file.span(node))), points, flow.escapes)


def _is_hashed(inference: Inference, point: Point) -> bool:
    """Are the elements strings, or are they taken for strings because of a name around them?"""
    if point.elements.kind not in ("unknown", "nothing"):
        return bool(point.elements.is_hashed)
    words = load_types()
    name = _name_around(inference, point)
    if words.by_name(name).element.is_hashed:
        return True
    inside = _name_inside(point.node)
    is_numbered = any("number" in what for _, what in point.sinks)
    return is_numbered and words.tells_of_labels(name, inside)


def _name_inside(node: ast.expr) -> str:
    """The last name of what a set is made of: `labels` of `set(labels)`, `species` of `set(data["species"])`."""
    while True:
        if isinstance(node, ast.Call) and len(node.args) == 1 and isinstance(node.func, ast.Name):
            node = node.args[0]
        elif isinstance(node, ast.Subscript):
            if isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str):
                return node.slice.value
            node = node.value
        elif isinstance(node, (ast.ListComp, ast.GeneratorExp, ast.SetComp)):
            node = node.elt
        elif isinstance(node, ast.Attribute) and node.attr in ("values", "tolist"):
            node = node.value
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            node = node.func
        else:
            return node.id if isinstance(node, ast.Name) else getattr(node, "attr", "")


def _name_around(inference: Inference, point: Point) -> str:
    """The variable that gets the order."""
    here: ast.AST = point.call or point.node
    parent = inference.file.index.places[here].parent
    while isinstance(parent, (ast.Call, ast.BinOp)):
        here, parent = parent, inference.file.index.places[parent].parent
    target = parent.targets[0] if isinstance(parent, ast.Assign) else None
    return target.id if isinstance(target, ast.Name) else getattr(target, "attr", "")


# -- one finding ---------------------------------------------------------------------------------------------


def _row(file: FileModel, inference: Inference, source: _Source, point: Point, alike: list[Point]) -> dict[str, Any]:
    place = point.call or point.node
    span = file.span(place)
    what = point.sinks[0][1] if point.sinks else "other files get it"
    kind = "strings" if point.elements.is_certain and point.elements.kind == "str" else "elements"
    written = " ".join(file.text_of(span).split())
    written = written if len(written) <= 60 else f"{written[:57]}..."
    message = f"`{written}` has its {kind} in another order in every run, unless PYTHONHASHSEED is set outside: {what}"
    if point.elements.kind == "unknown" or not point.elements.sure:
        message = f"`{written}` has its elements, if they are strings, in another order in every run: {what}"
    notes = [(node, text) for node, text in point.sinks[:3] if file.span(node) != span]
    rows = [[text, file.span(node).start] for node, text in notes if hasattr(node, "lineno")]
    fix = _fix(file, point, source, alike)
    leaves = {} if point.sinks else {"leaves": point.leaves}
    return {"span": [span.start, span.end], "message": message, "notes": rows, **leaves, **(fix or {})}


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
    if len(node.args) != 1 or node.keywords or isinstance(node.args[0], ast.Starred):
        return None
    return Edit(Expr(file, node.func).span, "dict.fromkeys") if "dict" not in file.index.module.bindings else None


def _hashed_row(file: FileModel, hashed: Hashed) -> dict[str, Any]:
    span = file.span(hashed.node)
    row: dict[str, Any] = {"span": [span.start, span.end], "message": hashed.message, "notes": []}
    if hashed.edits:
        row |= {"title": hashed.title, "edits": _plain(hashed.edits), "safe": hashed.safe}
    return row
