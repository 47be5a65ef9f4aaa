"""Analyses many files, in this process or in several; a process that dies takes only its file with it."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool

from tfguard.config import Config
from tfguard.garbage import collected_seldom
from tfguard.model import Problem
from tfguard.worker import FileResult, analyse_file, load_setup

#: Below this much text the start of a worker costs more than it saves.
_WORTH_A_WORKER = 150_000
_LARGEST_CHUNK = 400_000
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
        for result in _analyse_all(config, extra, tasks):
            yield result
            on_done(1)
        return
    if _start_method() == "fork":
        load_setup(config, extra)  # loaded once, shared by all workers
    results: dict[str, FileResult] = {}
    for result in _in_workers(config, extra, tasks, workers):
        results[result.path] = result
        on_done(1)
    yield from (results[task[0]] for task in tasks)


def _worker_count(config: Config, tasks: Sequence[Task]) -> int:
    if config.jobs:
        return min(config.jobs, len(tasks), _MOST_WORKERS)
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    worthwhile = sum(len(task[1]) for task in tasks) // _WORTH_A_WORKER
    return min(processors, worthwhile, len(tasks), _MOST_WORKERS)


def _start_method() -> str:
    """Fork is 7 times cheaper than spawn, and safe on Linux, where this process has one thread."""
    return "fork" if sys.platform == "linux" else "spawn"


def _in_workers(config: Config, extra: tuple[str, ...], tasks: Sequence[Task], workers: int) -> Iterator[FileResult]:
    left = {task[0]: task for task in tasks}
    chunks = _chunks(tasks, workers)
    try:
        for result in _run(config, extra, chunks, workers):
            del left[result.path]
            yield result
    except BrokenProcessPool:
        yield from _one_by_one(config, extra, left)


def _run(
    config: Config, extra: tuple[str, ...], chunks: Sequence[Sequence[Task]], workers: int
) -> Iterator[FileResult]:
    context = multiprocessing.get_context(_start_method())
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_leave_interrupts_to_the_parent)
    try:
        futures: list[Future[list[FileResult]]] = [
            pool.submit(_analyse_chunk, config, extra, chunk) for chunk in chunks
        ]
        for future in as_completed(futures):
            yield from future.result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _one_by_one(config: Config, extra: tuple[str, ...], left: dict[str, Task]) -> Iterator[FileResult]:
    """After a process died: a fresh one for each remaining file, so that the guilty one can be named."""
    for path, task in left.items():
        try:
            yield from _run(config, extra, [[task]], 1)
        except BrokenProcessPool:
            remedy = "leave the file out with `exclude`; if it is not enormous, please report it"
            problem = Problem(path, "analysing the file ended the process (out of memory or stack)", remedy)
            yield FileResult(path, problems=(problem,), is_final=False)


def _analyse_chunk(config: Config, extra: tuple[str, ...], chunk: Sequence[Task]) -> list[FileResult]:
    return list(_analyse_all(config, extra, chunk))


def _analyse_all(config: Config, extra: tuple[str, ...], tasks: Sequence[Task]) -> Iterator[FileResult]:
    setup = load_setup(config, extra)
    with collected_seldom() as count:
        for path, raw, syntax_only in tasks:
            yield analyse_file(setup, path, raw, syntax_only=syntax_only)
            count(len(raw))


def _leave_interrupts_to_the_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _chunks(tasks: Sequence[Task], workers: int) -> list[list[Task]]:
    """About eight chunks a worker, so that all end at about the same time."""
    total = sum(len(task[1]) for task in tasks)
    limit = min(_LARGEST_CHUNK, total // (workers * 8) + 1)
    chunks: list[list[Task]] = [[]]
    size = 0
    for task in tasks:
        if chunks[-1] and size + len(task[1]) > limit:
            chunks.append([])
            size = 0
        chunks[-1].append(task)
        size += len(task[1])
    return chunks
