"""Mentions that are protected against the absence of what they name."""

import pytest

GUARDED = {
    "try import": "try:\n  use\nexcept ImportError:\n  pass",
    "try attribute": "try:\n  use\nexcept (ValueError, AttributeError):\n  pass",
    "module not found": "try:\n  use\nexcept ModuleNotFoundError:\n  pass",
    "dotted exception": "try:\n  use\nexcept builtins.AttributeError:\n  pass",
    "deep in the try": "try:\n  if a:\n    f(x, [use])\nexcept AttributeError:\n  pass",
    "short bare except": "try:\n  use\nexcept:\n  pass",
    "short except Exception": "try:\n  use\nexcept Exception:\n  pass",
    "fallback": "try:\n  a\nexcept ImportError:\n  use",
    "version test": "if tf.__version__ < '2':\n  use",
    "else of a version test": "if version.parse(tf.__version__) < v:\n  pass\nelse:\n  use",
    "elif": "if a:\n  pass\nelif TF_VERSION < 2:\n  use",
    "conditional expression": "a = use if tf.__version__ > '2' else b",
    "hasattr": "if hasattr(tf, 'x'):\n  use",
    "and": "hasattr(tf, 'x') and use",
    "LooseVersion": "if LooseVersion(tf) < v:\n  use",
    "tf version attribute": "if tf.version.VERSION < '2':\n  use",
    "handled function": "try:\n  f(lambda: use)\nexcept AttributeError:\n  pass",
}

UNGUARDED = {
    "plain": "use",
    "try of something else": "try:\n  use\nexcept ValueError:\n  pass",
    "else of a try": "try:\n  a\nexcept ImportError:\n  pass\nelse:\n  use",
    "finally": "try:\n  a\nexcept AttributeError:\n  pass\nfinally:\n  use",
    "long bare except": "try:\n  a\n  b\n  use\nexcept:\n  pass",
    "test itself": "if use.version:\n  pass",
    "other test": "if a:\n  use",
    "conversion": "if conversion:\n  use",
    "inversion": "if args.inversion:\n  use",
    "version of Python": "import sys\nif sys.version_info[0] < 3:\n  use",
    "version text of Python": "import sys\nif sys.version[0] == '2':\n  use",
    "Python 2": "if PY_VERSION < 3:\n  use",
    "six": "if python_version == '2':\n  use",
    "after the try": "try:\n  a\nexcept ImportError:\n  pass\nuse",
    "first of an and": "use and hasattr(tf, 'x')",
    "fallback of something else": "try:\n  a\nexcept ValueError:\n  use",
}


def guard(model, text):
    file = model(text)
    (node,) = [n for n in file.index.chains if file.text_of(file.span(n)).startswith("use")]
    return file.guard_of(node)


@pytest.mark.parametrize("text", GUARDED.values(), ids=GUARDED.keys())
def test_guarded(model, text):
    assert guard(model, text)


@pytest.mark.parametrize("text", UNGUARDED.values(), ids=UNGUARDED.keys())
def test_unguarded(model, text):
    assert guard(model, text) is None


def test_an_import_is_guarded_too(model):
    file = model("try:\n  import tensorflow.contrib\nexcept ImportError:\n  pass")
    (reference,) = file.references(["tensorflow"])
    assert reference.guard


def test_answers_are_the_same_in_any_order(model):
    text = "try:\n  [a, b]\nexcept ImportError:\n  c\nelse:\n  [d, e]\n[f]"
    forwards, backwards = model(text), model(text)
    found = [forwards.guard_of(node) for node in forwards.index.chains]
    again = [backwards.guard_of(node) for node in reversed(backwards.index.chains)]
    assert found == list(reversed(again))
