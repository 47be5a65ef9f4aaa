"""TFG105: what is known of the elements of a container, from the code around it."""

from __future__ import annotations

import ast

import pytest
from tfguard.rules.reproducibility.element_inference import Inference
from tfguard.rules.reproducibility.element_types import Type, parse_type

from tfguard.analysis.file_model import FileModel
from tfguard.config import load_config
from tfguard.knowledge import load_knowledge
from tfguard.source import decode


def type_of_last(text: str, tmp_path: object) -> Type:
    """The type of the value of the last line, an expression."""
    config = load_config(tmp_path, {})  # type: ignore[arg-type]
    file = FileModel(decode("a.py", text.encode()), load_knowledge(), config)
    last = file.tree.body[-1]
    assert isinstance(last, ast.Expr)
    return Inference(file).of(last.value)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("'a'.split()", "many[str]"),
        ("set('abc')", "set[str]"),
        ("x = open('f').read()\nset(x.lower())", "set[str]"),
        ("with open('f', 'rb') as f:\n    x = f.read()\nx", "bytes"),
        ("x = [len(w) for w in 'a b'.split()]\nset(x)", "set[int]"),
        ("x = []\nfor l in open('f'):\n    x.append(l.strip())\nx", "many[str]"),
        ("x = set()\nx.update('a b'.split())\nx", "set[str]"),
        ("d = {'a': 1}\nlist(d.items())", "many[tuple[str,int]]"),
        ("d = {'a': 1}\nset(d) - {'b'}", "set[str]"),
        ("import os\nos.listdir('.')", "many[str]"),
        ("import numpy as np\nnp.array(['a'])", "many[str]"),
        ("import collections\ncollections.Counter('a b'.split())", "dict[str,int]"),
        ("def f(x):\n    return x.split()\nf('a')", "many[str]"),
        ("def f(x: 'list[str]'):\n    return x\nf(y)", "many[str]"),
        ("def f(x):\n    return set(x)\nf([1, 2])", "set[int]"),
        (
            "class A:\n    def __init__(self):\n        self.x = {'a'}\n    def g(self):\n        return self.x\nA",
            "unknown",
        ),
        ("a, b = 'x', 1\nb", "int"),
        ("[n for n, w in enumerate('ab')]", "many[int]"),
        ("[w for n, w in enumerate('ab')]", "many[str]"),
        ("list(map(int, '1 2'.split()))", "many[int]"),
        ("import itertools\nlist(itertools.chain(*[['a'], ['b']]))", "many[str]"),
        ("'a' + 'b' if c else 'd'", "str"),
        ("f'{x}'", "str"),
        ("x = 1\nx", "int"),
    ],
)
def test_certain(text: str, wanted: str, tmp_path: object) -> None:
    found = type_of_last(text + "\n", tmp_path)
    assert found == parse_type(wanted) or (found.kind == wanted == "unknown")


@pytest.mark.parametrize(
    ("text", "hashed"),
    [
        ("words", True),
        ("unique_words", True),
        ("df['Word']", True),
        ("trainTokens", True),
        ("word_ids", False),
        ("data", False),
        ("labels", False),
        ("df['Age']", False),
    ],
)
def test_names_tell_where_nothing_else_does(text: str, hashed: bool, tmp_path: object) -> None:
    found = type_of_last(f"{text}\n", tmp_path)
    assert found.element.is_hashed is hashed
    assert not found.is_certain


def test_cycles_end(tmp_path: object) -> None:
    text = "x = []\ny = [x]\nfor i in y:\n    x = x + y\n    y = [x, i]\nx\n"
    assert type_of_last(text, tmp_path).kind in ("many", "unknown")
