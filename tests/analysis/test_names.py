"""Qualified names through every way that Python binds a name."""

import sys

import pytest

TF = "import tensorflow as tf\n"

# Each case: a snippet that calls `use(...)` once, and what the argument names; "?" marks what is not certain.
IMPORTS = {
    "plain": ("import tensorflow\nuse(tensorflow.nn.relu)", ("tensorflow.nn.relu",)),
    "as": ("import tensorflow as tf\nuse(tf.nn.relu)", ("tensorflow.nn.relu",)),
    "dotted": ("import tensorflow.nn\nuse(tensorflow.nn.relu)", ("tensorflow.nn.relu",)),
    "dotted as": ("import tensorflow.compat.v1 as tf\nuse(tf.Session)", ("tensorflow.compat.v1.Session",)),
    "from": ("from tensorflow import nn\nuse(nn.relu)", ("tensorflow.nn.relu",)),
    "from as": ("from tensorflow.nn import relu as r\nuse(r)", ("tensorflow.nn.relu",)),
    "from parenthesised": ("from tensorflow import (\n  nn,\n  math as m,\n)\nuse(m.add)", ("tensorflow.math.add",)),
    "two on a line": ("import os, tensorflow as tf; use(tf.x)", ("tensorflow.x",)),
    "within a function": ("def f():\n  import tensorflow as tf\n  use(tf.x)", ("tensorflow.x",)),
    "function before the import": ("def f():\n  use(tf.x)\nimport tensorflow as tf", ("tensorflow.x",)),
    "import_module": ("import importlib\ntf = importlib.import_module('tensorflow')\nuse(tf.x)", ("tensorflow.x",)),
    "__import__": ("tf = __import__('tensorflow')\nuse(tf.x)", ("tensorflow.x",)),
    "computed module": ("tf = __import__(name)\nuse(tf.x)", ("?",)),
    "getattr": (TF + "use(getattr(tf, 'nn').relu)", ("tensorflow.nn.relu",)),
    "getattr with default": (TF + "use(getattr(tf, 'nn', None))", ("tensorflow.nn", "?")),
    "getattr computed": (TF + "use(getattr(tf, name))", ("?",)),
}

ALIASES = {
    "rebound module": (TF + "tf = tf.compat.v1\nuse(tf.Session)", ("tensorflow.compat.v1.Session",)),
    "before the rebinding": (TF + "use(tf.Session)\ntf = tf.compat.v1", ("tensorflow.Session",)),
    "module alias": (TF + "K = tf.keras.backend\nuse(K.x)", ("tensorflow.keras.backend.x",)),
    "function alias": (TF + "ph = tf.placeholder\nuse(ph)", ("tensorflow.placeholder",)),
    "alias of alias": (TF + "a = tf.nn\nb = a\nuse(b.relu)", ("tensorflow.nn.relu",)),
    "unpacked": (TF + "a, (b, c) = tf.x, (tf.y, tf.z)\nuse(c)", ("tensorflow.z",)),
    "unpacked list": (TF + "[a, b] = [tf.x, tf.y]\nuse(b)", ("tensorflow.y",)),
    "unpacked call": (TF + "a, b = tf.x()\nuse(b)", ("?",)),
    "unpacked star": (TF + "a, *b = tf.x, tf.y\nuse(b)", ("?",)),
    "after a star": (TF + "*a, b = tf.x, tf.y\nuse(b)", ("?",)),
    "star within the value": (TF + "a, b = *x, tf.y\nuse(b)", ("?",)),
    "chained": (TF + "a = b = tf.x\nuse(a)", ("tensorflow.x",)),
    "annotated": (TF + "a: object = tf.x\nuse(a)", ("tensorflow.x",)),
    "walrus": (TF + "if (a := tf.x):\n  use(a)", ("tensorflow.x",)),
    "conditional expression": (TF + "a = tf.x if c else tf.y\nuse(a)", ("tensorflow.x", "tensorflow.y")),
    "or": (TF + "a = tf.x or tf.y\nuse(a)", ("tensorflow.x", "tensorflow.y")),
    "constant": ("a = 3\nuse(a)", ("?",)),
    "itself": ("a = a\nuse(a)", ("?",)),
    "two of each other": ("def f():\n  use(a)\na = b\nb = a", ("?",)),
    "class attribute": (TF + "class A:\n  x = tf.x\nuse(A.x)", ("tensorflow.x",)),
    "global function of numpy": ("from numpy import random as r\nuse(r.seed)", ("numpy.random.seed",)),
}

