"""SourceFile: one file between bytes on disk and Python text, with its lines, cells and suppressions.

The only decoder of tfguard. Every span of a finding or an edit counts characters of `SourceFile.text`.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate
from typing import TYPE_CHECKING

from tfguard.encoding import Decoded, decode_bytes, encode_text
from tfguard.errors import DecodeError, GateError
from tfguard.model import Edit, Span
from tfguard.suppressions import Layout, Suppression, find_suppressions, read_layout

if TYPE_CHECKING:
    from tfguard.notebook import Notebook

__all__ = ["SourceFile", "Suppression", "decode", "normalize_newlines"]

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)?")
_NEWLINE = re.compile(r"\r\n|\r|\n")
#: Lines that are not ASCII and longer than this get a table from bytes to characters.
_LONG_LINE = 200


@dataclass(frozen=True)
class SourceFile:
    """A Python file or notebook: what was on disk, and the text that is analysed."""

    path: str
    raw: bytes = field(repr=False)
    text: str = field(repr=False)
    encoding: str = "utf-8"
    has_bom: bool = False
    notebook: Notebook | None = field(default=None, repr=False, compare=False)

    @property
    def is_notebook(self) -> bool:
        """True for .ipynb files, whose text is that of the code cells."""
        return self.notebook is not None

    @cached_property
    def newline(self) -> str:
        """The line end that most lines have; a newline where there is none."""
        if "\r" not in self.text:
            return "\n"
        pairs = self.text.count("\r\n")
        counts = {"\n": self.text.count("\n") - pairs, "\r\n": pairs, "\r": self.text.count("\r") - pairs}
        return max(counts, key=lambda newline: counts[newline])

    @cached_property
    def line_starts(self) -> tuple[int, ...]:
        """The offset of each line; the last is the empty one behind a final newline."""
        if "\r" in self.text:
            return (0, *(match.end() for match in _NEWLINE.finditer(self.text)))
        lengths = (len(line) + 1 for line in self.text.split("\n"))
        return tuple(accumulate(lengths, initial=0))[:-1]

    @cached_property
    def lines(self) -> tuple[str, ...]:
        """All lines without their line ends."""
        return tuple(_NEWLINE.split(self.text)) if "\r" in self.text else tuple(self.text.split("\n"))

    def position(self, offset: int) -> tuple[int, int]:
        """1-based line and column (in characters) of an offset."""
        line = bisect_right(self.line_starts, offset)
        return line, offset - self.line_starts[line - 1] + 1

    def offset_of(self, line: int, utf8_column: int) -> int:
        """The offset of ast's `lineno` and `col_offset` (which counts UTF-8 bytes)."""
        start = self.line_starts[line - 1]
        if self._is_ascii or utf8_column == 0:
            return start + utf8_column
        return start + self._characters(line, utf8_column)

    def line_text(self, line: int) -> str:
        """One line without its line end."""
        start = self.line_starts[line - 1]
        end = self.line_starts[line] if line < len(self.line_starts) else len(self.text)
        return self.text[start:end].rstrip("\r\n")

    def cell_of(self, offset: int) -> int | None:
        """The number of the notebook cell (from 1, among all cells) that holds the offset."""
        cell = self.notebook.cell_at(offset) if self.notebook else None
        return cell.number if cell else None

    @cached_property
    def parts(self) -> tuple[Span, ...]:
        """What Python compiles in one go: each code cell of a notebook, else the whole text."""
        if self.notebook is not None:
            return tuple(cell.span for cell in self.notebook.cells)
        return (Span(0, len(self.text)),)

    @cached_property
    def suppressions(self) -> tuple[Suppression, ...]:
        """The `# tfguard: ignore[...]` comments, in order."""
        if "tfguard" not in self.text:
            return ()
        return find_suppressions(self.lines, self.line_starts)

    @cached_property
    def layout(self) -> Layout:
        """The comments and logical lines of the text."""
        return read_layout(self.lines)

    def with_edits(self, edits: Sequence[Edit]) -> SourceFile:
        """The file after sorted, disjoint edits; all bytes outside them stay. GateError where that cannot be."""
        if not edits:
            return self
        edits = [Edit(edit.span, self._with_own_newlines(edit)) for edit in edits]
        text = splice(self.text, edits)
        try:
            changed = decode(self.path, self._encode(text, edits))
        except DecodeError as error:
            raise GateError(f"the edited file cannot be read: {error.message}") from error
        if not self._is_same(changed.text, text) or changed.encoding != self.encoding:
            raise GateError("the edited file is not read as it was written (its encoding declaration or a magic moved)")
        return changed

    def _is_same(self, read: str, written: str) -> bool:
        """Of a notebook the blank lines that a cell would end with are not written."""
        if self.notebook is None or read == written:
            return read == written
        return [line for line in read.split("\n") if line] == [line for line in written.split("\n") if line]

    def _encode(self, text: str, edits: Sequence[Edit]) -> bytes:
        like = Decoded(self.text, self.encoding, self.has_bom)
        if self.notebook is not None:
            return encode_text(self.notebook.with_edits(edits), like)
        if self.encoding != "utf-8" and encode_text(self.text, like) != self.raw:
            raise GateError(f"text in {self.encoding} cannot be written back byte for byte")
        return encode_text(text, like)

    def _with_own_newlines(self, edit: Edit) -> str:
        text = normalize_newlines(edit.text)
        if "\n" not in text or "\r" not in self.text:
            return text
        return text.replace("\n", self._newline_near(edit.span.start))

    def _newline_near(self, offset: int) -> str:
        """The end of the line that holds the offset; of a last line without one, that of the line before."""
        after = _NEWLINE.search(self.text, offset - 1 if self.text[offset - 1 : offset + 1] == "\r\n" else offset)
        if after is not None:
            return after[0]
        line, _ = self.position(offset)
        return str(_NEWLINE.findall(self.text, self.line_starts[line - 2], self.line_starts[line - 1])[-1])

    @cached_property
    def _is_ascii(self) -> bool:
        return self.text.isascii()

    @cached_property
    def _tables(self) -> dict[int, tuple[int, ...]]:
        return {}

    def _characters(self, line: int, utf8_column: int) -> int:
        """Characters in the first `utf8_column` bytes of a line."""
        text = self.line_text(line)
        if text.isascii():
            return utf8_column
        if len(text) <= _LONG_LINE:
            return len(text.encode("utf-8", "surrogatepass")[:utf8_column].decode("utf-8", "ignore"))
        table = self._tables.get(line)
        if table is None:
            widths = (len(character.encode("utf-8", "surrogatepass")) for character in text)
            table = self._tables[line] = tuple(accumulate(widths, initial=0))
        return bisect_right(table, utf8_column) - 1


