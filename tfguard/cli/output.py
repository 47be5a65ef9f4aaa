"""Where results and remarks go: stdout, stderr or a file, with colours only on terminals."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TextIO

from tfguard.errors import TfguardError
from tfguard.report.styled import Line, plain


def has_colour(stream: TextIO) -> bool:
    """True for a terminal that wants colours (https://no-color.org); FORCE_COLOR makes anything one."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return stream.isatty() and os.environ.get("TERM", "") != "dumb"


def write_lines(lines: Iterable[Line], stream: TextIO) -> None:
    """Lines for people: coloured on a terminal, else plain and byte-exact, without rich."""
    if has_colour(stream):
        from tfguard.report import terminal

        text = terminal.render(lines)
    else:
        text = plain(lines)
    _write(stream, text.encode(stream.encoding or "utf-8", "backslashreplace"))


def write_remarks(lines: Iterable[Line]) -> None:
    """Lines to stderr."""
    write_lines(lines, sys.stderr)


def write_exact(text: str, stream: TextIO) -> None:
    """Text for programs: UTF-8, and the bytes that were decoded with surrogateescape as they were."""
    _write(stream, text.encode("utf-8", "surrogateescape"))


def write_file(text: str, path: str) -> None:
    """Text into the file that `--output` names."""
    try:
        Path(path).write_bytes(text.encode("utf-8", "surrogateescape"))
    except OSError as error:
        raise TfguardError(f"cannot write {path}: {error.strerror}") from error


def _write(stream: TextIO, data: bytes) -> None:
    if not data:
        return
    try:
        stream.flush()
        stream.buffer.write(data)
        stream.buffer.flush()
    except BrokenPipeError:  # the reader (`| head`) has enough: go on quietly, the exit code still counts
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