CONDITIONAL = {
    "try import": (
        "try:\n  import tensorflow.compat.v1 as tf\nexcept ImportError:\n  import tensorflow as tf\nuse(tf.x)",
        ("tensorflow.compat.v1.x", "tensorflow.x"),
    ),
    "try import or None": (
        "try:\n  import tensorflow as tf\nexcept ImportError:\n  tf = None\nuse(tf.x)",
        ("tensorflow.x",),
    ),
    "None first": ("tf = None\nif c:\n  import tensorflow as tf\nuse(tf.x)", ("tensorflow.x",)),
    "in the other arm": (
        "if c:\n  import tensorflow as tf\nelse:\n  import tensorflow.compat.v1 as tf\n  use(tf.x)",
        ("tensorflow.compat.v1.x",),
    ),
    "both arms": (
        "if c:\n  import tensorflow.compat.v1 as tf\nelse:\n  import tensorflow as tf\nuse(tf.x)",
        ("tensorflow.compat.v1.x", "tensorflow.x"),
    ),
    "both arms hide what was before": (
        "import numpy as tf\nif c:\n  import tensorflow.compat.v1 as tf\nelif d:\n  import keras as tf\nelse:\n"
        "  import tensorflow as tf\nuse(tf.x)",
        ("tensorflow.compat.v1.x", "keras.x", "tensorflow.x"),
    ),
    "one arm": ("import numpy as m\nif c:\n  import tensorflow as m\nuse(m.x)", ("numpy.x", "tensorflow.x")),
    "an arm that returns": (
        TF + "def f():\n  a = tf.x\n  if c:\n    a = tf.y\n    return a\n  use(a)",
        ("tensorflow.x",),
    ),
    "an arm that raises in a try": (
        TF + "def f():\n  a = tf.x\n  try:\n    if c:\n      a = tf.y\n      raise E\n  except E:\n    use(a)",
        ("tensorflow.x", "tensorflow.y"),
    ),
    "handler": ("a = 1\ntry:\n  import tensorflow as a\n  f()\nexcept E:\n  use(a.x)", ("tensorflow.x", "?")),
    "finally": (
        "import numpy as a\ntry:\n  import tensorflow as a\nfinally:\n  use(a.x)",
        ("numpy.x", "tensorflow.x"),
    ),
    "else of try": ("try:\n  import tensorflow as tf\nexcept E:\n  pass\nelse:\n  use(tf.x)", ("tensorflow.x",)),
    "match arms": (
        TF + "match c:\n  case 1:\n    a = tf.x\n  case _:\n    a = tf.y\n    use(a)",
        ("tensorflow.y",),
    ),
}

