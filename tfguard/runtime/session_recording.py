"""Records the steps of a program in graph mode: every `run` of a session, Estimators' and Keras' included."""

import functools
from typing import Any, List, Optional

from tfguard.runtime.losses import find_loss
from tfguard.runtime.magnitudes import numbers_of, read_arrays
from tfguard.runtime.trace import Trace, digest


class SessionRecorder:
    """Reads the trainable variables of a graph with the program's own session after each run."""

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.tf: Any = None
        self.seen: List[Any] = []

    def install(self, tf: Any) -> None:
        """Wrap `BaseSession.run`."""
        self.tf = tf if hasattr(tf, "Session") else tf.compat.v1
        base = next(kind for kind in self.tf.Session.__mro__ if kind.__name__ == "BaseSession")
        original = base.run

        @functools.wraps(original)
        def run(session: Any, fetches: Any, feed_dict: Any = None, *arguments: Any, **keywords: Any) -> Any:
            result = original(session, fetches, feed_dict, *arguments, **keywords)
            self.record_run(session, fetches, feed_dict, result, original)
            return result

        base.run = run
        self.wrap_callables(getattr(base, "_Callable", None), original)

    def wrap_callables(self, kind: Any, run: Any) -> None:
        """Keras of TensorFlow 1.13 to 1.15 has its sessions make functions, which is no run of them."""
        if kind is None:
            return
        original = vars(kind)["__call__"]

        @functools.wraps(original)
        def __call__(function: Any, *arguments: Any, **keywords: Any) -> Any:  # noqa: N807
            result = original(function, *arguments, **keywords)
            self.record_run(function._session, "function", dict(enumerate(arguments)), result, run)
            return result

        kind.__call__ = __call__

    def record_run(self, session: Any, fetches: Any, feed_dict: Any, result: Any, run: Any) -> None:
        """Of the program's own, not of those that read the variables."""
        if not self.trace.is_ours():
            return
        self.trace.busy = True
        try:
            self.record(session, fetches, feed_dict, result, run)
        finally:
            self.trace.busy = False

    def record(self, session: Any, fetches: Any, feed_dict: Any, result: Any, run: Any) -> None:
        """Initial values once they are there, then a step."""
        weights = self.read(session, run)
        if weights is not None and not any(graph is session.graph for graph in self.seen):
            self.seen.append(session.graph)
            for name, value, numbers in weights:
                self.trace.add("initial", name=name, digest=value, numbers=numbers, place=None)
        fed = arrays_in([value for _, value in sorted((feed_dict or {}).items(), key=lambda item: str(item[0]))])
        outputs = read_arrays(arrays_in(result))
        self.trace.step(
            name_of(fetches),
            read_arrays(fed),
            outputs,
            weights=weights if self.trace.wants_weights() else None,
            loss=find_loss(names_of_arrays(fetches, result), outputs.numbers),
        )

    def read(self, session: Any, run: Any) -> Optional[Any]:
        """Names, digests and numbers of the graph's trainable variables; None before they are initialised."""
        variables = session.graph.get_collection("trainable_variables")
        if not variables:
            return None
        try:
            values = run(session, variables)
        except (self.tf.errors.OpError, RuntimeError, ValueError, TypeError):
            return None
        return [(variable.name, digest([value]), numbers_of(value)) for variable, value in zip(variables, values)]


def arrays_in(value: Any) -> List[Any]:
    """The arrays and NumPy numbers in nested lists, tuples and dicts, in order."""
    if isinstance(value, dict):
        return arrays_in([value[key] for key in sorted(value, key=str)])
    if isinstance(value, (list, tuple)):
        return [array for item in value for array in arrays_in(item)]
    return [value] if hasattr(value, "tobytes") and hasattr(value, "dtype") else []


def names_of_arrays(fetches: Any, result: Any) -> List[str]:
    """For each array that was fetched, its key in a dict and its name in the graph."""
    if isinstance(fetches, dict) and isinstance(result, dict):
        return [
            "{} {}".format(key, name)
            for key in sorted(fetches, key=str)
            for name in names_of_arrays(fetches[key], result.get(key))
        ]
    if isinstance(fetches, (list, tuple)) and isinstance(result, (list, tuple)):
        return [name for fetch, value in zip(fetches, result) for name in names_of_arrays(fetch, value)]
    return [name_of(fetches)] * len(arrays_in(result))


def name_of(fetches: Any) -> str:
    """What was run, by the names of the graph."""
    if isinstance(fetches, dict):
        return ", ".join(name_of(fetches[key]) for key in sorted(fetches, key=str))
    if isinstance(fetches, (list, tuple)):
        return ", ".join(name_of(item) for item in fetches)
    return str(getattr(fetches, "name", fetches))
