"""Work that runs in parallel: threads and pools of the program, parallel data sets, workers of Keras, queue runners.

In a recorded run each is an event, with its place. A trial can have it all run in turn instead: one worker at a time.
"""

import functools
import inspect
from types import ModuleType
from typing import Any, Dict, List

from tfguard.runtime.arrivals import Arrivals
from tfguard.runtime.callers import is_programs_function
from tfguard.runtime.trace import Trace, find_place

#: A thread of the program is waited for so many seconds before the next one starts; it may need what comes after it.
_PATIENCE = 2.0
#: Methods of data sets that run functions in parallel.
_DATA_SETS = ("map", "interleave", "parallel_interleave", "map_and_batch")
#: Arguments that make work parallel, and the value that has it run in turn.
_IN_TURN: Dict[str, Any] = {
    "num_parallel_calls": None,
    "num_parallel_batches": None,
    "deterministic": None,
    "sloppy": False,
    "workers": 1,
    "use_multiprocessing": False,
    "max_workers": 1,
    "processes": 1,
}


class Parallel:
    """Sees, and where it is told to puts in turn, what runs in parallel."""

    def __init__(self, trace: Trace, *, in_turn: bool) -> None:
        self.trace = trace
        self.in_turn = in_turn

    def install(self, arrivals: Arrivals) -> None:
        """As the libraries arrive."""
        arrivals.when_imported("threading", lambda module: self.wrap(module.Thread, "start", self.starting))
        arrivals.when_imported("concurrent.futures.thread", lambda m: self.limit(m.ThreadPoolExecutor, "__init__"))
        arrivals.when_imported("concurrent.futures.process", lambda m: self.limit(m.ProcessPoolExecutor, "__init__"))
        arrivals.when_imported("concurrent.futures._base", self.watch_futures)
        arrivals.when_imported("multiprocessing.pool", lambda module: self.limit(module.Pool, "__init__"))
        arrivals.when_imported("multiprocessing.process", self.watch_processes)
        arrivals.when_imported("tensorflow", self.watch_tensorflow)
        arrivals.when_imported("keras", self.watch_keras)

    def wrap(self, owner: Any, name: str, make: Any) -> None:
        original = vars(owner).get(name) if isinstance(owner, type) else getattr(owner, name, None)
        if callable(original):
            setattr(owner, name, functools.wraps(original)(make(original)))

    def note(self, what: str) -> None:
        """Write the event."""
        place = find_place()
        if place is not None and self.trace.is_ours():
            self.trace.add("parallel", what=what, place=place)

    def starting(self, original: Any) -> Any:
        """A thread that runs the program's code; libraries' threads are left alone."""

        def start(thread: Any) -> None:
            own = is_programs_function(getattr(thread, "_target", None)) or is_programs_function(type(thread).run)
            original(thread)
            if own:
                self.note("thread")
                if self.in_turn:
                    thread.join(_PATIENCE)

        return start

    def limit(self, owner: Any, name: str) -> None:
        """A function whose arguments say how much of it runs in parallel."""
        original = vars(owner).get(name) if isinstance(owner, type) else getattr(owner, name, None)
        if not callable(original):
            return
        known = [argument for argument in _IN_TURN if argument in parameters_of(original)]
        always = name == "__init__"

        @functools.wraps(original)
        def limited(*arguments: Any, **keywords: Any) -> Any:
            given = bind(original, arguments, keywords)
            asked = [argument for argument in known if is_parallel(argument, given.get(argument))]
            if asked or (always and known):
                self.note(owner.__name__ if always else name)
                if self.in_turn:
                    arguments, keywords = replace(original, arguments, keywords, asked or known[:1])
            return original(*arguments, **keywords)

        setattr(owner, name, limited)

    def watch_futures(self, module: Any) -> None:
        """`as_completed` gives what is ready first; in turn it gives what was submitted first."""
        if not self.in_turn:
            return
        original = module.Future.__init__
        made: List[int] = []

        @functools.wraps(original)
        def __init__(future: Any) -> None:  # noqa: N807
            original(future)
            made.append(len(made))
            future._tfguard_number = len(made)

        def as_completed(futures: Any, timeout: Any = None) -> Any:
            for future in sorted(futures, key=lambda future: future._tfguard_number):
                module.wait([future], timeout)
                yield future

        module.Future.__init__ = __init__
        module.as_completed = as_completed

    def watch_processes(self, module: Any) -> None:
        """Processes that the program starts, pools included: what they draw is their own."""
        original = module.BaseProcess.start

        @functools.wraps(original)
        def start(process: Any) -> Any:
            place = find_place()
            if place is not None and self.trace.is_ours():
                self.trace.add("process", place=place)
            return original(process)

        module.BaseProcess.start = start

    def watch_tensorflow(self, tf: Any) -> None:
        """Data sets of both versions, and the queues of TensorFlow 1."""
        compat = getattr(getattr(tf, "compat", None), "v1", None)
        kinds: List[Any] = []
        for namespace in [tf] if compat is None else [tf, compat]:
            kind = getattr(getattr(namespace, "data", None), "Dataset", None)
            kinds += [base for base in getattr(kind, "__mro__", ()) if base not in kinds and base is not object]
        for kind in kinds:
            for name in _DATA_SETS:
                if name in vars(kind):
                    self.limit(kind, name)
        experimental = getattr(getattr(tf, "data", None), "experimental", None)
        for name in ("parallel_interleave", "map_and_batch"):
            self.limit(experimental, name)
        train = getattr(compat, "train", None) or getattr(tf, "train", None)
        runner = getattr(train, "QueueRunner", None)
        if runner is not None:
            self.wrap(runner, "_init_from_args", self.queueing)
        keras = vars(tf).get("keras")
        if type(keras) is ModuleType:  # a lazy one would be imported by the question
            self.watch_keras(keras)

    def queueing(self, original: Any) -> Any:
        """A queue that several threads fill."""

        def _init_from_args(
            runner: Any, queue: Any = None, enqueue_ops: Any = None, *rest: Any, **keywords: Any
        ) -> Any:
            if len(enqueue_ops or ()) > 1:
                self.note("QueueRunner")
                enqueue_ops = enqueue_ops[:1] if self.in_turn else enqueue_ops
            return original(runner, queue, enqueue_ops, *rest, **keywords)

        return _init_from_args

    def watch_keras(self, keras: Any) -> None:
        """Workers that fetch batches."""
        batches = getattr(getattr(keras, "utils", None), "PyDataset", None)
        if batches is not None and not isinstance(batches.workers.fget, _Worker):
            for name in ("workers", "use_multiprocessing"):
                old: Any = vars(batches)[name]
                setattr(batches, name, property(_Worker(self, old.fget, name), old.fset))
        model = getattr(keras, "Model", None)
        for kind in getattr(model, "__mro__", ()):
            for name in ("fit", "fit_generator"):
                if name in vars(kind) and "workers" in parameters_of(vars(kind)[name]):
                    self.limit(kind, name)