def decode(path: str, raw: bytes) -> SourceFile:
    """Read one file's bytes; raises DecodeError with the place and the remedy."""
    if path.endswith(".ipynb"):
        return _decode_notebook(path, raw)
    decoded = decode_bytes(raw)
    return SourceFile(path, raw, decoded.text, decoded.encoding, decoded.has_bom)


def splice(text: str, edits: Sequence[Edit]) -> str:
    """The text after sorted, disjoint edits."""
    pieces, position = [], 0
    for edit in edits:
        if edit.span.start < position or edit.span.end > len(text):
            raise ValueError(f"edits overlap, are not sorted or reach beyond the text: {edit}")
        pieces += [text[position : edit.span.start], edit.text]
        position = edit.span.end
    return "".join([*pieces, text[position:]])


def normalize_newlines(text: str) -> str:
    """All line ends as newlines."""
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def _decode_notebook(path: str, raw: bytes) -> SourceFile:
    from tfguard.notebook import read_notebook

    has_bom = raw.startswith(b"\xef\xbb\xbf")
    body = raw[3:] if has_bom else raw
    try:
        json_text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        line = body.count(b"\n", 0, error.start) + 1
        message = f"byte 0x{body[error.start]:02x} is not UTF-8, which notebooks are written in"
        raise DecodeError(message, "save the notebook anew with Jupyter", line=line, column=1) from error
    notebook = read_notebook(json_text)
    return SourceFile(path, raw, notebook.text, "utf-8", has_bom, notebook)
