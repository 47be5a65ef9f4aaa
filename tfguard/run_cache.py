"""The cache of whole runs: when no file has changed, nothing is parsed and no rule is imported."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tfguard.cache import Cache, key_of, package_fingerprint
from tfguard.config import Config
from tfguard.discovery import FoundFile, absolute_path
from tfguard.imports import ModuleFinder
from tfguard.model import FileReport, Problem
from tfguard.project_files import LoadedFile, Unreadable, load_file
from tfguard.serialise import problem_from_json, problem_to_json, report_from_json, report_to_json


@dataclass(frozen=True, slots=True)
class CachedRun:
    """What a run found in its files, before the baseline; and what it rests on besides their content."""

    files: tuple[FileReport, ...]
    suppressed: int
    problems: tuple[Problem, ...] = ()
    #: (path, digest) of the modules that were read because files import them.
    context: tuple[tuple[str, str], ...] = ()
    #: What was asked of the file system, and its answers (see ModuleFinder).
    answers: tuple[tuple[str, str, str], ...] = ()
    is_final: bool = True


def load_run(cache: Cache, config: Config, files: Mapping[str, LoadedFile]) -> CachedRun | None:
    """The result of an earlier run over the same files, if all that it rests on is as it was."""
    value = cache.get(_key(config, files))
    if value is None:
        return None
    try:
        found = _from_json(value)
    except (KeyError, TypeError, ValueError, IndexError):
        return None
    return found if _still_holds(config, found) else None


def store_run(cache: Cache, config: Config, files: Mapping[str, LoadedFile], found: CachedRun) -> None:
    """Keep the result of a run."""
    cache.put(_key(config, files), _to_json(found))


def _key(config: Config, files: Mapping[str, LoadedFile]) -> str:
    contents = sorted((path, file.digest) for path, file in files.items())
    return key_of("run", package_fingerprint(), config.fingerprint(), config.root, contents)


def _still_holds(config: Config, found: CachedRun) -> bool:
    for path, digest in found.context:
        try:
            file = load_file(FoundFile(path, absolute_path(path, config.root)))
        except Unreadable:
            return False
        if file.digest != digest:
            return False
    return ModuleFinder(config.root).still_true(found.answers)


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
        tuple((str(directory), str(name), str(answer)) for directory, name, answer in value["answers"]),
    )
