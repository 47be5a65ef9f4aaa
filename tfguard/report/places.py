"""Lines and columns of edits, and names of findings that survive a move of their line."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from tfguard.model import Edit, Finding, RunReport


@dataclass(frozen=True, slots=True)
class Region:
    """Where an edit starts and ends, lines and columns from 1, in characters."""

    line: int
    column: int
    end_line: int
    end_column: int


class Positions:
    """Looks up the regions of edits in what the engine noted of each file."""

    def __init__(self, report: RunReport) -> None:
        self._known = {
            file.path: {offset: (line, column) for offset, line, column in file.positions} for file in report.files
        }

    def find_region(self, path: str, edit: Edit) -> Region | None:
        """The region of the edit, or None where the engine did not note it."""
        known = self._known.get(path, {})
        start, end = known.get(edit.span.start), known.get(edit.span.end)
        return Region(*start, *end) if start and end else None


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
