"""Places as they are shown, lines and columns of edits, and names of findings that survive a move of their line."""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from tfguard.model import Edit, FileReport, Finding, Note, Problem, RunReport


@dataclass(frozen=True, slots=True)
class Region:
    """Where an edit starts and ends, lines and columns from 1, in characters."""

    line: int
    column: int
    end_line: int
    end_column: int


class Places:
    """Looks up places in what the engine noted of each file; lines of a notebook become lines of its cells."""

    def __init__(self, report: RunReport) -> None:
        self._files = {file.path: file for file in report.files}
        self._positions = {
            file.path: {offset: (line, column) for offset, line, column in file.positions} for file in report.files
        }

    def find_region(self, path: str, edit: Edit) -> Region | None:
        """The region of the edit, or None where the engine did not note it."""
        known = self._positions.get(path, {})
        start, end = known.get(edit.span.start), known.get(edit.span.end)
        return Region(*start, *end) if start and end else None

    def find_cell(self, path: str, line: int) -> tuple[int, int] | None:
        """The number of the notebook cell that holds a line, and the line's number in it."""
        file = self._files.get(path)
        return _cell_of(file, line) if file else None

    def of(self, item: Finding | Note | Problem) -> str:
        """`path:line:column` as far as they are known; in a notebook `path:cell N:line:column`."""
        if item.line is None:
            return item.path or ""
        cell = self.find_cell(item.path, item.line) if item.path else None
        place = f"cell {cell[0]}:{cell[1]}" if cell else str(item.line)
        return f"{item.path}:{place}" + (f":{item.column}" if item.column else "")

    def describe_note(self, note: Note) -> str:
        """The note behind its place, if it has one."""
        return f"{self.of(note)}: {note.message}" if note.path else note.message


def is_notebook(path: str) -> bool:
    """True where lines and offsets are those of code cells, not of the file."""
    return path.endswith(".ipynb")


def _cell_of(file: FileReport, line: int) -> tuple[int, int] | None:
    index = bisect_right([first for first, _ in file.cells], line) - 1
    if index < 0:
        return None
    first, number = file.cells[index]
    return number, line - first + 1


def iter_fingerprints(report: RunReport) -> Iterator[tuple[Finding, str]]:
    """Every finding with a digest of path, rule, message and source line, but not of the line's number."""
    sources = {file.path: dict(file.source_lines) for file in report.files}
    seen: Counter[str] = Counter()
    for finding in report.findings:
        source = sources[finding.path].get(finding.line, "").strip()
        key = "\0".join((finding.path, finding.rule, finding.message, source))
        seen[key] += 1
        digest = hashlib.sha256(f"{key}\0{seen[key]}".encode("utf-8", "surrogatepass"))
        yield finding, digest.hexdigest()[:32]
