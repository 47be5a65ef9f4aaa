"""Bytes to text and back: what is not edited stays byte for byte."""

import ast
import pickle
import re
import tokenize

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tfguard.errors import DecodeError, GateError
from tfguard.model import Edit, Span
from tfguard.source import decode, splice


@pytest.mark.parametrize(
    ("raw", "text", "encoding", "bom"),
    [
        (b"", "", "utf-8", False),
        (b"x = 1\n", "x = 1\n", "utf-8", False),
        ("x = 'é'\n".encode(), "x = 'é'\n", "utf-8", False),
        (b"\xef\xbb\xbfx = 1\r\n", "x = 1\r\n", "utf-8", True),
        (b"\xef\xbb\xbf# coding: utf-8\n", "# coding: utf-8\n", "utf-8", True),
        (b"# -*- coding: latin-1 -*-\nx = '\xe9'\n", "# -*- coding: latin-1 -*-\nx = 'é'\n", "latin-1", False),
        (b"#!/usr/bin/python\n# vim: set fileencoding=cp1252 :\n'\x80'\n", None, "cp1252", False),
        ("# coding: euc-jp\n'日本'\n".encode("euc-jp"), "# coding: euc-jp\n'日本'\n", "euc-jp", False),
        (b"\n# coding: latin-1\n'\xe9'\n", "\n# coding: latin-1\n'é'\n", "latin-1", False),
        (b"\f# coding: latin-1\n'\xe9'\n", "\f# coding: latin-1\n'é'\n", "latin-1", False),
        (b"# coding: UTF_8\n", "# coding: UTF_8\n", "utf-8", False),
        (b"# coding: utf-8-sig\n", "# coding: utf-8-sig\n", "utf-8", False),
        (b"x = 1\n# coding: no-such-thing\n", "x = 1\n# coding: no-such-thing\n", "utf-8", False),
        (b"\n\n# coding: no-such-thing\n", "\n\n# coding: no-such-thing\n", "utf-8", False),
        (b"#\r# coding: latin-1\r'\xe9'\r", "#\r# coding: latin-1\r'é'\r", "latin-1", False),
    ],
)
def test_decoding_follows_python(raw: bytes, text: str | None, encoding: str, bom: bool) -> None:
    source = decode("a.py", raw)
    assert text is None or source.text == text
    assert (source.encoding, source.has_bom, source.raw) == (encoding, bom, raw)
    assert not source.is_notebook
    assert source.with_edits([]) is source


@pytest.mark.parametrize(
    ("raw", "message", "line", "column"),
    [
        (b"x = 1\ny = '\xff'\n", "0xff", 2, 6),
        ("ä = 1\nä = 'ü".encode() + b"\xff'", "0xff", 2, 7),
        (b"a\r\nb\0", "null byte", 2, 2),
        ("import os\n".encode("utf-16"), "null byte", 1, 4),
        ("import os\n".encode("utf-16-le"), "null byte", 1, 2),
        (b"\xef\xbb\xbf# coding: latin-1\n", "byte order mark", 1, 1),
        (b"# coding: klingon\n", "klingon", 1, 1),
        (b"# coding: rot13\n", "rot13", 1, 1),
        (b"# coding: hex\n", "hex", 1, 1),
        (b"# coding: utf-16\nx=1\n", "utf-16", 1, 1),
        (b"# coding: cp037\nx = 1\n", "cp037", 1, 1),
        (b"# coding: ascii\nx = '\xe9'\n", "0xe9", 2, 6),
        (b"# coding: undefined\n", "undefined", 1, 1),
    ],
)
def test_undecodable_files_say_where_and_what_to_do(raw: bytes, message: str, line: int, column: int) -> None:
    with pytest.raises(DecodeError, match=message) as caught:
        decode("a.py", raw)
    assert (caught.value.line, caught.value.column) == (line, column)
    assert caught.value.remedy


