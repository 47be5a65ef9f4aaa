"""Op determinism with a way out: an operation that has no deterministic kernel runs without it, and is named.

Such operations are wrapped where TensorFlow calls them. Operation by operation (eager mode) the error is waited for,
and only then is op determinism off for the one call. In a graph the error would come when others have changed
variables and read data, so nothing is ever run again: the operation is put into the graph as a `tf.py_function`, which
does the same for it alone. That takes it to Python, keeps the graph from being saved, and is not possible in what XLA
compiles. Scattering into TensorFlow 1's reference variables cannot be wrapped either; those errors go through.
"""

import functools
import sys
import threading
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Optional

from tfguard.runtime.telling import Telling, write
from tfguard.runtime.trace import find_place

#: Both spellings that TensorFlow's messages have ("determinism", "determinsim").
_WORD = "determin"


class Operation(NamedTuple):
    """An operation that raises under op determinism."""

    name: str
    module: str
    function: str
    #: Raises on the CPU too, not only on a GPU.
    anywhere: bool = False


#: From the messages in the wheels of 2.12 to 2.21; a test reads them again. On the CPU of 2.21 only the first raises.
OPERATIONS = (
    Operation("Timestamp", "logging", "timestamp", anywhere=True),
    Operation("AdjustContrast", "image", "adjust_contrast"),
    Operation("AdjustContrastv2", "image", "adjust_contrastv2"),
    Operation("Bincount", "math", "bincount"),
    Operation("CropAndResizeGradBoxes", "image", "crop_and_resize_grad_boxes"),
    Operation("CropAndResizeGradImage", "image", "crop_and_resize_grad_image"),
    Operation("DebugNumericSummaryV2", "debug", "debug_numeric_summary_v2"),
    Operation("DenseBincount", "math", "dense_bincount"),
    Operation("DepthwiseConv2dNativeBackpropFilter", "nn", "depthwise_conv2d_native_backprop_filter"),
    Operation("Dilation2DBackpropFilter", "nn", "dilation2d_backprop_filter"),
    Operation("Dilation2DBackpropInput", "nn", "dilation2d_backprop_input"),
    Operation("FakeQuantWithMinMaxVarsGradient", "array", "fake_quant_with_min_max_vars_gradient"),
    Operation(
        "FakeQuantWithMinMaxVarsPerChannelGradient", "array", "fake_quant_with_min_max_vars_per_channel_gradient"
    ),
    Operation("FusedBatchNormGrad", "nn", "fused_batch_norm_grad"),
    Operation("FusedBatchNormGradV2", "nn", "fused_batch_norm_grad_v2"),
    Operation("FusedBatchNormGradV3", "nn", "fused_batch_norm_grad_v3"),
    Operation("MaxPoolGradWithArgmax", "nn", "max_pool_grad_with_argmax"),
    Operation("RaggedBincount", "math", "ragged_bincount"),
    Operation("ResizeNearestNeighborGrad", "image", "resize_nearest_neighbor_grad"),
    Operation("SegmentMean", "math", "segment_mean"),
    Operation("SegmentProd", "math", "segment_prod"),
    Operation("SegmentSum", "math", "segment_sum"),
    Operation("SoftmaxCrossEntropyWithLogits", "nn", "softmax_cross_entropy_with_logits"),
    Operation("SparseSoftmaxCrossEntropyWithLogits", "nn", "sparse_softmax_cross_entropy_with_logits"),
    Operation("SparseTensorDenseMatMul", "sparse", "sparse_tensor_dense_mat_mul"),
    Operation("Svd", "linalg", "svd"),
    Operation("UnsortedSegmentProd", "math", "unsorted_segment_prod"),
    Operation("UnsortedSegmentSum", "math", "unsorted_segment_sum"),
)


