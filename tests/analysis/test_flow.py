"""Programs that are followed: what gradients lead where, through the constructs of Python."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest
from tfguard.rules.graph.library import TensorLibrary

from tfguard.analysis.file_model import FileModel
from tfguard.analysis.flow.graph import Answer, reach
from tfguard.analysis.flow.loose import follow_loose
from tfguard.analysis.flow.machine import Machine
from tfguard.analysis.flow.values import (
    Const,
    Names,
    Sequence,
    Tensor,
    Unknown,
    Value,
    alternatives,
    join,
    nodes_of,
)
from tfguard.config import load_config
from tfguard.knowledge import load_knowledge
from tfguard.source import decode

HEAD = "import os\nimport tensorflow.compat.v1 as tf\nv = tf.Variable(1.0)\nw = tf.Variable(2.0)\n"
MARKS = {Answer.YES: "y", Answer.NO: "n", Answer.UNDECIDED: "?"}


def follow(text: str, run: Callable[[Machine, FileModel], object] = Machine.run, **files: str) -> Machine:
    """Follow a program; `files` are modules beside it."""
    knowledge, config = load_knowledge(), load_config(Path("/"), {})
    models = {
        name: FileModel(decode(f"{name}.py", textwrap.dedent(code).encode()), knowledge, config)
        for name, code in {"program": HEAD + textwrap.dedent(text), **files}.items()
    }
    machine = Machine(TensorLibrary(knowledge), lambda importer, name: models.get(name))
    run(machine, models["program"])
    return machine


def answers(text: str, **files: str) -> str:
    """For each of `xs`: does a gradient of `y` lead there? `y`es, `n`o, `?` cannot decide."""
    names = follow(text, **files).modules["program.py"].names
    targets = names.get("xs", Sequence("list", [names["v"], names["w"]]))
    assert isinstance(targets, Sequence)
    return "".join(answer(names["y"], target) for target in targets.items or ())


def answer(y: Value, x: Value) -> str:
    """One of the marks, the same on every way that the program may have taken."""
    if not isinstance(x, Tensor) or isinstance(y, Unknown):
        return "?"
    found = set()
    for one in alternatives(y):
        results, wild = nodes_of(one)
        found.add(MARKS[reach(results, x.node, wild=wild).answer])
    return found.pop() if len(found) == 1 else "?"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("y = v * 2.0", "yn"),
        ("y = tf.stop_gradient(v) + w", "ny"),
        ("y = tf.cast(tf.cast(v, tf.int32), tf.float32) * w", "ny"),
        ("def f(a, *rest, b=w, **more): return a + b\ny = f(v)", "yy"),
        ("def f(*a, **k): return k['b']\ny = f(v, b=w)", "ny"),
        ("f = lambda a: a * v\ny = f(w)", "yy"),
        ("y = sum(x * 2.0 for x in [v, v])", "yn"),
        ("y = {'a': v, 'b': w}['a']", "yn"),
        ("a, *b = [v, w, w]\ny = b[0]", "ny"),
        ("y = [v, w][-1]", "ny"),
        ("y = v if 1 > 2 else w", "ny"),
        ("y = v if os.environ else w", "??"),
        ("y = v\nfor i in range(3):\n    if i == 1:\n        y = w\n        break", "ny"),
        ("y = v\nwhile os.path.exists('x'):\n    y = y + w", "y?"),
        ("y = v\ntry:\n    y = w\nexcept ValueError:\n    pass", "ny"),
        ("import unknown_library\ny = unknown_library.layer(v)", "??"),
        ("y = tf.where(v > 0.0, w, 1.0)", "ny"),
        ("y = tf.get_default_graph().get_tensor_by_name('v:0')", "??"),
        ("parts = []\nparts.append(v)\nparts += [w]\ny = parts.pop(0)", "??"),
        ("y = dict(a=v, b=w).get('c', v)", "yn"),
        ("y = getattr(tf, 'square')(w)", "ny"),
    ],
)
def test_what_leads_where(text: str, wanted: str) -> None:
    assert answers(text) == wanted


def test_objects_keep_what_methods_write() -> None:
    text = """
    class Base:
        def __init__(self, start):
            self.start = start
            self.build()

        @property
        def doubled(self):
            return self.start * 2.0

        @staticmethod
        def mixed(a, b):
            return a + b

        @classmethod
        def make(cls):
            return cls(v)


    class Net(Base):
        def __init__(self, start, more):
            super().__init__(start)
            self.more = more

        def build(self):
            self.out = self.doubled

        def __call__(self, x):
            return self.mixed(x, self.out)


    net = Net(v, w)
    y = net(1.0)
    """
    assert answers(text) == "yn"


def test_decorators_of_the_project_are_called() -> None:
    text = """
    import functools

    def lazily(function):
        @functools.wraps(function)
        def inner(self):
            if not hasattr(self, "_kept"):
                self._kept = function(self)
            return self._kept
        return inner

    class Model:
        @lazily
        def out(self):
            return tf.square(w)

    y = Model().out()
    """
    assert answers(text) in ("ny", "??")


def test_modules_of_the_project_are_followed() -> None:
    layers = "import tensorflow.compat.v1 as tf\nscale = tf.Variable(3.0)\ndef twice(x):\n    return x * scale\n"
    assert answers("from layers import twice, scale\ny = twice(v)\nxs = [v, w, scale]", layers=layers) == "yny"
    assert answers("import layers as l\ny = l.twice(w)\nxs = [v, w, l.scale]", layers=layers) == "nyy"


def test_what_nobody_calls_is_followed_into_the_modules_that_it_uses() -> None:
    text = """
    import used, unused
    from used import scale as times
    if os.environ.get("x"):
        import other as maybe
    else:
        maybe = None

    def loss(x):
        return used.scale(v) + times(w) + maybe.one()
    """
    scale = "import unused\ndef scale(x):\n    return x * 2\n"
    machine = follow(text, follow_loose, used=scale, unused="def f(): pass\n", other="def one():\n    return 1\n")
    assert sorted(machine.modules) == ["other.py", "program.py", "used.py"]
    assert {getattr(node, "name", "") for node in machine.entered} == {"loss", "scale", "one"}


def test_a_variable_of_one_name_is_one_variable() -> None:
    text = """
    def part(reuse):
        with tf.variable_scope("part", reuse=reuse):
            return tf.get_variable("u", [])

    first, second = part(False), part(True)
    y = second * 2.0
    xs = [first, second, v]
    """
    assert answers(text) == "yyn"


def test_what_is_called_is_noted_with_what_surrounds_it() -> None:
    machine = follow("with tf.name_scope('a'):\n    for i in range(1000):\n        tf.square(v, name='s')\n")
    (call, *_) = [call for call in machine.calls if call.name.endswith(".square")]
    assert call.is_repeated
    assert len(call.contexts) == 1
    assert call.argument("name") == Const("s")
    assert call.argument("x", 0) is call.arguments[0]
    assert call.argument("y", 1) is None


def test_an_endless_program_is_cut() -> None:
    machine = Machine(TensorLibrary(load_knowledge()), lambda importer, name: None, limit=500)
    code = "def f(n):\n    return [f(n + 1) for _ in range(50)]\nf(0)\n"
    machine.run(FileModel(decode("p.py", code.encode()), load_knowledge(), load_config(Path("/"), {})))
    assert machine.is_cut
    assert machine.steps <= 501


def test_names_are_found_by_the_rules_of_python() -> None:
    outer = Names({"a": Const(1)})
    body = Names({"a": Const(2)}, outer, is_class=True)
    inner = Names({}, body)
    assert inner.find("a") == Const(1)
    assert body.find("a") == Const(2)
    assert inner.globals is outer


def test_joining_keeps_each_once() -> None:
    assert join([Const(1), Const(1)]) == Const(1)
    assert join([Const(1), Const(True)]) != Const(1)