def test_positions_end_lines_only_where_python_does() -> None:
    source = decode("a.py", "a\r\nb\x0c\x0b\x85\u2028c\rd\ne".encode())
    assert source.lines == ("a", "b\x0c\x0b\x85\u2028c", "d", "e")
    assert [source.position(offset) for offset in (0, 1, 3, 8, 10, 12, 13)] == [
        (1, 1),
        (1, 2),
        (2, 1),
        (2, 6),
        (3, 1),
        (4, 1),
        (4, 2),
    ]
    assert source.line_text(2) == "b\x0c\x0b\x85\u2028c"
    assert source.position(len(source.text)) == (4, 2)
    assert decode("a.py", b"a\n").position(2) == (2, 1)
    assert decode("a.py", b"a\n").line_text(2) == ""


@pytest.mark.parametrize(
    ("raw", "newline"),
    [(b"", "\n"), (b"x", "\n"), (b"a\r\nb\r\nc\n", "\r\n"), (b"a\rb\rc\n", "\r"), (b"a\nb\nc\r\n", "\n")],
)
def test_newline_is_the_one_of_most_lines(raw: bytes, newline: str) -> None:
    assert decode("a.py", raw).newline == newline


@pytest.mark.parametrize("filler", ["", "é", "日" * 300, "\U0001f600"])
def test_offsets_of_ast_nodes(filler: str) -> None:
    text = f"α = '{filler}'; tf.nn.relu('{filler}', β)\nif α:\n\tbe('é'); x = '{filler}' + tail\n"
    source = decode("a.py", text.encode())
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Name):
            assert node.end_lineno is not None
            assert node.end_col_offset is not None
            start = source.offset_of(node.lineno, node.col_offset)
            assert source.text[start : source.offset_of(node.end_lineno, node.end_col_offset)] == node.id


def test_an_edit_takes_the_newline_of_its_surroundings() -> None:
    source = decode("a.py", b"a\r\nb\nc\r\nd")
    insert = [Edit(Span(0, 0), "x\n"), Edit(Span(3, 3), "y\n"), Edit(Span(9, 9), "\nz\n")]
    changed = source.with_edits(insert[:1])
    assert changed.raw == b"x\r\na\r\nb\nc\r\nd"
    assert source.with_edits(insert[1:2]).raw == b"a\r\ny\nb\nc\r\nd"
    assert source.with_edits([Edit(Span(9, 9), "\nz\n")]).raw == b"a\r\nb\nc\r\nd\r\nz\r\n"
    assert source.with_edits(insert).raw == b"x\r\na\r\ny\nb\nc\r\nd\r\nz\r\n"
    crlf_in_the_edit = [Edit(Span(0, 0), "x\r\ny\r")]
    assert decode("a.py", b"a\nb").with_edits(crlf_in_the_edit).raw == b"x\ny\na\nb"


def test_edits_keep_bom_and_cookie() -> None:
    with_bom = decode("a.py", b"\xef\xbb\xbfx = 1\n").with_edits([Edit(Span(0, 1), "é")])
    assert with_bom.raw == b"\xef\xbb\xbf" + "é = 1\n".encode()
    latin = decode("a.py", b"# coding: latin-1\nx = '\xe9'\n").with_edits([Edit(Span(18, 19), "é")])
    assert latin.raw == b"# coding: latin-1\n\xe9 = '\xe9'\n"
    japanese = decode("a.py", "# coding: euc-jp\nx = '日本'\n".encode("euc-jp"))
    assert japanese.with_edits([Edit(Span(17, 18), "y")]).raw == "# coding: euc-jp\ny = '日本'\n".encode("euc-jp")


