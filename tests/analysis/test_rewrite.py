"""Edits of calls, statements and imports: the text after them, byte for byte."""

import ast
import sys

import pytest

ADDED = {
    "no arguments": ("f()", "f(k=1)"),
    "white space": ("f( )", "f( k=1)"),
    "one argument": ("f(a)", "f(a, k=1)"),
    "keyword": ("f(a=b)", "f(a=b, k=1)"),
    "trailing comma": ("f(a,)", "f(a, k=1)"),
    "trailing comma and space": ("f(a, )", "f(a, k=1 )"),
    "parentheses": ("f((a))", "f((a), k=1)"),
    "parentheses and comma": ("f(((a)) ,)", "f(((a)) , k=1)"),
    "star": ("f(*a)", "f(*a, k=1)"),
    "double star": ("f(**a)", "f(**a, k=1)"),
    "star behind a keyword": ("f(b=c, *a)", "f(b=c, *a, k=1)"),
    "nested call": ("f(g(a))", "f(g(a), k=1)"),
    "lambda": ("f(lambda: a)", "f(lambda: a, k=1)"),
    "text with brackets": ("f(')', '#')", "f(')', '#', k=1)"),
    "chained": ("g(a).f(b)", "g(a).f(b, k=1)"),
    "two generators": ("f((a for a in b), c)", "f((a for a in b), c, k=1)"),
    "lines": ("f(\n    a,\n    b\n)", "f(\n    a,\n    b, k=1\n)"),
    "lines with a comma": ("f(\n    a,\n    b,\n)", "f(\n    a,\n    b,\n    k=1,\n)"),
    "closing on the last line": ("f(a,\n  b)", "f(a,\n  b, k=1)"),
    "hanging": ("f(a,\n  b,)", "f(a,\n  b, k=1)"),
    "comment": ("f(\n    a  # why, )\n)", "f(\n    a, k=1  # why, )\n)"),
    "comment behind the comma": ("f(\n    a,  # why)\n)", "f(\n    a,  # why)\n    k=1,\n)"),
    "comment of its own": ("f(\n    a,\n    # b,\n)", "f(\n    a,\n    k=1,\n    # b,\n)"),
    "comment before the comma": ("f(\n    a  # why\n    ,\n)", "f(\n    a  # why\n    ,\n    k=1,\n)"),
    "only a comment": ("f(\n    # nothing\n)", "f(\n    # nothing\nk=1)"),
    "backslash": ("f(a \\\n )", "f(a, k=1 \\\n )"),
    "tabs": ("if x:\n\tf(\n\t\ta,\n\t)", "if x:\n\tf(\n\t\ta,\n\t\tk=1,\n\t)"),
    "carriage returns": ("f(\r\n    a,\r\n)\r\n", "f(\r\n    a,\r\n    k=1,\r\n)\r\n"),
    "form feed": ("\fx = 1\n\ff(\n\f    a,\n)", "\fx = 1\n\ff(\n\f    a,\n    k=1,\n)"),
    "not ASCII before": ("x = 'äöü😀'; f(a)  # é", "x = 'äöü😀'; f(a, k=1)  # é"),
    "not ASCII within": ("f('äöü😀', ñ)", "f('äöü😀', ñ, k=1)"),
    "long line": ("x = '" + "ä" * 300 + "'; f(a)", "x = '" + "ä" * 300 + "'; f(a, k=1)"),
    "semicolon": ("f(a); g(b)", "f(a, k=1); g(b)"),
    "one-line block": ("if x: f(a)", "if x: f(a, k=1)"),
    "decorator": ("@f(a)\ndef g(): pass", "@f(a, k=1)\ndef g(): pass"),
    "default": ("def g(x=f(a)): pass", "def g(x=f(a, k=1)): pass"),
    "text over lines": ("x = '''\nä'''; f(a)", "x = '''\nä'''; f(a, k=1)"),
    "no final newline": ("x\nf(a)", "x\nf(a, k=1)"),
}


