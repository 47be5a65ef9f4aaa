"""What the walk collects."""

import ast

import pytest

EVERYTHING = '''
"""A file with every kind of node."""
from __future__ import annotations
import a.b as c, d
from .e import *
from f import g as h

@c.decorator(1)
class A(c.Base, metaclass=d.Meta):
    x: int = c.value
    y: c.Type
    def m(self, p=c.default, /, q: c.T = d.default, *r: c.T, s, t=3, **u: c.T) -> c.T:
        global z
        z = self.x[c.i:d.j, ...]
        def n():
            nonlocal q
            q = yield c.y
            yield from c.z
        return lambda v=c.w, *w: v + w
    async def o(self):
        async for i in c.iter():
            await c.f()
            break
        else:
            pass
        async with c.g() as (k, [l, *m]), d.h():
            return [x async for x in c.h() if x]

if not c.test and d.test or c.other:
    pass
elif (w := c.walrus) is None:
    del w, c.attribute, c.item[0]
while c.test():
    continue
else:
    raise c.Error from d.error
try:
    assert c.x, d.y
except (c.E, d.E) as e:
    print(f"{e!r:{c.width}} {d.x=}")
except d.F:
    raise
else:
    x = {c.k: d.v, **c.more}
finally:
    y = {c.a, d.b}, {k: v for k, v in c.items() for l in v if l}, {s for s in c.s}, (g for g in c.g)
for c.target, d.items[0], *rest in zip(*c.args, **d.kwargs):
    c.x += -d.y ** +c.z
    c.x[0] @= ~d.y
match c.subject:
    case c.Value | 3 | None:
        pass
    case c.Class(1, name=d.Inner(z=q)) if c.guard:
        pass
    case [a1, *a2, {"k": a3, c.key: _, **a4}] as a5:
        pass
'''


@pytest.fixture
def index(model):
    """The index of a snippet."""
    return lambda text: model(text).index


def test_every_expression_has_a_place_and_a_way_to_its_statement(model):
    file = model(EVERYTHING)
    for node in ast.walk(file.tree):
        if isinstance(node, ast.expr):
            assert node in list(ast.walk(file.statement_of(node)))
            assert file.top_statement_of(node) in file.tree.body
        if isinstance(node, (ast.expr, ast.stmt)):
            assert file.index.places[node].order > 0


def test_every_call_and_chain_is_found_once(model):
    file = model(EVERYTHING)
    calls = [node for node in ast.walk(file.tree) if isinstance(node, ast.Call)]
    assert sorted(map(id, calls)) == sorted(map(id, file.index.calls))
    assert len(set(file.index.chains)) == len(file.index.chains)
    inner = {node.value for node in ast.walk(file.tree) if isinstance(node, ast.Attribute)}
    for node in ast.walk(file.tree):
        if isinstance(node, (ast.Name, ast.Attribute)) and isinstance(node.ctx, ast.Load) and node not in inner:
            assert node in file.index.chains, ast.unparse(node)


def test_calls_stand_in_evaluation_order(model):
    text = """
        h(g(f()), k=j(i()))
        def function(a=first()):
            later()
        @outer
        @decorate(inner())
        class A(base()):
            x = body()
        x[index()] = value()
        y = then() if test() else other()
        [element() for a in iterable() if condition()]
    """
    written = [call.written for call in model(text).calls]
    assert written == [
        *("f", "g", "i", "j", "h"),
        *("first", "later"),
        *("inner", "decorate", "base", "body"),
        *("value", "index"),
        *("test", "then", "other"),
        *("iterable", "condition", "element"),
    ]


def test_the_items_of_a_dict_are_evaluated_one_by_one(model):
    assert [call.written for call in model("{a(): b(), c(): d(), **e()}").calls] == ["a", "b", "c", "d", "e"]


def test_the_base_of_a_written_attribute_is_read(index):
    (chain,) = index("a.b.c = 3").chains
    assert ast.unparse(chain) == "a.b"
    assert [ast.unparse(node) for node in index("del a.b.c").chains] == ["a.b"]
    assert [ast.unparse(node) for node in index("a.b[c] = 3").chains] == ["a.b", "c"]


def test_patterns_are_read(index):
    found = index("match s:\n  case a.B(c=d.E()) | f.G:\n    pass").chains
    assert [ast.unparse(node) for node in found] == ["s", "a.B", "d.E", "f.G"]


def test_stores(index):
    found = index("a.b = x\na[0] = y\na.c, a.d = z\na.e += 1\nfor a.f in w: pass\ndel a.g").stores
    assert [(ast.unparse(target), value and ast.unparse(value)) for target, value in found] == [
        ("a.b", "x"),
        ("a[0]", "y"),
        ("a.c", None),
        ("a.d", None),
        ("a.e", None),
        ("a.f", None),
    ]


BRANCHES = {
    "if": ("if c:\n  use()", [(0, True)]),
    "else": ("if c:\n  pass\nelse:\n  use()", [(1, True)]),
    "elif": ("if c:\n  pass\nelif d:\n  use()", [(1, True), (0, True)]),
    "test of an elif": ("if c:\n  pass\nelif use():\n  pass", [(1, True)]),
    "test": ("if use():\n  pass", []),
    "for": ("for i in r:\n  use()", [(0, False)]),
    "iterable": ("for i in use():\n  pass", []),
    "for else": ("for i in r:\n  pass\nelse:\n  use()", [(1, False)]),
    "while": ("while c:\n  use()", [(0, False)]),
    "while test": ("while use():\n  pass", [(0, False)]),
    "try": ("try:\n  use()\nexcept E:\n  pass", [(0, False)]),
    "except": ("try:\n  pass\nexcept E:\n  use()", [(1, False)]),
    "second except": ("try:\n  pass\nexcept E:\n  pass\nexcept F:\n  use()", [(2, False)]),
    "try else": ("try:\n  pass\nexcept E:\n  pass\nelse:\n  use()", [(0, False)]),
    "finally": ("try:\n  pass\nfinally:\n  use()", []),
    "with": ("with c:\n  use()", []),
    "case": ("match c:\n  case 1:\n    use()", [(2, True)]),
    "guard": ("match c:\n  case 1 if use():\n    pass", [(2, True)]),
    "conditional expression": ("a if b else use()", [(1, True)]),
    "and": ("a and use()", [(0, False)]),
    "first of an and": ("use() and a", []),
    "function": ("if c:\n  def f():\n    use()", []),
    "class": ("if c:\n  class A:\n    use()", [(0, True)]),
}


@pytest.mark.parametrize(("text", "expected"), BRANCHES.values(), ids=BRANCHES.keys())
def test_branches(model, text, expected):
    file = model(text)
    (call,) = file.calls
    assert [(arm, exclusive) for _, arm, exclusive in file.index.places[call.node].branch] == expected


def test_the_names_of_bodies(model):
    file = model("class A:\n  def m(self):\n    lambda: [use() for i in r]\n    def n():\n      use()", "pkg/train.py")
    assert [call.function for call in file.calls] == ["pkg.train.A.m", "pkg.train.A.m.n"]


def test_only_files_with_fstrings_say_so(index):
    assert index("f'{a}'").has_fstrings
    assert not index("'{a}'").has_fstrings
