"""Ops that are made in the loop that runs them make the graph grow with every round.

In graph mode `tf.assign(...)`, `tf.reduce_mean(...)` or `a + b` compute nothing: they add to the graph. Where this
happens in the training loop the graph becomes larger with each step, and the session has to take it in each time.

## Why it matters
Every step is slower than the one before, memory grows, and after hours it ends in "GraphDef cannot be larger than
2GB." `tf.get_default_graph().finalize()` before the loop shows the place: "Graph is finalized and cannot be modified."

A program is followed from its entry. Loops of at most ten rounds, loops that build a model of their own in each round,
and initialisers are no finding.

## Bad
    import tensorflow.compat.v1 as tf

    tf.disable_v2_behavior()
    rate = tf.Variable(0.5, trainable=False)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        for step in range(1000):
            sess.run(tf.assign(rate, 0.5 / (1 + step)))

## Good
    import tensorflow.compat.v1 as tf

    tf.disable_v2_behavior()
    rate = tf.Variable(0.5, trainable=False)
    new_rate = tf.placeholder(tf.float32, [])
    set_rate = tf.assign(rate, new_rate)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        for step in range(1000):
            sess.run(set_rate, {new_rate: 0.5 / (1 + step)})

## Good
    import tensorflow.compat.v1 as tf

    tf.disable_v2_behavior()
    x = tf.placeholder(tf.float32, [2, 2])
    h = x
    for layer in range(30):
        h = tf.nn.relu(tf.matmul(h, h))
    with tf.Session() as sess:
        for step in range(1000):
            sess.run(h, {x: [[1.0, 2.0], [3.0, 4.0]]})
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from tfguard.rules.graph.growing import Growth, growing_graphs
from tfguard.rules.graph.runs import SESSIONS

from tfguard.analysis.file_model import FileModel
from tfguard.analysis.project import ProjectFacts
from tfguard.model import Finding, Note, Severity, Span
from tfguard.rule import Rule

rule = Rule(
    __name__,
    id="TFG313",
    severity=Severity.WARNING,
    since="0.2",
    messages=(
        "GraphDef cannot be larger than 2GB",
        "Graph is finalized and cannot be modified",
        "An unusually high number of `Iterator.get_next()` calls was detected",
    ),
    records=[SESSIONS],
)
_LONGEST = 50


@rule.on_project
def judge(facts: ProjectFacts, findings: Sequence[Finding]) -> Iterator[Finding]:
    """For each loop, and each function in which it makes ops, the first of them."""
    seen: set[tuple[str, str, int]] = set()
    for growth in growing_graphs(facts):
        for places in _by_function(growth):
            file, first = places[0]
            key = (file.path, file.enclosing(first), growth.loop.place.lineno if _is_statement(growth) else 0)
            if key not in seen:
                seen.add(key)
                yield _finding(growth, places)


def _is_statement(growth: Growth) -> bool:
    return isinstance(growth.loop.place, (ast.stmt, ast.expr))


def _by_function(growth: Growth) -> Iterator[list[tuple[FileModel, ast.AST]]]:
    """The outermost expressions that make ops, by the function that they stand in."""
    found: dict[tuple[str, str], list[tuple[FileModel, ast.AST]]] = {}
    spans = [(node.file, node.place, node.file.span(node.place)) for node in growth.nodes]
    for file, place, span in spans:
        if not any(other is file and outer != span and _holds(outer, span) for other, _, outer in spans):
            places = found.setdefault((file.path, file.enclosing(place)), [])
            if all(known is not place for _, known in places):
                places.append((file, place))
    yield from found.values()


def _holds(outer: Span, inner: Span) -> bool:
    return outer.start <= inner.start and inner.end <= outer.end


def _finding(growth: Growth, places: list[tuple[FileModel, ast.AST]]) -> Finding:
    file, first = places[0]
    text = file.text_of(file.span(first))
    name = f"`{text}`" if len(text) <= _LONGEST and "\n" not in text else f"`{text.partition('(')[0][:_LONGEST]}(...)`"
    others = f" (and {len(places) - 1} more here)" if len(places) > 1 else ""
    loop_file, loop = growth.loop.file, growth.loop.place
    line, column = loop_file.source.position(loop_file.span(loop).start)
    message = f"{name}{others} adds to the graph in every round of the loop that runs the session: each step is slower"
    run = growth.run.call
    run_line, run_column = run.file.source.position(run.file.span(run.node).start)
    notes = [
        Note("the loop", loop_file.path, line, column),
        Note("the session is run here", run.file.path, run_line, run_column),
        Note("make the op before the loop, and feed what changes"),
    ]
    return rule.finding((file, file.span(first)), message, notes=notes)
