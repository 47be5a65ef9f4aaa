"""Op determinism or a number of threads is asked for after operations have run, which is too late for it.

## Why it matters
Threads are fixed when TensorFlow runs its first operation: a setter behind it raises "RuntimeError: Intra op
parallelism cannot be modified after initialization." (or "Inter op ..."). Making a model or a data set counts, listing
physical devices and setting a seed do not. `enable_op_determinism()` raises nothing when it comes late: what ran
before it ran without it. A data set with random operations in a parallel `map` that was read before the call goes on
differing from run to run after it; one that was only made before it repeats. `TF_DETERMINISTIC_OPS` is read when the
first data set is, so that it has no effect when it is set after `fit` or `predict`.

## Bad
    import tensorflow as tf

    x = tf.ones([3])
    tf.config.threading.set_intra_op_parallelism_threads(1)
    print(x)

## Bad
    import numpy as np
    import tensorflow as tf

    tf.keras.utils.set_random_seed(1)
    x = np.ones((8, 2))
    model = tf.keras.Sequential([tf.keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(x, x)
    tf.config.experimental.enable_op_determinism()
    model.fit(x, x)

## Good
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    x = tf.ones([3])
    print(x)

## Good
    import tensorflow as tf

    tf.keras.utils.set_random_seed(1)
    data = tf.data.Dataset.range(9).shuffle(9)
    tf.config.experimental.enable_op_determinism()
    print(list(data.as_numpy_iterator()))

## Fix safety
Safe for threads: the program ended at the call, and now runs with what it asked for. Unsafe for op determinism: what
comes before it is slower with it, and may raise where an operation has no deterministic kernel for the GPU.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from tfguard.rules.reproducibility import determinism
from tfguard.rules.reproducibility.determinism import ASKS, PINS, STARTS, TRAINS, call_of, written

from tfguard.analysis.calls import CallSite
from tfguard.analysis.preamble import Module, insert_preamble
from tfguard.analysis.project import Event, Program, ProjectFacts
from tfguard.model import Edit, Finding, Fix, Note, Safety, Severity, Span
from tfguard.rule import Rule

rule = Rule(
    __name__,
    id="TFG112",
    severity=Severity.ERROR,
    since="0.1",
    records=[determinism.recorder],
    messages=(
        "Intra op parallelism cannot be modified after initialization.",
        "Inter op parallelism cannot be modified after initialization.",
    ),
)

_TF = Module(("tensorflow",), "tensorflow", ("tf", "tensorflow"))


@rule.on_project
def check(facts: ProjectFacts, own: Sequence[Finding]) -> Iterator[Finding]:
    """Setters behind the first operation, askings behind training."""
    seen: set[tuple[str, int]] = set()
    for program in facts.programs:
        for event, before in _late(facts, program):
            if (event.path, event.item.start) not in seen:
                seen.add((event.path, event.item.start))
                yield from _finding(facts, program, event, before)


def _late(facts: ProjectFacts, program: Program) -> Iterator[tuple[Event, Event]]:
    """What comes too late, and what it comes behind."""
    target = facts.open(program.summary.path).target if program.effects(determinism.recorder.key) else None
    if target is None or target.tensorflow < (2, 0):
        return
    started: Event | None = None
    trained: Event | None = None
    read: Event | None = None
    is_asked = False
    pinned: set[tuple[str, object]] = set()
    for event in determinism.events_of(program, ASKS, PINS, STARTS, TRAINS):
        what, how, value = event.item.payload
        if what in (STARTS, TRAINS):
            started = started or (event if _is_sure(event) else None)
            trained = trained or (event if what == TRAINS and _is_sure(event) else None)
            read = read or (event if how == "reads" and _is_sure(event) else None)
        elif what == PINS and how in ("intra", "inter"):
            if started is not None and (how, value) not in pinned and not _is_guarded(facts, event):
                yield event, started
            pinned.add((how, value))
        elif what == ASKS and target.tensorflow >= determinism.load_determinism().asks_since:
            before = trained if how == "call" else read
            if before is not None and not is_asked:
                yield event, before
            is_asked = True


def _is_sure(event: Event) -> bool:
    """Does it run whenever the program does?"""
    return not event.is_conditional


def _is_guarded(facts: ProjectFacts, event: Event) -> bool:
    """Does a `try` of its own stand around the setter?"""
    call = call_of(facts, event)
    if call is None:
        return True
    here: ast.AST = call.node
    while not isinstance(here, ast.Module):
        here = call.file.index.places[here].parent
        if isinstance(here, ast.Try):
            return True
        if isinstance(here, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            break
    return False


def _finding(facts: ProjectFacts, program: Program, event: Event, before: Event) -> Iterator[Finding]:
    first, late = written(facts, before), written(facts, event)
    line, column = facts.open(before.path).source.position(before.item.start)
    notes = [Note(f"`{first}` is here", before.path, line, column)]
    how, call = event.item.payload[1], call_of(facts, event)
    if how == "variable":
        span = Span(event.item.start, event.item.end)
        text = f"`{late}` is set after `{first}`, by which TensorFlow has read the variable: it has no effect"
        yield rule.finding((facts.open(event.path), span), text, notes=notes)
    elif call is not None and how == "call":
        text = f"`{late}` comes after `{first}`, whose operations ran without op determinism"
        yield rule.finding(call, text, fix=_move(facts, program, call, event, safety=Safety.UNSAFE), notes=notes)
    elif call is not None:
        text = (
            f"`{late}` comes after `{first}`, which has started TensorFlow: it raises "
            f'"RuntimeError: {how.capitalize()} op parallelism cannot be modified after initialization."'
        )
        yield rule.finding(call, text, fix=_move(facts, program, call, event, safety=Safety.SAFE), notes=notes)


# -- the fix: the call moves up --------------------------------------------------------------------------------


def _move(facts: ProjectFacts, program: Program, call: CallSite, event: Event, *, safety: Safety) -> Fix | None:
    """Take a plain statement of the entry file's own body out, and put it below the imports."""
    file = call.file
    if call.file.path != program.summary.path or len(event.chain) > 1 or event.is_conditional or event.is_repeated:
        return None
    argument = call.argument("num_threads", 0) if event.item.payload[0] == PINS else None
    if argument is not None and (argument.expr is None or not determinism.is_literal(argument.expr)):
        return None
    given = argument.expr.text if argument is not None and argument.expr is not None else ""
    removed = _removal(call)
    earliest = next(e for e in determinism.events_of(program, STARTS, TRAINS) if not e.is_conditional)
    if removed is None or (argument is not None and not given.isdecimal()):
        return None
    path = {
        "intra": "threading.set_intra_op_parallelism_threads",
        "inter": "threading.set_inter_op_parallelism_threads",
    }
    name = path.get(event.item.payload[1], "experimental.enable_op_determinism")
    placed = insert_preamble(
        file,
        modules={"tf": _TF},
        lines=lambda names: [f"{names['tf']}.config.{name}({given})"],
        before=earliest.chain[0][1],
        inside_guard=file.path in facts.imported,
    )
    if placed is None or any(edit.span.end > removed.span.start for edit in placed):
        return None
    return Fix(f"Call it before TensorFlow starts: `tf.config.{name}({given})`", (*placed, removed), safety)


def _removal(call: CallSite) -> Edit | None:
    """Take a statement and its line away, but for a comment, where other statements are left in its block."""
    file, statement = call.file, call.file.statement_of(call.node)
    if not isinstance(statement, ast.Expr) or statement.value is not call.node:
        return None
    parent = file.index.places[statement].parent
    blocks = [block for _, block in ast.iter_fields(parent) if isinstance(block, list) and statement in block]
    if not blocks or len(blocks[0]) < 2:
        return None
    start, span = file.source.offset_of(statement.lineno, 0), file.span(statement)
    end = file.rewrite.end_of_line(span.end)
    text = file.source.text
    tail = text[span.end : end].strip()
    if text[start : span.start].strip() or (tail and not tail.startswith("#")):
        return None
    if tail:
        return Edit(Span(span.start, text.index("#", span.end)), "")
    after = end + (2 if text.startswith("\r\n", end) else 1 if end < len(text) else 0)
    return Edit(Span(start, after), "")
