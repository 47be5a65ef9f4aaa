"""Sees the batches that a function takes from a data set by itself, as Keras' `fit` does: they are no arguments.

The data set gets one more `map` at its end, which hands every element on as it is.
"""

import functools
import sys
from typing import Any, List

from tfguard.runtime.magnitudes import Reading, read_arrays
from tfguard.runtime.trace import Trace, digest_of_text

#: Types of elements that have no value of their own.
_HANDLES = ("variant", "resource")


class Feeds:
    """What was taken from iterators since the last step."""

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.tf: Any = None
        self.taken: List[Reading] = []

    def install(self, tf: Any) -> None:
        """Wrap the making of iterators in eager code."""
        self.tf = tf
        iterators: Any = sys.modules.get("tensorflow.python.data.ops.iterator_ops")
        kind = getattr(iterators, "OwnedIterator", None)
        if kind is None or not hasattr(tf, "numpy_function"):
            return
        original = kind.__init__

        @functools.wraps(original)
        def __init__(iterator: Any, dataset: Any = None, *arguments: Any, **keywords: Any) -> None:  # noqa: N807
            if dataset is not None and self.trace.is_ours() and self.tf.executing_eagerly():
                dataset = self.follow(dataset)
            original(iterator, dataset, *arguments, **keywords)

        kind.__init__ = __init__

    def follow(self, dataset: Any) -> Any:
        """The same data set, whose elements are looked at as they are taken."""
        spec = dataset.element_spec
        if not self.is_readable(spec):
            return dataset
        is_tuple = isinstance(spec, tuple)

        def hand_on(*parts: Any) -> Any:
            flat = self.tf.nest.flatten(parts, expand_composites=True)
            looked = self.tf.numpy_function(self.look, flat, [])
            with self.tf.control_dependencies(self.tf.nest.flatten(looked)):
                same = [self.tf.identity(tensor) for tensor in flat]
            packed = self.tf.nest.pack_sequence_as(parts, same, expand_composites=True)
            return packed if is_tuple else packed[0]

        self.trace.busy = True
        try:
            return self.in_step(dataset.map(self.tf.autograph.experimental.do_not_convert(hand_on)))
        finally:
            self.trace.busy = False

    def in_step(self, dataset: Any) -> Any:
        """The data set without what TensorFlow adds at its end, which would take elements before their step."""
        options = self.tf.data.Options() if hasattr(self.tf.data, "Options") else None
        tuning: Any = getattr(options, "experimental_optimization", None)
        if not hasattr(tuning, "inject_prefetch"):
            return dataset
        tuning.inject_prefetch = False
        return dataset.with_options(options)

    def is_readable(self, spec: Any) -> bool:
        """Are all parts of an element tensors with values?"""
        parts = self.tf.nest.flatten(spec, expand_composites=True)
        return bool(parts) and all(
            isinstance(part, self.tf.TensorSpec) and part.dtype.name not in _HANDLES for part in parts
        )

    def look(self, *arrays: Any) -> List[Any]:
        """At one element, in whatever thread it is taken."""
        self.taken.append(read_arrays(list(arrays)))
        return []

    def take(self) -> Reading:
        """All that was taken since the last step, as one reading."""
        taken, self.taken = self.taken, []
        if len(taken) < 2:
            return taken[0] if taken else read_arrays([])
        whole = digest_of_text(" ".join(str(reading.digest) for reading in taken))
        return Reading(whole, [number for reading in taken for number in reading.numbers or []])