def call_of_f(file):
    (call,) = [call for call in file.calls if call.written.endswith("f")]
    return call


@pytest.mark.parametrize(("text", "expected"), ADDED.values(), ids=ADDED.keys())
def test_add_argument(model, edited, text, expected):
    file = model(text.encode())
    result = edited(file, file.rewrite.add_argument(call_of_f(file), "k=1"))
    assert result == expected
    ast.parse(result)
    again = model(result.encode())
    assert call_of_f(again).argument("k").is_constant(1)


REFUSED = {
    "generator": "f(a for a in b)",
    "generator over lines": "f(\n  a for a in b\n)",
}


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED.keys())
def test_add_argument_refuses_what_would_not_be_python(model, text):
    file = model(text)
    assert file.rewrite.add_argument(call_of_f(file), "k=1") is None


SET = {
    "keyword": ("f(k=None)", "f(k=1)"),
    "keyword in parentheses": ("f(k=(None))", "f(k=(1))"),
    "position": ("f(a, None)", "f(a, 1)"),
    "absent": ("f(a)", "f(a, k=1)"),
    "spaces": ("f(k = None , b=2)", "f(k = 1 , b=2)"),
    "lines": ("f(k=(\n  None\n))", "f(k=(\n  1\n))"),
    "not ASCII": ("f('ä', k='ö', b='ü')", "f('ä', k=1, b='ü')"),
}


@pytest.mark.parametrize(("text", "expected"), SET.values(), ids=SET.keys())
def test_set_argument(model, edited, text, expected):
    file = model(text)
    assert edited(file, file.rewrite.set_argument(call_of_f(file), "k", "1", 1)) == expected


def test_set_argument_refuses_a_bare_generator(model):
    file = model("f(a for a in b)")
    assert file.rewrite.set_argument(call_of_f(file), "k", "1", 0) is None


@pytest.mark.parametrize("text", ["f'{f(a)}'", "f'''\n{f(a)}'''", "f'{x:{f(a)}}'", "'ä' f'{f(a)}'"])
def test_calls_within_fstrings(model, edited, text):
    """Before Python 3.12 nothing is edited there, since places are not to be trusted."""
    file = model(text)
    edit = file.rewrite.add_argument(call_of_f(file), "k=1")
    if sys.version_info < (3, 12):
        assert edit is None
        assert file.rewrite.set_argument(call_of_f(file), "a", "1", 0) is None
    else:
        assert edited(file, edit) == text.replace("f(a)", "f(a, k=1)")


