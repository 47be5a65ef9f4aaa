"""The cache of whole runs: when no file has changed, nothing is parsed and no rule is imported.

A run is kept under the content of its files. Beside it stands an index, as git has one: files whose size, times and
inode are those of the run are not read again. A file that was touched less than two seconds before it was read is
not trusted to show every later change in its times, and keeps its run out of the index.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tfguard.cache import Cache, key_of, package_fingerprint
from tfguard.config import Config
from tfguard.discovery import FoundFile, absolute_path
from tfguard.imports import Answers, ModuleFinder
from tfguard.model import FileReport, Problem
from tfguard.project_files import LoadedFile, Stamp, Unreadable, load_file, stamp_of
from tfguard.serialise import problem_from_json, problem_to_json, report_from_json, report_to_json

_SETTLED = 2_000_000_000


@dataclass(frozen=True, slots=True)
class CachedRun:
    """What a run found in its files, before the baseline; and what it rests on besides their content."""

    files: tuple[FileReport, ...]
    suppressed: int
    problems: tuple[Problem, ...] = ()
    #: (path, digest) of the modules that were read because files import them.
    context: tuple[tuple[str, str], ...] = ()
    #: What was asked of the file system, and its answers.
    answers: Answers = field(default_factory=dict)
    is_final: bool = True


class RunCache:
    """The runs of one configuration."""

    def __init__(self, cache: Cache, config: Config) -> None:
        self.cache = cache
        self._root = config.root
        self._base = key_of(package_fingerprint(), config.fingerprint(), config.root)

    def load_unchanged(self, found: Sequence[FoundFile]) -> CachedRun | None:
        """The result of an earlier run, if no file was touched since; no file is read."""
        index = self.cache.get(self._index_key(file.path for file in found))
        if not isinstance(index, dict) or not isinstance(index.get("run"), str):
            return None
        try:
            stamps = [list(stamp_of(os.stat(file.absolute))) for file in found]
        except OSError:
            return None
        return self._load(index["run"]) if stamps == index.get("stamps") else None

    def load(self, files: Mapping[str, LoadedFile]) -> CachedRun | None:
        """The result of an earlier run over files of the same content."""
        return self._load(self._key(files))

    def store(self, files: Mapping[str, LoadedFile], found: CachedRun) -> None:
        """Keep the result of a run, if another would end the same way."""
        if found.is_final:
            self.cache.put(self._key(files), _to_json(found))

    def remember(self, files: Mapping[str, LoadedFile], found: CachedRun) -> None:
        """Let the next run recognise these files by their stamps."""
        stamps = [file.stamp for _, file in sorted(files.items())]
        if found.is_final and all(_is_settled(stamp) for stamp in stamps):
            self.cache.put(self._index_key(sorted(files)), {"run": self._key(files), "stamps": stamps})

    def _load(self, key: str) -> CachedRun | None:
        value = self.cache.get(key)
        try:
            found = _from_json(value)
        except (KeyError, TypeError, ValueError, IndexError, AttributeError):
            return None
        return found if self._still_holds(found) else None

    def _still_holds(self, found: CachedRun) -> bool:
        for path, digest in found.context:
            try:
                file = load_file(FoundFile(path, absolute_path(path, self._root)))
            except Unreadable:
                return False
            if file.digest != digest:
                return False
        return ModuleFinder(self._root).still_true(found.answers)

    def _key(self, files: Mapping[str, LoadedFile]) -> str:
        return key_of("run", self._base, sorted((path, file.digest) for path, file in files.items()))

    def _index_key(self, paths: Iterable[str]) -> str:
        return key_of("index", self._base, *paths)


def _is_settled(stamp: Stamp | None) -> bool:
    return stamp is not None and max(stamp.modified, stamp.changed) < time.time_ns() - _SETTLED


def _to_json(found: CachedRun) -> Any:
    return {
        "files": [report_to_json(report) for report in found.files],
        "suppressed": found.suppressed,
        "problems": [problem_to_json(problem) for problem in found.problems],
        "context": found.context,
        "answers": found.answers,
    }


def _from_json(value: Any) -> CachedRun:
    return CachedRun(
        tuple(report_from_json(row) for row in value["files"]),
        int(value["suppressed"]),
        tuple(problem_from_json(row) for row in value["problems"]),
        tuple((str(path), str(digest)) for path, digest in value["context"]),
        {str(directory): dict(names) for directory, names in value["answers"].items()},
    )
