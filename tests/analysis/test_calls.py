"""Calls: which are meant, and which argument is which."""

import pytest

from tfguard.analysis.calls import ArgumentState
from tfguard.analysis.values import Absent, Known, Unknown

PRESENT, ABSENT, UNKNOWN = ArgumentState.PRESENT, ArgumentState.ABSENT, ArgumentState.UNKNOWN

# The second parameter, `seed`, of a call.
ARGUMENTS = {
    "keyword": ("f(1, seed=2)", PRESENT, "2"),
    "position": ("f(1, 2)", PRESENT, "2"),
    "keyword before position": ("f(seed=2, size=1)", PRESENT, "2"),
    "absent": ("f(1)", ABSENT, None),
    "absent, others given": ("f(1, size=3)", ABSENT, None),
    "nothing": ("f()", ABSENT, None),
    "star": ("f(*a)", UNKNOWN, None),
    "star behind it": ("f(1, 2, *a)", PRESENT, "2"),
    "star before it": ("f(*a, 2)", UNKNOWN, None),
    "star and keyword": ("f(*a, seed=2)", PRESENT, "2"),
    "double star": ("f(1, **k)", UNKNOWN, None),
    "double star and keyword": ("f(seed=2, **k)", PRESENT, "2"),
    "double star and position": ("f(1, 2, **k)", PRESENT, "2"),
    "generator": ("f(x for x in y)", ABSENT, None),
}


@pytest.mark.parametrize(("text", "state", "given"), ARGUMENTS.values(), ids=ARGUMENTS.keys())
def test_arguments(model, text, state, given):
    argument = model(text).calls[0].argument("seed", 1)
    assert argument.state is state
    assert (argument.expr.text if argument.expr is not None else None) == given
    assert argument.is_present == (state is PRESENT)
    assert argument.is_absent == (state is ABSENT)


def test_a_keyword_only_parameter_is_not_given_by_position(model):
    call = model("f(1, 2, *a)").calls[0]
    assert call.argument("seed").is_absent
    assert model("f(1, 2, **k)").calls[0].argument("seed").state is UNKNOWN


def test_values_of_arguments(model):
    call = model("a = 3\nf(a, seed=None, *b)").calls[0]
    assert call.argument("size", 0).value == Known(3)
    assert call.argument("seed").is_constant(None)
    assert not call.argument("seed").is_constant(0, False)
    assert call.argument("dtype").value == Absent()
    assert isinstance(call.argument("dtype", 1).value, Unknown)
    assert not call.argument("size", 0).is_constant(True)
    assert not model("f(True)").calls[0].argument("size", 0).is_constant(1)


def test_parts_of_a_call(model):
    call = model("a.b(1, *c, d=2, **e).f(3)").calls[0]
    assert call.text == "a.b(1, *c, d=2, **e)"
    assert call.written == "a.b"
    assert call.receiver.text == "a"
    assert [e.text for e in call.arguments] == ["1"]
    assert [(k, e.text) for k, e in call.keywords] == [("d", "2")]
    assert call.has_star
    assert model("f(1, a=2)").calls[0].receiver is None
    assert not model("f(1, a=2)").calls[0].has_star


def test_calls_to_wants_every_candidate_and_may_call_one(model):
    text = """
        import tensorflow as tf
        f = tf.x if c else tf.y
        g = tf.x if c else unknown
        f(1)
        g(2)
        tf.x(3)
    """
    file = model(text)
    assert [call.arguments[0].text for call in file.calls_to("tensorflow.x")] == ["3"]
    assert [call.arguments[0].text for call in file.calls_to("tensorflow.x", "tensorflow.y")] == ["1", "3"]
    assert [call.arguments[0].text for call in file.may_call("tensorflow.x")] == ["1", "2", "3"]


def test_an_instance_is_not_its_class(model):
    file = model("import tensorflow as tf\ns = tf.Session()\ns(1)")
    assert [call.text for call in file.calls_to("tensorflow.Session")] == ["tf.Session()"]


def test_elements(model):
    call = model("f([a, 1], (b,), {c}, d)").calls[0]
    found = [e.elements and [inner.text for inner in e.elements] for e in call.arguments]
    assert found == [["a", "1"], ["b"], ["c"], None]


def test_spans_count_characters(model):
    file = model("x = 'äöü😀'; tf.naïve('é').f(1)  # ü\n")
    assert [call.text for call in file.calls] == ["tf.naïve('é')", "tf.naïve('é').f(1)"]


