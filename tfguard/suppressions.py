"""The comments that silence findings: `# tfguard: ignore[TFG101] -- reason`, and `ignore-file`."""

from __future__ import annotations

import re
import tokenize
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tfguard.model import Span

#: The last line that a suppression of the whole file covers.
END_OF_FILE = 10**9

_MARK = re.compile(
    r"#[ \t]*tfguard[ \t]*:[ \t]*(?P<kind>ignore-file|ignore)\b"
    r"(?:[ \t]*\[(?P<rules>[^\]\n]*)\])?"
    r"(?:[ \t]*--[ \t]*(?P<reason>(?:(?!#[ \t]*tfguard[ \t]*:).)*))?"
)
_QUIET = frozenset({tokenize.NL, tokenize.COMMENT, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER})


@dataclass(frozen=True, slots=True)
class Suppression:
    """One comment that silences `rules` (ids or names) on the lines `first` to `last`."""

    rules: tuple[str, ...]
    reason: str
    span: Span
    line: int
    column: int
    #: The lines that it covers, both included.
    first: int
    last: int
    is_file_wide: bool = False

    @property
    def has_reason(self) -> bool:
        """False where the required `-- reason` is missing."""
        return bool(self.reason)

    def covers(self, rule: str, name: str, line: int) -> bool:
        """True if it silences the rule (by id or by name) on the line."""
        return self.first <= line <= self.last and (rule in self.rules or name in self.rules)


@dataclass(frozen=True, slots=True)
class Layout:
    """What tokenize says of a file: its comments, and the lines of each logical line."""

    #: (line, column from 0, text) of each comment.
    comments: tuple[tuple[int, int, str], ...]
    #: (first, last) physical line of each logical line, in order.
    logical_lines: tuple[tuple[int, int], ...]

    def statement_at(self, line: int) -> tuple[int, int]:
        """First and last line of the logical line that `line` belongs to; itself where there is none."""
        for first, last in self.logical_lines:
            if first <= line <= last:
                return first, last
        return line, line


def read_layout(lines: Sequence[str]) -> Layout:
    """Tokenize `lines` (without line ends); of a file that is not Python, as far as it goes."""
    comments: list[tuple[int, int, str]] = []
    logical: list[tuple[int, int]] = []
    first = 0
    for kind, string, line, column in _tokens(lines):
        if kind == tokenize.COMMENT:
            comments.append((line, column, string))
        if kind == tokenize.NEWLINE:
            logical.append((first or line, line))
            first = 0
        elif kind not in _QUIET and not first:
            first = line
    return Layout(tuple(comments), tuple(logical))


def find_suppressions(lines: Sequence[str], starts: Sequence[int]) -> tuple[Suppression, ...]:
    """The suppressions of a file; `starts` holds the offset of each line."""
    layout = read_layout(lines)
    found = [_suppression(match, line, column, starts, lines, layout) for line, column, match in _marks(lines, layout)]
    return tuple(sorted(found, key=lambda suppression: suppression.span))


def _marks(lines: Sequence[str], layout: Layout) -> Iterator[tuple[int, int, re.Match[str]]]:
    for line, column, comment in layout.comments:
        for match in _MARK.finditer(comment):
            yield line, column, match
    tokenized = layout.comments[-1][0] if layout.comments else 0
    tokenized = max([tokenized, *(last for _, last in layout.logical_lines[-1:])])
    for line in range(tokenized + 1, len(lines) + 1):  # a file that tokenize gave up on: whole-line comments only
        text = lines[line - 1]
        if text.lstrip().startswith("#"):
            for match in _MARK.finditer(text):
                yield line, 0, match


def _suppression(
    match: re.Match[str], line: int, column: int, starts: Sequence[int], lines: Sequence[str], layout: Layout
) -> Suppression:
    start = starts[line - 1] + column + match.start()
    end = start + len(match[0].rstrip())
    file_wide = match["kind"] == "ignore-file"
    first, last = (1, END_OF_FILE) if file_wide else _covered(line, lines, layout)
    rules = tuple(word.strip() for word in (match["rules"] or "").split(",") if word.strip())
    reason = (match["reason"] or "").strip()
    return Suppression(
        rules, reason, Span(start, end), line, start - starts[line - 1] + 1, first, last, is_file_wide=file_wide
    )


def _covered(line: int, lines: Sequence[str], layout: Layout) -> tuple[int, int]:
    """The statement that ends on the comment's line; of a comment that stands alone, the next one."""
    if not lines[line - 1].lstrip().startswith("#"):
        first, last = layout.statement_at(line)
        return (first, line) if last == line else (line, line)
    target = line + 1
    while target <= len(lines) and lines[target - 1].lstrip().startswith("#"):
        target += 1
    first, last = layout.statement_at(target)
    return (first, last) if first == target else (target, target)


def _tokens(lines: Sequence[str]) -> Iterator[tuple[int, str, int, int]]:
    """(kind, text, line, column); ends quietly where the file is not Python."""
    source = iter(lines)
    try:
        for token in tokenize.generate_tokens(lambda: _next_line(source)):
            yield token.type, token.string, token.start[0], token.start[1]
    except (tokenize.TokenError, SyntaxError):
        return


def _next_line(source: Iterator[str]) -> str:
    line = next(source, None)
    return "" if line is None else line + "\n"
