"""Notebooks: the code cells as Python, and edits that touch nothing else of the JSON."""

import ast
import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tfguard.errors import DecodeError, GateError
from tfguard.magics import mask_magics
from tfguard.model import Edit, Span
from tfguard.source import SourceFile, decode


def notebook(*sources: object, indent: int | None = 1, **metadata: object) -> bytes:
    cells = [{"cell_type": "markdown", "metadata": {}, "source": ["# import title\n"]}]
    for source in sources:
        cells.append({"cell_type": "code", "execution_count": 1, "metadata": {}, "outputs": [], "source": source})
    document = {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 2}
    return (json.dumps(document, indent=indent, ensure_ascii=False) + "\n").encode()


def read(*sources: object, **options: object) -> SourceFile:
    return decode("a.ipynb", notebook(*sources, **options))  # type: ignore[arg-type]


def cells_of(source: SourceFile) -> list[object]:
    return [cell["source"] for cell in json.loads(source.raw)["cells"] if cell["cell_type"] == "code"]


def insert(source: SourceFile, before: str, text: str) -> SourceFile:
    offset = source.text.index(before)
    return source.with_edits([Edit(Span(offset, offset), text)])


def replace(source: SourceFile, old: str, new: str) -> SourceFile:
    offset = source.text.index(old)
    return source.with_edits([Edit(Span(offset, offset + len(old)), new)])


def test_cells_are_joined_with_a_newline_each() -> None:
    source = read(["import os\n", "x = 1"], ["y = 2\n"], "z = 3\nw = 4")
    assert source.text == "import os\nx = 1\ny = 2\nz = 3\nw = 4\n"
    assert source.is_notebook
    assert [source.cell_of(source.text.index(name)) for name in "xyzw"] == [2, 3, 4, 4]
    assert source.with_edits([]) is source


@pytest.mark.parametrize(
    ("sources", "old", "new", "expected"),
    [
        ([["a = 1\n", "b = 2\n", "c = 3"]], "b", "bb", ["a = 1\n", "bb = 2\n", "c = 3"]),
        ([["a = 1\n", "b = 2\n", "c = 3"]], "c = 3", "c = 4\nd = 5", ["a = 1\n", "b = 2\n", "c = 4\n", "d = 5"]),
        ([["a = 1\n", "b = 2\n", "c = 3"]], "b = 2\n", "", ["a = 1\n", "c = 3"]),
        ([["a = 1\n", "b = 2\n", "c = 3"]], "c = 3\n", "", ["a = 1\n", "b = 2"]),
        ([["a = 1\n", "b = 2"]], "1\nb", "1 + b", ["a = 1 + b = 2"]),
        ([["a = 1"]], "a = 1", "a = 1\nb = 2", ["a = 1\n", "b = 2"]),
        (["a = 1\nb = 2"], "1", "'é\"\\'", "a = 'é\"\\'\nb = 2"),
        ([["a = ", "1\n", "b = 2"]], "a", "c", ["c = ", "1\n", "b = 2"]),
        ([["a = '\U0001f600'\n", "b"]], "b", "c", ["a = '\U0001f600'\n", "c"]),
        ([["a = '\U0001f600' + b\n", "c"]], "+ b", "- b", ["a = '\U0001f600' - b\n", "c"]),
    ],
)
def test_edits_change_only_their_own_lines(sources: list[object], old: str, new: str, expected: object) -> None:
    for indent in (None, 1, 4):
        source = decode("a.ipynb", notebook(["first\n"], *sources, ["last"], indent=indent))
        changed = replace(source, old, new)
        assert cells_of(changed) == [["first\n"], expected, ["last"]]
        document = json.loads(source.raw)
        document["cells"][2]["source"] = expected
        assert changed.raw.decode() == json.dumps(document, indent=indent, ensure_ascii=False) + "\n"


def test_insertions_go_to_the_cell_of_the_statement_before() -> None:
    source = read(["import os\n", "x = 1"], ["y = 2"])
    assert cells_of(insert(source, "y", "seed()\n")) == [["import os\n", "x = 1\n", "seed()"], ["y = 2"]]
    assert cells_of(insert(source, "import", "# first\n"))[0] == ["# first\n", "import os\n", "x = 1"]
    blank = source.with_edits([Edit(Span(15, 15), "\n\nseed()\n")])
    assert cells_of(blank) == [["import os\n", "x = 1\n", "\n", "seed()"], ["y = 2"]]
    end = len(source.text)
    assert cells_of(source.with_edits([Edit(Span(end, end), "z = 3\n")]))[1] == ["y = 2\n", "z = 3"]


