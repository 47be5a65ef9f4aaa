"""The followed graph against the real one: random programs, each gradient asked of TensorFlow and of the analysis."""

from __future__ import annotations

import importlib
import importlib.util
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tfguard.rules.graph.flow_table import load_flow
from tfguard.rules.graph.library import TensorLibrary

from tfguard.analysis.file_model import FileModel
from tfguard.analysis.flow.graph import Answer, Mode, reach
from tfguard.analysis.flow.machine import Machine
from tfguard.analysis.flow.values import Sequence, Tensor, nodes_of
from tfguard.config import load_config
from tfguard.knowledge import load_knowledge
from tfguard.source import decode

pytestmark = [
    pytest.mark.tensorflow,
    pytest.mark.skipif(importlib.util.find_spec("tensorflow") is None, reason="TensorFlow is not installed"),
]

#: Of one tensor of shape [2, 2] another of that shape; through the first a gradient passes, through the others not.
SMOOTH = (
    *("tf.tanh({})", "tf.nn.relu({})", "tf.square({})", "{} * 2.0", "-{}", "tf.identity({})", "tf.transpose({})"),
    *("tf.reshape({}, [2, 2])", "tf.cast(tf.cast({}, tf.float64), 'float32')", "tf.clip_by_value({}, -1.0, 1.0)"),
    *("tf.nn.softmax({})", "tf.tile({}, [1, 1])", "tf.concat([{}[:1], {}[1:]], 0)", "tf.stack(tf.unstack({}))"),
    *("tf.gather({}, [0, 1])", "tf.reverse({}, [0])", "tf.reduce_sum({}) + tf.zeros([2, 2])"),
    *("tf.split({}, 2, 0)[0] + tf.zeros([2, 2])", "tf.matmul({}, tf.eye(2))", "tf.nn.l2_normalize({}, 0)"),
)
BLOCKED = (
    *("tf.stop_gradient({})", "tf.floor({})", "tf.round({})", "tf.zeros_like({})"),
    *("tf.cast(tf.cast({}, tf.int32), tf.float32)", "tf.one_hot(tf.argmax({}, 1), 2)", "tf.cast({} > 0.3, tf.float32)"),
    "tf.cast(tf.shape({}), tf.float32) + tf.zeros([2, 2])",
)
BINARY = (
    *("{} + {}", "{} * {}", "tf.matmul({}, {})", "{} - {}", "tf.maximum({}, {})", "tf.add_n([{}, {}])"),
    *("tf.where({} > 0.0, {}, tf.zeros([2, 2]))", "tf.squared_difference({}, {})", "tf.stack([{}, {}])[0]"),
)
HEAD = "import tensorflow.compat.v1 as tf\n"