@pytest.mark.parametrize(
    ("raw", "edit"),
    [
        (b"# coding: latin-1\nx = 1\n", Edit(Span(18, 18), "# \u20ac\n")),
        (b"# coding: latin-1\nx = '\xe9'\n", Edit(Span(0, 0), "import os\nimport sys\n")),
        (b"x = '\xc3\xa9'\n", Edit(Span(0, 0), "# coding: latin-1\n")),
        (b"x = 1\n", Edit(Span(0, 0), "'\ud800'")),
        (b"x = 1\n", Edit(Span(0, 0), "\0")),
        (b"# coding: utf-7\nx = '+AOk-'\n", Edit(Span(16, 17), "+")),
    ],
)
def test_text_that_the_encoding_cannot_hold_is_refused(raw: bytes, edit: Edit) -> None:
    with pytest.raises(GateError):
        decode("a.py", raw).with_edits([edit])


def test_overlapping_edits_are_a_bug_of_the_caller() -> None:
    with pytest.raises(ValueError, match="overlap"):
        splice("abc", [Edit(Span(0, 2), ""), Edit(Span(1, 3), "")])
    with pytest.raises(ValueError, match="beyond"):
        splice("abc", [Edit(Span(2, 4), "")])


def test_a_source_file_can_be_sent_to_a_worker() -> None:
    source = decode("a.py", b"a\nb\n")
    assert source.position(2) == (2, 1)
    assert pickle.loads(pickle.dumps(source)) == source


_ENDS = st.sampled_from(["\n", "\r\n", "\r"])
_WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r\n"), max_size=12)
_TEXTS = st.lists(st.tuples(_WORDS, _ENDS), max_size=12).map(lambda lines: "".join(a + b for a, b in lines))


@st.composite
def _edits(draw: st.DrawFn, length: int) -> list[Edit]:
    cuts = sorted(draw(st.lists(st.integers(0, length), max_size=6).map(lambda cuts: cuts[: len(cuts) // 2 * 2])))
    spans = sorted({Span(a, b) for a, b in zip(cuts[::2], cuts[1::2], strict=True)})
    words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r"), max_size=5)
    return [Edit(span, draw(words)) for span in spans]


@settings(max_examples=400, deadline=None)
@given(st.data(), _TEXTS, st.sampled_from(["utf-8", "utf-8-sig", "latin-1", "cp1252", "euc-jp"]))
def test_bytes_outside_edits_stay(data: st.DataObject, text: str, codec: str) -> None:
    cookie = "" if codec.startswith("utf") else f"# coding: {codec}\n"
    try:
        source = decode("a.py", (cookie + text).encode(codec))
    except (UnicodeEncodeError, DecodeError):
        return
    edits = data.draw(_edits(len(source.text)))
    try:
        changed = source.with_edits(edits)
        plain = "utf-8" if codec == "utf-8-sig" else codec
        pattern, position = re.escape(b"\xef\xbb\xbf" if source.has_bom else b""), 0
        for edit in edits:
            pattern += re.escape(source.text[position : edit.span.start].encode(plain))
            pattern += rb"(?:\r\n|\r|\n)".join(re.escape(line.encode(plain)) for line in edit.text.split("\n"))
            position = edit.span.end
    except GateError:
        return
    assert re.fullmatch(pattern + re.escape(source.text[position:].encode(plain)), changed.raw)


@settings(max_examples=300, deadline=None)
@given(_TEXTS)
def test_positions_agree_with_a_plain_count(text: str) -> None:
    source = decode("a.py", text.encode())
    if source.text != text:
        return  # a byte order mark at the start
    line = column = 1
    for offset, character in enumerate(text):
        assert source.position(offset) == (line, column)
        if character == "\n" or (character == "\r" and text[offset : offset + 2] != "\r\n"):
            line, column = line + 1, 1
        else:
            column += 1
    assert source.position(len(text)) == (line, column)
    assert len(source.lines) == len(source.line_starts) == line


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=60))
def test_what_python_reads_is_read_alike(raw: bytes) -> None:
    try:
        source = decode("a.py", raw)
    except DecodeError:
        return
    lines = iter(raw.splitlines(keepends=True))
    try:
        encoding, _ = tokenize.detect_encoding(lambda: next(lines, b""))
    except SyntaxError:
        return
    assert raw.decode(encoding) == source.text
