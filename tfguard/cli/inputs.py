"""What a run reads: the named paths, or stdin under a name."""

from __future__ import annotations

import sys

import click

STDIN = "-"


def resolve_paths(paths: tuple[str, ...], stdin_filename: str | None) -> tuple[str, ...]:
    """The paths to check; the current folder where none is named, stdin where only its name is."""
    if stdin_filename and not paths:
        return (STDIN,)
    if STDIN in paths and len(paths) > 1:
        raise click.UsageError("`-` (stdin) cannot be combined with other paths")
    if stdin_filename and paths != (STDIN,):
        raise click.UsageError("--stdin-filename goes with the path `-`")
    return paths or (".",)


def read_stdin(paths: tuple[str, ...], stdin_filename: str | None) -> tuple[str, bytes] | None:
    """Name and bytes of what stands on stdin, if that is what the paths say."""
    return (stdin_filename or "stdin.py", sys.stdin.buffer.read()) if paths == (STDIN,) else None