SHADOWING = {
    "parameter": (TF + "def f(tf):\n  use(tf.x)", ("?",)),
    "keyword-only parameter": (TF + "def f(*, tf):\n  use(tf.x)", ("?",)),
    "star parameter": (TF + "def f(*tf):\n  use(tf.x)", ("?",)),
    "kwargs parameter": (TF + "def f(**tf):\n  use(tf.x)", ("?",)),
    "default sees the outside": (TF + "def f(tf=use(tf.x)):\n  pass", ("tensorflow.x",)),
    "annotation sees the outside": (TF + "def f(tf: use(tf.x)):\n  pass", ("tensorflow.x",)),
    "local": (TF + "def f():\n  tf = g()\n  use(tf.x)", ("?",)),
    "local later": (TF + "def f():\n  use(tf.x)\n  tf = g()", ("?",)),
    "lambda parameter": (TF + "f = lambda tf: use(tf.x)", ("?",)),
    "lambda": (TF + "f = lambda a: use(tf.x)", ("tensorflow.x",)),
    "comprehension target": (TF + "[use(tf.x) for tf in y]", ("?",)),
    "comprehension keeps the outside": (TF + "[tf for tf in y]\nuse(tf.x)", ("tensorflow.x",)),
    "first iterable": (TF + "[0 for tf in use(tf.x)]", ("tensorflow.x",)),
    "second iterable": (TF + "[0 for tf in a for b in use(tf.x)]", ("?",)),
    "dict comprehension": (TF + "{a: use(tf.x) for a in y}", ("tensorflow.x",)),
    "walrus in a comprehension": (TF + "[(tf := a) for a in y]\nuse(tf.x)", ("?",)),
    "for target": (TF + "for tf in y:\n  use(tf.x)", ("?",)),
    "for target afterwards": (TF + "for tf in y:\n  pass\nuse(tf.x)", ("tensorflow.x", "?")),
    "except name": (TF + "try:\n  pass\nexcept E as tf:\n  use(tf.x)", ("?",)),
    "with name": (TF + "with f() as tf:\n  use(tf.x)", ("?",)),
    "deleted": (TF + "del tf\nuse(tf.x)", ("?",)),
    "augmented": (TF + "tf += 1\nuse(tf.x)", ("?",)),
    "match capture": (TF + "match c:\n  case tf:\n    use(tf.x)", ("?",)),
    "match star": (TF + "match c:\n  case [*tf]:\n    use(tf.x)", ("?",)),
    "match rest": (TF + "match c:\n  case {**tf}:\n    use(tf.x)", ("?",)),
    "def": (TF + "def tf(): pass\nuse(tf)", ("train.tf",)),
    "class": (TF + "class tf: pass\nuse(tf)", ("train.tf",)),
    "class body": (TF + "class A:\n  tf = 3\n  use(tf)", ("?",)),
    "method passes the class over": (TF + "class A:\n  tf = 3\n  def m(self):\n    use(tf.x)", ("tensorflow.x",)),
    "comprehension passes the class over": (
        TF + "class A:\n  tf = 3\n  a = [use(tf.x) for b in c]",
        ("tensorflow.x",),
    ),
    "iterable in a class": (TF + "class A:\n  y = tf.x\n  a = [b for b in use(y)]", ("tensorflow.x",)),
    "builtin": ("use(list)", ("builtins.list",)),
    "builtin shadowed": ("import tensorflow as list\nuse(list)", ("tensorflow",)),
    "builtin shadowed under a condition": ("if c:\n  from a import open\nuse(open)", ("a.open", "builtins.open")),
    "builtin shadowed in the same arm": ("if c:\n  from a import open\n  use(open)", ("a.open",)),
    "builtin shadowed for functions": (
        "if c:\n  from a import open\ndef f():\n  use(open)",
        ("a.open", "builtins.open"),
    ),
    "builtin shadowed later": ("use(open)\nfrom a import open", ("builtins.open",)),
    "attribute of the module": ("use(__file__)", ("?",)),
    "never bound": ("use(what)", ("?",)),
}

