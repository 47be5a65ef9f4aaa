"""Whole programs: which files they load, what they run, and in which order."""

import itertools
import os
import subprocess
import sys

import pytest

from tfguard.analysis.summary import from_json, to_json

NP = "import numpy as np\n"
#: A file that draws when it is loaded, and one whose functions draw.
LIBRARY = NP + "def draw():\n  np.random.rand()\ndef both():\n  draw()\n  np.random.randn()\n"
RAND, RANDN = "numpy.random.rand", "numpy.random.randn"


def script(*lines):
    return NP + "\n".join(lines) + "\n"


# Each case: the files, the entry file, and what the program calls in order.
IMPORTS = {
    "beside": ({"train.py": "import lib\nlib.draw()", "lib.py": LIBRARY}, [RAND]),
    "from": ({"train.py": "from lib import draw\ndraw()", "lib.py": LIBRARY}, [RAND]),
    "from as": ({"train.py": "from lib import draw as d\nd()", "lib.py": LIBRARY}, [RAND]),
    "star": ({"train.py": "from lib import *\ndraw()", "lib.py": LIBRARY}, [RAND]),
    "star within a function": ({"train.py": "from lib import *\ndef f():\n  draw()\nf()", "lib.py": LIBRARY}, [RAND]),
    "package": ({"train.py": "import pkg.lib\npkg.lib.draw()", "pkg/lib.py": LIBRARY}, [RAND]),
    "package as": ({"train.py": "import pkg.lib as l\nl.draw()", "pkg/lib.py": LIBRARY}, [RAND]),
    "from package": ({"train.py": "from pkg import lib\nlib.draw()", "pkg/lib.py": LIBRARY}, [RAND]),
    "from module of a package": ({"train.py": "from pkg.lib import draw\ndraw()", "pkg/lib.py": LIBRARY}, [RAND]),
    "in the same folder": ({"src/train.py": "import lib\nlib.draw()", "src/lib.py": LIBRARY}, [RAND]),
    "above the folder": ({"scripts/train.py": "from pkg import lib\nlib.draw()", "pkg/lib.py": LIBRARY}, [RAND]),
    "src layout": ({"train.py": "from pkg.lib import draw\ndraw()", "src/pkg/lib.py": LIBRARY}, [RAND]),
    "relative": ({"pkg/train.py": "from .lib import draw\ndraw()", "pkg/lib.py": LIBRARY}, [RAND]),
    "relative module": ({"pkg/train.py": "from . import lib\nlib.draw()", "pkg/lib.py": LIBRARY}, [RAND]),
    "relative above": ({"pkg/sub/train.py": "from ..lib import draw\ndraw()", "pkg/lib.py": LIBRARY}, [RAND]),
    "re-export": (
        {"train.py": "import pkg\npkg.draw()", "pkg/__init__.py": "from .lib import draw", "pkg/lib.py": LIBRARY},
        [RAND],
    ),
    "re-export as": (
        {"train.py": "from pkg import d\nd()", "pkg/__init__.py": "from .lib import draw as d", "pkg/lib.py": LIBRARY},
        [RAND],
    ),
    "star re-export": (
        {"train.py": "import pkg\npkg.draw()", "pkg/__init__.py": "from .lib import *", "pkg/lib.py": LIBRARY},
        [RAND],
    ),
    "re-export of a module": (
        {"train.py": "import pkg\npkg.lib.draw()", "pkg/__init__.py": "from . import lib", "pkg/lib.py": LIBRARY},
        [RAND],
    ),
    "alias of a module": (
        {"train.py": "import lib\nlib.d()", "lib.py": LIBRARY + "d = draw\n"},
        [RAND],
    ),
    "in a function": ({"train.py": "def f():\n  from lib import draw\n  draw()\nf()", "lib.py": LIBRARY}, [RAND]),
    "try": (
        {
            "train.py": "try:\n  from a.lib import draw\nexcept ImportError:\n  from lib import draw\ndraw()",
            "lib.py": LIBRARY,
        },
        [RAND],
    ),
    "folder named like a library": (
        {"keras/train.py": "from lib import draw\ndraw()", "keras/lib.py": LIBRARY},
        [RAND],
    ),
    "package named like a library": (
        {"keras/train.py": "from .lib import draw\ndraw()", "keras/lib.py": LIBRARY},
        [RAND],
    ),
    "folder named like the standard library": (
        {"code/train.py": "from code.lib import draw\ndraw()", "code/lib.py": LIBRARY},
        [RAND],
    ),
    "what is not of the project": ({"train.py": "import numpy.lib\nnumpy.lib.draw()", "lib.py": LIBRARY}, None),
    "standard library": ({"train.py": "import random\nrandom.draw()\nprint(1)", "utils/random.py": LIBRARY}, None),
}