class _Worker:
    """A property of Keras' data sets that says how many workers there are."""

    def __init__(self, parallel: Parallel, original: Any, name: str) -> None:
        self.parallel = parallel
        self.original = original
        self.name = name

    def __call__(self, batches: Any) -> Any:
        found = self.original(batches)
        if not is_parallel(self.name, found):
            return found
        self.parallel.note("workers")
        return _IN_TURN[self.name] if self.parallel.in_turn else found


def is_parallel(name: str, value: Any) -> bool:
    """Does an argument ask for more than one at a time, or for no order?"""
    if name == "deterministic":
        return value is False
    if name in ("sloppy", "use_multiprocessing"):
        return bool(value)
    return value is not None and not (isinstance(value, int) and value in (0, 1))


def parameters_of(function: Any) -> List[str]:
    """The names of a function's parameters, in order; none where Python cannot tell."""
    try:
        return list(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        return []


def bind(function: Any, arguments: Any, keywords: Any) -> Dict[str, Any]:
    """The arguments of a call by name; what does not fit is left to the function itself."""
    return dict(zip(parameters_of(function), arguments), **keywords)


def replace(function: Any, arguments: Any, keywords: Any, names: List[str]) -> Any:
    """The arguments of a call, with some of them in turn."""
    positions = parameters_of(function)
    changed, others = list(arguments), dict(keywords)
    for name in names:
        position = positions.index(name)
        if position < len(changed):
            changed[position] = _IN_TURN[name]
        else:
            others[name] = _IN_TURN[name]
    return tuple(changed), others