def references(file):
    return [(r.written, r.names, r.is_exact) for r in file.references(["tensorflow"])]


REFERENCES = {
    "chain": ("import tensorflow as tf\ntf.nn.relu(x).shape", ["tensorflow", "tf.nn.relu"]),
    "imported": ("from tensorflow import nn, math as m\nnn\nm.add", ["nn", "math", "nn", "m.add"]),
    "dotted import": ("import tensorflow.nn as n, os\nn.x", ["tensorflow.nn", "n.x"]),
    "star": ("from tensorflow.nn import *", ["*"]),
    "bare module": ("import tensorflow as tf\nuse(tf)", ["tensorflow"]),
    "variables are no mentions": ("from tensorflow import x\ny = x\ny", ["x", "x"]),
    "shadowed": ("import tensorflow as tf\ndef f(tf):\n  tf.x", ["tensorflow"]),
    "relative": ("from .tensorflow import x\nx", []),
    "written": ("import tensorflow as tf\ntf.a.b = 3", ["tensorflow", "tf.a"]),
    "method": ("import tensorflow as tf\ns = tf.Session()\ns.run", ["tensorflow", "tf.Session", "s.run"]),
    "in an f-string": ("import tensorflow as tf\nf'{tf.x}'", ["tensorflow", "tf.x"]),
    "over lines": ("import tensorflow as tf\n(tf\n .nn  # why\n .relu)", ["tensorflow", "tf\n .nn  # why\n .relu"]),
    "with spaces": ("import tensorflow as tf\ntf . x", ["tensorflow", "tf . x"]),
    "semicolons": ("import tensorflow as tf; tf.x; tf.y", ["tensorflow", "tf.x", "tf.y"]),
    "default": (
        "import tensorflow as tf\ndef f(a=tf.x, *, b: tf.y = 3) -> tf.z: pass",
        ["tensorflow", "tf.x", "tf.y", "tf.z"],
    ),
    "pattern": ("import tensorflow as tf\nmatch x:\n  case tf.A(): pass", ["tensorflow", "tf.A"]),
}


@pytest.mark.parametrize(("text", "written"), REFERENCES.values(), ids=REFERENCES.keys())
@pytest.mark.parametrize(
    "before", ["", "# ünï\n", "'ä'; ", "x = '''\nä\f\n'''\n"], ids=["plain", "comment", "same line", "lines"]
)
def test_references(model, text, written, before):
    found = references(model((before + text).encode()))
    assert [row[0] for row in found] == written
    assert all(exact for _, _, exact in found)


FSTRINGS = [
    "f'{tf.x}'",
    "f'ä{tf.x}'",
    "f'{tf.x} {tf.y}'",
    "f'''\n{tf.x}\n'''",
    "f'''ä\n  ö{tf.x}'''",
    "f'{tf.x:{tf.y}}'",
    "f'{tf.x!r}'",
    "f'{ tf.x }'",
    "f'{tf.x=}'",
    "'a' f'{tf.x}'",
    "('a'\n f'{tf.x}'\n 'b')",
    "f'{(tf.x, tf.x)}'",
    "rf'\\{tf.x}'",
    "f'{{tf.x}} {tf.x}'",
    "f'''{\ntf.x}'''",
    "f'''tf.y {tf.x}'''",
    "f'{f(tf.x)[tf.y]}'",
    "F'''\n\n {tf.x} tf.x {tf.x}'''",
]


@pytest.mark.parametrize("text", FSTRINGS)
def test_positions_within_fstrings_are_right_or_said_to_be_inexact(model, text):
    """Before Python 3.12 the positions that `ast` gives within f-strings are often wrong."""
    file = model(f"import tensorflow as tf\n{text}\n".encode())
    for reference in file.references(["tensorflow"])[1:]:
        if reference.is_exact:
            assert f"tensorflow.{reference.written[3:]}" == reference.names[0]
            assert reference.written.startswith("tf.")
        else:
            assert "tf.x" in reference.written


def test_undecided_names(model):
    text = "from tensorflow import *\nplaceholder(print)\ngetattr(tf, name)\ndef f(a):\n  return a.b\n"
    assert [written for _, written, _ in model(text).undecided] == ["placeholder", "getattr(tf, name)", "tf", "name"]