BODIES = {
    "calls within calls": ({"train.py": "import lib\nlib.both()", "lib.py": LIBRARY}, [RAND, RANDN]),
    "loading before calling": (
        {"train.py": "import lib\nlib.draw()", "lib.py": LIBRARY + "np.random.randn()"},
        [RANDN, RAND],
    ),
    "loaded once": (
        {
            "train.py": "import a, b\nfrom a import x\n" + NP + "np.random.rand()",
            "a.py": "import b\nx = 3",
            "b.py": script("np.random.randn()"),
        },
        [RANDN, RAND],
    ),
    "cycle of imports": (
        {
            "train.py": "import a\na.f()",
            "a.py": "import b\ndef f():\n  b.g()",
            "b.py": "import a\n" + NP + "def g():\n  np.random.rand()\nnp.random.randn()",
        },
        [RANDN, RAND],
    ),
    "functions that are not called": (
        {"train.py": script("def f():", "  np.random.rand()", "np.random.randn()")},
        [RANDN],
    ),
    "main guard": (
        {"train.py": script("def main():", "  np.random.rand()", "if __name__ == '__main__':", "  main()")},
        [RAND],
    ),
    "main guard comes last": (
        {"train.py": script("if '__main__' == __name__:", "  np.random.rand()", "np.random.randn()")},
        [RANDN, RAND],
    ),
    "app.run": (
        {
            "train.py": "import tensorflow as tf\n"
            + script("def main(_):", "  np.random.rand()", "if __name__ == '__main__':", "  tf.app.run()")
        },
        ["tensorflow.app.run", RAND],
    ),
    "app.run of another function": (
        {
            "train.py": "import tensorflow as tf\n"
            + script(
                "def main(_):", "  np.random.rand()", "def other(_):", "  np.random.randn()", "tf.app.run(main=other)"
            )
        },
        [RANDN, "tensorflow.app.run"],
    ),
    "a function handed on": (
        {"train.py": script("from absl import app", "def main(_):", "  np.random.rand()", "app.run(main)")},
        [RAND],
    ),
    "a function handed on by keyword": (
        {
            "train.py": script(
                "import threading", "def work():", "  np.random.rand()", "threading.Thread(target=work).start()"
            )
        },
        [RAND],
    ),
    "a function of another file handed on": (
        {"train.py": "import lib\nlib.f(map(lib.draw, x))", "lib.py": LIBRARY},
        [RAND],
    ),
    "decorated": (
        {"train.py": script("import click", "@click.command()", "def main():", "  np.random.rand()", "main()")},
        [RAND],
    ),
    "own decorator": (
        {
            "train.py": script(
                "def deco(f):",
                "  np.random.randn()",
                "  return f",
                "@deco",
                "def main():",
                "  np.random.rand()",
                "main()",
            )
        },
        [RANDN, RAND],
    ),
    "arguments before the call": (
        {"train.py": script("def a():", "  np.random.rand()", "def b(x):", "  np.random.randn()", "b(a())")},
        [RAND, RANDN],
    ),
    "lambda": ({"train.py": script("f(lambda: np.random.rand())")}, [RAND]),
    "comprehension": ({"train.py": script("x = [np.random.rand() for i in range(3)]")}, [RAND]),
    "generator": ({"train.py": script("def g():", "  yield np.random.rand()", "for x in g():", "  pass")}, [RAND]),
    "class body": ({"train.py": script("class A:", "  x = np.random.rand()", "np.zeros(3)")}, [RAND]),
    "default argument": ({"train.py": script("def f(x=np.random.rand()):", "  pass")}, [RAND]),
    "recursion": (
        {"train.py": script("def f(n):", "  np.random.rand()", "  f(n - 1)", "f(3)")},
        [RAND],
    ),
    "mutual recursion": (
        {
            "train.py": script(
                "def f():", "  np.random.rand()", "  g()", "def g():", "  np.random.randn()", "  f()", "f()"
            )
        },
        [RAND, RANDN],
    ),
    "called twice": ({"train.py": "import lib\nlib.draw()\nlib.draw()", "lib.py": LIBRARY}, [RAND, RAND]),
    "nested functions": (
        {"train.py": script("def f():", "  def g():", "    np.random.rand()", "  g()", "f()")},
        [RAND],
    ),
}

