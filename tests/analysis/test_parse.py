"""What is parsed, and in which words the rest is refused."""

import sys
import time

import pytest

from tfguard.analysis.parse import PYTHON2_SOURCE, SYNTAX_ERROR, parse
from tfguard.errors import ParseError
from tfguard.source import decode

PYTHON2 = {
    "print string": ("print 'a'", "print statement"),
    "print name": ("print a", "print statement"),
    "print with a trailing comma": ("print a,", "print statement"),
    "print format": ("print '%d' % 3", "print statement"),
    "print in an if": ("if x: print 'a'", "print statement"),
    "print to a stream": ("import sys\nprint >>sys.stderr, 'x'", "print statement"),
    "print to a stream, nothing": ("print >>f", "print statement"),
    "print over two lines": ("print 'a', \\\n  'b'", "print statement"),
    "exec": ("exec code in names", "exec statement"),
    "exec string": ("exec 'x = 1'", "exec statement"),
    "except": ("try:\n  pass\nexcept IOError, e:\n  pass", "`except X, name:`"),
    "except dotted": ("try:\n  pass\nexcept a.B, e:\n  pass", "`except X, name:`"),
    "except tuple": ("try:\n  pass\nexcept (A, B), e:\n  pass", "`except X, name:`"),
    "except with unpacking": ("try:\n  pass\nexcept E, (a, b):\n  pass", "`except X, name:`"),
    "raise an item": ("raise e[0], e[1], e[2]", "`raise X, value`"),
    "raise": ("raise ValueError, 'x'", "`raise X, value`"),
    "raise with traceback": ("raise E, v, t", "`raise X, value`"),
    "raise an instance": ("raise E('x'), None, t", "`raise X, value`"),
    "not equal": ("if a <> b:\n  pass", "`<>` operator"),
    "backticks": ("x = `a`", "backtick repr"),
    "ur string": ("x = ur'a'", "`ur''` string"),
    "octal": ("x = 0777", "octal literal"),
    "octal argument": ("os.chmod(p, 0755)", "octal literal"),
    "long": ("x = 10L", "long literal"),
    "hexadecimal long": ("x = 0xFFL", "long literal"),
    "tuple parameter": ("def f(a, (b, c)):\n  pass", "tuple parameter"),
    "first tuple parameter": ("def f((b, c), a=3):\n  pass", "tuple parameter"),
    "lambda tuple parameter": ("f = lambda (a, b): a", "tuple parameter"),
    "tabs and spaces": ("if a:\n        x\n\ty", "tabs and spaces mixed in the indentation"),
    "print elsewhere": ("None = 3\nprint 'a'", "print statement"),
}

#: Not Python at all, and nothing in it is Python 2 or newer than anything.
BROKEN = {
    "unterminated string": "x = 'abc",
    "open bracket": "x = (1,\n",
    "doubled operator": "x = = 3",
    "dedent": "def f():\n    x\n  y",
    "missing body": "if x:",
    "merge conflict": "<<<<<<< HEAD\nx = 1\n=======\n",
    "curly quotes": "x = “a”",
    "magic": "%matplotlib inline",
    "template": "x = {{ name }}\nfoo {% if %}",
    "keyword argument first": "f(a=1, 2)",
    "default tuple on the line before": "def f(size=(2, 2)):\nreturn size",
    "print in a docstring": '"""\nprint "a"\n"""\nx = = 3',
    "print in a comment": "# print 'a'\nx = = 3",
    "print in a string": "x = 'print a' = 3 y",
    "print call": "print('a') x",
    "octal in a string": "x = '0777' y",
    "an f-string without expression": "x = f'{}'",
    "an f-string not closed": "x = f'{a'",
    "await as a name": "await = 3 y",
    "type as a name": "type = int y",
    "class with square base": "class A(B)[T]: pass",
}

