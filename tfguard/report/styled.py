"""Lines of text in pieces, each with the name of a style, so that plain and coloured output cannot differ."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

#: (text, style): a style is a name of `terminal.THEME`, or "" for plain text.
Piece = tuple[str, str]
Line = tuple[Piece, ...]

_TAB = 4
#: Characters that reorder the text around them on a terminal.
_BIDIRECTIONAL = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def plain(lines: Iterable[Line]) -> str:
    """The text of the lines without styles."""
    return "".join("".join(text for text, _ in line) + "\n" for line in lines)


def line_of(text: str, style: str = "") -> Line:
    """A line of one piece."""
    return ((visible(text), style),)


def visible(text: str) -> str:
    """The text with line ends, control and reordering characters spelled out, so that it stays on its line."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_visible_character(character) for character in text)


def quoted_columns(text: str) -> list[tuple[str, int]]:
    """How each character of a source line is shown, and how many terminal columns that takes."""
    shown: list[tuple[str, int]] = []
    column = 0
    for character in text:
        if character == "\t":
            drawn, width = " " * (_TAB - column % _TAB), _TAB - column % _TAB
        else:
            drawn = _visible_character(character)
            width = len(drawn) if drawn != character else _width(character)
        shown.append((drawn, width))
        column += width
    return shown


def _visible_character(character: str) -> str:
    if character in _BIDIRECTIONAL or unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"}:
        return character.encode("unicode_escape", "surrogatepass").decode("ascii")
    return character


def _width(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
