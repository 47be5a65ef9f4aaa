"""Fills in what a session's configuration leaves open: GPU memory and threads."""

import functools
import sys
from typing import Any, Callable, NamedTuple, Optional

from tfguard.runtime.settings import GpuMemory

Count = Callable[[], Optional[int]]


class Threads(NamedTuple):
    """How many inside an operation and between operations."""

    intra: int
    inter: int


def bound_sessions(tf: Any, memory: GpuMemory, threads: Optional[Threads], count_gpus: Count) -> None:
    """Every session that is made from now on, Keras' and the estimators' too, gets bounds where it brings none."""
    namespace = tf if hasattr(tf, "Session") else tf.compat.v1
    if memory is None and threads is None:
        return
    base = next(kind for kind in namespace.Session.__mro__ if kind.__name__ == "BaseSession")
    original = getattr(base.__init__, "_tfguard_original", base.__init__)

    @functools.wraps(original)
    def __init__(self: Any, target: Any = "", graph: Any = None, config: Any = None) -> None:  # noqa: N807
        if config is not None and not isinstance(config, namespace.ConfigProto):
            original(self, target, graph, config)  # it raises
        complete = namespace.ConfigProto()
        if config is not None:
            complete.CopyFrom(config)
        if memory is not None:
            bound_memory(complete.gpu_options, memory, count_gpus)
        if threads is not None:
            limit_threads(complete, Threads(threads.intra, 1) if is_made_by_keras() else threads)
        original(self, target, graph, complete)

    __init__._tfguard_original = original  # type: ignore[attr-defined]
    base.__init__ = __init__


def is_made_by_keras() -> bool:
    """Keras before 2.3 updates weights while gradients read them, so its own sessions run one operation at a time.

    No queue waits for a second thread there: it feeds what it trains on.
    """
    frame: Any = sys._getframe(2)
    while frame is not None and frame.f_globals.get("__name__", "").startswith("tensorflow"):
        frame = frame.f_back
    return frame is not None and frame.f_globals.get("__name__", "").startswith("keras.")


def bound_memory(options: Any, memory: GpuMemory, count_gpus: Count) -> None:
    """Bound the memory in a session's GPU options; what bounds it already is kept."""
    virtual: Any = getattr(getattr(options, "experimental", None), "virtual_devices", None)
    if options.allow_growth or options.per_process_gpu_memory_fraction or virtual:
        return
    if isinstance(memory, float):
        options.per_process_gpu_memory_fraction = memory
        return
    count = count_gpus() if isinstance(memory, int) and virtual is not None else None
    if count is None:
        options.allow_growth = True
        return
    for _ in range(count):
        virtual.add(memory_limit_mb=[memory])


def limit_threads(config: Any, threads: Threads) -> None:
    """Set the numbers of threads that a session's configuration leaves to the machine."""
    config.intra_op_parallelism_threads = config.intra_op_parallelism_threads or threads.intra
    config.inter_op_parallelism_threads = config.inter_op_parallelism_threads or threads.inter
