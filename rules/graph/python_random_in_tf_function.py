"""A number that Python or NumPy draws while a function is traced is the same on every call of the graph.

`tf.function` and `Dataset.map` run the Python code of a function once, to make a graph. `random.random()` and
`np.random.rand()` draw then, and the graph holds the number as a constant: each step gets the same noise, each element
of a data set the same decision. So do the methods that Keras traces (`train_step`, and `call` in `fit`).

## Why it matters
No error is raised and the numbers look random. Augmentation that flips every image or none, noise that is a constant,
a mask that never moves: the model trains on less than it seems to. `tf.random.uniform` draws in the graph, anew for
each call and each element; `tf.py_function` and `tf.numpy_function` run Python code each time.

Numbers that are drawn for a variable's first value, under `if self.v is None:`, or for the `seed=` of an operation, are
meant to be drawn once. So are those of a function that seeds the generator itself.

## Bad
    import random

    import tensorflow as tf

    @tf.function
    def noisy(x):
        return x + random.gauss(0.0, 1.0)

    print([float(noisy(tf.constant(0.0))) for _ in range(3)])

## Bad
    import numpy as np
    import tensorflow as tf

    def flip(image):
        if np.random.rand() < 0.5:
            image = tf.image.flip_left_right(image)
        return image

    images = tf.data.Dataset.from_tensor_slices(tf.random.uniform([8, 4, 4, 3])).map(flip)
    print(len(list(images)))

## Good
    import tensorflow as tf

    @tf.function
    def noisy(x):
        return x + tf.random.normal([])

    print([float(noisy(tf.constant(0.0))) for _ in range(3)])

## Good
    import numpy as np
    import tensorflow as tf

    def draw(x):
        return x + np.random.rand()

    numbers = tf.data.Dataset.from_tensor_slices([0.0, 0.0])
    numbers = numbers.map(lambda x: tf.py_function(draw, [x], tf.float32))
    print([float(x) for x in numbers])
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from tfguard.rules.graph.traced import EAGER, Step, Traced, load_traced, steps_of, traced_functions, unless_eager

from tfguard.analysis.calls import CallSite
from tfguard.analysis.file_model import FileModel
from tfguard.analysis.project import ProjectFacts
from tfguard.model import Finding, Note, Severity
from tfguard.rule import Rule
from tfguard.tables import load_evidence

rule = Rule(__name__, id="TFG323", severity=Severity.WARNING, since="0.2", records=[EAGER], evidence=load_evidence())

_USES = {
    "function": "the graph uses that one number on every call",
    "dataset": "the graph uses that one number for every element",
    "keras": "the graph uses that one number in every batch",
}
_REMEDY = "`tf.random.uniform` and `tf.random.normal` draw in the graph, anew each time"


@rule.on_file(mentions="random")
def check(file: FileModel) -> Iterator[Finding]:
    """Every draw of Python or NumPy that runs while a function is traced."""
    seen: set[ast.AST] = set()
    for traced in traced_functions(file):
        steps = steps_of(traced)
        calls = [file.call_site(step.node) for step in steps if isinstance(step.node, ast.Call)]
        if any(_seeds(call) for call in calls):
            continue
        for step in steps:
            if isinstance(step.node, ast.Call) and step.node not in seen and _is_found(file.call_site(step.node), step):
                seen.add(step.node)
                yield _finding(file.call_site(step.node), traced)


def _finding(call: CallSite, traced: Traced) -> Finding:
    message = f"`{call.written}` draws once, when {traced.how} makes a graph of {traced.title}: {_USES[traced.kind]}"
    return rule.finding(call, message, notes=[traced.note(), Note(_REMEDY)])


@rule.on_project
def judge(facts: ProjectFacts, findings: Sequence[Finding]) -> Iterator[Finding]:
    """Those of programs that run their functions as graphs."""
    yield from unless_eager(facts, findings)


def _below(call: CallSite) -> list[str]:
    """What stands below `random` or `numpy.random` in the names of what is called; empty when it is something else."""
    roots = tuple(load_traced()["draws"]["roots"])
    if not call.names or not call.resolution.is_certain or not all(name.startswith(roots) for name in call.names):
        return []
    return [name.rpartition("random.")[2] for name in call.names]


def _is_found(call: CallSite, step: Step) -> bool:
    """Is it a draw, and not one that is meant for the first trace or for a seed?"""
    below = _below(call)
    lasts = {name.rpartition(".")[2] for name in below}
    if not below or lasts & set(load_traced()["draws"]["not"]) or step.is_lifted or step.is_once:
        return False
    return not _is_for_seed(call)


def _seeds(call: CallSite) -> bool:
    """Does it seed a generator, or make one with a seed?"""
    makes = {name.rpartition(".")[2] for name in _below(call)} & {"seed", "RandomState", "default_rng", "Random"}
    return bool(makes) and bool(call.node.args or call.node.keywords)


def _is_for_seed(call: CallSite) -> bool:
    """Is the number only the seed of an operation, which may be a constant? That of a stateless one may not."""
    file = call.file
    here: ast.AST = call.node
    while not isinstance(here, (ast.stmt, ast.Lambda)):
        parent = file.index.places[here].parent
        if isinstance(parent, ast.keyword) and parent.arg is not None and "seed" in parent.arg:
            taker = file.index.places[parent].parent
            return not isinstance(taker, ast.Call) or "stateless" not in file.call_site(taker).written
        if isinstance(parent, ast.Call) and here is not parent.func and "seed" in file.call_site(parent).written:
            return True
        here = parent
    targets = here.targets if isinstance(here, ast.Assign) else []
    named = any("seed" in file.text_of(file.span(target)).lower() for target in targets)
    return named and "stateless" not in file.source.text