# `mark` is the statement that lines are inserted before and after: text, text with the lines before, after.
STATEMENTS = {
    "module": ("a\nmark\nb\n", "a\nX\nY\nmark\nb\n", "a\nmark\nX\nY\nb\n"),
    "only one": ("mark", "X\nY\nmark", "mark\nX\nY"),
    "comment": ("mark  # why\nb", "X\nY\nmark  # why\nb", "mark  # why\nX\nY\nb"),
    "block": (
        "if a:\n    mark\n    b\n",
        "if a:\n    X\n    Y\n    mark\n    b\n",
        "if a:\n    mark\n    X\n    Y\n    b\n",
    ),
    "tabs": ("if a:\n\tmark\n", "if a:\n\tX\n\tY\n\tmark\n", "if a:\n\tmark\n\tX\n\tY\n"),
    "form feed": ("a\n\fmark\n", "a\nX\nY\n\fmark\n", "a\n\fmark\nX\nY\n"),
    "form feed in a block": ("if a:\n\f  mark\n", "if a:\n  X\n  Y\n\f  mark\n", "if a:\n\f  mark\n  X\n  Y\n"),
    "carriage returns": ("a\r\nmark\r\nb\r\n", "a\r\nX\r\nY\r\nmark\r\nb\r\n", "a\r\nmark\r\nX\r\nY\r\nb\r\n"),
    "one-line block": ("if a: mark\n", None, None),
    "one-line block, second": ("if a: b; mark\n", None, None),
    "first of two": ("mark; b\n", "X\nY\nmark; b\n", None),
    "second of two": ("b; mark\n", None, "b; mark\nX\nY\n"),
    "second of two in a block": ("if a:\n  b; mark\n", None, "if a:\n  b; mark\n  X\n  Y\n"),
    "final semicolon": ("mark;\nb", "X\nY\nmark;\nb", "mark;\nX\nY\nb"),
    "after a statement over lines": ("a = (1,\n  2); mark\n", None, "a = (1,\n  2); mark\nX\nY\n"),
    "after a backslash": ("a; \\\nmark\n", None, "a; \\\nmark\nX\nY\n"),
    "after a comment with a backslash": ("# a \\\nmark\n", "# a \\\nX\nY\nmark\n", "# a \\\nmark\nX\nY\n"),
    "over lines": ("mark(a,\n  b)\nc", "X\nY\nmark(a,\n  b)\nc", "mark(a,\n  b)\nX\nY\nc"),
    "definition": (
        "@a\n@b\ndef mark():\n  pass\nc",
        "X\nY\n@a\n@b\ndef mark():\n  pass\nc",
        "@a\n@b\ndef mark():\n  pass\nX\nY\nc",
    ),
    "one-line definition": ("def mark(): pass\nc", "X\nY\ndef mark(): pass\nc", "def mark(): pass\nX\nY\nc"),
    "not ASCII": ("'ä'\nmark  # ö\n", "'ä'\nX\nY\nmark  # ö\n", "'ä'\nmark  # ö\nX\nY\n"),
    "else": ("if a:\n  b\nelse:\n  mark", "if a:\n  b\nelse:\n  X\n  Y\n  mark", "if a:\n  b\nelse:\n  mark\n  X\n  Y"),
}


def marked(file):
    for node in ast.walk(file.tree):
        if isinstance(node, ast.stmt) and not isinstance(node, (ast.If, ast.ClassDef)):
            last = file.text_of(file.span(node))
            if last.startswith(("mark", "def mark")):
                return node
    raise AssertionError("no mark")


@pytest.mark.parametrize(("text", "before", "after"), STATEMENTS.values(), ids=STATEMENTS.keys())
def test_insert_lines(model, edited, text, before, after):
    file = model(text.encode())
    for edit, expected in (
        (file.rewrite.insert_before(marked(file), "X\nY"), before),
        (file.rewrite.insert_after(marked(file), "X\nY"), after),
    ):
        if expected is None:
            assert edit is None
        else:
            assert edited(file, edit) == expected
            ast.parse(expected)


def test_empty_lines_get_no_indentation(model, edited):
    file = model("if a:\n  mark\n")
    assert edited(file, file.rewrite.insert_before(marked(file), "X\n\nY")) == "if a:\n  X\n\n  Y\n  mark\n"
    assert edited(file, file.rewrite.insert_after(marked(file), "X\n\nY")) == "if a:\n  mark\n  X\n\n  Y\n"


IMPORT_PLACES = {
    "nothing": ("", "import os\n"),
    "only a comment": ("# a\n", "import os\n# a\n"),
    "only a docstring": ('"""a"""\n', '"""a"""\nimport os\n'),
    "docstring": ('"""a"""\nx\n', '"""a"""\nimport os\nx\n'),
    "future": ("from __future__ import annotations\nx\n", "from __future__ import annotations\nimport os\nx\n"),
    "shebang and cookie": (
        "#!/usr/bin/python\n# coding: utf-8\nx\n",
        "#!/usr/bin/python\n# coding: utf-8\nimport os\nx\n",
    ),
    "imports": ("import a\nimport b\n", "import os\nimport a\nimport b\n"),
    "definition": ("@a\ndef f(): pass\n", "import os\n@a\ndef f(): pass\n"),
    "docstring on the same line": ('"""a"""; x\n', None),
}


