"""Small computations whose bits show whether a machine repeats itself; run as a script by `tfguard selfcheck`.

Prints one JSON object: versions, devices, and per device and probe the digests of a few repetitions in this process,
or the error that it raised. Inputs are the same in every process; whatever differs is the machine's, the library's or
the threads'.
"""

import json
import sys
from importlib import import_module
from typing import Any, Callable, Dict, List

from tfguard.runtime.reporting import list_versions
from tfguard.runtime.trace import digest

#: How often a probe is repeated in one process.
REPETITIONS = 4

Probe = Callable[[Any, Any], Any]
PROBES: Dict[str, Probe] = {}
#: These also load Keras.
TRAINING: Dict[str, Probe] = {}


def probe(registry: Dict[str, Probe], name: str) -> Callable[[Probe], Probe]:
    """Enter a function `(tf, np) -> tensors` under a name."""

    def enter(function: Probe) -> Probe:
        registry[name] = function
        return function

    return enter


def draw(np: Any, *shape: int) -> Any:
    """The same numbers every time."""
    return np.random.RandomState(7).standard_normal(shape).astype("float32")


def gradient(tf: Any, function: Callable[..., Any], *inputs: Any) -> Any:
    """Gradients of the function's weighted sum, so that no two terms cancel."""
    tensors = [tf.constant(value) for value in inputs]
    with tf.GradientTape() as tape:
        tape.watch(tensors)
        result = function(*tensors)
        total = tf.reduce_sum(tf.sin(result))
    return [result, *tape.gradient(total, tensors)]


@probe(PROBES, "matrix product")
def matrix_product(tf: Any, np: Any) -> Any:
    return gradient(tf, tf.matmul, draw(np, 257, 129), draw(np, 129, 65))


@probe(PROBES, "convolution")
def convolution(tf: Any, np: Any) -> Any:
    return gradient(tf, lambda x, w: tf.nn.conv2d(x, w, 1, "SAME"), draw(np, 8, 32, 32, 3), draw(np, 3, 3, 3, 16))


@probe(PROBES, "depthwise convolution")
def depthwise(tf: Any, np: Any) -> Any:
    strides = (1, 1, 1, 1)
    return gradient(
        tf, lambda x, w: tf.nn.depthwise_conv2d(x, w, strides, "SAME"), draw(np, 8, 16, 16, 4), draw(np, 3, 3, 4, 2)
    )


@probe(PROBES, "reduction")
def reduction(tf: Any, np: Any) -> Any:
    return [tf.reduce_sum(draw(np, 1000003)), tf.reduce_mean(draw(np, 1001, 101), axis=0)]


@probe(PROBES, "softmax cross-entropy")
def cross_entropy(tf: Any, np: Any) -> Any:
    labels = np.arange(512) % 10
    return gradient(
        tf, lambda x: tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=x), draw(np, 512, 10)
    )


@probe(PROBES, "bias")
def bias(tf: Any, np: Any) -> Any:
    return gradient(tf, tf.nn.bias_add, draw(np, 64, 32, 32, 8), draw(np, 8))


@probe(PROBES, "max pooling")
def max_pooling(tf: Any, np: Any) -> Any:
    return gradient(tf, lambda x: tf.nn.max_pool2d(x, 3, 2, "SAME"), draw(np, 8, 33, 33, 4))


@probe(PROBES, "segment sum")
def segment_sum(tf: Any, np: Any) -> Any:
    return gradient(tf, lambda x: tf.math.unsorted_segment_sum(x, np.arange(50000) % 7, 7), draw(np, 50000))


@probe(PROBES, "gather gradient")
def gather(tf: Any, np: Any) -> Any:
    result = gradient(tf, lambda x: tf.gather(x, np.arange(50000) % 11), draw(np, 11, 4))
    return [tf.convert_to_tensor(value) for value in result]


@probe(PROBES, "scatter into a tensor")
def scatter(tf: Any, np: Any) -> Any:
    return tf.scatter_nd(np.arange(50000).reshape(-1, 1) % 5, draw(np, 50000), (5,))


@probe(PROBES, "scatter into a variable")
def scatter_variable(tf: Any, np: Any) -> Any:
    variable = tf.Variable(np.zeros((5, 64), "float32"))
    variable.scatter_add(tf.IndexedSlices(draw(np, 20000, 64), np.arange(20000) % 5))
    return variable.read_value()


@probe(PROBES, "weighted bincount")
def bincount(tf: Any, np: Any) -> Any:
    return tf.math.bincount(np.arange(100000, dtype="int32") % 3, weights=draw(np, 100000), minlength=3)


@probe(PROBES, "bilinear resizing")
def bilinear(tf: Any, np: Any) -> Any:
    return gradient(tf, lambda x: tf.image.resize(x, (31, 29)), draw(np, 4, 16, 16, 3))


