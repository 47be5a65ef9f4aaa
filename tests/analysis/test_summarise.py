"""What a file's summary keeps for the whole-program pass."""

import pickle

import pytest

from tfguard.analysis.summarise import summarise
from tfguard.analysis.summary import CALL, EFFECT, IMPORT, METHOD, from_json, to_json


def effect(call):
    return {"to": call.names[0]} if call.names and call.names[0].startswith("numpy.random.") else None


def summary(file, facts=None):
    return summarise(file, {"TFG000": effect}, facts or {})


def items(found, body):
    return [(item.kind, item.name) for item in found.bodies[body]]


def test_bodies(model):
    found = summary(
        model(
            """
            import numpy as np
            from lib import helper

            def f():
                np.random.rand()
                helper(3)

            class A:
                def m(self, other):
                    self.n()
                    other.anything()
                def n(self):
                    pass

            if __name__ == "__main__":
                f()
            np.random.randn()
            """
        )
    )
    assert items(found, "train.f") == [(EFFECT, "numpy.random.rand"), (CALL, "lib.helper")]
    assert items(found, "train.A.m") == [(CALL, "train.A.n"), (METHOD, "anything")]
    assert items(found, "train.A.n") == []
    assert items(found, "train.<main>") == [(CALL, "train.f")]
    assert items(found, "train") == [(IMPORT, "lib"), (IMPORT, "lib.helper"), (EFFECT, "numpy.random.randn")]
    assert found.bodies["train.f"][0].payload == {"to": "numpy.random.rand"}


def test_places_and_branches(model):
    file = model(
        "import numpy as np\nif c:\n  for i in [np.random.rand() for j in k]:\n    np.random.randn()\nnp.random.rand()"
    )
    first, second, third = [item for item in summary(file).bodies["train"] if item.kind == EFFECT]
    assert file.source.text[first.start : first.end] == "np.random.rand()"
    assert [len(item.branch) for item in (first, second, third)] == [1, 2, 0]
    assert [item.is_repeated for item in (first, second, third)] == [True, True, False]


def test_the_else_of_a_loop_is_not_repeated(model):
    file = model("import numpy as np\nfor i in k:\n  pass\nelse:\n  np.random.rand()")
    (item,) = summary(file).bodies["train"]
    assert not item.is_repeated


def test_imports_are_absolute_and_in_order(model):
    text = "import b, a.c as d\nfrom . import e\nfrom ..f import g, h\nfrom i import *\ndef z():\n  import numpy"
    found = summary(model(text, "pkg/sub/train.py"))
    assert found.imports == ("b", "a.c", "pkg.sub", "pkg.sub.e", "pkg.f", "pkg.f.g", "pkg.f.h", "i")


def test_exports(model):
    text = """
        import numpy as np
        import lib
        from lib.net import build as b
        from .other import *
        alias = lib.make
        constant = 3
        foreign = np.zeros
        def f():
            from lib import inner
    """
    assert summary(model(text, "pkg/train.py")).exports == {
        "lib": "lib",
        "b": "lib.net.build",
        "alias": "lib.make",
        "*pkg.other": "pkg.other",
    }


def test_classes(model):
    text = "import keras, lib\nclass A(lib.B, keras.Model):\n  def m(self): pass\n  class C: pass\nclass D(A): pass"
    found = summary(model(text)).classes
    assert {name: (cls.bases, cls.methods) for name, cls in found.items()} == {
        "train.A": (("lib.B", "keras.Model"), ("m",)),
        "train.A.C": ((), ()),
        "train.D": (("train.A",), ()),
    }


def test_guesses_travel_with_method_calls(model):
    (item,) = [i for i in summary(model("import lib\nlib.make().run()")).bodies["train"] if i.kind == METHOD]
    assert (item.name, item.payload) == ("run", ["lib.make.run"])


NO_ITEMS = {
    "builtins": "print(len(sorted(x)))",
    "standard library": "import os\nos.path.join('a')",
    "library": "import numpy as np\nnp.zeros(3).mean()",
    "unknown dunder": "x.__init__()",
    "unknown function": "f()",
}


@pytest.mark.parametrize("text", NO_ITEMS.values(), ids=NO_ITEMS.keys())
def test_what_leads_nowhere_is_not_kept(model, text):
    found = [item for item in summary(model(text)).bodies.get("train", ()) if item.kind in (CALL, EFFECT)]
    assert found == []


def test_interesting(model):
    assert summary(model("import numpy as np\nnp.random.rand()")).is_interesting
    assert summary(model("x = 1"), facts={"TFG000": 1}).is_interesting
    assert not summary(model("x = 1\nf()")).is_interesting


def test_summaries_travel(model):
    found = summary(
        model("import numpy as np\nclass A(B):\n  x = np.random.rand()\nA().m()"), facts={"TFG000": [1, None]}
    )
    assert pickle.loads(pickle.dumps(found)) == found
    assert from_json(to_json(found)) == found


@pytest.mark.parametrize("broken", [{}, {"path": "a"}, {"path": "a", "module": "a", "package": "", "imports": 3}])
def test_what_is_no_summary_is_refused(broken):
    with pytest.raises((KeyError, TypeError, ValueError)):
        from_json(broken)


def test_a_broken_item_is_refused(model):
    data = to_json(summary(model("import numpy as np\nnp.random.rand()")))
    data["bodies"]["train"][0] = data["bodies"]["train"][0][:-1]
    with pytest.raises(ValueError, match="values"):
        from_json(data)