SCOPES = {
    "global": (TF + "def f():\n  global a\n  a = tf.x\nuse(a)", ("tensorflow.x",)),
    "global over a constant": (TF + "a = 3\ndef f():\n  global a\n  a = tf.x\nuse(a)", ("tensorflow.x", "?")),
    "global read": (TF + "def f():\n  global tf\n  use(tf.x)", ("tensorflow.x",)),
    "global in an inner function": (
        "import tensorflow as a\ndef f(a):\n  def g():\n    global a\n    use(a.x)",
        ("tensorflow.x",),
    ),
    "nonlocal": (
        TF + "def f():\n  a = None\n  def g():\n    nonlocal a\n    a = tf.x\n  use(a.y)",
        ("tensorflow.x.y",),
    ),
    "nonlocal bound later": (
        TF + "def f():\n  def g():\n    nonlocal a\n    a = tf.x\n  a = tf.y\n  use(a)",
        ("tensorflow.x", "tensorflow.y"),
    ),
    "closure": (TF + "def f():\n  a = tf.x\n  def g():\n    use(a)", ("tensorflow.x",)),
    "closure over a rebinding": (
        TF + "def f():\n  a = tf.x\n  a = tf.y\n  def g():\n    use(a)",
        ("tensorflow.y",),
    ),
    "closure rebound later": (
        TF + "def f():\n  a = tf.x\n  def g():\n    use(a)\n  g()\n  a = tf.y",
        ("tensorflow.x", "tensorflow.y"),
    ),
    "module name rebound after the function": (
        TF + "a = tf.x\ndef f():\n  use(a)\nf()\na = tf.y",
        ("tensorflow.x", "tensorflow.y"),
    ),
    "module name rebound before the function": (TF + "a = 3\na = tf.y\ndef f():\n  use(a)", ("tensorflow.y",)),
    "loop carries a later write": (
        TF + "a = tf.x\nwhile c:\n  use(a)\n  a = tf.y",
        ("tensorflow.x", "tensorflow.y"),
    ),
    "loop writes before it reads": (TF + "while c:\n  a = tf.x\n  use(a)\n  a = tf.y", ("tensorflow.x",)),
    "loop of another loop": (
        TF + "for i in r:\n  a = tf.x\n  for j in r:\n    use(a)\n    a = tf.y",
        ("tensorflow.x", "tensorflow.y"),
    ),
    "after the loop": (
        TF + "a = tf.x\nfor i in r:\n  a = tf.y\nuse(a)",
        ("tensorflow.x", "tensorflow.y"),
    ),
    "else of a loop": (
        TF + "a = tf.x\nfor i in r:\n  a = tf.y\nelse:\n  use(a)",
        ("tensorflow.x", "tensorflow.y"),
    ),
    "decorator": (TF + "@use(tf.function)\ndef f(tf): pass", ("tensorflow.function",)),
    "class decorator": (TF + "@use(tf.x)\nclass A:\n  tf = 3", ("tensorflow.x",)),
    "base": (TF + "class A(use(tf.x)):\n  tf = 3", ("tensorflow.x",)),
    "nested function": ("def f():\n  def g(): pass\n  use(g)", ("train.f.g",)),
    "nested class": ("class A:\n  class B: pass\nuse(A.B)", ("train.A.B",)),
    "async": (TF + "async def f():\n  async with g() as h:\n    use(tf.x)", ("tensorflow.x",)),
}

RELATIVE = {
    "beside": ("from .net import build\nuse(build)", "pkg/train.py", ("pkg.net.build",)),
    "above": ("from ..lib.net import build\nuse(build)", "pkg/sub/train.py", ("pkg.lib.net.build",)),
    "package": ("from . import net\nuse(net.build)", "pkg/train.py", ("pkg.net.build",)),
    "in __init__": ("from .net import build\nuse(build)", "pkg/__init__.py", ("pkg.net.build",)),
    "above the root": ("from ...net import build\nuse(build)", "train.py", ("net.build",)),
    "own function": ("def f(): pass\nuse(f)", "pkg/train.py", ("pkg.train.f",)),
    "own function in __init__": ("def f(): pass\nuse(f)", "pkg/__init__.py", ("pkg.f",)),
}

STARS = {
    "unknown": ("from tensorflow import *\nuse(placeholder)", ("?",)),
    "of the project": ("from lib import *\nuse(build)", ("train.build", "?")),
    "bound anyway": ("from tensorflow import *\nimport numpy as np\nuse(np.x)", ("numpy.x",)),
    "a builtin may be hidden": ("from numpy import *\nuse(sum)", ("builtins.sum", "?")),
    "within a function": ("from tensorflow import *\ndef f():\n  use(placeholder)", ("?",)),
    "exec": ("exec(code)\nuse(placeholder)", ("?",)),
}