A = """class A:
  def __init__(self):
    np.random.rand()
  def m(self):
    np.random.randn()
  def __call__(self):
    np.random.choice()
"""
CHOICE = "numpy.random.choice"

CLASSES = {
    "init": ({"train.py": NP + A + "A()"}, [RAND]),
    "method": ({"train.py": NP + A + "a = A()\na.m()"}, [RAND, RANDN]),
    "call": ({"train.py": NP + A + "a = A()\na()"}, [RAND, CHOICE]),
    "method of a fresh instance": ({"train.py": NP + A + "A().m()"}, [RAND, RANDN]),
    "of another file": ({"train.py": "from lib import A\na = A()\na.m()", "lib.py": NP + A}, [RAND, RANDN]),
    "of another file, called": ({"train.py": "from lib import A\na = A()\na()", "lib.py": NP + A}, [RAND, CHOICE]),
    "of another module": ({"train.py": "import lib\nlib.A().m()", "lib.py": NP + A}, [RAND, RANDN]),
    "attribute of self": (
        {
            "train.py": "from lib import A\nclass B:\n  def __init__(self):\n    self.a = A()\n"
            "  def n(self):\n    self.a.m()\nB().n()",
            "lib.py": NP + A,
        },
        [RAND, RANDN],
    ),
    "inherited": ({"train.py": NP + A + "class B(A): pass\nB().m()"}, [RAND, RANDN]),
    "inherited over files": (
        {"train.py": "from lib import A\nclass B(A): pass\nB().m()", "lib.py": NP + A},
        [RAND, RANDN],
    ),
    "inherited through a module": (
        {"train.py": "import lib\nclass B(lib.A): pass\nb = B()\nb.m()", "lib.py": NP + A},
        [RAND, RANDN],
    ),
    "inherited twice": (
        {
            "train.py": "from mid import B\nclass C(B): pass\nC().m()",
            "mid.py": "from lib import A\nclass B(A): pass",
            "lib.py": NP + A,
        },
        [RAND, RANDN],
    ),
    "overridden": (
        {"train.py": NP + A + "class B(A):\n  def m(self):\n    np.random.choice()\nB().m()"},
        [RAND, CHOICE],
    ),
    "super": (
        {
            "train.py": NP
            + A
            + "class B(A):\n  def __init__(self):\n    super().__init__()\n    np.random.choice()\nB()"
        },
        [RAND, CHOICE],
    ),
    "super with arguments": (
        {"train.py": NP + A + "class B(A):\n  def __init__(self):\n    super(B, self).__init__()\nB()"},
        [RAND],
    ),
    "super over files": (
        {"train.py": "from lib import A\nclass B(A):\n  def m(self):\n    super().m()\nB().m()", "lib.py": NP + A},
        [RAND, RANDN],
    ),
    "super of a library": (
        {
            "train.py": "import keras\n"
            + NP
            + A
            + "class B(keras.Model):\n  def __init__(self):\n    super().__init__()\nB()"
        },
        None,
    ),
    "base by name": (
        {"train.py": NP + A + "class B(A):\n  def __init__(self):\n    A.__init__(self)\nB()"},
        [RAND],
    ),
    "template method": (
        {
            "train.py": NP
            + "class Base:\n  def run(self):\n    self.step()\n  def step(self):\n    raise NotImplementedError\n"
            + "class B(Base):\n  def step(self):\n    np.random.rand()\nB().run()"
        },
        [RAND],
    ),
    "template method over files": (
        {
            "train.py": "from base import Base\n"
            + NP
            + "class B(Base):\n  def step(self):\n    np.random.rand()\nb = B()\nb.run()",
            "base.py": "class Base:\n  def run(self):\n    self.prepare()\n    self.step()\n"
            "  def prepare(self):\n    pass\n"
            "  def step(self):\n    raise NotImplementedError\n",
        },
        [RAND],
    ),
    "classmethod": (
        {
            "train.py": NP
            + "class B:\n  @classmethod\n  def make(cls):\n    np.random.rand()\n    return cls()\nB.make()"
        },
        [RAND],
    ),
    "staticmethod": ({"train.py": NP + "class B:\n  @staticmethod\n  def f():\n    np.random.rand()\nB.f()"}, [RAND]),
    "keras call": (
        {
            "train.py": "import keras\n"
            + NP
            + "class B(keras.Model):\n  def call(self, x):\n    np.random.rand()\nb = B()\nb(3)"
        },
        [RAND],
    ),
    "unknown object, few methods of the name": ({"train.py": NP + A + "def f(a):\n  a.m()\nf(x)"}, [RANDN + "?"]),
    "unknown init is no method": ({"train.py": NP + A + "def f(a):\n  a.__init__()\nf(x)"}, None),
    "returned by a function": (
        {"train.py": "from lib import make\nmake().m()", "lib.py": NP + A + "def make():\n  return A()"},
        [RAND, RANDN + "?"],
    ),
}

