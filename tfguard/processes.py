"""Analyses files in several processes; a process that dies takes only its file with it."""

from __future__ import annotations

import multiprocessing
import signal
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool

from tfguard.config import Config
from tfguard.model import Problem
from tfguard.pool import Task, analyse_all
from tfguard.worker import FileResult, load_setup

_LARGEST_CHUNK = 400_000


def analyse_in_workers(
    config: Config, extra: tuple[str, ...], tasks: Sequence[Task], workers: int
) -> Iterator[FileResult]:
    """The results as they come."""
    if _start_method() == "fork":
        load_setup(config, extra)  # loaded once, shared by all workers
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


def _start_method() -> str:
    """Fork is 7 times cheaper than spawn, and safe on Linux, where this process has one thread."""
    return "fork" if sys.platform == "linux" else "spawn"


def _analyse_chunk(config: Config, extra: tuple[str, ...], chunk: Sequence[Task]) -> list[FileResult]:
    return list(analyse_all(config, extra, chunk))


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