METHODS = {
    "instance": (TF + "s = tf.Session()\nuse(s)", ("tensorflow.Session()",)),
    "method": (TF + "s = tf.Session()\nuse(s.run)", ("tensorflow.Session.run",)),
    "chain": (
        TF + "ds = tf.data.Dataset.range(3)\nuse(ds.map(f).shuffle)",
        ("tensorflow.data.Dataset.shuffle",),
    ),
    "rebound chain": (
        TF + "ds = tf.data.Dataset.range(3)\nds = ds.map(f)\nds = ds.batch(2)\nuse(ds.shuffle)",
        ("tensorflow.data.Dataset.shuffle",),
    ),
    "rebound in a loop": (
        TF + "ds = tf.data.Dataset.range(3)\nfor f in fs:\n  ds = ds.map(f)\nuse(ds.shuffle)",
        ("tensorflow.data.Dataset.shuffle",),
    ),
    "read in the loop that rebinds": (
        TF + "ds = tf.data.Dataset.range(3)\nfor f in fs:\n  use(ds.shuffle)\n  ds = ds.map(f)",
        ("tensorflow.data.Dataset.shuffle",),
    ),
    "rebound under a condition": (
        TF + "ds = tf.data.Dataset.range(3)\nif c:\n  ds = ds.map(f)\nuse(ds.shuffle)",
        ("tensorflow.data.Dataset.shuffle",),
    ),
    "another library's method": ("ds = other.range(3)\nuse(ds.shuffle)", ("?",)),
    "with": (TF + "with tf.Session() as s:\n  use(s.run)", ("tensorflow.Session.run",)),
    "held": (TF + "s = tf.Session()\nuse(s.graph.finalize)", ("tensorflow.Graph.finalize",)),
    "model": (
        "from tensorflow.keras import Sequential\nm = Sequential()\nuse(m.fit)",
        ("tensorflow.keras.Sequential.fit",),
    ),
    "attribute of self": (
        TF + "class A:\n  def __init__(self):\n    self.s = tf.Session()\n  def m(self):\n    use(self.s.run)",
        ("tensorflow.Session.run",),
    ),
    "attribute of an instance": (
        TF + "class A:\n  def __init__(self):\n    self.s = tf.Session()\na = A()\nuse(a.s.run)",
        ("tensorflow.Session.run",),
    ),
    "attribute with two types": (
        TF + "class A:\n  def m(self):\n    self.s = tf.Session()\n    self.s = tf.Graph()\n    use(self.s.x)",
        ("tensorflow.Session.x", "tensorflow.Graph.x"),
    ),
    "attribute None first": (
        TF + "class A:\n  def __init__(self):\n    self.s = None\n  def m(self):\n"
        "    self.s = tf.Session()\n    use(self.s.run)",
        ("tensorflow.Session.run",),
    ),
    "own method": ("class A:\n  def f(self): pass\n  def m(self):\n    use(self.f)", ("train.A.f",)),
    "own method of an instance": ("class A:\n  def f(self): pass\na = A()\nuse(a.f)", ("train.A.f",)),
    "inherited from the file": ("class B:\n  def f(self): pass\nclass A(B): pass\nuse(A().f)", ("train.B.f",)),
    "inherited from a library": ("import keras\nclass A(keras.Model): pass\na = A()\nuse(a.fit)", ("keras.Model.fit",)),
    "self of a library class": (
        "import keras\nclass A(keras.Model):\n  def m(self):\n    use(self.fit)",
        ("keras.Model.fit",),
    ),
    "super": ("import keras\nclass A(keras.Model):\n  def m(self):\n    use(super().fit)", ("keras.Model.fit",)),
    "super with arguments": (
        "import keras\nclass A(keras.Model):\n  def m(self):\n    use(super(A, self).fit)",
        ("keras.Model.fit",),
    ),
    "super of the file": (
        "class B:\n  def f(self): pass\nclass A(B):\n  def f(self):\n    use(super().f)",
        ("train.B.f",),
    ),
    "classmethod": ("class A:\n  @classmethod\n  def m(cls):\n    use(cls.f)\n  def f(self): pass", ("train.A.f",)),
    "staticmethod": ("class A:\n  @staticmethod\n  def m(a):\n    use(a.f)\n  def f(self): pass", ("?",)),
    "property": (
        TF + "class A:\n  @property\n  def s(self):\n    return tf.Session()\nuse(A().s.run)",
        ("tensorflow.Session.run",),
    ),
    "rebound self": ("class A:\n  def f(self): pass\n  def m(self):\n    self = g()\n    use(self.f)", ("?",)),
    "unknown attribute": ("class A: pass\nuse(A().x)", ("train.A.x", "?")),
    "annotation": (TF + "def f(s: tf.Session):\n  use(s.run)", ("tensorflow.Session.run",)),
    "returned": (TF + "def f():\n  return tf.Session()\nuse(f().run)", ("tensorflow.Session.run",)),
    "returned twice": (
        TF + "def f():\n  if c:\n    return tf.Session()\n  return tf.Graph()\nuse(f().x)",
        ("tensorflow.Session.x", "tensorflow.Graph.x"),
    ),
    "returned module": (TF + "def f():\n  return tf\nuse(f().x)", ("tensorflow.x",)),
    "recursive": ("def f():\n  return f()\nuse(f().run)", ("?",)),
    "recursive with an end": (
        TF + "def f(n):\n  if n:\n    return f(n - 1)\n  return tf.Session()\nuse(f(3).run)",
        ("tensorflow.Session.run",),
    ),
    "parameters of an inner function": (
        TF + "def f():\n  def g():\n    return 3\n  return tf.Session()\nuse(f().run)",
        ("tensorflow.Session.run",),
    ),
    "coroutine": (TF + "async def f():\n  return tf.Session()\nuse(f().run)", ("?",)),
    "generator": (TF + "def f():\n  yield 1\n  return tf.Session()\nuse(f().run)", ("?",)),
    "awaited": (
        TF + "async def f():\n  return tf.Session()\nasync def g():\n  use((await f()).run)",
        ("?",),
    ),
    "subscript": (TF + "use(tf.x[0].y)", ("?",)),
}

