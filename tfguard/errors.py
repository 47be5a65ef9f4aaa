"""The exceptions of tfguard and the exit codes they lead to.

TfguardError
├── ConfigError      a setting or an option that cannot be used
├── SourceError      one file that cannot be read as Python
│   ├── DecodeError      bytes that are not text in the declared encoding
│   └── ParseError       text that is not Python (or not this Python)
├── TableError       a table of tfguard.rules that is broken
├── GateError        a fix whose result did not pass the proofs
└── InternalError    a bug of tfguard, with the file and rule it happened in
"""

from __future__ import annotations

EXIT_CLEAN = 0
EXIT_FINDINGS = 1
EXIT_FAILURE = 2


class TfguardError(Exception):
    """Everything that tfguard raises on purpose."""


class ConfigError(TfguardError):
    """A setting that cannot be used; the message names the file, the key and the nearest valid one."""


class SourceError(TfguardError):
    """A file that cannot be read as Python; carries the place and the remedy."""

    def __init__(self, message: str, remedy: str, *, line: int | None = None, column: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.line = line
        self.column = column


class DecodeError(SourceError):
    """Bytes that are not text in the declared encoding."""


class ParseError(SourceError):
    """Text that is not Python, or not the Python that tfguard runs on; `rule` is the finding it becomes."""

    def __init__(self, message: str, remedy: str, *, rule: str, line: int, column: int) -> None:
        super().__init__(message, remedy, line=line, column=column)
        self.rule = rule


class TableError(TfguardError):
    """A table in tfguard.rules that cannot be used."""


class GateError(TfguardError):
    """The result of a fix failed a proof and was not written."""


class InternalError(TfguardError):
    """A bug of tfguard: names the file and the rule that it happened in."""

    def __init__(self, path: str, rule: str, cause: str) -> None:
        super().__init__(f"{path}: {rule}: {cause}")
        self.path = path
        self.rule = rule
        self.cause = cause
