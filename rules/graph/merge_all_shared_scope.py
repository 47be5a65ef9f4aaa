"""`merge_all()` where one model is built: with a second model in the graph it also runs the other's summaries.

`tf.summary.merge_all()` merges every summary of the graph, not those of the model that calls it. When the model is
built more than once in one graph (training and validation, several towers), running its merged summaries asks for the
placeholders of the others: "You must feed a value for placeholder tensor".

## Why it matters
The error names a placeholder of the model that works, and comes long after the line that is wrong.

The collection knows the summaries of a scope: `tf.get_collection(tf.GraphKeys.SUMMARIES, scope)`. The scope is a
regular expression that names must begin with: "m1" takes those of "m10" too, a scope that ends with `/` does not.

## Bad
    import tensorflow.compat.v1 as tf

    class Model:
        def __init__(self, name):
            with tf.variable_scope(name):
                self.x = tf.placeholder(tf.float32, [None, 3])
                tf.summary.scalar("loss", tf.reduce_mean(self.x))
                self.merged = tf.summary.merge_all()

    tf.disable_v2_behavior()
    train, valid = Model("train"), Model("valid")
    with tf.Session() as sess:
        sess.run(valid.merged, {valid.x: [[1.0, 2.0, 3.0]]})

## Good
    import tensorflow.compat.v1 as tf

    class Model:
        def __init__(self, name):
            with tf.variable_scope(name) as scope:
                self.x = tf.placeholder(tf.float32, [None, 3])
                tf.summary.scalar("loss", tf.reduce_mean(self.x))
                self.merged = tf.summary.merge(tf.get_collection(tf.GraphKeys.SUMMARIES, scope.original_name_scope))

    tf.disable_v2_behavior()
    train, valid = Model("train"), Model("valid")
    with tf.Session() as sess:
        sess.run(valid.merged, {valid.x: [[1.0, 2.0, 3.0]]})

## Good
    import tensorflow.compat.v1 as tf

    class Model:
        def __init__(self):
            self.x = tf.placeholder(tf.float32, [None, 3])
            tf.summary.scalar("loss", tf.reduce_mean(self.x))
            self.merged = tf.summary.merge_all()

    tf.disable_v2_behavior()
    model = Model()

## Good
    import tensorflow.compat.v1 as tf

    def build():
        x = tf.placeholder(tf.float32, [None, 3])
        tf.summary.scalar("loss", tf.reduce_mean(x))
        return x, tf.summary.merge_all()

    tf.disable_v2_behavior()
    for rate in (0.1, 0.01):
        with tf.Graph().as_default():
            x, merged = build()

## Fix safety
Safe where every run of what is merged was followed: each failed, or needs only the summaries of its own scope. Where no
run was seen the fix is unsafe: somebody may run the summaries of all models together, and would get fewer.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from typing import Any

from tfguard.rules.graph.merge_scope import edits_for_scope
from tfguard.rules.graph.missing_gradients import place_of
from tfguard.rules.graph.runs import (
    SESSIONS,
    Unfed,
    programs_with_sessions,
    runs_of_merge,
    unfed_placeholders,
)

from tfguard.analysis.calls import CallSite
from tfguard.analysis.flow.graph import needed
from tfguard.analysis.project import Event, Program, ProjectFacts
from tfguard.analysis.scopes import is_exclusive
from tfguard.model import Finding, Fix, Note, Safety, Severity
from tfguard.rule import Rule
from tfguard.tables import load_evidence

MERGE = ("tensorflow.summary.merge_all", "tensorflow.merge_all_summaries")
NEW_GRAPH = (
    "tensorflow.Graph",
    "tensorflow.Graph.as_default",
    "tensorflow.reset_default_graph",
    "keras.backend.clear_session",
)
PLACEHOLDERS = ("tensorflow.placeholder", "tensorflow.sparse_placeholder")
SUMMARIES = tuple(
    f"tensorflow.{name}"
    for kind in ("scalar", "histogram", "image", "audio", "text", "tensor_summary")
    for name in (f"summary.{kind}", f"{kind}_summary")
)

rule = Rule(
    __name__,
    id="TFG301",
    severity=Severity.ERROR,
    since="0.1",
    messages=(
        "You must feed a value for placeholder tensor",
        "Shape [-1,3] has negative dimensions",
    ),
    records=[SESSIONS],
    evidence=load_evidence(),
)
_REMEDY = Note("merge this model's own summaries: `tf.summary.merge([...])`, or its scope's from the collection")


@rule.on_call(mentions=("merge_all", "merge_all_summaries", "reset_default_graph", "Graph", "clear_session"))
def effects(call: CallSite) -> dict[str, Any] | None:
    """Merges of all summaries, with what their model holds, and new graphs."""
    roots = ("tensorflow", "keras")
    names = {call.file.knowledge.canonical(name) for name in call.names if name.split(".", 1)[0] in roots}
    if names & set(NEW_GRAPH):
        return {"graph": True}
    if not names & set(MERGE) or call.node.args or call.node.keywords:
        return None
    owner = _owner(call)
    if owner is None:
        return None
    inside = [other for other in call.file.calls if _is_inside(other.function, owner)]
    holds = [_any_of(inside, wanted) for wanted in (PLACEHOLDERS, SUMMARIES)]
    if not all(holds):
        return None
    here = [other for other in inside if other.function == call.function]
    is_building = call.function.endswith((owner, ".__init__")) or _any_of(here, PLACEHOLDERS)
    return {"merge": owner.rsplit(".", 1)[-1], "builds": is_building}


def _owner(call: CallSite) -> str | None:
    """The class whose method, or else the function that, makes the call."""
    function, file = call.function, call.file
    if function == file.module:
        return None
    return next((name for name in sorted(file.resolver.classes) if _is_inside(function, name)), function)


def _is_inside(function: str, owner: str) -> bool:
    return function == owner or function.startswith(f"{owner}.")


def _any_of(calls: list[CallSite], wanted: tuple[str, ...]) -> bool:
    return any(call.file.knowledge.canonical(name) in wanted for call in calls for name in call.names)


@rule.on_project
def judge(facts: ProjectFacts, findings: Sequence[Finding]) -> Iterator[Finding]:
    """A merge whose run asks for a placeholder that it is not fed, then one that a program makes twice in one graph."""
    seen: set[tuple[str, int]] = set()
    for unfed in unfed_placeholders(facts):
        if unfed.merge is not None and isinstance(unfed.merge.place, ast.Call):
            call = unfed.merge.file.call_site(unfed.merge.place)
            key = (call.file.path, call.span.start)
            if key not in seen:
                seen.add(key)
                yield _proved(unfed, call)
    for program in facts.programs:
        for first, second in _built_twice(program):
            key = (first.path, first.item.start)
            if key not in seen and not _is_sound(facts, key):
                seen.add(key)
                yield _finding(facts, program, first, second)


def _proved(unfed: Unfed, call: CallSite) -> Finding:
    """A run of all summaries that lacks what one of them needs."""
    merge, placeholder, run = unfed.merge, unfed.placeholder, unfed.run.call
    line = run.file.source.position(run.file.span(run.node).start)[0]
    where = f"line {line}" if run.file is call.file else f"{run.file.path}:{line}"
    guilty = next(node for node, _ in (merge.inputs if merge is not None else ()) if placeholder in needed([node]))
    edits = edits_for_scope(unfed.followed, call, _owner(call) or call.file.module)
    fix = Fix("Merge the summaries of this scope", edits, Safety.SAFE) if edits is not None else None
    message = (
        f"`{call.written}()` merges every summary of the graph: the run in {where} is not fed `{placeholder.title}`, "
        "which a summary of another model or phase needs"
    )
    places = [place_of(guilty, "this summary needs it"), place_of(placeholder, f"`{placeholder.title}` is made here")]
    return rule.finding(call, message, fix=fix, notes=[*places, *([_REMEDY] if fix is None else [])])


def _is_sound(facts: ProjectFacts, key: tuple[str, int]) -> bool:
    """Is what is merged there run, and every run of it given all that it needs?"""
    answers = [
        answer
        for followed in programs_with_sessions(facts)
        for node in followed.machine.nodes
        if node.api in MERGE and (node.file.path, node.file.span(node.place).start) == key
        for answer in runs_of_merge(followed, node)
    ]
    return bool(answers) and all(answers)


def _built_twice(program: Program) -> Iterator[tuple[Event, Event]]:
    """Pairs of runs of one `merge_all()` with no new graph between them (a loop counts as two)."""
    events = [event for event in program.effects(rule.id) if _is_building(event)]
    if any("graph" in event.item.payload for event in events):
        return
    runs: dict[tuple[str, int], Event] = {}
    for event in events:
        key = (event.path, event.item.start)
        before = runs.setdefault(key, event)
        if before is not event and not _exclude_each_other(before, event):
            yield before, event
        elif before is event and _loop_outside(event):
            yield event, event


def _is_building(event: Event) -> bool:
    """Is a model built on the way (not merely: does a method of one merge what is there)?"""
    payload = event.item.payload
    if payload.get("builds", True):
        return True
    makers = (payload["merge"], f"{payload['merge']}.__init__")
    return any(f".{item.name}".endswith(tuple(f".{name}" for name in makers)) for item in event.trail[:-1])


def _loop_outside(event: Event) -> bool:
    """Is the model built in a loop (not merely: does the model merge in a loop of its own)?"""
    return any(item.is_repeated for item in event.trail[:-1])


def _exclude_each_other(one: Event, other: Event) -> bool:
    """Do the ways part at branches of which a run takes only one?"""
    for a, b in zip(one.trail, other.trail, strict=False):
        if a is not b:
            return is_exclusive(a.branch, b.branch)
    return False


def _finding(facts: ProjectFacts, program: Program, first: Event, second: Event) -> Finding:
    file = facts.open(first.path)
    call = next(call for call in file.calls if call.span.start == first.item.start and call.span.end == first.item.end)
    owner = first.item.payload["merge"]
    how = "in a loop" if first is second else "more than once"
    builds = (first,) if first is second else (first, second)
    notes = [_place(facts, event, number) for number, event in enumerate(builds, 1)]
    return rule.finding(
        call,
        f"`{call.written}()` merges the summaries of every model in the graph, and `{owner}` is built {how}: "
        "running it asks for the placeholders of the other models",
        fix=_unproved_fix(facts, call),
        notes=[*(note for note in notes if note is not None), _REMEDY],
    )


def _unproved_fix(facts: ProjectFacts, call: CallSite) -> Fix | None:
    """The fix where no run of what is merged was seen."""
    for followed in programs_with_sessions(facts):
        edits = edits_for_scope(followed, call, _owner(call) or call.file.module)
        if edits is not None:
            return Fix("Merge the summaries of this scope", edits, Safety.UNSAFE)
    return None


def _place(facts: ProjectFacts, event: Event, number: int) -> Note | None:
    """Where the model is built on this way: the last call before the model's own code."""
    steps = zip(event.chain, event.trail, strict=True)
    outside = [place for place, item in steps if item.kind == "call"]
    if not outside:
        return None
    path, offset = outside[0]
    line, column = facts.open(path).source.position(offset)
    return Note("built here" if number == 1 else "and here", path, line, column)