@pytest.mark.parametrize(("text", "expected"), IMPORT_PLACES.values(), ids=IMPORT_PLACES.keys())
def test_insert_import(model, edited, text, expected):
    file = model(text.encode())
    edit = file.rewrite.insert_import("import os")
    assert (edited(file, edit) if edit is not None else None) == expected


ALIASES = {
    "alias": ("import tensorflow as tf", "tf"),
    "plain": ("import tensorflow", "tensorflow"),
    "dotted": ("import tensorflow.nn", "tensorflow"),
    "the shortest": ("import tensorflow\nimport tensorflow as tf", "tf"),
    "under a condition": ("if a:\n  import tensorflow as tf", None),
    "in a function": ("def f():\n  import tensorflow as tf", None),
    "rebound": ("import tensorflow as tf\ntf = 3", None),
    "rebound by a function": ("import tensorflow as tf\ndef f():\n  global tf\n  tf = 3", None),
    "deleted": ("import tensorflow as tf\ndel tf", None),
    "another module": ("import numpy as tf", None),
    "below": ("mark\nimport tensorflow as tf", None),
    "a part": ("from tensorflow import nn", None),
}


@pytest.mark.parametrize(("text", "expected"), ALIASES.values(), ids=ALIASES.keys())
def test_module_alias(model, text, expected):
    file = model(text)
    before = file.span(marked(file)).start if "mark" in text else None
    assert file.rewrite.module_alias("tensorflow", before=before) == expected


LEADING = {
    "imports": ("import a\nfrom b import c\nx", 2),
    "docstring": ('"""a"""\nimport a\nx', 2),
    "only a docstring": ('"""a"""\nx', 1),
    "nothing": ("x", 0),
    "constants between": ("import a\nA = 1\na.b()\nimport c\nd", 4),
    "try": ("try:\n  import a\nexcept ImportError:\n  a = None\nx", 1),
    "if": ("if a:\n  import b\nimport c\nx", 2),
    "behind a definition": ("import a\ndef f(): pass\nimport b", 1),
    "a loop": ("import a\nfor b in c: pass\nimport d", 1),
    "main guard": ("import a\nif __name__ == '__main__':\n  import b\n", 1),
    "conditional definition": ("import a\nif b:\n  import c\n  def f(): pass\nimport d", 1),
}


@pytest.mark.parametrize(("text", "count"), LEADING.values(), ids=LEADING.keys())
def test_leading_imports(model, text, count):
    assert len(model(text).rewrite.leading_imports()) == count


RENAMED = {
    "alias kept": ("import tensorflow as T\nT.mul(a)", "T.multiply(a)"),
    "part of a chain": ("import tensorflow as tf\ntf.mul.x", "tf.multiply.x"),
    "alias of a part": ("from tensorflow import math as m\nm.mul", None),
    "spaces": ("import tensorflow as tf\ntf . mul", "tf . multiply"),
    "lines": ("import tensorflow as tf\n(tf\n  .mul)", "(tf\n  .multiply)"),
    "not ASCII": ("import tensorflow as tf\n'ä'; tf.mul", "'ä'; tf.multiply"),
    "imported name": ("from tensorflow import mul\nmul", None),
}


@pytest.mark.parametrize(("text", "expected"), RENAMED.values(), ids=RENAMED.keys())
def test_rename_edit(model, edited, text, expected):
    file = model(text)
    reference = file.references(["tensorflow"])[-1]
    edit = file.rename_edit(reference, "tensorflow.mul", "tensorflow.multiply")
    assert (edited(file, edit).split("\n", 1)[1] if edit is not None else None) == expected


def test_add_imported(model, edited):
    file = model("from a import (\n  b,\n  c as d,  # why\n)\nfrom e import *\n")
    first, star = file.tree.body
    assert edited(file, file.rewrite.add_imported(first, ["x", "y"])).startswith(
        "from a import (\n  b,\n  c as d, x, y,  # why"
    )
    assert file.rewrite.add_imported(star, ["x"]) is None
