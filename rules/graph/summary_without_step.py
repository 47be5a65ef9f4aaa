"""A summary of TensorFlow 2 needs a step wherever a default writer would write it.

`tf.summary.scalar(name, value)` takes its step from the `step` argument, from `writer.as_default(step)` or from
`tf.summary.experimental.set_step()`. Without any of them it raises, but only where there is a default writer: without
one it does nothing at all.

## Why it matters
The program stops at its first summary, often after the first epoch: "No step set. Please specify one either through the
`step` argument or through tf.summary.experimental.set_step()". The same line ran as long as no writer was set, and
`tf.compat.v1.summary`, where the writer is given the step, never needed one.

## Bad
    import tensorflow as tf

    writer = tf.summary.create_file_writer("logs")
    for epoch in range(3):
        with writer.as_default():
            tf.summary.scalar("loss", 1.0 / (epoch + 1))

## Good
    import tensorflow as tf

    writer = tf.summary.create_file_writer("logs")
    for epoch in range(3):
        with writer.as_default():
            tf.summary.scalar("loss", 1.0 / (epoch + 1), step=epoch)

## Good
    import tensorflow as tf

    writer = tf.summary.create_file_writer("logs")
    for epoch in range(3):
        with writer.as_default(step=epoch):
            tf.summary.scalar("loss", 1.0 / (epoch + 1))

## Good
    import tensorflow as tf

    tf.summary.scalar("not written", 1.0)

## Fix safety
The number of the loop around the summary is taken for its step; another one may have been meant.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from tfguard.rules.graph.following import Followed, followed_with

from tfguard.analysis.calls import CallSite
from tfguard.analysis.file_model import FileModel
from tfguard.analysis.flow.machine import Call
from tfguard.analysis.flow.values import Const, External, Tensor, Value, alternatives
from tfguard.analysis.project import ProjectFacts
from tfguard.model import Finding, Fix, Safety, Severity
from tfguard.rule import Rule
from tfguard.tables import load_evidence

rule = Rule(
    __name__,
    id="TFG306",
    severity=Severity.ERROR,
    since="0.2",
    evidence=load_evidence(),
    messages=(
        "No step set. Please specify one either through the `step` argument or through "
        "tf.summary.experimental.set_step()",
        "No step set via 'step' argument or tf.summary.experimental.set_step()",
    ),
)

_EDITIONS = ("tensorflow.summary.", "tensorflow.compat.v2.summary.")
#: What writes with a step, and where the step stands.
_STEP = {"scalar": 2, "image": 2, "histogram": 2, "text": 2, "audio": 3, "write": 2, "trace_export": 1}
_WRITER = "tensorflow.summary.create_file_writer"
#: A program that names it sets the step somewhere.
_CARE = "set_step"


@rule.facts(mentions=("create_file_writer",))
def has_writers(file: FileModel) -> bool | None:
    """The file makes a writer of TensorFlow 2."""
    return True if file.target.tensorflow >= (2, 0) else None


@rule.on_project
def judge(facts: ProjectFacts, findings: Sequence[Finding]) -> Iterator[Finding]:
    """Every summary that a default writer would write, and that has no step."""
    seen: set[tuple[str, int]] = set()
    for followed in followed_with(facts, facts.facts_of(rule.id)):
        for call in _without_step(followed):
            site = call.file.call_site(call.node)
            key = (site.file.path, site.span.start)
            if key not in seen:
                seen.add(key)
                message = f"`{site.written}` has no step, and there is a default writer: it raises a ValueError"
                yield rule.finding(site, message, fix=_fix(site))


def _without_step(followed: Followed) -> Iterator[Call]:
    """The summaries of one followed program."""
    machine = followed.machine
    if any(_CARE in module.file.source.text for module in machine.modules.values()):
        return
    entered = {id(call.result.node): call for call in machine.calls if isinstance(call.result, Tensor)}
    is_default = False
    for call in machine.calls:
        name = followed.library.canonical(call.name)
        if name == f"{_WRITER}.set_as_default" or name.endswith(".set_as_default"):
            is_default = name.startswith(_WRITER) and not call.is_conditional and not _has_step(call, 0)
        last = call.name.rpartition(".")[2]
        if call.name.startswith(_EDITIONS) and call.name.count(".") <= 4 and last in _STEP:
            is_written = _is_written(call, entered, is_default=is_default)
            if is_written and not _has_step(call, _STEP[last]):
                yield call


def _has_step(call: Call, position: int) -> bool:
    step = call.argument("step", position)
    return step is not None and not (isinstance(step, Const) and step.value is None)


def _is_written(call: Call, entered: dict[int, Call], *, is_default: bool) -> bool:
    """Is there surely a default writer, and neither a step nor a condition with it?"""
    found = [{_writer(one, entered) for one in alternatives(context)} for context in call.contexts]
    if any(kinds & {"record_if", "other"} for kinds in found):
        return False
    return is_default or {"writer"} in found


def _writer(context: Value, entered: dict[int, Call]) -> str:
    """What a context is to summaries: a file writer without a step, another writer, a condition, or nothing."""
    if isinstance(context, External):
        return ""
    node = context.node if isinstance(context, Tensor) else None
    if node is None or node.api.endswith(".record_if"):
        return "record_if"
    if not node.api.endswith("as_default"):
        return ""
    call = entered.get(id(node))
    is_file = node.api == f"{_WRITER}.as_default" and call is not None and not _has_step(call, 0)
    return "writer" if is_file else "other"


def _fix(site: CallSite) -> Fix | None:
    """The number of the innermost loop of the same function."""
    file, node = site.file, site.node
    here: ast.AST = node
    while not isinstance(here, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.Module)):
        if isinstance(here, ast.For) and isinstance(here.iter, ast.Call) and isinstance(here.iter.func, ast.Name):
            target = here.target
            if here.iter.func.id == "enumerate" and isinstance(target, ast.Tuple):
                target = target.elts[0]
            if here.iter.func.id in ("range", "enumerate") and isinstance(target, ast.Name):
                edit = file.rewrite.set_argument(site, "step", target.id)
                return Fix(f"Pass `step={target.id}`", (edit,), Safety.UNSAFE) if edit is not None else None
            return None
        here = file.index.places[here].parent
    return None
