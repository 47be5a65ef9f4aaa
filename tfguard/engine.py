"""`check` and `fix`: from paths and settings to one RunReport. What both need at once is imported at the top,
the analysis only when something is not cached.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tfguard.cache import open_cache
from tfguard.config import Config
from tfguard.discovery import FoundFile, list_files
from tfguard.model import FileReport, Finding, Problem, RunReport
from tfguard.project_files import LoadedFile, from_memory, load_files, stdin_file
from tfguard.run_cache import CachedRun, RunCache

if TYPE_CHECKING:
    from tfguard.cache import Cache
    from tfguard.pipeline import Project

Progress = Callable[[int, int], None]

_UNPARSED = frozenset({"syntax-error", "python2-source"})


class StdinFile(NamedTuple):
    """What stands on stdin and the path that it goes by."""

    path: str
    content: bytes


def check(
    paths: Sequence[str],
    config: Config,
    *,
    stdin: tuple[str, bytes] | None = None,
    progress: Progress | None = None,
) -> RunReport:
    """Everything that is wrong in the files at `paths`."""
    runs = RunCache(open_cache(config), config)
    listed, problems = _list(paths, config, stdin)
    found = runs.load_unchanged(listed) if stdin is None else None
    if found is not None:
        return _report(config, len(listed), problems, found)
    files, unread = _load(listed, stdin)
    found = runs.load(files) or _analyse(files, config, runs, progress)
    if stdin is None and not unread:
        runs.remember(files, found)
    runs.cache.thin_out()
    return _report(config, len(files), (*problems, *unread), found)


def fix(
    paths: Sequence[str],
    config: Config,
    *,
    write: bool,
    stdin: tuple[str, bytes] | None = None,
    progress: Progress | None = None,
) -> RunReport:
    """Apply the fixes that the settings permit; with `write` to the files, else only in `RunReport.changes`.

    The findings of the report are those that are left in the changed texts.
    """
    from tfguard.fixing import write_changes

    cache = open_cache(config)
    listed, problems = _list(paths, config, stdin)
    files, unread = _load(listed, stdin)
    project, report = _fix(files, config, cache, (*problems, *unread), progress)
    changes = report.changes
    if write and stdin is None:
        changes, unwritten = write_changes(project, changes)
        report = replace(report, problems=(*report.problems, *unwritten))
    cache.thin_out()
    return replace(report, changes=changes, fixed=sum(len(change.applied) for change in changes))


def fix_in_memory(files: dict[str, LoadedFile], config: Config) -> RunReport:
    """Apply the fixes that the settings permit to what was loaded; only `RunReport.changes` knows of it."""
    cache = open_cache(config)
    _, report = _fix(files, config, cache, (), None)
    cache.thin_out()
    return report


def _fix(
    files: dict[str, LoadedFile],
    config: Config,
    cache: Cache,
    problems: tuple[Problem, ...],
    progress: Progress | None,
) -> tuple[Project, RunReport]:
    from tfguard.fixing import Fixer
    from tfguard.pipeline import Project

    project = Project(files, config, cache, progress)
    fixer = Fixer(project, lambda: _report(config, len(files), problems, _judge(project)))
    report = fixer.run()
    return project, replace(report, changes=fixer.changes())


def _list(
    paths: Sequence[str], config: Config, stdin: tuple[str, bytes] | None
) -> tuple[Sequence[FoundFile], tuple[Problem, ...]]:
    return ([stdin_file(stdin[0], config.root)], ()) if stdin is not None else list_files(paths, config)


def _load(listed: Sequence[FoundFile], stdin: tuple[str, bytes] | None) -> tuple[dict[str, LoadedFile], list[Problem]]:
    if stdin is None:
        return load_files(listed)
    return {file.path: from_memory(file, stdin[1]) for file in listed}, []


def _analyse(files: dict[str, LoadedFile], config: Config, runs: RunCache, progress: Progress | None) -> CachedRun:
    from tfguard.pipeline import Project

    found = _judge(Project(files, config, runs.cache, progress))
    runs.store(files, found)
    return found


def _judge(project: Project) -> CachedRun:
    from tfguard.verdicts import judge

    outcome = project.run()
    verdict = judge(project, outcome)
    context = [(file.path, file.digest) for file in project.files.values() if not file.is_reported]
    return CachedRun(
        verdict.files,
        verdict.suppressed,
        outcome.problems,
        tuple(context),
        project.finder.answers,
        outcome.is_final,
    )


def _report(config: Config, checked: int, problems: tuple[Problem, ...], found: CachedRun) -> RunReport:
    left, baselined = _without_baseline(config, found.files)
    return RunReport(
        files=left,
        files_checked=checked,
        problems=(*problems, *found.problems, *_unparsed(left)),
        target=str(config.target),
        suppressed=found.suppressed,
        baselined=baselined,
    )


def _without_baseline(config: Config, files: tuple[FileReport, ...]) -> tuple[tuple[FileReport, ...], int]:
    if config.baseline is None:
        return files, 0
    from tfguard.baseline import apply_baseline, load_baseline

    return apply_baseline(files, load_baseline(Path(config.root, config.baseline)))


def _unparsed(files: Sequence[FileReport]) -> list[Problem]:
    """A file that cannot be parsed was not checked: whoever has not silenced that finding gets exit code 2."""
    return [_unparsed_problem(finding) for file in files for finding in file.findings if finding.name in _UNPARSED]


def _unparsed_problem(finding: Finding) -> Problem:
    remedy = finding.notes[0].message if finding.notes else ""
    return Problem(finding.path, f"the file was not checked ({finding.rule})", remedy, finding.line, finding.column)