@probe(PROBES, "nearest resizing")
def nearest(tf: Any, np: Any) -> Any:
    return gradient(tf, lambda x: tf.image.resize(x, (31, 29), method="nearest"), draw(np, 4, 16, 16, 3))


@probe(PROBES, "crop and resize")
def crop(tf: Any, np: Any) -> Any:
    boxes = np.abs(np.random.RandomState(8).uniform(0, 1, (64, 4))).astype("float32")
    return gradient(tf, lambda x: tf.image.crop_and_resize(x, boxes, np.arange(64) % 4, (9, 9)), draw(np, 4, 16, 16, 3))


@probe(PROBES, "sorting")
def sorting(tf: Any, np: Any) -> Any:
    return [tf.sort(draw(np, 10007)), tf.argsort(draw(np, 10007)), tf.math.top_k(draw(np, 10007), 50)[1]]


@probe(PROBES, "seeded random numbers")
def seeded(tf: Any, np: Any) -> Any:
    tf.random.set_seed(5)
    return [tf.random.normal((999,)), tf.nn.dropout(draw(np, 999), 0.5), tf.random.shuffle(np.arange(99))]


@probe(PROBES, "shuffled dataset")
def shuffled(tf: Any, np: Any) -> Any:
    tf.random.set_seed(5)
    return list(tf.data.Dataset.range(500).shuffle(100).batch(50).prefetch(2))


@probe(PROBES, "parallel map")
def parallel_map(tf: Any, np: Any) -> Any:
    return list(tf.data.Dataset.range(500).map(lambda i: i * 2, num_parallel_calls=4).batch(50))


@probe(PROBES, "random numbers in a parallel map")
def random_parallel_map(tf: Any, np: Any) -> Any:
    tf.random.set_seed(5)
    return list(tf.data.Dataset.range(500).map(lambda i: tf.random.uniform(()), num_parallel_calls=4).batch(50))


@probe(PROBES, "session of compat.v1")
def session(tf: Any, np: Any) -> Any:
    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as run:
        v1.set_random_seed(5)
        weights = v1.get_variable("w", [65, 3], use_resource=True)
        run.run(v1.global_variables_initializer())
        return run.run([weights, tf.gradients(tf.reduce_sum(tf.sin(draw(np, 33, 65) @ weights)), weights)[0]])


@probe(TRAINING, "training, convolutional")
def train_convolutional(tf: Any, np: Any) -> Any:
    layers = tf.keras.layers
    return train(
        tf,
        [
            layers.Conv2D(8, 3),
            layers.BatchNormalization(),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dropout(0.5),
        ],
        draw(np, 64, 12, 12, 3),
    )


@probe(TRAINING, "training, recurrent")
def train_recurrent(tf: Any, np: Any) -> Any:
    layers = tf.keras.layers
    return train(tf, [layers.Embedding(50, 8), layers.LSTM(8)], np.arange(64 * 10).reshape(64, 10) % 50)


def train(tf: Any, layers: List[Any], inputs: Any) -> Any:
    """The weights after two epochs."""
    tf.keras.utils.set_random_seed(5)
    model = tf.keras.Sequential([*layers, tf.keras.layers.Dense(1)])
    model.compile(optimizer="adam", loss="mse")
    model.fit(inputs, inputs.reshape(len(inputs), -1).mean(axis=1), batch_size=16, epochs=2, verbose=0)
    return model.get_weights()


def measure(tf: Any, np: Any, function: Probe, device: str, repetitions: int) -> Dict[str, Any]:
    """The digests of a few repetitions, or the error."""
    digests = []
    try:
        for _ in range(repetitions):
            with tf.device(device):
                arrays = [np.asarray(value) for value in tf.nest.flatten(function(tf, np))]
            digests.append(digest(arrays))
    except (tf.errors.OpError, RuntimeError, ValueError, AttributeError) as error:
        return {"error": "{}: {}".format(type(error).__name__, str(error).splitlines()[0])}
    return {"digests": digests}


def main() -> None:
    """`probes.py quick|full cpu|gpu|all`."""
    np, tf = import_module("numpy"), import_module("tensorflow")
    extent, wanted = sys.argv[1:]
    gpus = [device.name.replace("/physical_device:", "/") for device in tf.config.list_physical_devices("GPU")]
    devices = (["/CPU:0"] if wanted != "gpu" else []) + (gpus[:1] if wanted != "cpu" else [])
    found: Dict[str, Any] = {device: {} for device in devices}
    for device in devices:
        for name, function in PROBES.items():
            found[device][name] = measure(tf, np, function, device, REPETITIONS)
        for name, function in TRAINING.items() if extent == "full" else ():
            found[device][name] = measure(tf, np, function, device, 1)
    print(json.dumps({"versions": list_versions(), "gpus": gpus, "devices": found}))  # noqa: T201


if __name__ == "__main__":
    main()