ALL = {
    f"{group}: {name}": case
    for group, cases in (
        ("import", IMPORTS),
        ("alias", ALIASES),
        ("conditional", CONDITIONAL),
        ("shadowing", SHADOWING),
        ("scope", SCOPES),
        ("star", STARS),
        ("method", METHODS),
    )
    for name, case in cases.items()
}


@pytest.mark.parametrize(("text", "expected"), ALL.values(), ids=ALL.keys())
def test_a_name_resolves(names, text, expected):
    assert names(text) == expected


@pytest.mark.parametrize(("text", "path", "expected"), RELATIVE.values(), ids=RELATIVE.keys())
def test_a_relative_import_resolves(names, text, path, expected):
    assert names(text, path) == expected


@pytest.mark.parametrize("alias", ["tf", "tensorflow", "T", "ténsor"])
def test_the_spelling_of_an_alias_changes_nothing(names, alias):
    text = f"import tensorflow as {alias}\ndef f(a={alias}.x):\n  with {alias}.Session() as s:\n    use(s.run)"
    assert names(text) == ("tensorflow.Session.run",)


@pytest.mark.parametrize("folder", ["keras", "tensorflow", "random"])
def test_a_folder_named_like_a_library_is_not_the_library(names, folder):
    """A script in a folder `keras/` defines no name of Keras."""
    (found,) = names("class A: pass\nuse(A)", f"{folder}/mnist.py")
    assert found.split(".", 1)[0] != folder
    assert names("import keras\nuse(keras.x)", f"{folder}/mnist.py") == ("keras.x",)


