"""What a changed file has to prove before it is written."""

import json
import warnings
from collections.abc import Sequence

import pytest

from tfguard.errors import GateError
from tfguard.gate import prove, unbound_names
from tfguard.model import Edit, Span
from tfguard.source import SourceFile, decode


def change(text: str, old: str, new: str) -> tuple[SourceFile, SourceFile, Sequence[Edit]]:
    source = decode("a.py", text.encode())
    start = text.index(old)
    edits = [Edit(Span(start, start + len(old)), new)]
    return source, source.with_edits(edits), edits


def passes(text: str, old: str, new: str, *, unsafe: bool = False) -> None:
    before, after, edits = change(text, old, new)
    prove(before, after, edits, unsafe=unsafe)


@pytest.mark.parametrize(
    ("text", "old", "new"),
    [
        ("x = 1\n", "1", "2"),
        ("import os\nos.getcwd()\n", "import os\n", "import os, sys\n"),
        ("print(sep=1)\n", "print", "repr"),
        ("x = 1  # why\n", "1  # why", "2  # why"),
        ("# a\nx = 1\n# a\n", "# a\nx = 1\n# a", "x = 1\n# a\n# a"),
        ("y = undefined\n", "undefined", "undefined + undefined"),
        ("def f():\n    return later\n\n\nlater = 1\n", "return later", "return later + 1"),
        ("x = '\\d'\n", "x", "y"),
        ("assert (1, 'x')\n", "1", "2"),
    ],
)
def test_sound_changes_pass_without_a_warning(text: str, old: str, new: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        passes(text, old, new)


@pytest.mark.parametrize(
    ("text", "old", "new", "reason"),
    [
        ("x = 1\n", "1", "(", "after the fix the file does not compile: .* .line 1."),
        ("x = 1\nf(a=1)\n", "a=1", "a=1, a=2", "keyword argument repeated.* .line 2."),
        ("x = 1\n", "x = 1", "return 1", "'return' outside function"),
        ("f(a=1, a=2)\n", "f", "g", "before the fix already, the file does not compile: keyword argument repeated"),
        ("x = 1  # why\n", "1  # why", "2", "lose the comment `# why`"),
        ("x = 1  # why\ny = 1  # why\n", "  # why\ny", "\ny", "lose the comment `# why`"),
        ("import os\nos.getcwd()\n", "import os\n", "", "nothing binds the name os"),
        ("x = 1\n", "1", "tf.nn(np)", "nothing binds the name np, tf"),
        ("import a as b\nb\n", "a as b", "a", "nothing binds the name b"),
        ("x = 1\n", "1", "-" * 100_000 + "1", "does not compile"),
    ],
)
def test_unsound_changes_are_refused_with_the_reason(text: str, old: str, new: str, reason: str) -> None:
    with pytest.raises(GateError, match=reason):
        passes(text, old, new)


def test_an_unsafe_fix_may_drop_comments_of_what_it_replaces_and_no_others() -> None:
    passes("x = 1  # why\n", "1  # why", "2", unsafe=True)
    passes("x = [\n  1,  # one\n]\n", "[\n  1,  # one\n]", "[1]", unsafe=True)
    before, after, _ = change("x = 1  # a\ny = 2  # b\n", "x = 1  # a\ny = 2  # b", "x = 1\ny = 2")
    with pytest.raises(GateError, match="`# b`"):
        prove(before, after, [Edit(Span(0, 10), "")], unsafe=True)


def test_a_hash_in_a_string_is_no_comment() -> None:
    passes("x = '# not one'\n", "'# not one'", "'other'")


def notebook(*cells: str) -> SourceFile:
    code = [
        {"cell_type": "code", "metadata": {}, "outputs": [], "source": cell.splitlines(keepends=True)} for cell in cells
    ]
    return decode("a.ipynb", json.dumps({"cells": code, "metadata": {}, "nbformat": 4}).encode())


def test_cells_of_a_notebook_compile_one_by_one() -> None:
    before = notebook("x = 1", "from __future__ import division\ny = await f()", "!ls\nz = 1")
    edit = [Edit(Span(4, 5), "2")]
    prove(before, before.with_edits(edit), edit)
    bad = [Edit(Span(4, 5), "(")]
    with pytest.raises(GateError, match="line 1"):
        prove(before, before.with_edits(bad), bad)
    start = before.text.index("z = 1")
    bad = [Edit(Span(start, start + 5), "f(a=1, a=1)")]
    with pytest.raises(GateError, match="line 5"):
        prove(before, before.with_edits(bad), bad)


def test_names_of_every_binding_form_are_bound() -> None:
    text = """
import a, b.c, d as e
from f import g, h as i
def j(k, /, l, *m, n, **o): return k, l, m, n, o
async def p(): pass
class q: pass
r = s = 1
t: int
for u, (v, *w) in a: pass
with a as x, b as (y, z): pass
try: pass
except g as aa: pass
(bb := 1)
[cc for cc in a]
lambda dd: dd
del r
def ee():
    global ff
    nonlocal_ = 1
    def gg():
        nonlocal nonlocal_
match a:
    case {"x": hh, **ii}: pass
    case [jj, *kk] | (jj, *kk) as ll: pass
print(a, b, e, g, i, j, p, q, r, s, t, u, v, w, x, y, z, aa, bb, cc, ee, ff, gg, hh, ii, jj, kk, ll, __file__, free)
"""
    assert unbound_names(text) == {"free"}
