"""Records one step operation by operation: type, inputs and outputs, to name the first whose result differs.

In TensorFlow 2 the functions of that step run eagerly, so that every operation is seen; in a session all that leads to
what is fetched is fetched, too. Both change how the step runs, so a difference may hide from the look.
"""

import functools
import os
import sys
import weakref
from typing import Any, Dict, List, Optional

from tfguard.runtime.callers import is_program, shorten
from tfguard.runtime.trace import Trace, digest, find_place

#: What stands for a value that cannot be read: a handle, a reference.
_UNREAD = "unread"


class OperationRecorder:
    """Watches one step: from the end of the one before it to the end of the one after it, where weights are seen."""

    def __init__(self, trace: Trace, step: int) -> None:
        self.trace = trace
        self.step = step
        self.tf: Any = None
        self.callbacks: Any = None
        self.is_watching = False
        #: Variables by the identity of their handle, and what they held when they were last read or written.
        self.variables: List[Any] = []
        self.states: Dict[int, str] = {}

    def install(self, tf: Any) -> None:
        """Both ways: nobody knows yet which the program will take."""
        self.tf = tf
        self.install_sessions(tf if hasattr(tf, "Session") else tf.compat.v1)
        self.trace.followers.append(self.follow)
        if not hasattr(getattr(tf, "config", None), "run_functions_eagerly"):
            return
        from tensorflow.python.framework import op_callbacks  # type: ignore[import-untyped,unused-ignore]

        self.callbacks = op_callbacks
        self.remember_variables()

    def follow(self, number: int) -> None:
        """After a step: begin, or end the process, of which nothing more is wanted."""
        if number == self.step - 1 and self.callbacks is not None and self.tf.executing_eagerly():
            self.begin()
        elif number > self.step:
            sys.stdout.flush()
            self.trace.stream.flush()
            os._exit(0)

    def remember_variables(self) -> None:
        """Before the step a look is taken at what they hold; the first of them begins the watch of the first step.

        Not earlier: TensorFlow opens its devices to watch, and the program may still set them up.
        """
        resources: Any = sys.modules["tensorflow.python.ops.resource_variable_ops"]
        original = resources.BaseResourceVariable.__init__

        @functools.wraps(original)
        def __init__(variable: Any, *arguments: Any, **keywords: Any) -> None:  # noqa: N807
            begins = self.step == 1 and not self.is_watching
            if begins and self.trace.is_ours() and self.tf.executing_eagerly():
                self.begin()
            original(variable, *arguments, **keywords)
            self.variables.append(weakref.ref(variable))
            if self.is_watching:
                self.look_at(variable)

        resources.BaseResourceVariable.__init__ = __init__

    def begin(self) -> None:
        """Every operation from now on."""
        self.is_watching = True
        for variable in [reference() for reference in self.variables]:
            self.look_at(variable)
        self.tf.config.run_functions_eagerly(True)
        self.callbacks.add_op_callback(self.see)

    def look_at(self, variable: Any) -> None:
        """Remember what a variable outside graphs holds."""
        handle = getattr(variable, "handle", None)
        if hasattr(handle, "numpy"):
            was_busy, self.trace.busy = self.trace.busy, True
            self.read_state(handle)
            self.trace.busy = was_busy

    def see(self, op_type: Any, inputs: Any, attrs: Any, outputs: Any, op_name: Any = None, graph: Any = None) -> None:
        """After an operation; those that are only put in a graph have no value yet."""
        if graph is not None or not self.trace.is_ours():
            return
        place = find_place()
        self.trace.busy = True
        try:
            given = [
                self.states.get(id(tensor), _UNREAD) if is_handle(tensor) else digest_of(tensor) for tensor in inputs
            ]
            results = [digest_of(tensor) for tensor in outputs] + [
                self.read_state(tensor) for tensor in inputs if is_handle(tensor)
            ]
            devices = [getattr(tensor, "device", None) for tensor in [*outputs, *inputs]]
            self.trace.add(
                "op",
                type=op_type.decode() if isinstance(op_type, bytes) else str(op_type),
                name=None,
                device=short_device(devices[0]) if devices else "",
                place=place,
                inputs=given,
                outputs=results,
                opaque=_UNREAD in given,
            )
        finally:
            self.trace.busy = False

    def read_state(self, handle: Any) -> str:
        """What the variable behind a handle holds now; remembered until an operation has been there again."""
        try:
            dtype = handle._handle_data.shape_and_type[0].dtype
            found = digest_of(self.tf.raw_ops.ReadVariableOp(resource=handle, dtype=dtype))
        except (self.tf.errors.OpError, AttributeError, IndexError, NotImplementedError, TypeError, ValueError):
            found = _UNREAD
        self.states[id(handle)] = found
        return found

    def install_sessions(self, namespace: Any) -> None:
        """Fetch more in that one run."""
        base = next(kind for kind in namespace.Session.__mro__ if kind.__name__ == "BaseSession")
        original = base.run

        @functools.wraps(original)
        def run(session: Any, fetches: Any, feed_dict: Any = None, *arguments: Any, **keywords: Any) -> Any:
            if not self.trace.is_ours() or self.trace.steps + 1 != self.step:
                return original(session, fetches, feed_dict, *arguments, **keywords)
            operations = [op for op in operations_for(session.graph, fetches) if any(map(is_readable, op.outputs))]
            tensors = [tensor for op in operations for tensor in op.outputs if is_readable(tensor)]
            result, values = original(session, [fetches, tensors], feed_dict, *arguments, **keywords)
            read = {tensor.name: digest([value]) for tensor, value in zip(tensors, values)}
            for op in operations:
                self.add_operation(op, read)
            return result

        base.run = run

    def add_operation(self, op: Any, read: Any) -> None:
        """One operation of a graph."""
        self.trace.add(
            "op",
            type=op.type,
            name=op.name,
            device=short_device(op.device),
            place=place_of(op),
            inputs=[read.get(tensor.name, _UNREAD) for tensor in op.inputs],
            outputs=[read.get(tensor.name, _UNREAD) for tensor in op.outputs],
            opaque=any(tensor.name not in read for tensor in op.inputs),
        )