#: Valid Python 3 that looks a little like Python 2.
VALID = {
    "print function": "print('a', end='')",
    "print name": "print",
    "print shifted": "x = print >> 3",
    "own print": "from operators import task as print\nprint >> stream, 3",
    "own print function": "def print(x): return x\nprint >> 3",
    "print assigned": "print = logger\nprint >> 3",
    "print tuple": "print ('a'), b",
    "print attribute": "print.x",
    "print condition": "print if a else b",
    "exec function": "exec('x')",
    "zeros": "x = 00",
    "except tuple": "try:\n  pass\nexcept (A, B) as e:\n  pass",
    "ur in names": "sur = 'a'",
    "raise from": "raise E('a, b') from None",
    "backticks in a string": "x = '`a`'",
    "less and greater": "x = a < b > c",
    "soft keywords": "match = case = type = 3\nprint(match)",
    "form feed": "x = 1\n\f\ndef f():\n\f  pass",
    "carriage returns": "x = 1\r\ny = 2\rz = 3",
    "only a comment": "# nothing",
    "nothing": "",
    "no final newline": "x = 1",
    "not ASCII": "naïve = 'ü'",
    "backslash at the end": "x = \\\n  1",
}

NEWER = {
    "type statement": ("type X = int", (3, 12), "type"),
    "type parameters of a function": ("def f[T](x: T): pass", (3, 12), "type parameters"),
    "type parameters of a coroutine": ("async def f[T](x: T): pass", (3, 12), "type parameters"),
    "type parameters of a class": ("class A[T]:\n  pass", (3, 12), "type parameters"),
    "quotes in an f-string": ("x = f'{a['b']}'", (3, 12), "f-string"),
    "nested f-strings": ("x = f'{f'{1}'}'", (3, 12), "f-string"),
    "backslash in an f-string": ("x = f\"{'\\n'.join(a)}\"", (3, 12), "f-string"),
    "comment in an f-string": ("x = f'''{a # c\n}'''", (3, 12), "f-string"),
    "except without parentheses": ("try:\n  pass\nexcept ValueError, KeyError:\n  pass", (3, 14), "except"),
    "except of three": ("try:\n  pass\nexcept a.b, c, d:\n  pass", (3, 14), "except"),
    "t-string": ("x = t'{a}'", (3, 14), "t-string"),
}


def read(text):
    return parse(decode("a.py", text.encode()))


def refusal(text):
    with pytest.raises(ParseError) as caught:
        read(text)
    return caught.value


@pytest.mark.parametrize(("text", "construct"), PYTHON2.values(), ids=PYTHON2.keys())
@pytest.mark.parametrize("before", ["", "import tensorflow as tf\n\nx = 1\n"], ids=["alone", "further down"])
def test_python_2_is_recognised(text, construct, before):
    error = refusal(before + text)
    assert error.rule == PYTHON2_SOURCE
    assert error.message == f"this is Python 2: {construct}"
    assert error.line is not None
    assert before.count("\n") < error.line <= (before + text).count("\n") + 1


def test_python_2_is_reported_at_its_line():
    assert refusal("a\nb\nraise E, 'x'\n").line == 3
    assert refusal("None = 3\n\nprint 'a'").line == 3


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN.keys())
def test_what_is_no_python_is_not_called_anything_else(text):
    error = refusal(text)
    assert error.rule == SYNTAX_ERROR
    assert error.message.startswith("not valid Python: ")
    assert "Python 2" not in error.message
    assert "newer" not in error.message
    assert error.remedy


@pytest.mark.parametrize("text", VALID.values(), ids=VALID.keys())
def test_valid_python_is_parsed(text):
    read(text)


@pytest.mark.parametrize(("text", "since", "words"), NEWER.values(), ids=NEWER.keys())
def test_newer_syntax_is_called_newer(text, since, words):
    if sys.version_info >= since:
        read(text)
        return
    error = refusal(f"x = 1\n{text}\n")
    running = f"{sys.version_info[0]}.{sys.version_info[1]}"
    assert error.rule == SYNTAX_ERROR
    assert error.message.startswith(f"the syntax is newer than Python {running}, which runs tfguard: ")
    assert words in error.message
    assert error.line in (2, 3, 4)


