"""The sources that `tfguard run --migrate` runs: a program's files after the fixes of the migration rules."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tfguard.cache import Cache, digest
from tfguard.config import Config, is_project
from tfguard.discovery import FoundFile, list_files, shown_path
from tfguard.engine import fix_in_memory
from tfguard.errors import DecodeError
from tfguard.line_map import map_lines
from tfguard.model import FileChange, Finding, RunReport
from tfguard.pipeline import Project
from tfguard.project_files import LoadedFile, Unreadable, from_memory, load_file
from tfguard.python2 import Converted, convert, is_python3, python2_evidence
from tfguard.source import SourceFile, decode, normalize_newlines

#: The family of rules whose fixes are made, and those that say what cannot be read.
RULES = ("migration", "TFG901", "TFG902")
#: A program that loads modules by computed names, or starts other scripts, may load any file of its project.
_LOADS_ANYTHING = re.compile(rb"\b(?:importlib|__import__|execfile|runpy|subprocess|os\.system|pkgutil|imp\.load)\b")
#: Python's own generator gives the same `random()` for a seed in Python 2 and 3, but not these.
_DRAWS = re.compile(rb"\brandom\.(?:randint|randrange|shuffle|choice|sample)\b")
#: What Python 2 gives another meaning, though it is written alike.
_MEANS_ELSE = re.compile(r"/|\bround\b|\bpickle\b|\bstring\b")
_IMPORTS_KERAS = re.compile(rb"^[ \t]*(?:import|from)[ \t]+keras\b", re.MULTILINE)
_OF_TENSORFLOW_2 = re.compile(rb"\bGradientTape\b|\b(?:tf|tensorflow)\.(?:function|keras)\b|\beager|\.numpy\(\)")
_LEGACY_KERAS = (2, 15)
_AS_IT_IS = "it is left, and the program stops if it gets there"
#: So many files of a project are looked at for that; a larger one is taken by its imports alone.
_MOST_FILES = 2_000


@dataclass(frozen=True, slots=True)
class RewrittenFile:
    """One text that is run in the place of another: a file, or a cell of a notebook."""

    absolute: str
    #: The bytes that were read.
    raw: bytes
    text: str
    #: See `line_map`.
    lines: tuple[int, ...]
    python2: bool = False
    floors: bool = False
    #: Of a notebook, which cell; else 0.
    cell: int = 0


@dataclass(frozen=True, slots=True)
class Migration:
    """All of a program that is rewritten, and what is left as it was: pairs of what and how to mend it."""

    files: tuple[RewrittenFile, ...]
    remarks: tuple[tuple[str, str], ...]
    #: Shall `tf.keras` be Keras 2, from the package `tf_keras`?
    legacy_keras: bool = False


def migrate(entries: Sequence[LoadedFile], config: Config, *, has_legacy_keras: bool = False) -> Migration:
    """The program that starts in the first of the entries (files that exist, or code in memory)."""
    config = replace(config, select=RULES, ignore=(), extend_select=(), per_file_ignores=(), baseline=None)
    if not Path(config.root, ".tfguard_cache").is_dir() and config.cache_dir is None:
        config = replace(config, cache=False)  # a run leaves nothing in the project
    before = _load_program(entries, config)
    files, converted, remarks = _convert_python2(before)
    start = entries[0].path if entries else None
    best = _best_attempt(files, config, start, has_legacy_keras=has_legacy_keras)
    report = best.report
    changed = {change.path: change for change in report.changes}
    rewritten: list[RewrittenFile] = []
    for path, file in before.items():
        if path in converted or path in changed:
            rewritten += _rewritten(file, files[path], changed.get(path), converted.get(path))
    lines = {path: _line_map(file, changed.get(path), files[path]) for path, file in before.items()}
    return Migration(tuple(rewritten), (*remarks, *_left(report, lines)), best.config.target != config.target)


@dataclass(frozen=True, slots=True)
class _Attempt:
    """What came of the fixes under certain settings."""

    config: Config
    report: RunReport

    @property
    def left(self) -> int:
        """How much of the migration is still to do."""
        return sum(finding.name not in ("syntax-error", "python2-source") for finding in self.report.findings)


def _best_attempt(
    files: dict[str, LoadedFile], config: Config, start: str | None, *, has_legacy_keras: bool
) -> _Attempt:
    """With the libraries as they are; where something is left with `tf.keras` as Keras 2; then but for what is gone.

    What imports the package `keras` gets Keras 3 in any case. A program is moved to `compat.v1` in part only where it
    cannot run as it is: the file that it starts in has names that are gone, or nothing in it is of TensorFlow 2.
    """
    first = _Attempt(config, fix_in_memory(files, config))
    if not first.left:
        return first
    configs, keras = [config], config.target.keras
    is_bound = any(_IMPORTS_KERAS.search(file.raw) for file in files.values())
    if has_legacy_keras and not is_bound and keras is not None and keras >= (3, 0):
        configs.append(replace(config, target=replace(config.target, keras=_LEGACY_KERAS)))
    starts_broken = any(finding.path == start for finding in first.report.findings)
    if starts_broken or not any(_OF_TENSORFLOW_2.search(file.raw) for file in files.values()):
        configs = [replace(one, partial=True) for one in configs]
    made = (_Attempt(one, fix_in_memory(files, one)) for one in configs if one != config)
    return min((first, *made), key=lambda attempt: attempt.left)


def load_entry(path: str, root: str) -> LoadedFile:
    """A script or module by its path; raises Unreadable."""
    absolute = os.path.abspath(path)
    return load_file(FoundFile(shown_path(absolute, root), absolute))


def load_code(code: str, root: str) -> LoadedFile:
    """The code of `-c`, as if it lay in the working directory."""
    absolute = os.path.join(os.getcwd(), "-c.py")
    return from_memory(FoundFile(shown_path(absolute, root), absolute), code.encode("utf-8", "surrogateescape"))


def _load_program(entries: Sequence[LoadedFile], config: Config) -> dict[str, LoadedFile]:
    """The entries and all that they may load, by path."""
    project = Project({file.path: file for file in entries}, config, Cache(None))
    project.load_context()
    if not entries or any(_LOADS_ANYTHING.search(file.raw) for file in project.files.values()):
        folder = os.path.dirname(entries[0].absolute) if entries else os.getcwd()
        found = _list_around(folder, config)
        if len(found) <= _MOST_FILES:
            project = Project({**_loaded(found), **project.files}, config, Cache(None))
            project.load_context()
    return {path: replace(file, is_reported=True) for path, file in project.files.items()}


def _list_around(folder: str, config: Config) -> Sequence[FoundFile]:
    """The files of the project around a program; without one those beside the program and in packages there."""
    if is_project(Path(config.root)) and _is_inside(folder, config.root):
        return list_files([config.root], config)[0]
    with os.scandir(folder) as scan:
        beside = [entry.path for entry in scan if entry.name.endswith(".py") or _is_package(entry)]
    return list_files(sorted(beside), config)[0]


def _is_package(entry: os.DirEntry[str]) -> bool:
    return entry.is_dir() and os.path.exists(os.path.join(entry.path, "__init__.py"))


def _is_inside(folder: str, root: str) -> bool:
    return folder == root or folder.startswith(root.rstrip("/") + "/")


def _loaded(found: Iterable[FoundFile]) -> dict[str, LoadedFile]:
    files: dict[str, LoadedFile] = {}
    for file in found:
        try:
            files[file.path] = load_file(file)
        except Unreadable:
            continue
    return files


# -- Python 2 -----------------------------------------------------------------------------------------------


def _convert_python2(
    before: dict[str, LoadedFile],
) -> tuple[dict[str, LoadedFile], dict[str, Converted], list[tuple[str, str]]]:
    """The files with Python 2 converted, which ones were, and a remark on it.

    One file of Python 2 makes the program one: its other files are so, too, unless only Python 3 reads them.
    """
    sources = {path: source for path, file in before.items() if (source := _decoded(file)) is not None}
    evidence = {path: found for path, source in sources.items() if (found := python2_evidence(source)) is not None}
    files, converted = dict(before), dict[str, Converted]()
    if not evidence:
        return files, converted, []
    for path, source in sources.items():
        is_python2 = path in evidence or not _is_python3(source)
        made = convert(source, before[path].absolute) if is_python2 else None
        if made is not None:
            files[path] = replace(before[path], raw=made.raw, digest=digest(made.raw))
            converted[path] = made
    draws = any(_DRAWS.search(before[path].raw) for path in converted)
    return files, converted, _tell_python2(evidence, converted, draws=draws)


def _tell_python2(
    evidence: dict[str, tuple[str, int]], converted: dict[str, Converted], *, draws: bool
) -> list[tuple[str, str]]:
    path = next((path for path in evidence if path in converted), None)
    if path is None:
        return []
    what, line = evidence[path]
    count = len(converted) - 1
    others = f" with {count} other file{'s' * (count > 1)}" if count else ""
    floors = any(conversion.floors for conversion in converted.values())
    meaning = "`/` of whole numbers and `round` as there" if floors else "`round` as there"
    other = "" if not draws else "; Python 3's `random.randint`, `shuffle` and `choice` draw other numbers"
    return [(f"{path}:{line}: this is Python 2 ({what})", f"it runs converted{others}, {meaning}{other}")]


def _decoded(file: LoadedFile) -> SourceFile | None:
    try:
        return decode(file.path, file.raw)
    except DecodeError:
        return None


def _is_python3(source: SourceFile) -> bool:
    from tfguard.analysis.parse import parse
    from tfguard.errors import ParseError

    try:
        return is_python3(parse(source))
    except ParseError:
        return True


# -- results ------------------------------------------------------------------------------------------------


def _rewritten(
    before: LoadedFile, after: LoadedFile, change: FileChange | None, conversion: Converted | None
) -> list[RewrittenFile]:
    raw = change.raw_after if change is not None else after.raw
    old, new = decode(before.path, before.raw), decode(before.path, raw)
    if old.text.rstrip() == new.text.rstrip() and (conversion is None or not _MEANS_ELSE.search(old.text)):
        return []
    python2 = {} if conversion is None else {"python2": True, "floors": conversion.floors}
    found = []
    for number, (part, other) in enumerate(zip(old.parts, new.parts, strict=True), 1):
        one, two = old.text[part.start : part.end], normalize_newlines(new.text[other.start : other.end])
        if one == two and old.is_notebook and (conversion is None or not _MEANS_ELSE.search(one)):
            continue
        cell = (old.cell_of(part.start) or number) if old.is_notebook else 0
        lines = map_lines(_lines(one), _lines(two))
        found.append(RewrittenFile(before.absolute, before.raw, two, tuple(lines), cell=cell, **python2))
    return found


def _line_map(before: LoadedFile, change: FileChange | None, after: LoadedFile) -> tuple[int, ...]:
    """The line of the original behind each line of the text that was judged; nothing where they are the same."""
    raw = change.raw_after if change is not None else after.raw
    if raw == before.raw:
        return ()
    old, new = decode(before.path, before.raw), decode(before.path, raw)
    return tuple(abs(line) for line in map_lines(_lines(old.text), _lines(new.text)))


def _lines(text: str) -> list[str]:
    return normalize_newlines(text).split("\n")


def _left(report: RunReport, lines: Mapping[str, tuple[int, ...]]) -> list[tuple[str, str]]:
    """What no fix was made for, each cause once: the first place, what is wrong there, and why it stays."""
    causes: dict[str, list[str]] = {}
    for finding in report.findings:
        moved = lines.get(finding.path)
        line = moved[finding.line - 1] if moved else finding.line
        place = f"{finding.path}:{line}: {finding.message}"
        causes.setdefault(_why(finding) or place, []).append(place)
    left = [(_first_of(places), cause if cause not in places else _AS_IT_IS) for cause, places in causes.items()]
    for change in report.changes:
        left += [(f"{change.path}:{note.line or 1}: a fix was refused", note.message) for note in change.refused]
    known = {what.split(": ")[0] for what, _ in left}
    for problem in report.problems:
        place = f"{problem.path}:{problem.line or 1}"
        if place not in known:
            left.append((f"{place}: {problem.message}", problem.remedy))
    return left


def _first_of(places: Sequence[str]) -> str:
    if len(places) == 1:
        return places[0]
    return f"{places[0]} (and {len(places) - 1} other name{'s' * (len(places) > 2)})"


def _why(finding: Finding) -> str:
    """The last remark on it that names no place; nothing where there is none."""
    notes = [note.message for note in finding.notes if note.path is None]
    if notes:
        return notes[-1]
    return "" if finding.fix is None else "its fix may change results, and is left out"
