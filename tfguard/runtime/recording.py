"""Records the steps of a program of TensorFlow 2: calls of `tf.function` (`fit` makes them) and eager gradients."""

import functools
import sys
import weakref
from typing import Any, List, Optional, Tuple

from tfguard.runtime.feeding import Feeds
from tfguard.runtime.losses import find_loss, names_of
from tfguard.runtime.magnitudes import Numbers, Reading, numbers_of, read_arrays
from tfguard.runtime.preparing import find
from tfguard.runtime.trace import Trace, digest, find_place

#: Name, digest and numbers.
Weight = Tuple[str, str, Numbers]
#: Name and place.
Made = Tuple[str, Optional[str]]

#: What gives their values to variables that are made in a function.
_INITIALIZE = "_initialize_uninitialized_variables"
#: The name of the steps that are eager gradients.
_GRADIENT = "gradient"


class Recorder:
    """Knows the variables of the process in the order in which they were made."""

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.tf: Any = None
        #: The operation itself: `variable.numpy()` takes three times as long.
        self.read_variable: Any = None
        self.feeds = Feeds(trace)
        #: The class of variables that lie on one device.
        self.plain: Any = ()
        self.variables: List[Any] = []
        self.new: List[Tuple[int, Optional[str]]] = []

    def install(self, tf: Any) -> None:
        """Wrap what makes variables, runs functions and computes gradients."""
        self.tf = tf
        self.read_variable = find(tf, "raw_ops.ReadVariableOp")
        resources: Any = sys.modules.get("tensorflow.python.ops.resource_variable_ops")
        if resources is None or not hasattr(tf, "function"):
            return
        self.plain = resources.ResourceVariable
        self.wrap(resources.BaseResourceVariable, "__init__", self.remembering)
        functions: Any = find_function_class(tf)
        if functions is not None:
            self.wrap(functions, "__call__", self.calling)
            if hasattr(functions, _INITIALIZE):
                self.wrap(functions, _INITIALIZE, self.initializing)
        self.wrap(tf.GradientTape, "gradient", self.differentiating)
        self.feeds.install(tf)

    def wrap(self, owner: Any, name: str, make: Any) -> None:
        original = getattr(owner, name)
        setattr(owner, name, functools.wraps(original)(make(original)))

    def remembering(self, original: Any) -> Any:
        """A variable that holds its value outside graphs is looked at later, when it has it."""

        def __init__(variable: Any, *arguments: Any, **keywords: Any) -> None:  # noqa: N807
            original(variable, *arguments, **keywords)
            if self.trace.is_ours() and holds_value(variable):
                self.new.append((len(self.variables), find_place()))
                self.variables.append(weakref.ref(variable))

        return __init__

    def calling(self, original: Any) -> Any:
        """Every call from eager code is a step: what went in, what came out, the weights after it."""

        def __call__(function: Any, *arguments: Any, **keywords: Any) -> Any:  # noqa: N807
            if not self.trace.is_ours() or not self.tf.executing_eagerly():
                return original(function, *arguments, **keywords)
            self.record_new()
            inputs = self.read_tensors((arguments, keywords))
            result = original(function, *arguments, **keywords)
            name = getattr(getattr(function, "python_function", None), "__name__", "function")
            taken = self.feeds.take()
            self.record(name, inputs if inputs.digest is not None else taken, self.unwrap(result))
            return result

        return __call__

    def initializing(self, original: Any) -> Any:
        """Variables that are made inside a function get their values just before it runs for the first time."""

        def initialize(function: Any, *arguments: Any, **keywords: Any) -> Any:
            result = original(function, *arguments, **keywords)
            if self.trace.is_ours() and self.tf.executing_eagerly():
                self.record_new()
            return result

        return initialize

    def differentiating(self, original: Any) -> Any:
        """Gradients that are computed eagerly are the middle of a step."""

        def gradient(tape: Any, target: Any, sources: Any, *arguments: Any, **keywords: Any) -> Any:
            if not self.trace.is_ours() or not self.tf.executing_eagerly():
                return original(tape, target, sources, *arguments, **keywords)
            self.record_new()
            inputs = self.read_tensors(target)
            result = original(tape, target, sources, *arguments, **keywords)
            self.feeds.take()
            self.record(_GRADIENT, inputs, result)
            return result

        return gradient

    def record(self, name: str, inputs: Reading, result: Any) -> None:
        """One step; eager gradients are taken of the loss, other steps return it."""
        weights = self.weights(everything=self.trace.wants_state()) if self.trace.wants_weights() else None
        outputs, made = self.read_tensors(result), self.take_made()
        is_gradient = name == _GRADIENT
        loss = find_loss(None if is_gradient else names_of(result), (inputs if is_gradient else outputs).numbers)
        self.trace.step(name, inputs, outputs, weights=weights, made=made, loss=loss)

    def take_made(self) -> List[Made]:
        """Names and places of the trainable variables that this step made: their first values were not seen."""
        new, self.new = self.new, []
        found = [(self.variables[index](), place) for index, place in new]
        return [(name_of(variable), place) for variable, place in found if getattr(variable, "trainable", False)]

    def record_new(self) -> None:
        """The first value of each variable that was made since the last step."""
        new, self.new = self.new, []
        for index, place in new:
            for name, value, numbers in self.digests([index]):
                self.trace.add("initial", name=name, digest=value, numbers=numbers, place=place)

    def end(self) -> None:
        """The last values."""
        if self.tf is not None and self.variables and self.tf.executing_eagerly():
            self.record_new()
            self.trace.add("end", weights=self.weights())

    def weights(self, *, everything: bool = True) -> List[Weight]:
        """Names and digests of the variables that are alive: the trainable ones, then, where asked, all others."""
        trainable = [bool(getattr(variable(), "trainable", False)) for variable in self.variables]
        indices = [index for index, is_trainable in enumerate(trainable) if is_trainable]
        others = [index for index, is_trainable in enumerate(trainable) if not is_trainable]
        return self.digests(indices + others if everything else indices)

    def digests(self, indices: Any) -> List[Weight]:
        """Of some variables; one that has no value yet is left out."""
        self.trace.busy = True
        found = []
        try:
            for index in indices:
                variable = self.variables[index]()
                value = self.value_of(variable)
                if value is not None and value.dtype.kind in "fciub":
                    found.append((name_of(variable), digest([value]), numbers_of(value)))
        finally:
            self.trace.busy = False
        return found

    def value_of(self, variable: Any) -> Any:
        """The variable's value as an array, or None."""
        if variable is None:
            return None
        try:
            if self.read_variable is not None and isinstance(variable, self.plain):
                return self.read_variable(resource=variable.handle, dtype=variable.dtype).numpy()
            return variable.numpy()
        except (self.tf.errors.OpError, NotImplementedError, TypeError, ValueError):
            return None

    def unwrap(self, structure: Any) -> Any:
        """What an optional holds, which Keras 3 returns; anything else as it is."""
        if not hasattr(structure, "has_value") or not hasattr(structure, "get_value"):
            return structure
        self.trace.busy = True
        try:
            return structure.get_value()
        except (self.tf.errors.OpError, NotImplementedError, TypeError, ValueError):
            return None
        finally:
            self.trace.busy = False

    def read_tensors(self, structure: Any) -> Reading:
        """The tensors and arrays in nested lists, tuples and dicts."""
        values = []
        self.trace.busy = True
        try:
            for leaf in self.tf.nest.flatten(structure):
                array = leaf.numpy() if self.tf.is_tensor(leaf) and hasattr(leaf, "numpy") else leaf
                if hasattr(array, "tobytes") and hasattr(array, "dtype"):
                    values.append(array)
        except (self.tf.errors.OpError, NotImplementedError, AttributeError, TypeError, ValueError):
            return read_arrays([])
        finally:
            self.trace.busy = False
        return read_arrays(values)


def holds_value(variable: Any) -> bool:
    """Is it a variable (not the reading of one) whose handle is not a name in a graph?"""
    return type(variable).__name__ != "_UnreadVariable" and hasattr(getattr(variable, "handle", None), "numpy")


def name_of(variable: Any) -> str:
    """As the program's author knows it."""
    return str(getattr(variable, "path", None) or variable.name)


def find_function_class(tf: Any) -> Any:
    """The class of what `tf.function` returns, without making a tensor."""
    for name in ("eager.polymorphic_function.polymorphic_function", "eager.def_function"):
        module = sys.modules.get("tensorflow.python." + name)
        found = find(module, "Function")
        if found is not None:
            return found
    return None
