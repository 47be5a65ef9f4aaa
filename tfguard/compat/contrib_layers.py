"""`tf.contrib.layers` of TensorFlow 1: initializers, regularizers, `flatten` and `fully_connected`."""

from importlib import import_module
from typing import Any

_tf: Any = import_module("tensorflow.compat.v1")

_MODES = {"FAN_IN": "fan_in", "FAN_OUT": "fan_out", "FAN_AVG": "fan_avg"}


def variance_scaling_initializer(
    factor: float = 2.0, mode: str = "FAN_IN", uniform: bool = False, seed: Any = None, dtype: Any = _tf.float32
) -> Any:
    """Drawn with the variance `factor / n`, where n is the number of inputs, of outputs, or their mean."""
    if mode not in _MODES:
        raise TypeError("Unknown mode {} [FAN_IN, FAN_OUT, FAN_AVG]".format(mode))
    distribution = "uniform" if uniform else "truncated_normal"
    return _tf.variance_scaling_initializer(factor, _MODES[mode], distribution, seed=seed, dtype=dtype)


def xavier_initializer(uniform: bool = True, seed: Any = None, dtype: Any = _tf.float32) -> Any:
    """Glorot's: the variance is that of inputs and outputs."""
    return variance_scaling_initializer(1.0, "FAN_AVG", uniform, seed, dtype)


xavier_initializer_conv2d = xavier_initializer


def l1_regularizer(scale: float, scope: Any = None) -> Any:
    """The sum of the absolute values of the weights, times the scale."""
    return _regularizer(scale, scope, "l1_regularizer", lambda weights: _tf.reduce_sum(_tf.abs(weights)))


def l2_regularizer(scale: float, scope: Any = None) -> Any:
    """Half the sum of the squares of the weights, times the scale."""
    return _regularizer(scale, scope, "l2_regularizer", _tf.nn.l2_loss)


def _regularizer(scale: float, scope: Any, name: str, loss: Any) -> Any:
    if scale < 0.0:
        raise ValueError("Setting a scale less than 0 on a regularizer: {:g}".format(scale))
    if scale == 0.0:
        return lambda _: None

    def regularize(weights: Any) -> Any:
        with _tf.name_scope(scope, name, [weights]) as name_scope:
            factor = _tf.convert_to_tensor(scale, dtype=weights.dtype.base_dtype, name="scale")
            return _tf.multiply(factor, loss(weights), name=name_scope)

    return regularize


def flatten(inputs: Any, outputs_collections: Any = None, scope: Any = None) -> Any:
    """One row for each example."""
    with _tf.name_scope(scope, "Flatten", [inputs]):
        inputs = _tf.convert_to_tensor(inputs)
        size = inputs.shape[1:].num_elements()
        if size is not None:
            outputs = _tf.reshape(inputs, [-1, size])
            outputs.set_shape([inputs.shape[0], size])
        else:
            outputs = _tf.reshape(inputs, [_tf.shape(inputs)[0], -1])
        return _collect(outputs_collections, outputs)


def fully_connected(
    inputs: Any,
    num_outputs: int,
    activation_fn: Any = _tf.nn.relu,
    normalizer_fn: Any = None,
    normalizer_params: Any = None,
    weights_initializer: Any = None,
    weights_regularizer: Any = None,
    biases_initializer: Any = _tf.zeros_initializer,
    biases_regularizer: Any = None,
    reuse: Any = None,
    variables_collections: Any = None,
    outputs_collections: Any = None,
    trainable: bool = True,
    scope: Any = None,
) -> Any:
    """A dense layer with the variables `weights` and `biases`, relu unless another function is given."""
    with _tf.variable_scope(scope, "fully_connected", [inputs], reuse=reuse):
        inputs = _tf.convert_to_tensor(inputs)
        size = inputs.shape[-1]
        kernel = _variable(
            "weights",
            [getattr(size, "value", size), num_outputs],
            inputs.dtype.base_dtype,
            weights_initializer or xavier_initializer(),
            weights_regularizer,
            trainable,
            variables_collections,
        )
        is_matrix = inputs.shape.ndims == 2
        outputs = _tf.matmul(inputs, kernel) if is_matrix else _tf.tensordot(inputs, kernel, [[-1], [0]])
        if normalizer_fn is not None:
            outputs = normalizer_fn(outputs, **(normalizer_params or {}))
        elif biases_initializer is not None:
            made = biases_initializer() if isinstance(biases_initializer, type) else biases_initializer
            dtype, collections = inputs.dtype.base_dtype, variables_collections
            biases = _variable("biases", [num_outputs], dtype, made, biases_regularizer, trainable, collections)
            outputs = _tf.nn.bias_add(outputs, biases)
        if activation_fn is not None:
            outputs = activation_fn(outputs)
        return _collect(outputs_collections, outputs)


def linear(inputs: Any, num_outputs: int, *arguments: Any, **keywords: Any) -> Any:
    """`fully_connected` without an activation."""
    return fully_connected(inputs, num_outputs, None, *arguments, **keywords)


def relu(inputs: Any, num_outputs: int, *arguments: Any, **keywords: Any) -> Any:
    """`fully_connected` with relu."""
    return fully_connected(inputs, num_outputs, _tf.nn.relu, *arguments, **keywords)


def _variable(
    name: str, shape: Any, dtype: Any, initializer: Any, regularizer: Any, trainable: bool, collections: Any
) -> Any:
    own = collections.get(name) if isinstance(collections, dict) else collections
    names = [_tf.GraphKeys.GLOBAL_VARIABLES, _tf.GraphKeys.MODEL_VARIABLES, *(own or [])]
    return _tf.get_variable(name, shape, dtype, initializer, regularizer, trainable, collections=names)


def _collect(collections: Any, outputs: Any) -> Any:
    for name in [collections] if isinstance(collections, str) else collections or []:
        _tf.add_to_collection(name, outputs)
    return outputs
