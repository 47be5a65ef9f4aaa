"""What Python code does besides returning happens when a function is traced, not when its graph runs.

`tf.function` runs the Python code of a function once, to make a graph, and then runs the graph. A counter is counted
up once, a list gets one symbolic tensor and no numbers, a clock is read once and its time is a constant, `print` shows
the name of a tensor, and a tensor that has no value yet has no `numpy()`.

## Why it matters
The symbolic tensor fails where it is used, far from where it was kept: "is out of scope and cannot be used here. Use
return values, explicit Python locals or TensorFlow collections to access it.", "Cannot convert a symbolic tf.Tensor to
a numpy array", "float() argument must be a string or a real number, not 'SymbolicTensor'". `loss.numpy()` says
"'SymbolicTensor' object has no attribute 'numpy'" ("'Tensor' object" in older versions). Counters and clocks say
nothing: the number is wrong.

What is kept for the trace alone is fine, and nothing is said of it: `print("tracing")`, counters of traces, lists that
are made in the function itself.

## Bad
    import tensorflow as tf

    losses = []

    @tf.function
    def train_step(x):
        loss = tf.reduce_mean(x)
        losses.append(loss)
        return loss

    for step in range(3):
        train_step(tf.ones([2]) * step)
    print(len(losses))

## Bad
    import tensorflow as tf

    class Trainer:
        def __init__(self):
            self.steps = 0

        @tf.function
        def train_step(self, x):
            self.steps += 1
            return tf.reduce_mean(x)

    trainer = Trainer()
    for step in range(3):
        trainer.train_step(tf.ones([2]))
    print(trainer.steps)

## Good
    import tensorflow as tf

    losses = []

    @tf.function
    def train_step(x):
        return tf.reduce_mean(x)

    for step in range(3):
        losses.append(train_step(tf.ones([2]) * step))
    print(len(losses))

## Good
    import tensorflow as tf

    class Trainer(tf.Module):
        def __init__(self):
            self.steps = tf.Variable(0)

        @tf.function
        def train_step(self, x):
            print("tracing")
            self.steps.assign_add(1)
            return tf.reduce_mean(x)

    trainer = Trainer()
    for step in range(3):
        trainer.train_step(tf.ones([2]))
    print(int(trainer.steps))
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from tfguard.rules.graph.trace_effects import iter_effects
from tfguard.rules.graph.traced import EAGER, Traced, traced_functions, unless_eager

from tfguard.analysis.calls import Expr
from tfguard.analysis.file_model import FileModel
from tfguard.analysis.project import ProjectFacts
from tfguard.model import Finding, Severity
from tfguard.rule import Rule
from tfguard.tables import load_evidence

rule = Rule(
    __name__,
    id="TFG321",
    severity=Severity.WARNING,
    since="0.2",
    evidence=load_evidence(),
    messages=(
        "is out of scope and cannot be used here. Use return values, explicit Python locals or TensorFlow collections "
        "to access it.",
        'An op outside of the function building code is being passed a "Graph" tensor.',
        "Cannot convert a symbolic {}Tensor ({}) to a numpy array. This error may indicate that you're trying to pass "
        "a Tensor to a NumPy call, which is not supported.",
        "float() argument must be a string or a real number, not 'SymbolicTensor'",
        "float() argument must be a string or a {} number, not 'Tensor'",
        "'DType' object has no attribute 'type'",
        "'SymbolicTensor' object has no attribute 'numpy'",
        "'Tensor' object has no attribute 'numpy'",
        "numpy() is only available when eager execution is enabled.",
    ),
    records=[EAGER],
)


@rule.on_file(
    mentions=(
        ".function",
        "import function",
        "data.Dataset",
        "tensorflow.data",
        "train_step",
        "test_step",
    )
)
def check(file: FileModel) -> Iterator[Finding]:
    """Every effect that surely comes too seldom."""
    seen: set[ast.AST] = set()
    for traced in traced_functions(file):
        if _is_settled(traced):
            for effect in iter_effects(traced):
                if effect.node not in seen:
                    seen.add(effect.node)
                    yield rule.finding(Expr(file, effect.node), effect.message, notes=[traced.note()])


def _is_settled(traced: Traced) -> bool:
    """Is the function always traced: not a method that Keras may call directly, no `tf.function` under a condition?"""
    file: FileModel = traced.file
    place = file.index.places.get(traced.asked)
    is_method = traced.kind == "keras" and getattr(traced.function, "name", "") == "call"
    return not is_method and (place is None or not place.branch or traced.kind == "dataset")


@rule.on_project
def judge(facts: ProjectFacts, findings: Sequence[Finding]) -> Iterator[Finding]:
    """Those of programs that run their functions as graphs."""
    yield from unless_eager(facts, findings)