def test_escapes_of_an_ascii_notebook_stay_escapes() -> None:
    raw = notebook(["a = 'é'\n", "b = 1"])
    escaped = json.dumps(json.loads(raw)).encode()
    changed = replace(decode("a.ipynb", escaped), "b = 1", "b = 'ü'")
    assert changed.raw == escaped.replace(b"b = 1", rb"b = '\u00fc'")
    assert replace(decode("a.ipynb", raw), "b = 1", "b = 'ü'").raw == raw.replace(b"b = 1", "b = 'ü'".encode())


def test_magics_are_masked_and_never_touched() -> None:
    source = read(
        ["%matplotlib inline\n", "import os"], ["%%bash\n", "echo '${x'"], ["!ls\n", "y = 1"], ["%%time\n", "z = y"]
    )
    ast.parse(source.text)
    assert "import os\n#" in source.text
    assert "z = y\n" in source.text
    assert cells_of(replace(source, "z = y", "z = w"))[3] == ["%%time\n", "z = w"]
    assert cells_of(insert(source, "import os", "import sys\n"))[0] == [
        "%matplotlib inline\n",
        "import sys\n",
        "import os",
    ]
    for place in (3, source.text.index("#") + 1):
        with pytest.raises(GateError, match="magic"):
            source.with_edits([Edit(Span(place, place + 2), "x")])
    after_bash = source.text.index("0", source.text.index("#"))
    assert cells_of(source.with_edits([Edit(Span(after_bash, after_bash), "u = 1\n")]))[2] == [
        "u = 1\n",
        "!ls\n",
        "y = 1",
    ]


def test_an_edit_over_two_cells_is_refused() -> None:
    source = read(["a = 1"], ["b = 2"])
    with pytest.raises(GateError, match="more than one cell"):
        source.with_edits([Edit(Span(4, 8), "")])


def test_an_edit_that_makes_a_magic_is_refused() -> None:
    source = read(["x = 1"], ["y = 2"])
    with pytest.raises(GateError, match="magic"):
        source.with_edits([Edit(Span(0, 0), "%who\n")])


@pytest.mark.parametrize(
    ("cell", "masked"),
    [
        ("%matplotlib inline\nx = 1\n", "0                 \nx = 1\n"),
        ("!pip install \\\n  tensorflow\nx = 1\n", "0             \n            \nx = 1\n"),
        ("files = !ls *.py\nx\n", "files = 0       \nx\n"),
        ("t = %timeit -o f()\n", "t = 0             \n"),
        ("if x:\n    !ls\n", "if x:\n    0  \n"),
        ("?print\nprint?\nx.y??\n", "0     \n0     \n0    \n"),
        ("%time f(1)\n", "0    ;f(1)\n"),
        ("%time\n", "0    \n"),
        ("x = '''\n%not magic\n'''\n!ls\n", "x = '''\n%not magic\n'''\n0  \n"),
        ("x = (1\n%y)\n!ls\n", "x = (1\n%y)\n0  \n"),
        ("x = 1 \\\n%y\n!ls\n", "x = 1 \\\n%y\n0  \n"),
        ("x = 1  # '''\n!ls\n", "x = 1  # '''\n0  \n"),
        ("%%bash\necho $((1\n\n", "#     \n#        \n\n"),
        ("\n%%html\n<b>\n", "\n#     \n#  \n"),
        ("%%capture out\nx = 1\n!ls\n", "0            \nx = 1\n0  \n"),
        ("x = 7 % 3\ny = 7 \\\n % 3\n", "x = 7 % 3\ny = 7 \\\n % 3\n"),
        ("print 'python 2'\n", "print 'python 2'\n"),
        ("s = 'a\\'b'\n!ls 'x\n", "s = 'a\\'b'\n0     \n"),
        ('r = """a\\"""b"""\r\n!ls\r\n', 'r = """a\\"""b"""\r\n0  \r\n'),
        ("%cd \\", "0    "),
    ],
)
def test_masking_keeps_lengths_and_lines(cell: str, masked: str) -> None:
    text, spans = mask_magics(cell)
    assert text == masked
    position = 0
    for start, end in spans:
        assert text[position:start] == cell[position:start]
        position = end
    assert text[position:] == cell[position:]


