"""Notebooks: the code cells as one Python text, and edits of that text as edits of the JSON.

Only the characters that an edit touches change in the JSON, and the list of lines that it stands in is kept in the
notebook's own layout. Magics and shell lines are masked (see `magics`), so the text is Python of the same length.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from json.decoder import scanstring  # type: ignore[attr-defined]

from tfguard.errors import DecodeError, GateError
from tfguard.magics import mask_magics
from tfguard.model import Edit, Span

_SPACE = re.compile(r"[ \t\n\r]*")
_CHARACTER = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\.|[^\"\\]", re.DOTALL
)
_PYTHONS = frozenset({"python", "ipython", "python2", "python3"})
_NOT_A_NOTEBOOK = "give the file another extension, leave it out with `exclude`, or mend it in Jupyter"


@dataclass(frozen=True, slots=True)
class Cell:
    """One code cell: where it stands in the text and in the JSON."""

    #: 1-based, among all cells of the notebook.
    number: int
    #: In the joined text, with the newline that is added where the JSON has none.
    span: Span
    #: The text as in the JSON, magics and all.
    source: str
    #: The JSON value: a list of string literals, or one string.
    value: Span
    #: The string literals (quotes included) inside the JSON.
    literals: tuple[Span, ...]
    #: Where magics were masked, in the joined text.
    masked: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Notebook:
    """The JSON of a notebook and its code cells."""

    json_text: str
    cells: tuple[Cell, ...]
    text: str

    def cell_at(self, offset: int) -> Cell | None:
        """The code cell that holds the offset of the joined text."""
        if not self.cells:
            return None
        index = bisect_right([cell.span.start for cell in self.cells], offset) - 1
        return self.cells[max(index, 0)]

    def with_edits(self, edits: Sequence[Edit]) -> str:
        """The JSON after sorted, disjoint edits of the joined text."""
        by_cell: dict[int, list[Edit]] = {}
        for edit in edits:
            by_cell.setdefault(self._cell_of_edit(edit), []).append(edit)
        pieces, position = [], 0
        escape_all = "\\u" in self.json_text and self.json_text.isascii()
        for index in sorted(by_cell):
            cell = self.cells[index]
            pieces.append(self.json_text[position : cell.value.start])
            pieces.append(_edit_cell(self.json_text, cell, by_cell[index], escape_all=escape_all))
            position = cell.value.end
        pieces.append(self.json_text[position:])
        return "".join(pieces)

    def _cell_of_edit(self, edit: Edit) -> int:
        """An insertion between two cells goes to the end of the first, unless that one is a magic as a whole."""
        holders = [
            i for i, c in enumerate(self.cells) if c.span.start <= edit.span.start and edit.span.end <= c.span.end
        ]
        for index in holders:
            if not any(_clashes(edit.span, masked, self.cells[index].span) for masked in self.cells[index].masked):
                return index
        if holders:
            raise GateError("the edit touches an IPython magic")
        raise GateError("the edit reaches over more than one cell of the notebook")


def read_notebook(json_text: str) -> Notebook:
    """Find the code cells; raises DecodeError for what is not a notebook."""
    try:
        document = json.loads(json_text)
    except json.JSONDecodeError as error:
        message = f"the notebook is not valid JSON: {error.msg}"
        raise DecodeError(message, _NOT_A_NOTEBOOK, line=error.lineno, column=error.colno) from error
    except RecursionError as error:
        raise DecodeError("the notebook's JSON is nested too deeply", _NOT_A_NOTEBOOK) from error
    if not isinstance(document, dict) or not isinstance(document.get("cells", document.get("worksheets")), list):
        raise DecodeError("the file is JSON but not a notebook: it has no `cells`", _NOT_A_NOTEBOOK, line=1, column=1)
    found = _code_sources(json_text) if _is_python(document) else []
    return _join(json_text, found)


def _join(json_text: str, found: Sequence[tuple[int, Span]]) -> Notebook:
    cells, texts, position = [], [], 0
    for number, value in found:
        literals = tuple(_literals(json_text, value))
        source = "".join(json.loads(json_text[literal.start : literal.end]) for literal in literals)
        if not source:
            continue
        _require_characters(source, number)
        masked_text, masked = mask_magics(source if source.endswith(("\n", "\r")) else source + "\n")
        span = Span(position, position + len(masked_text))
        spans = tuple(Span(position + start, position + end) for start, end in masked)
        cells.append(Cell(number, span, source, value, literals, spans))
        texts.append(masked_text)
        position = span.end
    return Notebook(json_text, tuple(cells), "".join(texts))


def _require_characters(source: str, number: int) -> None:
    """Half of a surrogate pair is valid JSON, but not text; Python reads no null character."""
    broken = "\0" in source
    if not source.isascii():
        try:
            source.encode()
        except UnicodeEncodeError:
            broken = True
    if broken:
        message = f"cell {number} of the notebook holds a null character or half of a surrogate pair"
        raise DecodeError(message, "remove the character from the cell")


def _is_python(document: dict[str, object]) -> bool:
    """By the kernel's language; a notebook that does not say is taken for Python."""
    metadata = document.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    for section, key in (("language_info", "name"), ("kernelspec", "language")):
        part = metadata.get(section)
        language = part.get(key) if isinstance(part, dict) else None
        if isinstance(language, str):
            return language.lower() in _PYTHONS
    return True