CONDITIONS = {
    "if": ({"train.py": script("if c:", "  np.random.rand()")}, [RAND + "?"]),
    "call under a condition": ({"train.py": "import lib\nif c:\n  lib.draw()", "lib.py": LIBRARY}, [RAND + "?"]),
    "loop": ({"train.py": script("for i in x:", "  np.random.rand()")}, [RAND + "?"]),
    "try": ({"train.py": script("try:", "  np.random.rand()", "finally:", "  np.random.randn()")}, [RAND + "?", RANDN]),
    "or": ({"train.py": script("x = a or np.random.rand()")}, [RAND + "?"]),
    "with": ({"train.py": script("with a:", "  np.random.rand()")}, [RAND]),
    "main guard is no condition": ({"train.py": script("if __name__ == '__main__':", "  np.random.rand()")}, [RAND]),
    "under the main guard": (
        {"train.py": script("if __name__ == '__main__':", "  if c:", "    np.random.rand()")},
        [RAND + "?"],
    ),
    "in a function": ({"train.py": script("def f():", "  if c:", "    np.random.rand()", "f()")}, [RAND + "?"]),
    "import under a condition": (
        {"train.py": "if c:\n  import lib\nlib.f()", "lib.py": script("np.random.rand()")},
        [RAND + "?"],
    ),
}

ALL = {
    f"{group}: {name}": case
    for group, cases in (("import", IMPORTS), ("body", BODIES), ("class", CLASSES), ("condition", CONDITIONS))
    for name, case in cases.items()
}


def entry_of(files):
    return next(path for path in files if path.endswith("train.py"))


@pytest.mark.parametrize(("files", "expected"), ALL.values(), ids=ALL.keys())
def test_programs(runs, project, files, expected):
    found = [program for program in project(files).programs if program.summary.path == entry_of(files)]
    if expected is None:
        assert [event for program in found for event in program.events] == []
    else:
        events = runs(files, entry_of(files))
        if any(name.endswith("?") for name in expected) or "try" in str(files):
            assert [e.rstrip("?") for e in events] == [e.rstrip("?") for e in expected]
            assert [e for e in expected if e.endswith("?")] == [e for e in events if e.endswith("?")]
        else:
            assert events == expected


@pytest.mark.parametrize("case", ["body: cycle of imports", "class: template method over files", "import: re-export"])
def test_the_order_of_files_changes_nothing(project, case):
    files, _ = ALL[case]
    seen = set()
    for order in itertools.permutations(files):
        facts = project({path: files[path] for path in order})
        seen.add(repr([(p.summary.path, p.entry, p.events, p.files) for p in facts.programs]))
    assert len(seen) == 1


def test_summaries_survive_json(project):
    for files, _ in ALL.values():
        for summary in project(files).files.values():
            assert from_json(to_json(summary)) == summary