class Writer:
    """Writes one random program that builds a graph; `targets` names what gradients are asked for."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.lines: list[str] = []
        self.tensors: list[str] = []
        self.targets: list[str] = []
        self.count = 0

    def program(self) -> str:
        """The source."""
        for _ in range(self.random.randint(2, 4)):
            self.variable()
        for _ in range(self.random.randint(3, 9)):
            self.random.choice(self.steps)(self)
        ys = self.random.choice(self.tensors)
        self.lines.append(f"ys = {self.random.choice(['{}', '[{}]', 'tf.reduce_mean({})']).format(ys)}")
        self.lines.append(f"xs = [{', '.join(self.targets)}]")
        self.lines.append("grads = tf.gradients(ys, xs)")
        return HEAD + "\n".join(self.lines) + "\n"

    def new(self, expression: str) -> str:
        self.count += 1
        self.lines.append(f"t{self.count} = {expression}")
        self.tensors.append(f"t{self.count}")
        return f"t{self.count}"

    def pick(self) -> str:
        recent = self.tensors[-3:]
        return self.random.choice(recent if self.random.random() < 0.6 else self.tensors)

    def fill(self, template: str) -> str:
        return template.format(*[self.pick() for _ in range(template.count("{}"))])

    def variable(self) -> None:
        name = f"v{len(self.targets)}"
        made = [
            "tf.Variable(tf.ones([2, 2]))",
            f"tf.get_variable({name!r}, [2, 2])",
            "tf.placeholder(tf.float32, [2, 2])",
        ]
        self.targets.append(self.new(self.random.choice(made)))

    def unary(self) -> None:
        template = self.random.choice(SMOOTH if self.random.random() < 0.6 else BLOCKED)
        self.new(template.replace("{}", self.pick()))

    def binary(self) -> None:
        self.new(self.fill(self.random.choice(BINARY)))

    def function(self) -> None:
        name, body = f"f{self.count}", self.random.choice([*SMOOTH, *BLOCKED]).replace("{}", "a")
        keep = self.random.choice(["b", "a", "a + b", "tf.tanh(b)"])
        self.lines.append(
            f"def {name}(a, b=None, *rest):\n    c = {body}\n    if b is None:\n        return c\n    return {keep}"
        )
        self.new(f"{name}({self.pick()}, b={self.pick()})" if self.random.random() < 0.5 else f"{name}({self.pick()})")

    def model(self) -> None:
        name = f"M{self.count}"
        use = self.random.choice(["self.w", "x", "tf.tanh(x) + self.w", "self.parts['x']", "self.parts['w']"])
        self.lines.append(
            f"class {name}:\n    def __init__(self, x):\n        self.w = tf.Variable(tf.zeros([2, 2]))\n"
            f"        self.parts = {{'x': tf.square(x), 'w': self.w}}\n        self.out = self.run(x)\n"
            f"    def run(self, x):\n        return {use}\n"
        )
        self.lines.append(f"m{self.count} = {name}({self.pick()})")
        self.targets.append(f"m{self.count}.w")
        self.new(f"m{self.count}.out")

    def loop(self) -> None:
        start, other = self.pick(), self.pick()
        template = self.random.choice(["h + {o}", "tf.tanh(h)", "h * {o}", "tf.stop_gradient(h) + {o}"]).format(o=other)
        self.lines.append(f"h = {start}\nfor i in range({self.random.randint(1, 4)}):\n    h = {template}")
        self.new("h")

    def several(self) -> None:
        items = ", ".join(self.pick() for _ in range(3))
        self.lines.append(f"parts = [{items}]")
        self.lines.append(self.random.choice(["parts.append(parts[0])", "parts = [tf.square(p) for p in parts]"]))
        self.new(
            self.random.choice(["parts[1]", "tf.add_n(parts)", "sum(parts)", "parts[-1]", "dict(enumerate(parts))[2]"])
        )

    def branch(self) -> None:
        condition = self.random.choice(["2 > 1", "'a' in {'b': 1}", "not []", "t1 is None", "isinstance(3, int)"])
        self.lines.append(f"if {condition}:\n    q = {self.pick()}\nelse:\n    q = {self.pick()}")
        self.new("q")

    def scope(self) -> None:
        self.lines.append(f"with tf.variable_scope('s{self.count}'):\n    w = tf.get_variable('w', [2, 2])")
        self.lines.append(
            f"with tf.variable_scope('s{self.count}', reuse=True):\n    again = tf.get_variable('w', [2, 2])"
        )
        self.new(f"again + {self.pick()}")
        self.lines.append(f"w{self.count} = w")
        self.targets.append(f"w{self.count}")

    steps: Any = (unary, unary, unary, binary, binary, function, model, loop, several, branch, scope)


def of_tensorflow(source: str) -> list[bool]:
    """Is each gradient None? Asked of TensorFlow."""
    tf = importlib.import_module("tensorflow.compat.v1")
    names: dict[str, Any] = {}
    with tf.Graph().as_default():
        exec(compile(source, "program.py", "exec"), names)
    return [grad is None for grad in names["grads"]]


def of_analysis(source: str) -> list[Answer]:
    """Does a gradient lead there? Asked of the analysis."""
    knowledge = load_knowledge()
    file = FileModel(decode("program.py", source.encode()), knowledge, load_config(Path("/"), {}))
    machine = Machine(TensorLibrary(knowledge), lambda importer, name: None)
    names = machine.run(file).names
    results, wild = nodes_of(names["ys"])
    targets = names["xs"]
    assert isinstance(targets, Sequence)
    found = []
    for target in targets.items or ():
        if isinstance(target, Tensor):
            found.append(reach(results, target.node, wild=wild).answer)
        else:
            found.append(Answer.UNDECIDED)
    return found


def compare(source: str) -> Counter[str]:
    """How often the analysis says what TensorFlow does, and how often it cannot decide."""
    said: Counter[str] = Counter()
    for is_none, answer in zip(of_tensorflow(source), of_analysis(source), strict=True):
        if answer is Answer.UNDECIDED:
            said["undecided"] += 1
        else:
            assert is_none == (answer is Answer.NO), source
            said["right"] += 1
    return said


@settings(max_examples=120, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 2**32))
def test_a_random_program_gets_the_answers_of_tensorflow(seed: int) -> None:
    compare(Writer(seed).program())


def test_few_answers_are_left_open() -> None:
    said: Counter[str] = Counter()
    for seed in range(120):
        said.update(compare(Writer(seed).program()))
    assert said["undecided"] <= 0.05 * said.total()
    assert said["right"] > 300


ONE = "tf.Variable([[0.5, 0.2], [0.3, 0.4]])"


@pytest.mark.parametrize("name", sorted(name for name, mode in load_flow().modes.items() if mode is Mode.BLOCKED))
def test_no_gradient_passes_a_blocked_op(name: str) -> None:
    tf = importlib.import_module("tensorflow.compat.v1")
    with tf.Graph().as_default():
        x = tf.Variable([[0.5, 0.2], [0.3, 0.4]])
        made = applied(tf, name.removeprefix("tensorflow."), x)
        if made is None:
            pytest.skip("this TensorFlow has it no more, or it wants other arguments")
        assert tf.gradients(tf.cast(made, tf.float32), x) == [None]


@pytest.mark.parametrize("name", sorted(name for name, mode in load_flow().modes.items() if mode is Mode.FLOWS))
def test_a_gradient_passes_a_smooth_op(name: str) -> None:
    tf = importlib.import_module("tensorflow.compat.v1")
    with tf.Graph().as_default():
        x = tf.Variable([[0.5, 0.2], [0.3, 0.4]])
        made = applied(tf, name.removeprefix("tensorflow."), x)
        if made is None:
            pytest.skip("this TensorFlow has it no more, or it wants other arguments")
        for result in made if isinstance(made, (list, tuple)) else [made]:
            assert tf.gradients(result, x) != [None]


#: What must not be tried out: `tf.split` into no parts ends the process.
ARGUMENTS: dict[str, list[Any]] = {"split": [2]}


def applied(tf: Any, name: str, x: Any) -> Any:
    """The result of a function of TensorFlow for a tensor; None where it cannot be called so."""
    function = tf
    for part in name.split("."):
        function = getattr(function, part, None)
    if function is None:
        return None
    if name in ARGUMENTS:
        return function(x, *ARGUMENTS[name])
    others: list[list[Any]] = [
        [],
        [0],
        [[0]],
        [1.0],
        [0.0, 1.0],
        [x],
        [[[1, 1], [1, 1]]],
        [0, 0],
        [[2, 2]],
        ["message"],
        [2],
        [[x]],
    ]
    for more in others:
        for first in (x, x > 0.3, [x, x]):
            try:
                return function(first, *more)
            except (TypeError, ValueError, LookupError, AttributeError):
                continue
    return None
