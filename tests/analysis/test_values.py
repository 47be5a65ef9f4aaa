"""Constants through variables: Known, Absent or Unknown."""

import pytest

from tfguard.analysis.values import Known, Unknown

KNOWN = {
    "number": ("use(3)", 3),
    "text": ("use('a')", "a"),
    "None": ("use(None)", None),
    "True": ("use(True)", True),
    "negative": ("use(-3)", -3),
    "not": ("use(not 0)", True),
    "tuple": ("use((1, -2))", (1, -2)),
    "list": ("use([1, 'a'])", (1, "a")),
    "dict": ("use({'a': 1})", (("a", 1),)),
    "sum": ("use(1 + 2 - 4 * 5)", -17),
    "text sum": ("use('a' + 'b')", "ab"),
    "power": ("use(2 ** 10)", 1024),
    "division": ("use(3 / 2)", 1.5),
    "name": ("a = 3\nuse(a)", 3),
    "name of a name": ("a = 3\nb = a\nuse(b + 1)", 4),
    "unpacked": ("a, (b, c) = 1, (2, 3)\nuse(c)", 3),
    "global constant": ("SEED = 3\ndef f():\n  use(SEED)", 3),
    "same on both arms": ("if c:\n  a = 3\nelse:\n  a = 3\nuse(a)", 3),
    "last write": ("a = 3\na = 4\nuse(a)", 4),
    "unreachable write": ("def f():\n  a = 3\n  if c:\n    a = 4\n    return a\n  use(a)", 3),
    "walrus": ("if (a := 3):\n  use(a)", 3),
}

UNKNOWN = {
    "call": "use(f())",
    "never bound": "use(a)",
    "parameter": "def f(a=3):\n  use(a)",
    "disagreeing": "if c:\n  a = 3\nelse:\n  a = 4\nuse(a)",
    "True is not 1": "a = 1\nif c:\n  a = True\nuse(a)",
    "1.0 is not 1": "a = 1\nif c:\n  a = 1.0\nuse(a)",
    "maybe None": "a = None\nif c:\n  a = 3\nuse(a)",
    "rebound later": "a = 3\ndef f():\n  use(a)\nf()\na = 4",
    "global write": "a = 3\ndef f():\n  global a\n  a = 4\nuse(a)",
    "loop": "a = 3\nfor i in r:\n  use(a)\n  a = 4",
    "augmented": "a = 3\na += 1\nuse(a)",
    "for target": "for a in [3]:\n  use(a)",
    "with target": "with f() as a:\n  use(a)",
    "import": "from b import a\nuse(a)",
    "deleted": "a = 3\ndel a\nuse(a)",
    "itself": "a = a\nuse(a)",
    "each other": "a = b\nb = a\nuse(a)",
    "unpacked call": "a, b = f()\nuse(a)",
    "unpacked star": "a, *b = 1, 2\nuse(b)",
    "star in the value": "a, b = *f(), 2\nuse(b)",
    "tuple of a call": "use((1, f()))",
    "star in a tuple": "use((*a,))",
    "dict of dicts": "use({**a})",
    "f-string": "use(f'{a}')",
    "attribute": "use(a.b)",
    "division by zero": "use(1 / 0)",
    "huge power": "use(10 ** 10 ** 10)",
    "huge shift": "use(1 << 10 ** 10)",
    "huge float": "use(1.5 * " + "9" * 400 + ")",
    "text times number": "use('a' * 10 ** 9)",
    "complex power": "use((-8) ** 0.5)",
    "negative text": "use(-'a')",
    "conditional": "use(3 if c else 4)",
    "deep": "use(" + "-" * 200 + "1)",
    "doubled again and again": "a0 = (1,)\n" + "".join(f"a{i + 1} = (a{i}, a{i})\n" for i in range(30)) + "use(a30)",
}


@pytest.mark.parametrize(("text", "expected"), KNOWN.values(), ids=KNOWN.keys())
def test_known(value, text, expected):
    found = value(text)
    assert found == Known(expected)
    assert type(found.value) is type(expected)


@pytest.mark.parametrize("text", UNKNOWN.values(), ids=UNKNOWN.keys())
def test_unknown(value, text):
    found = value(text)
    assert isinstance(found, Unknown)
    assert found.reason


def test_a_name_in_a_string_is_unknown(model):
    """An annotation in quotes is no code of the file."""
    file = model("def f(a: 'int'):\n  use(a)")
    assert isinstance(file.calls[0].arguments[0].value, Unknown)


def test_origin(model):
    file = model("a = make()\nb = a\nwith b as c:\n  use(c)\nd, e = make()\nuse(d)")
    with_target, unpacked = [call.arguments[0].origin.text for call in file.calls if call.written == "use"]
    assert with_target == "make()"
    assert unpacked == "d"


def test_origin_of_a_cycle_ends(model):
    file = model("def f():\n  use(a)\na = b\nb = a")
    assert file.calls[0].arguments[0].origin.text in ("a", "b")