def _code_sources(json_text: str) -> list[tuple[int, Span]]:
    """(number among all cells, span of the JSON value) of the source of each code cell."""
    top = dict(_members(json_text, _skip_space(json_text, 0)))
    lists = [top["cells"]] if "cells" in top else []
    if not lists:  # nbformat 3
        sheets = _elements(json_text, top["worksheets"].start)
        members = [dict(_members(json_text, sheet.start)) for sheet in sheets if json_text[sheet.start] == "{"]
        lists = [sheet["cells"] for sheet in members if "cells" in sheet]
    found, number = [], 0
    for cells in lists:
        for cell in _elements(json_text, cells.start):
            number += 1
            source = _code_source(json_text, cell)
            if source is not None:
                found.append((number, source))
    return found


def _code_source(json_text: str, cell: Span) -> Span | None:
    if json_text[cell.start] != "{":
        return None
    members = dict(_members(json_text, cell.start))
    kind, source = members.get("cell_type"), members.get("source", members.get("input"))
    if kind is None or source is None or json_text[kind.start : kind.end] != '"code"':
        return None
    return source


def _members(json_text: str, start: int) -> Iterator[tuple[str, Span]]:
    """Keys of the object that begins at `start`, and where their values stand. The JSON is known to be valid."""
    position = _skip_space(json_text, start + 1)
    while json_text[position] != "}":
        key, position = scanstring(json_text, position + 1)
        value = _value(json_text, _skip_space(json_text, _skip_space(json_text, position) + 1))
        yield key, value
        position = _skip_space(json_text, value.end)
        if json_text[position] == ",":
            position = _skip_space(json_text, position + 1)


def _elements(json_text: str, start: int) -> Iterator[Span]:
    """Where the elements of the list that begins at `start` stand; none if it is no list."""
    if json_text[start] != "[":
        return
    position = _skip_space(json_text, start + 1)
    while json_text[position] != "]":
        value = _value(json_text, position)
        yield value
        position = _skip_space(json_text, value.end)
        if json_text[position] == ",":
            position = _skip_space(json_text, position + 1)


def _value(json_text: str, start: int) -> Span:
    if json_text[start] == '"':
        return Span(start, scanstring(json_text, start + 1)[1])
    return Span(start, json.JSONDecoder().raw_decode(json_text, start)[1])


def _literals(json_text: str, value: Span) -> Iterator[Span]:
    if json_text[value.start] == '"':
        yield value
    for element in _elements(json_text, value.start):
        if json_text[element.start] == '"':
            yield element


