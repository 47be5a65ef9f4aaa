"""Analyses many files, in this process or (`processes`) in several."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence

from tfguard.config import Config
from tfguard.garbage import collected_seldom
from tfguard.worker import FileResult, analyse_file, load_setup

#: Below this much text the start of a worker costs more than it saves.
_WORTH_A_WORKER = 150_000
_MOST_WORKERS = 60

Task = tuple[str, bytes, bool]


def analyse_files(
    config: Config, extra: tuple[str, ...], tasks: Sequence[Task], on_done: Callable[[int], None]
) -> Iterator[FileResult]:
    """The results in the order of the tasks, whatever the number of workers. `on_done` counts finished files.

    A task is a path, the file's bytes, and whether only its syntax matters.
    """
    workers = _worker_count(config, tasks)
    if workers < 2:
        for result in analyse_all(config, extra, tasks):
            yield result
            on_done(1)
        return
    from tfguard.processes import analyse_in_workers  # 10 ms that a single file need not wait for

    results: dict[str, FileResult] = {}
    for result in analyse_in_workers(config, extra, tasks, workers):
        results[result.path] = result
        on_done(1)
    yield from (results[task[0]] for task in tasks)


def _worker_count(config: Config, tasks: Sequence[Task]) -> int:
    if config.jobs:
        return min(config.jobs, len(tasks), _MOST_WORKERS)
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    worthwhile = sum(len(task[1]) for task in tasks) // _WORTH_A_WORKER
    return min(processors, worthwhile, len(tasks), _MOST_WORKERS)


def analyse_all(config: Config, extra: tuple[str, ...], tasks: Sequence[Task]) -> Iterator[FileResult]:
    """The results of some files, one after the other in this process."""
    setup = load_setup(config, extra)
    with collected_seldom() as count:
        for path, raw, syntax_only in tasks:
            yield analyse_file(setup, path, raw, syntax_only=syntax_only)
            count(len(raw))
