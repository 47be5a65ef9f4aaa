"""A session runs the tensors of its own graph only, and an op takes inputs of one graph only.

A session belongs to the graph that was the default when it was made, or to its `graph=`. What was made in another
`tf.Graph()`, or before or after a `tf.reset_default_graph()`, it cannot fetch and cannot be fed.

## Why it matters
"ValueError: Fetch argument ... cannot be interpreted as a Tensor. (Tensor ... is not an element of this graph.)",
"must be from the same graph as", or "The Session graph is empty": none says which of the two graphs was meant.

A program is followed from its entry; where the default graph is not known nothing is said.

## Bad
    import tensorflow.compat.v1 as tf

    tf.disable_v2_behavior()
    graph = tf.Graph()
    with graph.as_default():
        y = tf.square(tf.constant(3.0))
    with tf.Session() as sess:
        print(sess.run(y))

## Good
    import tensorflow.compat.v1 as tf

    tf.disable_v2_behavior()
    graph = tf.Graph()
    with graph.as_default():
        y = tf.square(tf.constant(3.0))
    with tf.Session(graph=graph) as sess:
        print(sess.run(y))

## Good
    import tensorflow.compat.v1 as tf

    tf.disable_v2_behavior()
    for power in (2.0, 3.0):
        tf.reset_default_graph()
        y = tf.pow(tf.constant(3.0), power)
        with tf.Session() as sess:
            print(sess.run(y))
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from tfguard.rules.graph.foreign import Foreign, foreign_tensors
from tfguard.rules.graph.missing_gradients import place_of
from tfguard.rules.graph.runs import SESSIONS

from tfguard.analysis.project import ProjectFacts
from tfguard.model import Finding, Note, Severity
from tfguard.rule import Rule
from tfguard.tables import load_evidence

rule = Rule(
    __name__,
    id="TFG315",
    severity=Severity.ERROR,
    since="0.2",
    messages=(
        "is not an element of this graph",
        "must be from the same graph as",
        "The Session graph is empty",
        "to evaluate tensor: the tensor's graph is different from the session's graph",
    ),
    records=[SESSIONS],
    evidence=load_evidence(),
)


@rule.on_project
def judge(facts: ProjectFacts, findings: Sequence[Finding]) -> Iterator[Finding]:
    """The first foreign tensor of each run and each op."""
    seen: set[tuple[str, int]] = set()
    for foreign in foreign_tensors(facts):
        file, place = (foreign.run.call.file, foreign.run.call.node) if foreign.run is not None else (None, None)
        if foreign.op is not None:
            file, place = foreign.op.file, foreign.op.place
        if file is not None and place is not None and isinstance(place, (ast.expr, ast.stmt)):
            key = (file.path, file.span(place).start)
            if key not in seen:
                seen.add(key)
                span = file.span(place)
                yield rule.finding((file, span), _message(foreign), notes=list(_notes(foreign)))


def _message(foreign: Foreign) -> str:
    name = f"`{foreign.node.title}`"
    if foreign.op is not None and foreign.other is not None:
        return f"{name} and `{foreign.other.title}` are of different graphs: an op takes inputs of one graph only"
    what = "feeds" if foreign.is_fed else "fetches"
    return f"this run {what} {name}, which is not in the graph of the session"


def _notes(foreign: Foreign) -> Iterator[Note]:
    yield place_of(foreign.node, f"`{foreign.node.title}` is made here")
    if foreign.other is not None:
        yield place_of(foreign.other, f"`{foreign.other.title}` is made here")
    session = foreign.run.session if foreign.run is not None else None
    if session is not None and session.made_by is not None and session.file is not None:
        line, column = session.file.source.position(session.file.span(session.made_by).start)
        yield Note("the session is made here, with the graph of this moment", session.file.path, line, column)
    for reset in foreign.followed.library.sessions.resets[-1:]:
        line, column = reset.file.source.position(reset.file.span(reset.node).start)
        yield Note("from here on the default graph is a new one", reset.file.path, line, column)
