"""The files of a run: those to report on, and the project's own modules that they import."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from tfguard.cache import digest
from tfguard.discovery import FoundFile, shown_path
from tfguard.model import Problem

#: Files larger than this are not even read.
LARGEST_FILE = 200_000_000


class Stamp(NamedTuple):
    """What the file system says of a file, without its content: two different states never have the same."""

    size: int
    modified: int
    changed: int
    inode: int


@dataclass(frozen=True, slots=True)
class LoadedFile:
    """A file as it was read: the one state of it that a run sees."""

    path: str
    absolute: str
    raw: bytes
    digest: str
    #: False for what was only read because another file imports it.
    is_reported: bool = True
    #: The stamp that the file had when it was opened; what came from stdin has none.
    stamp: Stamp | None = None


class Unreadable(Exception):  # noqa: N818  (a value on its way to a Problem)
    """A file that cannot be read, with the problem in words."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


def load_files(found: Iterable[FoundFile]) -> tuple[dict[str, LoadedFile], list[Problem]]:
    """Read every file once."""
    files: dict[str, LoadedFile] = {}
    problems: list[Problem] = []
    for file in found:
        try:
            files[file.path] = load_file(file)
        except Unreadable as error:
            problems.append(error.problem)
    return files, problems


def load_file(found: FoundFile, *, is_reported: bool = True) -> LoadedFile:
    """Read one file; raises Unreadable."""
    try:
        with open(found.absolute, "rb", buffering=0) as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise Unreadable(Problem(found.path, "this is not a regular file", "leave it out with `exclude`"))
            if status.st_size > LARGEST_FILE:
                size = f"the file has {status.st_size // 1_000_000} MB"
                message = f"{size}, tfguard reads files up to {LARGEST_FILE // 1_000_000} MB"
                raise Unreadable(Problem(found.path, message, "leave it out with `exclude`"))
            raw = file.readall()
    except OSError as error:
        remedy = "check its permissions, or leave it out with `exclude`"
        raise Unreadable(Problem(found.path, f"the file cannot be read: {error.strerror}", remedy)) from error
    return LoadedFile(found.path, found.absolute, raw, digest(raw), is_reported, stamp_of(status))


def stamp_of(status: os.stat_result) -> Stamp:
    """The stamp in the answer of `os.stat`."""
    return Stamp(status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)


def stdin_file(path: str, root: str) -> FoundFile:
    """What stands on stdin, under the name that it was given."""
    absolute = os.path.abspath(path)
    return FoundFile(shown_path(absolute, root), absolute)


def from_memory(found: FoundFile, content: bytes) -> LoadedFile:
    """A file whose content did not come from its place."""
    return LoadedFile(found.path, found.absolute, content, digest(content))
