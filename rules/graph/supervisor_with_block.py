"""An op that is made after the Supervisor or the monitored session fails: the graph is final then.

`tf.train.Supervisor(…)` finalizes the graph when it is made, not when its session is; the monitored sessions
(`tf.train.MonitoredTrainingSession` and its kin) do when they are made. Nothing can be added to the graph from then on,
neither before nor inside of the `with` block: no initializer, no `Saver`, no placeholder, no arithmetic on tensors.

## Why it matters
"Graph is finalized and cannot be modified." ends the program where the op is made, and says nothing of the Supervisor.
An initializer is not needed at all: the Supervisor and the monitored sessions run it, or restore a checkpoint. The rest
belongs above the Supervisor.

## Bad
    import tensorflow.compat.v1 as tf

    tf.disable_v2_behavior()
    x = tf.Variable(1.0)
    sv = tf.train.Supervisor(logdir=None)
    with sv.managed_session() as sess:
        sess.run(tf.global_variables_initializer())
        print(sess.run(x))

## Bad
    import tensorflow.compat.v1 as tf

    tf.disable_v2_behavior()
    x = tf.Variable(1.0)
    with tf.train.MonitoredTrainingSession() as sess:
        print(sess.run(tf.square(x)))

## Good
    import tensorflow.compat.v1 as tf

    tf.disable_v2_behavior()
    x = tf.Variable(1.0)
    y = tf.square(x)
    sv = tf.train.Supervisor(logdir=None)
    with sv.managed_session() as sess:
        print(sess.run([x, y]))

## Good
    import tensorflow.compat.v1 as tf

    tf.disable_v2_behavior()
    x = tf.Variable(1.0)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        print(sess.run(tf.square(x)))
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tfguard.rules.graph.distributed import load_distributed
from tfguard.rules.graph.flow_table import load_flow
from tfguard.rules.graph.traced import Step, steps_of_body

from tfguard.analysis.calls import CallSite
from tfguard.analysis.file_model import FileModel
from tfguard.analysis.scopes import dominates
from tfguard.model import Finding, Note, Severity
from tfguard.rule import Rule
from tfguard.tables import load_evidence

rule = Rule(
    __name__,
    id="TFG318",
    severity=Severity.ERROR,
    since="0.2",
    messages=("Graph is finalized and cannot be modified.",),
    evidence=load_evidence(),
)

_REMEDY = "make it above, or leave an initializer out: it is run, or a checkpoint restored, when the session is made"


@rule.on_file(mentions=("Supervisor", "MonitoredTrainingSession", "SingularMonitoredSession", "MonitoredSession"))
def check(file: FileModel) -> Iterator[Finding]:
    """The first op that is made behind each call that finalizes the graph."""
    table = load_distributed()["finalizers"]
    for call in file.calls:
        if not call.names or not call.canonical_names <= set(table["names"]):
            continue
        is_supervisor = call.canonical_names == {"tensorflow.train.Supervisor"}
        if is_supervisor and not call.argument(table["graph"], table["graph_position"]).is_absent:
            continue
        found = _first_op_behind(call)
        if found is not None:
            line, column = file.source.position(call.span.start)
            message = f"`{found.written}` adds to the graph, which `{call.written}` has finalized"
            notes = [Note("the graph is final from here on", file.path, line, column), Note(_REMEDY)]
            yield rule.finding(found, message, notes=notes)


def _first_op_behind(call: CallSite) -> CallSite | None:
    """The first op that surely is made after a call, in the same graph."""
    file = call.file
    owner = file.index.places[call.node].scope.enclosing_function().node
    if not isinstance(owner, (ast.Module, ast.FunctionDef)):
        return None
    steps: list[Step] = [step for step in steps_of_body(file, owner) if isinstance(step.node, ast.Call)]
    starts = [number for number, step in enumerate(steps) if step.node is call.node]
    for step in steps[starts[0] + 1 :] if starts else []:
        other = file.call_site(step.node)
        if other.canonical_names & set(load_distributed()["finalizers"]["elsewhere"]):
            return None
        if _adds(other) and _is_behind(call, step, owner):
            return other if _graphs_around(call) == _graphs_around(other) else None
    return None


def _adds(call: CallSite) -> bool:
    """Does it surely make an op?"""
    wanted = set(load_distributed()["adds"]["names"])
    return call.resolution.is_certain and all(
        n in wanted or n in load_flow().modes for n in sorted(call.canonical_names)
    )


def _is_behind(call: CallSite, step: Step, owner: ast.AST) -> bool:
    """Does every run that passes the step pass the call before?"""
    places = call.file.index.places
    if step.function is owner:
        return dominates(places[call.node].branch, places[step.node].branch)
    return step.is_certain and not places[call.node].branch


def _graphs_around(call: CallSite) -> list[ast.AST]:
    """The `with` statements around a call that may enter another graph."""
    words = load_distributed()["finalizers"]["words"]
    file = call.file
    found: list[ast.AST] = []
    here: ast.AST = call.node
    while not isinstance(here, ast.Module):
        here = file.index.places[here].parent
        if isinstance(here, ast.With):
            entered = " ".join(file.text_of(file.span(item.context_expr)) for item in here.items)
            if any(word in entered for word in words) and "session" not in entered.lower():
                found.append(here)
    return found