@pytest.mark.parametrize(
    ("raw", "message", "line"),
    [
        (b"", "valid JSON", 1),
        (b'{\n "cells": [\n  {,\n', "valid JSON", 3),
        (b"[]", "no `cells`", 1),
        (b'{"cells": 3}', "no `cells`", 1),
        (b'{\n"cells": "\xff"}', "not UTF-8", 2),
        (b"[" * 100_000, "nested too deeply|valid JSON", None),
        (b'{"cells": [{"cell_type": "code", "source": "\\ud83d"}]}', "surrogate", None),
        (b'{"cells": [{"cell_type": "code", "source": "\\u0000"}]}', "null", None),
    ],
)  # fmt: skip
def test_what_is_no_notebook_says_so(raw: bytes, message: str, line: int | None) -> None:
    with pytest.raises(DecodeError, match=message) as caught:
        decode("a.ipynb", raw)
    assert line is None or caught.value.line == line
    assert caught.value.remedy


def test_other_languages_have_no_text() -> None:
    assert read(["x <- 1"], kernelspec={"language": "R", "name": "ir"}).text == ""
    assert read(["x = 1"], language_info={"name": "julia"}).text == ""
    assert read(["x = 1"], language_info={"name": "python"}, kernelspec={"language": "R"}).text == "x = 1\n"
    assert read(["x = 1"], kernelspec={"name": "python3"}).text == "x = 1\n"


def test_notebooks_of_format_3() -> None:
    document = {
        "metadata": {"name": "old"},
        "nbformat": 3,
        "worksheets": [
            {
                "cells": [
                    {"cell_type": "heading", "source": ["Title"]},
                    {"cell_type": "code", "input": ["x = 1\n", "y"]},
                ]
            },
            {"cells": [{"cell_type": "code", "input": "z = 2"}], "metadata": {}},
        ],
    }
    raw = json.dumps(document, indent=2).encode()
    source = decode("a.ipynb", raw)
    assert source.text == "x = 1\ny\nz = 2\n"
    assert source.cell_of(source.text.index("z")) == 3
    assert replace(source, "z", "zz").raw == raw.replace(b"z = 2", b"zz = 2")


def test_oddities_of_json_are_read() -> None:
    raw = (
        b'\xef\xbb\xbf{"cells" : [ 1, {"cell_type":"code"}, {"cell_type":"code","source":[]}, {"source":"no kind"},\r\n'
    )
    raw += b'{"source":["old"],"cell_type":"code","source":["\\u0061 = 1\\n","b"]} ],"x":{"y":[1,{}]}}'
    source = decode("a.ipynb", raw)
    assert source.text == "a = 1\nb\n"
    assert replace(source, "1", "22").raw == raw.replace(b" = 1", b" = 22")
    assert source.parts == (Span(0, len(source.text)),)
    assert decode("a.ipynb", b'{"cells": []}').cell_of(0) is None


_LINES = st.sampled_from(
    ["x = 1\n", "\n", "# é\n", "s = 'a\"b\\\\'\n", "%magic\n", "for i in y:\n", "    !ls\n", "z\U0001f600\n"]
)
_CELLS = st.lists(st.lists(_LINES, max_size=5).map("".join), max_size=4)


@settings(max_examples=300, deadline=None)
@given(_CELLS, st.booleans(), st.sampled_from([None, 1]), st.data())
def test_edits_never_touch_other_cells(
    cells: list[str], as_list: bool, indent: int | None, data: st.DataObject
) -> None:
    sources: list[object] = [cell.splitlines(keepends=True) if as_list else cell.rstrip("\n") for cell in cells]
    source = decode("a.ipynb", notebook(*sources, indent=indent))
    start = data.draw(st.integers(0, len(source.text)))
    end = min(len(source.text), start + data.draw(st.integers(0, 6)))
    text = data.draw(st.sampled_from(["", "q", "q = 2\n", '"\\', "\nq"]))
    try:
        changed = source.with_edits([Edit(Span(start, end), text)])
    except GateError:
        return
    wanted = source.text[:start] + text + source.text[end:]
    assert re.sub("\n+", "\n", changed.text).strip("\n") == re.sub("\n+", "\n", wanted).strip("\n")
    before, after = json.loads(source.raw), json.loads(changed.raw)
    differing = [i for i, (a, b) in enumerate(zip(before["cells"], after["cells"], strict=True)) if a != b]
    assert len(differing) <= 1
    for index in differing:
        before["cells"][index]["source"] = after["cells"][index]["source"]
    assert before == after