ENTRIES = {
    "script": ({"a.py": "import numpy as np\nnp.random.rand()"}, {"a.py": "script"}),
    "main guard": ({"a.py": "def f(): pass\nif __name__ == '__main__':\n  f()"}, {"a.py": "main guard"}),
    "library": ({"a.py": "def f(): pass\nX = 3"}, {}),
    "imported script": ({"a.py": "import b\nb.f()", "b.py": "def f(): g()\ndef g(): pass\ng()"}, {"a.py": "script"}),
    "imported with a guard": (
        {"a.py": "import b\nb.f()", "b.py": "def f(): pass\nif __name__ == '__main__':\n  f()"},
        {"a.py": "script", "b.py": "main guard"},
    ),
    "test": ({"test_a.py": "def test_f(): pass\ntest_f()", "a_test.py": "class A:\n  def testF(self): pass\nA()"}, {}),
    "called a test": ({"test_a.py": "def f(): pass\nf()"}, {"test_a.py": "script"}),
    "package": ({"pkg/__init__.py": "def f(): pass\nf()", "setup.py": "def f(): pass\nf()"}, {}),
    "imports itself": ({"a.py": "import a\ndef f(): pass\nf()"}, {"a.py": "script"}),
}


@pytest.mark.parametrize(("files", "expected"), ENTRIES.values(), ids=ENTRIES.keys())
def test_entries(project, files, expected):
    assert {p.summary.path: p.entry.kind for p in project(files).programs} == expected


def test_files_of_a_program_in_order_of_loading(project):
    files = {
        "train.py": "import b, a\nprint()\nb.f()",
        "a.py": "import c",
        "b.py": "def f(): pass",
        "c.py": "",
        "d.py": "",
    }
    (program,) = project(files).programs
    assert program.files == ("train.py", "b.py", "a.py", "c.py")


def test_the_way_to_an_effect(project):
    files = {"train.py": "import lib\n\nlib.both()\n", "lib.py": LIBRARY}
    facts = project(files)
    (program,) = facts.programs
    first = program.events[0]
    places = [(path, *facts.open(path).source.position(offset)) for path, offset in first.chain]
    assert places == [("train.py", 3, 1), ("lib.py", 5, 3), ("lib.py", 3, 3)]
    assert first.path == "lib.py"
    assert not first.is_repeated


def test_an_effect_in_a_loop_is_repeated(project):
    files = {"train.py": "import lib\nfor i in x:\n  lib.both()\nlib.draw()", "lib.py": LIBRARY}
    (program,) = project(files).programs
    assert [event.is_repeated for event in program.events] == [True, True, False]


def test_a_great_program_ends(project):
    """Functions that each call the next one twice would run 2 to the power of 40 times."""
    lines = [f"def f{n}():\n  f{n + 1}()\n  f{n + 1}()\n" for n in range(40)]
    files = {"train.py": NP + "".join(lines) + "def f40():\n  np.random.rand()\nf0()\n"}
    (program,) = project(files).programs
    assert program.events


def test_the_deepest_program_does_not_exhaust_the_stack(project):
    lines = [f"def f{n}():\n  f{n + 1}()\n" for n in range(2_000)]
    files = {"train.py": NP + "".join(lines) + "def f2000():\n  np.random.rand()\nf0()\n"}
    assert project(files).programs


def test_modules_that_could_be_two_files_are_not_guessed(project):
    files = {"train.py": "import lib\nlib.draw()", "a/lib.py": LIBRARY, "b/lib.py": LIBRARY}
    (program,) = project(files).programs
    assert program.events == ()


def test_facts_of_rules_come_in_path_order(project):
    facts = project({"b.py": "x = 1", "a.py": "x = 2"})
    assert list(facts.files) == ["a.py", "b.py"]
    assert facts.facts_of("TFG000") == {}


PROBE = """
import sys
sys.path[:0] = {path!r}
import test_project
from conftest import make_summaries
from tfguard.analysis.project import ProjectFacts
for name, (files, _) in test_project.ALL.items():
    facts = ProjectFacts(make_summaries(files), None)
    print(name, [(p.summary.path, p.entry, p.events, p.files) for p in facts.programs], list(facts.files.values()))
"""


def test_the_hash_seed_changes_nothing():
    folder = os.path.dirname(__file__)
    probe = PROBE.format(path=[folder, os.path.dirname(os.path.dirname(folder))])
    outputs = {
        subprocess.run(
            [sys.executable, "-c", probe], env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("0", "1", "12345")
    }
    assert len(outputs) == 1
    assert len(outputs.pop()) > 10_000
