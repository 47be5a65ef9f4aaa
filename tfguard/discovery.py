"""From paths on the command line to the sorted list of files to check."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass, field

from tfguard.config import DEFAULT_EXCLUDE, Config
from tfguard.gitignore import Patterns, is_ignored, patterns_above, read_patterns
from tfguard.model import Problem

SUFFIXES = (".py", ".pyw", ".ipynb")
_LEFT_OUT = frozenset(DEFAULT_EXCLUDE)


@dataclass(frozen=True, slots=True, order=True)
class FoundFile:
    """A file to check: its path as shown, and where it is."""

    path: str
    absolute: str


@dataclass(slots=True)
class _Walk:
    config: Config
    exclude: Patterns
    #: Real path -> file; a file reached twice stands here once.
    files: dict[str, FoundFile] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    #: Real paths of the directories that were entered.
    seen: set[str] = field(default_factory=set)
    #: Symbolic links to directories, entered when all real directories are done.
    links: list[tuple[str, tuple[Patterns, ...]]] = field(default_factory=list)


def list_files(paths: Sequence[str], config: Config) -> tuple[tuple[FoundFile, ...], tuple[Problem, ...]]:
    """All files at `paths`, sorted by their shown path, and what could not be listed."""
    walk = _Walk(config, Patterns(config.root, config.exclude))
    directories: list[str] = []
    for path in paths:
        absolute = os.path.abspath(path)
        if os.path.isdir(absolute):
            directories.append(absolute)
        else:
            _take_named_file(walk, absolute)
    for directory in sorted(set(directories)):
        _enter_named_directory(walk, directory)
    while walk.links:
        links, walk.links = sorted(walk.links, key=lambda link: link[0]), []
        for link, patterns in links:
            _enter(walk, link, patterns)
    return tuple(sorted(walk.files.values())), tuple(sorted(set(walk.problems), key=lambda problem: problem.sort_key))


def shown_path(absolute: str, root: str) -> str:
    """Relative to the project root; outside of it relative to the working directory, or absolute."""
    inside = _relative(absolute, root)
    if inside is not None:
        return inside
    near = _relative(absolute, os.getcwd())
    return absolute.replace(os.sep, "/") if near is None or os.path.lexists(os.path.join(root, near)) else near


def _relative(absolute: str, base: str) -> str | None:
    prefix = base.rstrip("/" + os.sep) + os.sep
    return absolute[len(prefix) :].replace(os.sep, "/") if absolute.startswith(prefix) else None


def absolute_path(shown: str, root: str) -> str:
    """The inverse of `shown_path`."""
    inside = os.path.join(root, shown)
    return inside if os.path.isabs(shown) or os.path.lexists(inside) else os.path.abspath(shown)


def _problem(walk: _Walk, absolute: str, message: str, remedy: str) -> None:
    walk.problems.append(Problem(shown_path(absolute, walk.config.root), message, remedy))


def _take_named_file(walk: _Walk, absolute: str) -> None:
    """A file that was named is checked whatever the patterns say, unless `force-exclude` is set."""
    try:
        mode = os.stat(absolute).st_mode
    except OSError as error:
        _problem(walk, absolute, *_why_not(absolute, error))
        return
    if not stat.S_ISREG(mode):
        _problem(walk, absolute, "this is not a regular file", "name a file or a directory of Python code")
    elif not absolute.endswith(SUFFIXES) and not _has_python_shebang(absolute):
        remedy = f"name files that end in {', '.join(SUFFIXES)}, or begin with a `#!` line that names python"
        _problem(walk, absolute, "this is neither a Python file nor a notebook", remedy)
    elif not (walk.config.force_exclude and _is_excluded_anywhere(walk, absolute)):
        walk.files.setdefault(os.path.realpath(absolute), _found(walk, absolute))


def _why_not(absolute: str, error: OSError) -> tuple[str, str]:
    if isinstance(error, FileNotFoundError):
        if os.path.islink(absolute):
            return "the symbolic link leads nowhere", "remove the link or mend its target"
        return "there is no such file or directory", "check the spelling, or run tfguard in another directory"
    if getattr(error, "errno", None) == 40:  # ELOOP
        return "the symbolic link leads to itself", "remove the link"
    return f"the path cannot be read: {error.strerror}", "check its permissions, or leave it out with `exclude`"


def _has_python_shebang(absolute: str) -> bool:
    try:
        with open(absolute, "rb") as file:
            first = file.readline(200)
    except OSError:
        return False
    return first.startswith(b"#!") and b"python" in first


def _is_excluded_anywhere(walk: _Walk, absolute: str) -> bool:
    """Do the exclude patterns leave out the file or one of the directories around it, up to the root?"""
    shown = shown_path(absolute, walk.config.root)
    if any(part in _LEFT_OUT for part in shown.split("/")[:-1]):
        return True
    return walk.exclude.covers(absolute)


def _enter_named_directory(walk: _Walk, directory: str) -> None:
    if walk.config.force_exclude and _is_excluded_anywhere(walk, os.path.join(directory, "x")):
        return
    above = patterns_above(directory)
    if is_ignored(directory + "/", above):
        above = ()  # it was named all the same: what ignores it as a whole does not count
    _enter(walk, directory, above)


def _enter(walk: _Walk, directory: str, above: tuple[Patterns, ...]) -> None:
    """Take the files of a directory and go down, without recursion: trees may be deep."""
    waiting = [(directory, os.path.realpath(directory), above)]
    while waiting:
        here, real, patterns = waiting.pop()
        if real in walk.seen:
            continue
        walk.seen.add(real)
        try:
            with os.scandir(here) as scan:
                entries = sorted(scan, key=lambda entry: entry.name)
        except OSError as error:
            _problem(walk, here, *_why_not(here, error))
            continue
        own = read_patterns(here) if any(entry.name in (".gitignore", ".git") for entry in entries) else None
        inside = (*patterns, own) if own else patterns
        below = [_entry(walk, entry, real, inside) for entry in entries]
        waiting.extend((*pair, inside) for pair in reversed(below) if pair is not None)


def _entry(walk: _Walk, entry: os.DirEntry[str], real: str, patterns: tuple[Patterns, ...]) -> tuple[str, str] | None:
    """Take a file; of a directory to go down into its path and real path."""
    name, path = entry.name, entry.path
    is_link = entry.is_symlink()
    if entry.is_dir(follow_symlinks=False):
        if name in _LEFT_OUT or _is_left_out(walk, path + "/", patterns):
            return None
        return path, os.path.join(real, name)
    if is_link and _leads_to_directory(path):
        if name not in _LEFT_OUT and not _is_left_out(walk, path + "/", patterns):
            _take_link(walk, path, real, patterns)
    elif name.endswith(SUFFIXES) and not _is_left_out(walk, path, patterns):
        _take_file(walk, entry, os.path.join(real, name))
    return None


def _leads_to_directory(path: str) -> bool:
    try:
        return stat.S_ISDIR(os.stat(path).st_mode)
    except OSError:
        return False


def _take_link(walk: _Walk, path: str, real: str, patterns: tuple[Patterns, ...]) -> None:
    target = os.path.realpath(path)
    if real == target or real.startswith(target.rstrip("/") + "/"):
        remedy = "remove the link, or leave it out with `exclude`"
        _problem(walk, path, "the symbolic link leads to a directory that holds it", remedy)
    else:
        walk.links.append((path, patterns))


def _take_file(walk: _Walk, entry: os.DirEntry[str], real: str) -> None:
    path = entry.path
    if entry.is_symlink():
        if entry.name.startswith(".#"):
            return  # the lock of an editor
        try:
            mode = os.stat(path).st_mode
        except OSError as error:
            _problem(walk, path, *_why_not(path, error))
            return
        if stat.S_ISREG(mode):
            real = os.path.realpath(path)
            walk.files.setdefault(real, _found(walk, path))
        return
    if entry.is_file(follow_symlinks=False):
        known = walk.files.get(real)
        if known is None or os.path.islink(known.absolute):
            walk.files[real] = _found(walk, path)


def _found(walk: _Walk, absolute: str) -> FoundFile:
    return FoundFile(shown_path(absolute, walk.config.root), absolute)


def _is_left_out(walk: _Walk, path: str, patterns: Sequence[Patterns]) -> bool:
    return bool(walk.exclude.decide(path)) or (bool(patterns) and is_ignored(path, patterns))
