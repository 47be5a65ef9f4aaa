"""IPython's own syntax in a notebook cell, replaced by Python of the same length so that offsets stay true.

`%matplotlib inline`, `!pip install x`, `?name`, `name?` become `0` and spaces; `files = !ls` becomes `files = 0`;
`%time fit()` keeps `fit()`; a cell that begins with `%%bash` becomes comments, one with `%%time` keeps its body.
"""

from __future__ import annotations

import ast
import re
import warnings

#: Cell magics whose body is ordinary Python of the notebook's own process.
_PYTHON_CELLS = frozenset({"time", "timeit", "capture", "prun", "memit", "mprun", "snakeviz", "tensorflow_version"})

_CELL_MAGIC = re.compile(r"(?:[ \t]*(?:\r\n|\r|\n))*(?P<line>%%(?P<name>\w+)[^\r\n]*)")
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)?")
_TIMED = re.compile(r"[ \t]*(?P<magic>%time[ \t]+)(?=[^ \t\r\n-])")
_MAGIC = re.compile(r"[ \t]*(?P<magic>(?:%{1,2}\w|!|\?|[,;/](?=\w)(?=.*\w)).*|[\w.%*\[\]]+\?{1,2}[ \t]*$)")
_ASSIGNED = re.compile(r"[\w., \t\[\]'\"*]+?=[ \t]*(?P<magic>(?:%\w|!).*)")
_TOKEN = re.compile(r"#.*|'''|\"\"\"|'(?:[^'\\\r\n]|\\.)*'|\"(?:[^\"\\\r\n]|\\.)*\"|[()\[\]{}]|\\(?=[\r\n]|$)")


def mask_magics(source: str) -> tuple[str, tuple[tuple[int, int], ...]]:
    """The source as Python of the same length, and the ranges that were masked."""
    if _is_python(source):
        return source, ()
    cell = _CELL_MAGIC.match(source)
    if cell is None:
        return _mask_lines(source, 0)
    if cell["name"] not in _PYTHON_CELLS:
        return _comment_out(source), ((0, len(source)),)
    start, end = cell.span("line")
    text, masked = _mask_lines(source, end)
    return text[:start] + _masked(text[start:end]) + text[end:], ((0, end), *masked)


def _is_python(source: str) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            ast.parse(source)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return False
    return True


def _comment_out(source: str) -> str:
    lines = [match[0] for match in _LINE.finditer(source) if match[0]]
    return "".join(
        "#" + " " * (len(body) - 1) + line[len(body) :] if (body := line.rstrip("\r\n")) else line for line in lines
    )


def _masked(text: str) -> str:
    """`0` and spaces, line ends kept, of the same length."""
    blank = re.sub(r"[^\r\n]", " ", text)
    return "0" + blank[1:]


class _State:
    """Where a line begins: inside a triple-quoted string, inside brackets, after a backslash, or afresh."""

    def __init__(self) -> None:
        self.quote = ""
        self.depth = 0
        self.continued = False

    @property
    def is_fresh(self) -> bool:
        return not (self.quote or self.depth or self.continued)

    def read(self, line: str) -> None:
        """Pass over one line."""
        position, self.continued = 0, False
        while position < len(line):
            if self.quote:
                position = self._leave_string(line, position)
                continue
            match = _TOKEN.search(line, position)
            if match is None:
                return
            position = match.end()
            self._read_token(match[0])

    def _leave_string(self, line: str, position: int) -> int:
        while position < len(line):
            if line[position] == "\\":
                position += 2
            elif line.startswith(self.quote, position):
                position, self.quote = position + 3, ""
                return position
            else:
                position += 1
        return position

    def _read_token(self, token: str) -> None:
        if token in ("'''", '"""'):
            self.quote = token
        elif token in "([{":
            self.depth += 1
        elif token in ")]}":
            self.depth = max(0, self.depth - 1)
        elif token == "\\":
            self.continued = True


def _mask_lines(source: str, start: int) -> tuple[str, tuple[tuple[int, int], ...]]:
    pieces, masked, state, position = [source[:start]], [], _State(), start
    for match in _LINE.finditer(source, start):
        if match.start() < position:
            continue  # the rest of a magic that goes on after a backslash
        span = _magic_in(match[0]) if state.is_fresh else None
        position = match.end()
        if span is None:
            state.read(match[0])
            pieces.append(match[0])
            continue
        begin, end, text = _whole_magic(source, match.start() + span[0], match.start() + span[1], timed=span[2])
        position = max(position, _LINE.match(source, end).end())  # type: ignore[union-attr]  # it matches anything
        rest = source[end:position]
        state.read(rest)
        pieces += [source[match.start() : begin], text, rest]
        masked.append((begin, end))
    return "".join(pieces), tuple(masked)


def _magic_in(line: str) -> tuple[int, int, bool] | None:
    """(start, end, is `%time` with code behind it) of the magic on a line."""
    body = line.rstrip("\r\n")
    timed = _TIMED.match(body)
    if timed is not None and "\\" not in body:
        return (*timed.span("magic"), True)
    match = _MAGIC.match(body) or _ASSIGNED.match(body)
    return None if match is None else (*match.span("magic"), False)


def _whole_magic(source: str, begin: int, end: int, *, timed: bool) -> tuple[int, int, str]:
    if timed:
        return begin, end, "0" + " " * (end - begin - 2) + ";"
    while source[begin:end].endswith("\\"):
        following = _LINE.match(source, _after_newline(source, end))
        if following is None or following.start() == following.end():
            break
        end = following.start() + len(following[0].rstrip("\r\n"))
    return begin, end, _masked(source[begin:end])


def _after_newline(source: str, position: int) -> int:
    return position + 2 if source.startswith("\r\n", position) else min(position + 1, len(source))