class Fallback:
    """Wraps the operations of one TensorFlow."""

    def __init__(self, tf: Any, telling: Telling, *, has_gpu: bool) -> None:
        self.tf = tf
        self.telling = telling
        self.has_gpu = has_gpu
        self.lock = threading.RLock()
        #: In a thread of TensorFlow's: the place of the operation that it last computed for a graph.
        self.local = threading.local()
        self.config: Any = sys.modules["tensorflow.python.framework.config"]
        self.failures = (tf.errors.UnimplementedError, tf.errors.FailedPreconditionError)

    def install(self) -> None:
        """In every module of TensorFlow that has the function."""
        wrapped: Dict[int, Any] = {}
        for operation in OPERATIONS:
            module = sys.modules.get("tensorflow.python.ops.gen_{}_ops".format(operation.module))
            original = getattr(module, operation.function, None)
            if original is not None:
                wrapped[id(original)] = self.wrap(operation, original)
            raw = getattr(self.tf.raw_ops, operation.name, None)
            if raw is not None:
                wrapped[id(raw)] = self.wrap(operation, raw)
        for name, value, namespace in list(iter_names()):
            if id(value) in wrapped:
                namespace[name] = wrapped[id(value)]
        show = sys.excepthook
        sys.excepthook = lambda kind, error, trace: self.show(show, kind, error, trace)

    def wrap(self, operation: Operation, original: Any) -> Any:
        """The function, with a way out."""

        @functools.wraps(original)
        def call(*arguments: Any, **keywords: Any) -> Any:
            if self.tf.executing_eagerly():
                compute = functools.partial(original, *arguments, **keywords)
                return self.run(operation, compute, find_place() or getattr(self.local, "place", None))
            if not (operation.anywhere or self.has_gpu) or self.is_compiled():
                return original(*arguments, **keywords)
            return self.put_into_graph(operation, original, arguments, keywords)

        return call

    def is_compiled(self) -> bool:
        """Is this the graph of something that XLA compiles?"""
        control: Any = sys.modules["tensorflow.python.ops.control_flow_util"]
        return bool(control.GraphOrParentsInXlaContext(self.tf.compat.v1.get_default_graph()))

    def run(self, operation: Operation, compute: Callable[[], Any], place: Optional[str]) -> Any:
        """With op determinism, and without where that raises: the operation has then done nothing."""
        try:
            return compute()
        except self.failures as error:
            if _WORD not in str(error).lower():
                raise
        self.telling.note(
            "{}: {} has no deterministic kernel here: it runs without op determinism, so what it gives may differ from "
            "run to run".format(place or "outside the program's own files", operation.name)
        )
        with self.lock:
            self.config.disable_op_determinism()
            try:
                return compute()
            finally:
                self.config.enable_op_determinism()

    def put_into_graph(self, operation: Operation, original: Any, arguments: Any, keywords: Any) -> Any:
        """As a function of Python that calls the operation eagerly."""
        tf, place = self.tf, find_place()
        given = tf.nest.flatten((arguments, keywords))
        places = [number for number, value in enumerate(given) if tf.is_tensor(value)]
        tensors = [tf.convert_to_tensor(given[number]) for number in places]

        def call_with(values: Any) -> Any:
            filled = list(given)
            for number, value in zip(places, values):
                filled[number] = value
            positional, named = tf.nest.pack_sequence_as((arguments, keywords), filled)
            return original(*positional, **dict(named, name=None))

        pattern = infer_results(tf, call_with, tensors)

        def compute(*values: Any) -> List[Any]:
            self.local.place = place
            return list(tf.nest.flatten(self.run(operation, functools.partial(call_with, values), place)))

        results = differentiable(tf, compute, tf.nest.flatten(pattern))(*tensors)
        return tf.nest.pack_sequence_as(pattern, list(results))

    def show(self, show_next: Any, kind: Any, error: BaseException, trace: Any) -> None:
        """After the traceback of such an error that came through: why, and what to do."""
        show_next(kind, error, trace)
        if isinstance(error, self.failures) and _WORD in str(error).lower():
            write(
                "this operation has no deterministic kernel here and could not be run without op determinism by itself "
                "(compiled by XLA, on a reference variable, or not known to tfguard); the graph around it may have "
                "changed variables and read data already, so it is not run again: leave op determinism off, or "
                "`jit_compile=False`"
            )


def infer_results(tf: Any, call_with: Callable[[Any], Any], tensors: List[Any]) -> Any:
    """Types and shapes of the results, from a graph that is thrown away."""
    with tf.Graph().as_default():
        return call_with([tf.compat.v1.placeholder(tensor.dtype, tensor.shape) for tensor in tensors])


def differentiable(tf: Any, compute: Callable[..., List[Any]], specifications: List[Any]) -> Any:
    """A function of tensors of a graph that computes in Python; its gradients are computed in Python too.

    `tf.py_function` has gradients of its own, which fail where an input is of whole numbers.
    """

    def call(*tensors: Any) -> Any:
        results = call_python(tf, compute, tensors, specifications)
        wanted = [number for number, tensor in enumerate(tensors) if tensor.dtype.is_floating]

        def gradient(*upstream: Any) -> List[Any]:
            def differentiate(*values: Any) -> List[Any]:
                inputs, above = values[: len(tensors)], values[len(tensors) :]
                with tf.GradientTape() as tape:
                    tape.watch([inputs[number] for number in wanted])
                    outputs = [one for one in compute(*inputs) if one.dtype.is_floating]
                sources = [inputs[number] for number in wanted]
                return list(tape.gradient(outputs, sources, above, unconnected_gradients="zero"))

            above = [one for one, result in zip(upstream, results) if result.dtype.is_floating]
            found = call_python(tf, differentiate, [*tensors, *above], [tensors[number] for number in wanted])
            return [found[wanted.index(number)] if number in wanted else None for number in range(len(tensors))]

        return results, gradient

    return tf.custom_gradient(call)


def call_python(tf: Any, compute: Callable[..., List[Any]], tensors: Any, specifications: List[Any]) -> List[Any]:
    """As an operation of the graph, with results of these types and shapes."""
    results = list(tf.py_function(compute, list(tensors), [one.dtype for one in specifications]))
    for result, one in zip(results, specifications):
        result.set_shape(one.shape)
    return results


def iter_names() -> Iterator[Any]:
    """Name, value and namespace of everything in the modules of TensorFlow that are loaded."""
    for module_name, module in sorted(sys.modules.items()):
        if module_name.split(".")[0] == "tensorflow" and module is not None:
            namespace = vars(module)
            for name, value in list(namespace.items()):
                yield name, value, namespace