def test_the_order_of_questions_changes_no_answer(model):
    """Answers within a cycle of assignments are the same whichever is asked for first."""
    text = """
        import tensorflow as tf
        a = tf.data.Dataset.range(3)
        b = a
        while c:
            a = b.map(f)
            b = a.shuffle(3)
            use(a, b)
        use(a, b)
    """

    def answers(order):
        file = model(text)
        nodes = order(file.index.chains)
        found = {(n.lineno, n.col_offset): file.resolver.resolve(n) for n in nodes}
        return [found[key] for key in sorted(found)]

    assert answers(list) == answers(lambda nodes: list(reversed(nodes)))


def test_a_long_chain_of_assignments_is_followed(names):
    """However many assignments lie between, and although nothing was asked of them before."""
    steps = "".join(f"a{n + 1} = a{n}.map(f)\n" for n in range(300))
    text = f"{TF}def g():\n  use(a300.shuffle)\na0 = tf.data.Dataset.range(3)\n{steps}"
    assert names(text) == ("tensorflow.data.Dataset.shuffle",)


@pytest.mark.parametrize(("size", "expected"), [(6, ("tensorflow.x",)), (40, ("?",))])
def test_a_tangle_of_assignments_is_answered(names, size, expected):
    """Names that are all assigned to each other in a loop."""
    tangle = "".join(f"  if c: a{i} = a{j}\n" for i in range(size) for j in range(size))
    assert names(f"{TF}a0 = tf.x\nwhile c:\n  use(a5)\n{tangle}")[-1:] == expected


def test_a_long_line_of_base_classes_is_given_up(names):
    classes = "".join(f"class A{n + 1}(A{n}): pass\n" for n in range(2_000))
    assert names(f"class A0:\n  def f(self): pass\n{classes}use(A20().f)") == ("train.A0.f",)
    assert names(f"class A0:\n  def f(self): pass\n{classes}use(A2000().f)") == ("?",)


NEW_SYNTAX = {
    "type parameter": ("def f[T](a: T):\n  use(T)", ("?",)),
    "type parameter hides": (f"{TF}def f[tf](a):\n  use(tf.x)", ("?",)),
    "bound of a type parameter": (f"{TF}def f[T: use(tf.x)](a: T): pass", ("tensorflow.x",)),
    "below a generic function": (f"{TF}def f[T](a: T): pass\nuse(tf.x)", ("tensorflow.x",)),
    "method of a generic class": (f"{TF}class A[T](tf.B):\n  def m(self):\n    use(self.x)", ("tensorflow.B.x",)),
    "instance of a generic class": ("class A[T]:\n  def m(self): pass\nuse(A().m)", ("train.A.m",)),
    "type alias": (f"{TF}type X = tf.x\nuse(X)", ("?",)),
    "type alias hides": (f"{TF}type tf = int\nuse(tf.x)", ("?",)),
    "value of a type alias": (f"{TF}type X[T] = list[use(tf.x)]", ("tensorflow.x",)),
}


@pytest.mark.skipif(sys.version_info < (3, 12), reason="the syntax came with Python 3.12")
@pytest.mark.parametrize(("text", "expected"), NEW_SYNTAX.values(), ids=NEW_SYNTAX.keys())
def test_names_in_newer_syntax(names, text, expected):
    assert names(text) == expected


def test_the_steps_of_a_file_are_counted(model, monkeypatch):
    monkeypatch.setattr("tfguard.analysis.names._STEPS_OF_FILE", 6)
    file = model("import lib\nlib.first()\nlib.second()\nlib.third()\nlib.fourth()\n")
    assert [call.name for call in file.calls] == ["lib.first", "lib.second", "lib.third", None]
    assert file.calls[-1].resolution.reason == "the chain of assignments is too long"
