"""Histories of objects: who made them, what was set on them, and when more may have happened."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tfguard.analysis.file_model import FileModel
from tfguard.analysis.objects import History, history_of

Model = Callable[..., FileModel]


def history(file: FileModel) -> History:
    """The history of the argument of the only call of `use(...)`; functions of `lib` are harmless."""
    (call,) = [call for call in file.calls if call.written == "use"]
    return history_of(
        call.arguments[0], lambda c: bool(c.names) and all(n.startswith(("lib.", "tests.use")) for n in c.names)
    )


HEAD = "import lib\nfrom tests import use\n"


@pytest.mark.parametrize(
    ("text", "made", "settings"),
    [
        ("use(lib.Config())", ["lib.Config()"], []),
        ("c = lib.Config()\nuse(c)", ["lib.Config()"], []),
        ("c = lib.Config()\nc.a.b = 1\nuse(c)", ["lib.Config()"], [("a", "b")]),
        ("c = lib.Config()\nuse(c)\nc.a = 1", ["lib.Config()"], [("a",)]),
        ("c = lib.Config()\nc.count['GPU'] = 0\nuse(c)", ["lib.Config()"], [("count", "GPU")]),
        ("c = lib.Config()\nc.count += 1\nuse(c)", ["lib.Config()"], [("count",)]),
        ("c = lib.Config()\nother = lib.Config()\nother.a = 1\nuse(c)", ["lib.Config()"], []),
        ("c = lib.One() if lib.x else lib.Two()\nuse(c)", ["lib.One()", "lib.Two()"], []),
        ("if lib.x:\n    c = lib.One()\nelse:\n    c = lib.Two()\nuse(c)", ["lib.One()", "lib.Two()"], []),
        ("c = lib.One()\nc = lib.Two()\nuse(c)", ["lib.Two()"], []),
        ("c = lib.Config()\nd = c\nuse(d)", ["lib.Config()"], []),
        ("def make():\n    c = lib.Config()\n    c.a = 1\n    return c\nuse(make())", ["lib.Config()"], [("a",)]),
        ("c = lib.Config()\nprint(c, c.a)\nif c.a == 1:\n    lib.look(c)\nuse(c)", ["lib.Config()"], []),
        ("c = lib.Config()\ndef run():\n    use(c)\n", ["lib.Config()"], []),
        (
            "class A:\n    def __init__(self):\n        self.c = lib.Config()\n        self.c.a.b = 1\n"
            "    def run(self):\n        use(self.c)\n",
            ["lib.Config()"],
            [("a", "b")],
        ),
    ],
)
def test_history(text: str, made: list[str], settings: list[tuple[str, ...]], model: Model) -> None:
    found = history(model(HEAD + text))
    assert found.reason is None
    assert [creation.expr.text for creation in found.creations] == made
    assert [setting.path for setting in found.settings] == settings


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("c = lib.Config()\nc.a.merge(1)\nuse(c)", "`c.a.merge` may change it"),
        ("c = lib.Config()\nchange(c)\nuse(c)", "`change` may change it"),
        ("c = lib.Config()\nchange(key=c)\nuse(c)", "`change` may change it"),
        ("c = lib.Config()\nd = c.a\nuse(c)", "`c.a` is passed on"),
        ("c = lib.Config()\nd = c\nuse(c)", "`c` is passed on"),
        ("c = lib.Config()\nd = c.count['GPU']\nuse(c)", "`c.count['GPU']` is passed on"),
        ("c = lib.Config()\nc.count[lib.x] = 1\nuse(c)", "an item with a computed key is written"),
        ("def run(c):\n    use(c)\n", "`c` is bound by parameter"),
        ("c, d = lib.Config()\nuse(c)", "`c` is bound by assign"),
        ("for c in lib.configs():\n    use(c)", "`c` is bound by for"),
        ("use(missing)", "`missing` is not bound in the file"),
        ("use(lib.config)", "it is an attribute of another object"),
        (
            "def make():\n    if lib.x:\n        return\n    return lib.Config()\nuse(make())",
            "the function does not say what it returns",
        ),
        (
            "class A:\n    def run(self):\n        self.c, d = lib.x\n        use(self.c)\n",
            "`c` is unpacked",
        ),
        (
            "class A:\n    def __init__(self):\n        self.c = lib.Config()\n"
            "    def run(self):\n        use(self.c)\n\nA().c = lib.Other()\n",
            "it is an attribute of another object",
        ),
    ],
)
def test_more_may_have_happened(text: str, reason: str, model: Model) -> None:
    assert history(model(HEAD + text)).reason == reason


def test_plain_assignments_are_told(model: Model) -> None:
    (creation,) = history(model(HEAD + "c = lib.Config()\nuse(c)")).creations
    assert creation.target == "c"
    assert creation.statement is not None


def test_other_assignments_are_not(model: Model) -> None:
    (creation,) = history(model(HEAD + "c = d = lib.Config()\nuse(c)")).creations
    assert creation.target is None
    assert creation.statement is None


def test_long_chains_end(model: Model) -> None:
    chain = "".join(f"c{n + 1} = c{n}\n" for n in range(15))
    assert history(model(f"{HEAD}c0 = lib.Config()\n{chain}use(c15)")).reason == "the chain of assignments is too long"
