"""An operation that differs from run to run, or that op determinism forbids, in a program that wants to repeat itself.

What is said depends on the target version and on the device. It is said where the program asks for op determinism
(`enable_op_determinism()`, `TF_DETERMINISTIC_OPS`), and where `--device` or the setting `device` names the machine.

## Why it matters
Sums that many threads add up come out differently whenever the order changes. Most operations have another algorithm
under op determinism, some have none: they raise an UnimplementedError on a GPU, and a few differ all the same, as
`tf.math.bincount` with weights does on the CPU.

## Bad
    import tensorflow as tf

    tf.keras.utils.set_random_seed(1)
    tf.config.experimental.enable_op_determinism()
    print(tf.math.bincount([0, 1, 1], weights=[0.1, 0.2, 0.3]))

## Bad
    import tensorflow as tf

    tf.keras.utils.set_random_seed(1)
    tf.config.experimental.enable_op_determinism()
    model = tf.keras.Sequential([tf.keras.Input((4, 4, 1)), tf.keras.layers.UpSampling2D(), tf.keras.layers.Flatten()])
    model.compile("sgd", "mse")
    model.fit(tf.zeros((2, 4, 4, 1)), tf.zeros((2, 64)))

## Good
    import tensorflow as tf

    tf.keras.utils.set_random_seed(1)
    tf.config.experimental.enable_op_determinism()
    weights = tf.constant([0.1, 0.2, 0.3])
    print(tf.reduce_sum(tf.one_hot([0, 1, 1], 2) * weights[:, tf.newaxis], axis=0))

## Good
    import tensorflow as tf

    print(tf.math.bincount([0, 1, 1], weights=[0.1, 0.2, 0.3]))
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeGuard

from tfguard.rules.reproducibility import determinism
from tfguard.rules.reproducibility.determinism import TRAINS

from tfguard.analysis.calls import CallSite
from tfguard.analysis.file_model import FileModel
from tfguard.analysis.project import ProjectFacts
from tfguard.analysis.summary import EFFECT, Item
from tfguard.analysis.values import Known
from tfguard.model import Finding, Note, Severity, Span
from tfguard.rule import Rule
from tfguard.table_files import Version, parse_version
from tfguard.tables import load_evidence, load_toml

rule = Rule(
    __name__,
    id="TFG115",
    severity=Severity.WARNING,
    since="0.1",
    records=[determinism.recorder],
    messages=(
        "Timestamp cannot be called when determinism is enabled",
        "A deterministic GPU implementation of",
    ),
    evidence=load_evidence(),
)

_WORDS = (
    *(
        "bincount",
        "scatter_add",
        "crop_and_resize",
        "timestamp",
        "contrast",
        "sparse",
        "UpSampling2D",
        "resize",
        "dilation2d",
    ),
    *("erosion2d", "max_pool_with_argmax", "fake_quant", "segment_", "epthwise", "eparable", "bias_add"),
)


@lru_cache(maxsize=1)
def _rows() -> Mapping[str, tuple[int, ...]]:
    """Canonical names to the numbers of their rows."""
    found: dict[str, tuple[int, ...]] = {}
    for number, row in enumerate(_table()):
        for name in row["names"]:
            found[name] = (*found.get(name, ()), number)
    return found


def _table() -> Sequence[Mapping[str, Any]]:
    rows: Sequence[Mapping[str, Any]] = load_toml("determinism.toml")["op"]
    return rows


@rule.on_call(mentions=_WORDS)
def note_call(call: CallSite) -> list[int] | None:
    """The rows of the table that a call surely falls under."""
    if not call.resolution.is_certain or len(call.names) != 1 or call.resolution.refs[0].is_instance:
        return None
    version = call.file.target.tensorflow
    rows = [(number, _table()[number]) for number in _rows().get(call.file.knowledge.canonical(call.names[0]), ())]
    found = [number for number, row in rows if _is_of(row, version) and _fulfils(call, row)]
    if any(_table()[number]["device"] == "gpu" for number in found) and _is_mapped(call):
        found = [number for number in found if _table()[number]["device"] != "gpu"]
    return found or None


def _is_mapped(call: CallSite) -> bool:
    """Does it stand in a function that a data set maps, which runs on the CPU?"""
    mapped = _mapped_functions(call.file)
    here: ast.AST = call.node
    while not isinstance(here, ast.Module):
        if here in mapped or (isinstance(here, (ast.FunctionDef, ast.AsyncFunctionDef)) and here.name in mapped):
            return True
        here = call.file.index.places[here].parent
    return False


def _mapped_functions(file: FileModel) -> frozenset[object]:
    """The lambdas and the names of functions that are given to `map`, and those that they name in turn."""
    given = [call.node for call in file.calls if call.written.rpartition(".")[2] == "map"]
    found: set[object] = set()
    waiting: list[ast.AST] = [argument for node in given for argument in node.args[:1]]
    functions = {node.name: node for node in ast.walk(file.tree) if isinstance(node, ast.FunctionDef)}
    while waiting:
        part = waiting.pop()
        found.update(node for node in ast.walk(part) if isinstance(node, ast.Lambda))
        names = {node.id if isinstance(node, ast.Name) else node.attr for node in ast.walk(part) if _is_name(node)}
        fresh = sorted((names & functions.keys()) - found)
        found.update(fresh)
        waiting.extend(functions[name] for name in fresh)
    return frozenset(found)


def _is_name(node: ast.AST) -> TypeGuard[ast.Name | ast.Attribute]:
    return isinstance(node, (ast.Name, ast.Attribute))


def _is_of(row: Mapping[str, Any], version: Version) -> bool:
    """Does a row speak of a version?"""
    return _at_least(version, row.get("since")) and not ("below" in row and _at_least(version, row["below"]))


def _at_least(version: Version, bound: str | None) -> bool:
    return bound is None or version >= parse_version(bound)


def _fulfils(call: CallSite, row: Mapping[str, Any]) -> bool:
    """Are the arguments those that the row is about? What cannot be known is not."""
    wanted, excluded = row.get("when"), row.get("unless")
    if wanted is not None:
        return _has(call, wanted)
    if excluded is None:
        return True
    argument = call.argument(excluded["argument"], excluded["position"])
    return argument.is_absent or (isinstance(argument.value, Known) and not _has(call, excluded))


def _has(call: CallSite, condition: Mapping[str, Any]) -> bool:
    argument = call.argument(condition["argument"], condition["position"])
    if argument.expr is None:
        return False
    if condition.get("given", False):
        return not argument.is_constant(None)
    if condition.get("names") and set(argument.expr.resolution.names) & set(condition["names"]):
        return True
    return isinstance(argument.value, Known) and argument.value.value in condition["is"]


# -- the findings -------------------------------------------------------------------------------------------


@rule.on_project
def check(facts: ProjectFacts, own: Sequence[Finding]) -> Iterator[Finding]:
    """Operations of programs that ask for op determinism, and all of them where the device is named."""
    seen: set[tuple[str, int]] = set()
    asking: set[str] = set()
    for program in facts.programs:
        asks = determinism.asks_of(facts, program)
        if asks:
            asking.update(program.files)
            trains = bool(determinism.events_of(program, TRAINS))
            for event in program.effects(rule.id):
                yield from _findings(facts, event.path, event.item, seen, asked=asks[0].path, trains=trains)
    for path, summary in facts.files.items():
        if path in asking:
            continue
        items = [item for body in summary.bodies.values() for item in body]
        trains = any(i.kind == EFFECT and i.rule == determinism.recorder.key and i.payload[0] == TRAINS for i in items)
        for item in items:
            if item.kind == EFFECT and item.rule == rule.id and _names_device(facts, path):
                yield from _findings(facts, path, item, seen, asked="", trains=trains)


def _names_device(facts: ProjectFacts, path: str) -> bool:
    """Is the device a setting (not what the requirements suggest)?"""
    return facts.open(path).config.origin("device") != "default"


def _findings(
    facts: ProjectFacts, path: str, item: Item, seen: set[tuple[str, int]], *, asked: str, trains: bool
) -> Iterator[Finding]:
    file = facts.open(path)
    device = file.target.device
    for number in item.payload:
        row = _table()[number]
        fits = device == row["device"] or (bool(asked) and (device == "auto" or row["device"] == "any"))
        is_news = not asked or row["asked"] != "same"
        if not fits or not is_news or (row.get("gradient", False) and not trains) or (path, item.start) in seen:
            continue
        seen.add((path, item.start))
        call = next(c for c in file.calls if c.span == Span(item.start, item.end))
        yield rule.finding(call, _message(call.written, row, asked), notes=[Note(f"remedy: {row['remedy']}")])


def _message(written: str, row: Mapping[str, Any], asked: str) -> str:
    """What happens, and where."""
    place = {"cpu": " on the CPU", "gpu": " on a GPU"}.get(row["device"], "")
    if row["asked"] != "raises" or not asked:
        return f"`{written}`{place} {row['what']}"
    if "error" in row:
        return f'`{written}` raises "{row["error"]}"'
    whose = "the gradient of " if row.get("gradient", False) else ""
    return f"{whose}`{written}` raises an UnimplementedError{place}: it has no implementation for op determinism there"