def is_handle(tensor: Any) -> bool:
    """Does it stand for a variable, an iterator or a table?"""
    return str(getattr(tensor.dtype, "name", "")) in ("resource", "variant")


def digest_of(tensor: Any) -> str:
    """Of a tensor's value, where it has one."""
    return _UNREAD if is_handle(tensor) or not hasattr(tensor, "numpy") else digest([tensor.numpy()])


def operations_for(graph: Any, fetches: Any) -> List[Any]:
    """The operations that lead to what is fetched, in the order in which they were made."""
    waiting = [getattr(graph.as_graph_element(item), "op", graph.as_graph_element(item)) for item in flatten(fetches)]
    found = {}
    while waiting:
        op = waiting.pop()
        if op.name not in found:
            found[op.name] = op
            waiting += [tensor.op for tensor in op.inputs] + list(op.control_inputs)
    return [op for op in graph.get_operations() if op.name in found]


def flatten(fetches: Any) -> List[Any]:
    """What is fetched; things that are no elements of a graph by themselves are left out."""
    if isinstance(fetches, dict):
        return [item for key in sorted(fetches, key=str) for item in flatten(fetches[key])]
    if isinstance(fetches, (list, tuple)):
        return [item for fetch in fetches for item in flatten(fetch)]
    is_element = isinstance(fetches, str) or any(hasattr(fetches, name) for name in ("op", "control_inputs", "graph"))
    return [fetches] if is_element else []


def is_readable(tensor: Any) -> bool:
    """May it be fetched for its value? References change while they are read, and loops have many values."""
    dtype = tensor.dtype
    is_number = dtype.is_floating or dtype.is_integer or dtype.is_bool or dtype.is_complex
    inside = tensor.op._get_control_flow_context() is not None
    return bool(is_number and not dtype._is_ref_dtype and not inside and tensor.graph.is_fetchable(tensor))


def short_device(device: Optional[str]) -> str:
    """`CPU:0` of `/job:localhost/replica:0/task:0/device:CPU:0`."""
    return device.rsplit("device:", 1)[1] if device and "device:" in device else ""


def place_of(op: Any) -> Optional[str]:
    """The line of the program that made an operation."""
    for frame in reversed(list(op.traceback or ())):
        name, line = frame[0], frame[1]
        if is_program(name):
            return "{}:{}".format(shorten(name), line)
    return None
