"""The values that travel through tfguard: spans, edits, fixes, findings and reports.

Everything here is frozen, ordered where order has a meaning, picklable and made of plain values, so that
workers, the cache and every reporter share the same types. Standard library only.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field


class Safety(enum.Enum):
    """How far a fix may be trusted; see `explain RULE`, "Fix safety"."""

    SAFE = "safe"
    UNSAFE = "unsafe"
    MANUAL = "manual"


class Severity(enum.Enum):
    """How much a finding weighs. All of them make `check` exit 1, except hints."""

    ERROR = "error"
    WARNING = "warning"
    HINT = "hint"


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A half-open range of character offsets in the decoded text of one file."""

    start: int
    end: int

    def __post_init__(self) -> None:
        if not 0 <= self.start <= self.end:
            raise ValueError(f"not a span: {self.start}..{self.end}")

    @property
    def is_empty(self) -> bool:
        """True for an insertion point."""
        return self.start == self.end


@dataclass(frozen=True, slots=True, order=True)
class Edit:
    """Replace `span` of the decoded text by `text`; an empty span inserts.

    `text` is written with ``\\n`` line ends; the file's own newline is put in when the edit is applied.
    """

    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Fix:
    """A named group of edits to one file that is applied whole or not at all."""

    title: str
    edits: tuple[Edit, ...]
    safety: Safety
    #: Fixes of a lower phase are applied first; the file is then analysed anew for the later ones.
    phase: int = 1

    def __post_init__(self) -> None:
        if not self.edits:
            raise ValueError(f"a fix without edits: {self.title}")
        for before, after in zip(self.edits, self.edits[1:], strict=False):
            if before.span.end > after.span.start or before.span == after.span:
                raise ValueError(f"edits overlap or are not sorted: {self.title}")


@dataclass(frozen=True, slots=True)
class Note:
    """Another place that matters to a finding, or (without a place) a remark on it."""

    message: str
    path: str | None = None
    line: int | None = None
    column: int | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong at one place. `line` and `column` count from 1, columns in characters."""

    rule: str
    name: str
    severity: Severity
    path: str
    span: Span
    line: int
    column: int
    end_line: int
    end_column: int
    message: str
    fix: Fix | None = None
    notes: tuple[Note, ...] = ()

    @property
    def sort_key(self) -> tuple[str, int, int, str, str]:
        """The one order of all output: path, line, column, rule, message."""
        return (self.path, self.line, self.column, self.rule, self.message)


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that kept tfguard from doing its job on one path: names the place and the remedy."""

    path: str
    message: str
    remedy: str
    line: int | None = None
    column: int | None = None

    @property
    def sort_key(self) -> tuple[str, int, int, str]:
        """Order of output, the same as that of findings."""
        return (self.path, self.line or 0, self.column or 0, self.message)


@dataclass(frozen=True, slots=True)
class FileReport:
    """What came of one file; `source_lines` holds the lines that the text reporter quotes, by number."""

    path: str
    findings: tuple[Finding, ...] = ()
    problems: tuple[Problem, ...] = ()
    names_seen: int = 0
    names_undecided: int = 0
    source_lines: tuple[tuple[int, str], ...] = ()
    #: (offset, line, column) of every start and end of an edit of `findings`, sorted; for SARIF and editors.
    positions: tuple[tuple[int, int, int], ...] = ()
    #: Of a notebook, whose lines are those of its code cells joined: (first line, number) of each code cell.
    cells: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class FileChange:
    """A file that `fix` rewrote or would rewrite: texts as decoded, `applied` the fixes that were taken.

    `raw_before` and `raw_after` are the bytes of the file, so that a diff is exact whatever its encoding is.
    """

    path: str
    before: str
    after: str
    applied: tuple[Finding, ...] = ()
    refused: tuple[Note, ...] = ()
    written: bool = False
    raw_before: bytes = b""
    raw_after: bytes = b""


@dataclass(frozen=True, slots=True)
class RunReport:
    """The whole result of one run: all that any reporter may know."""

    files: tuple[FileReport, ...]
    files_checked: int
    problems: tuple[Problem, ...] = ()
    changes: tuple[FileChange, ...] = ()
    target: str = ""
    suppressed: int = 0
    baselined: int = 0
    fixed: int = 0
    metadata: tuple[tuple[str, str], ...] = field(default=())

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All findings of all files, in output order."""
        return tuple(sorted((f for file in self.files for f in file.findings), key=lambda f: f.sort_key))

    @property
    def all_problems(self) -> tuple[Problem, ...]:
        """Problems of the run and of its files, in output order."""
        own = [p for file in self.files for p in file.problems]
        return tuple(sorted([*self.problems, *own], key=lambda p: p.sort_key))