@pytest.mark.parametrize("text", [*BROKEN.values(), *(case[0] for case in PYTHON2.values())])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_the_place_of_an_error_lies_in_the_file(text, newline):
    source = decode("a.py", text.replace("\n", newline).encode())
    with pytest.raises(ParseError) as caught:
        parse(source)
    assert 1 <= caught.value.line <= len(source.lines)
    assert 1 <= caught.value.column <= len(source.lines[caught.value.line - 1]) + 1


DEEP = {
    "brackets": "x = " + "(" * 1_500 + "1" + ")" * 1_500,
    "lists": "x = " + "[" * 1_500 + "]" * 1_500,
    "unclosed brackets": "x = " + "(" * 100_000,
    "sums": "x = " + " + ".join(["a"] * 5_000),
    "many sums": "x = " + " + ".join(["a"] * 100_000),
    "elifs": "if a:\n  pass\n" + "elif a:\n  pass\n" * 1_000,
    "many elifs": "if a:\n  pass\n" + "elif a:\n  pass\n" * 10_000,
    "chained calls": "x = a" + ".b()" * 300,
    "many chained calls": "x = a" + ".b()" * 20_000,
    "attributes": "x = a" + ".b" * 20_000,
    "negations": "x = " + "not " * 5_000 + "a",
    "minus": "x = " + "-" * 50_000 + "1",
    "powers": "x = " + "**".join(["2"] * 5_000),
    "lambdas": "x = " + "lambda: " * 5_000 + "1",
    "conditionals": "x = " + "a if b else " * 5_000 + "c",
    "blocks": "".join("  " * depth + "if a:\n" for depth in range(99)) + "  " * 99 + "pass",
    "too many blocks": "".join(" " * depth + "if a:\n" for depth in range(500)) + " " * 500 + "pass",
    "long string sum": "x = " + " ".join(["'a'"] * 50_000),
    "long list": "x = [" + "f(1), " * 50_000 + "]",
    "comparisons": "x = " + " < ".join(["a"] * 20_000),
    "subscripts": "x = a" + "[0]" * 20_000,
}


@pytest.mark.parametrize("name", DEEP)
def test_deep_nesting_gives_an_answer_or_a_parse_error(model, name):
    """Never a crash, never a RecursionError, and not slowly."""
    start = time.perf_counter()
    limit = sys.getrecursionlimit()
    try:
        file = model(f"import tensorflow as tf\na = tf.x\n{DEEP[name]}\n".encode())
    except ParseError as error:
        refused = error
    else:
        refused = None
        file.references(["tensorflow"])
        assert all(call.resolution is not None for call in file.calls)
    assert refused is None or "nested" in refused.message or "not valid" in refused.message
    assert sys.getrecursionlimit() == limit
    assert time.perf_counter() - start < 20


def test_the_depths_of_real_code_are_analysed(model):
    """1,000 `elif`s and 300 chained calls stand in real files."""
    for name in ("elifs", "chained calls", "blocks", "long list"):
        assert model(f"a = 1\n{DEEP[name]}\n".encode()).index.chains


@pytest.mark.parametrize(
    "text",
    ["f(x, async=True)", "async = 3", "import async", "from agents.async import A", "a.async.b", "def f(async): pass"],
)
def test_names_that_became_keywords(text):
    assert refusal(text).message == "not valid Python: `async` is a keyword since Python 3.7"


def test_a_null_byte_is_no_crash():
    from tfguard.errors import SourceError

    with pytest.raises(SourceError):
        read("x = 1\0")


def test_a_lone_surrogate_is_a_parse_error():
    from dataclasses import replace

    with pytest.raises(ParseError):
        parse(replace(decode("a.py", b"x = 1"), text="x = '\ud800'"))