def _skip_space(json_text: str, position: int) -> int:
    match = _SPACE.match(json_text, position)
    return match.end() if match else position


def _clashes(span: Span, masked: Span, cell: Span) -> bool:
    """Inside a masked range, or before a `%%magic`, which has to stay the first line of its cell."""
    if masked == cell:
        return True
    if span.is_empty:
        return masked.start < span.start < masked.end
    return span.start < masked.end and masked.start < span.end


@dataclass(frozen=True, slots=True)
class _Character:
    """One character of a cell: its spelling in the JSON and the literal it came from (-1: inserted)."""

    spelled: str
    index: int
    literal: int
    ends_line: bool
    #: False for what an edit inserts and for the newline that the joined text adds to a cell.
    is_written: bool = False


def _edit_cell(json_text: str, cell: Cell, edits: Sequence[Edit], *, escape_all: bool) -> str:
    """The JSON value of the cell's source after the edits."""
    characters = _apply(_characters(json_text, cell), cell.span.start, edits, escape_all=escape_all)
    if not cell.source.endswith(("\n", "\r")) and characters and characters[-1].ends_line:
        characters.pop()  # the newline that the joined text had added
        while characters and characters[-1].ends_line and not characters[-1].is_written:
            characters.pop()  # an edit's own
    if json_text[cell.value.start] == '"':
        return '"' + "".join(character.spelled for character in characters) + '"'
    return _render_list(json_text, cell, characters)


def _characters(json_text: str, cell: Cell) -> list[_Character]:
    characters: list[_Character] = []
    for number, literal in enumerate(cell.literals):
        for match in _CHARACTER.finditer(json_text, literal.start + 1, literal.end - 1):
            ends_line = match[0] in ("\\n", "\\u000a", "\\u000A")
            characters.append(_Character(match[0], len(characters), number, ends_line, is_written=True))
    if not cell.source.endswith(("\n", "\r")):
        characters.append(_Character("\\n", len(characters), len(cell.literals) - 1, True))
    return characters


def _apply(characters: list[_Character], base: int, edits: Sequence[Edit], *, escape_all: bool) -> list[_Character]:
    result: list[_Character] = []
    position = 0
    for edit in edits:
        result.extend(characters[position : edit.span.start - base])
        for character in edit.text:
            spelled = json.dumps(character, ensure_ascii=escape_all)[1:-1]
            result.append(_Character(spelled, -1, -1, character == "\n"))
        position = edit.span.end - base
    return result + characters[position:]


def _render_list(json_text: str, cell: Cell, characters: Sequence[_Character]) -> str:
    first = cell.literals[0].start
    opening, closing = json_text[cell.value.start : first], json_text[cell.literals[-1].end : cell.value.end]
    groups: list[list[_Character]] = []
    for index, character in enumerate(characters):
        if index == 0 or _begins_literal(characters[index - 1], character):
            groups.append([])
        groups[-1].append(character)
    pieces = [opening]
    for index, group in enumerate(groups):
        if index:
            pieces.append(_separator(json_text, cell, groups[index - 1][-1].literal, group[0].literal))
        pieces.append('"' + "".join(character.spelled for character in group) + '"')
    return "".join([*pieces, closing])


def _begins_literal(before: _Character, after: _Character) -> bool:
    """Untouched neighbours keep their boundary; elsewhere a literal ends with its line."""
    if before.index >= 0 and after.index == before.index + 1:
        return before.literal != after.literal
    return before.ends_line


def _separator(json_text: str, cell: Cell, before: int, after: int) -> str:
    literals = cell.literals
    if 0 <= before < after == before + 1 < len(literals):
        return json_text[literals[before].end : literals[after].start]
    if len(literals) > 1:
        return json_text[literals[0].end : literals[1].start]
    space = json_text[cell.value.start + 1 : literals[0].start]
    return "," + (space or " ")
