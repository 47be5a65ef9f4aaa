"""Which paths `.gitignore` files and `exclude` patterns leave out; git itself is never called."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

_NAMES = (".gitignore", ".git/info/exclude")


@dataclass(frozen=True, slots=True)
class Patterns:
    """The patterns of one file (or setting) and the directory that they are relative to."""

    directory: str
    spec: GitIgnoreSpec

    def decide(self, path: str) -> bool | None:
        """True: left out; False: taken back by a `!` pattern; None: not mentioned. Directories end in `/`."""
        return self.spec.check_file(path[len(self.directory) :].lstrip("/")).include


def parse_patterns(directory: str, lines: Iterable[str]) -> Patterns | None:
    """Patterns from lines as in .gitignore; None where no line says anything."""
    wanted = [line for line in lines if line.strip() and not line.startswith("#")]
    if not wanted:
        return None
    from pathspec import GitIgnoreSpec

    return Patterns(directory, GitIgnoreSpec.from_lines(wanted))


def read_patterns(directory: str) -> Patterns | None:
    """The patterns of a directory's own .gitignore (and .git/info/exclude)."""
    lines: list[str] = []
    for name in _NAMES:
        try:
            with open(os.path.join(directory, name), encoding="utf-8", errors="surrogateescape") as file:
                lines += file.read().splitlines()
        except OSError:
            continue
    return parse_patterns(directory, lines)


def patterns_above(directory: str) -> tuple[Patterns, ...]:
    """The patterns of all directories from the root of the git repository down to above `directory`."""
    found: list[Patterns] = []
    here = directory
    while not os.path.exists(os.path.join(here, ".git")):
        parent = os.path.dirname(here)
        if parent == here:
            return ()  # in no repository: only the .gitignore files below count
        here = parent
        patterns = read_patterns(here)
        if patterns is not None:
            found.append(patterns)
    return tuple(reversed(found))


def is_ignored(path: str, patterns: Sequence[Patterns]) -> bool:
    """What the patterns (outermost first) say of an absolute path; the innermost that mentions it decides."""
    for one in reversed(patterns):
        decision = one.decide(path)
        if decision is not None:
            return decision
    return False
