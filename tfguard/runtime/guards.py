"""Guards the graph: summaries of the model only, gradients that are None reported by the name of their variable."""

import functools
import sys
from typing import Any, Dict, List, Tuple

from tfguard.runtime.telling import Telling

#: Where a call stands: file and line.
Place = Tuple[str, int]


class Guards:
    """Wraps the functions of TensorFlow that silently take too much or give nothing."""

    def __init__(self, telling: Telling, *, zero: bool = False) -> None:
        self.telling = telling
        self.zero = zero

    def install(self, tf: Any) -> None:
        """In the namespaces that the program can reach."""
        compat = getattr(getattr(tf, "compat", None), "v1", None)
        for namespace in [tf] if compat is None else [tf, compat]:
            self.wrap(getattr(namespace, "summary", None), "merge_all", self.guard_merge_all)
            self.wrap(namespace, "merge_all_summaries", self.guard_merge_all)
            self.wrap(namespace, "gradients", self.guard_gradients)
        tape = getattr(tf, "GradientTape", None)
        if tape is not None:
            self.wrap(tape, "gradient", self.guard_tape)

    def wrap(self, owner: Any, name: str, make: Any) -> None:
        """Put the guarded function in the place of the plain one, once."""
        original = getattr(owner, name, None)
        if original is not None and not hasattr(original, "_tfguard_guarded"):
            guarded: Any = functools.wraps(original)(make(original))
            guarded._tfguard_guarded = True
            setattr(owner, name, guarded)

    def guard_merge_all(self, original: Any) -> Any:
        """Called a second time at one place of one graph, it is a second model's: leave out what was merged before.

        Without that, running the merged summaries asks for the placeholders of the other model: "You must feed a value
        for placeholder tensor".
        """
        merged: Dict[Place, List[Any]] = {}

        def merge_all(key: Any = "summaries", *arguments: Any, **keywords: Any) -> Any:
            place = caller()
            graph = get_graph()
            before = [op for op in merged.get(place, []) if op.graph is graph]
            collection = graph.get_collection_ref(key)
            everything = list(collection)
            merged[place] = everything
            own = [op for op in everything if not any(op is other for other in before)]
            if not before or not own:
                return original(key, *arguments, **keywords)
            note = "{}:{}: merge_all limited to the {} summaries of this model, {} of others left out"
            self.telling.note(note.format(place[0], place[1], len(own), len(before)))
            collection[:] = own
            try:
                return original(key, *arguments, **keywords)
            finally:
                collection[:] = everything

        return merge_all

    def guard_gradients(self, original: Any) -> Any:
        """Report each variable that the loss does not depend on; put zeros where asked."""

        def gradients(ys: Any, xs: Any, *arguments: Any, **keywords: Any) -> Any:
            results = original(ys, xs, *arguments, **keywords)
            sources = list(xs) if isinstance(xs, (list, tuple)) else [xs]
            if not isinstance(results, list) or len(results) != len(sources):
                return results
            return [self.gradient_of(source, result, "tf.gradients") for source, result in zip(sources, results)]

        return gradients

    def guard_tape(self, original: Any) -> Any:
        """As for `tf.gradients`; only plain lists of sources are looked at."""

        def gradient(tape: Any, target: Any, sources: Any, *arguments: Any, **keywords: Any) -> Any:
            results = original(tape, target, sources, *arguments, **keywords)
            if not isinstance(sources, (list, tuple)) or not any(result is None for result in results):
                return results
            found = [self.gradient_of(source, result, "GradientTape") for source, result in zip(sources, results)]
            return found if isinstance(results, list) else results

        return gradient

    def gradient_of(self, source: Any, gradient: Any, function: str) -> Any:
        """The gradient, or zeros for None where asked."""
        if gradient is not None or isinstance(source, (list, tuple, dict)):
            return gradient
        name = getattr(source, "path", None) or getattr(source, "name", None) or "a tensor"
        remedy = "zeros are used instead" if self.zero else "None is returned (`--zero-gradients` gives zeros)"
        note = "{}: no gradient for `{}`, the target does not depend on it; {}"
        self.telling.note(note.format(function, name, remedy))
        return sys.modules["tensorflow"].zeros_like(source) if self.zero else None


def get_graph() -> Any:
    """The default graph, by whatever name this TensorFlow has for it."""
    tf: Any = sys.modules["tensorflow"]
    compat = getattr(getattr(tf, "compat", None), "v1", tf)
    return compat.get_default_graph()


def caller() -> Place:
    """Where the program calls the function that calls this."""
    frame: Any = sys._getframe(2)
    return frame.f_code.co_filename, frame.f_lineno
