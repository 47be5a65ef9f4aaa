"""Small computations whose bits show whether a machine repeats itself: operations of TensorFlow and their gradients.

Inputs are the same in every process; whatever differs is the machine's, the library's or the threads'. They are large
enough to be shared among threads, and few enough for a minute. `tfguard.runtime.probing` measures them.
"""

from typing import Any, Callable, Dict, NamedTuple, Tuple

#: Makes an input from NumPy.
Source = Callable[[Any], Any]


class Probe(NamedTuple):
    """What is computed from which inputs."""

    compute: Callable[..., Any]
    inputs: Tuple[Source, ...]
    #: Can the whole of it stand in one function that XLA compiles?
    compiles: bool
    #: Draws random numbers, so the function is made anew for every repetition.
    draws: bool


PROBES: Dict[str, Probe] = {}


def probe(name: str, *inputs: Source, compiles: bool = True, draws: bool = False) -> Callable[..., Any]:
    """Enter a function `(tf, *tensors) -> tensors` under a name."""

    def enter(function: Callable[..., Any]) -> Callable[..., Any]:
        PROBES[name] = Probe(function, inputs, compiles, draws)
        return function

    return enter


def normal(*shape: int) -> Source:
    """The same normal numbers every time."""
    return lambda np: np.random.RandomState(7).standard_normal(shape).astype("float32")


def uniform(*shape: int) -> Source:
    """The same numbers from 0 to 1 every time."""
    return lambda np: np.random.RandomState(8).uniform(0, 1, shape).astype("float32")


def cycle(length: int, period: int) -> Source:
    """0, 1, ..., period - 1, 0, 1, ..."""
    return lambda np: np.arange(length, dtype="int32") % period


def differentiate(tf: Any, function: Callable[..., Any], *tensors: Any) -> Any:
    """The result, and the gradients of its weighted sum, so that no two terms cancel."""
    with tf.GradientTape() as tape:
        for tensor in tensors:
            tape.watch(tensor)
        result = function(*tensors)
        total = tf.reduce_sum(tf.sin(result))
    return [result] + [tf.convert_to_tensor(value) for value in tape.gradient(total, list(tensors))]


@probe("matrix product", normal(513, 257), normal(257, 129))
def matrix_product(tf: Any, left: Any, right: Any) -> Any:
    return differentiate(tf, tf.matmul, left, right)


@probe("batched matrix product", normal(16, 65, 33), normal(16, 33, 17))
def batched_product(tf: Any, left: Any, right: Any) -> Any:
    return differentiate(tf, lambda a, b: tf.einsum("bij,bjk->bik", a, b), left, right)


@probe("convolution", normal(16, 32, 32, 3), normal(3, 3, 3, 16))
def convolution(tf: Any, images: Any, filters: Any) -> Any:
    return differentiate(tf, lambda x, w: tf.nn.conv2d(x, w, 1, "SAME"), images, filters)


@probe("convolution, transposed", normal(8, 16, 16, 8), normal(3, 3, 4, 8))
def transposed(tf: Any, images: Any, filters: Any) -> Any:
    shape = (8, 32, 32, 4)
    return differentiate(tf, lambda x, w: tf.nn.conv2d_transpose(x, w, shape, (1, 2, 2, 1), "SAME"), images, filters)


@probe("convolution, depthwise", normal(8, 16, 16, 4), normal(3, 3, 4, 2))
def depthwise(tf: Any, images: Any, filters: Any) -> Any:
    strides = (1, 1, 1, 1)
    return differentiate(tf, lambda x, w: tf.nn.depthwise_conv2d(x, w, strides, "SAME"), images, filters)


@probe("convolution, 3-D", normal(2, 8, 16, 16, 3), normal(3, 3, 3, 3, 8))
def convolution_of_volumes(tf: Any, volumes: Any, filters: Any) -> Any:
    strides = (1, 1, 1, 1, 1)
    return differentiate(tf, lambda x, w: tf.nn.conv3d(x, w, strides, "SAME"), volumes, filters)


@probe("reduction to a scalar", normal(1000003))
def reduction(tf: Any, values: Any) -> Any:
    return [tf.reduce_sum(values), tf.reduce_mean(values), tf.math.reduce_std(values), tf.reduce_max(values)]


@probe("reduction of an axis", normal(1001, 101))
def reduction_of_axis(tf: Any, values: Any) -> Any:
    return [tf.reduce_sum(values, 0), tf.reduce_mean(values, 1), tf.reduce_logsumexp(values, 0), tf.cumsum(values)]


@probe("softmax cross-entropy", normal(512, 10), cycle(512, 10))
def cross_entropy(tf: Any, logits: Any, labels: Any) -> Any:
    sparse = tf.nn.sparse_softmax_cross_entropy_with_logits
    dense = tf.nn.softmax_cross_entropy_with_logits
    hot = tf.one_hot(labels, 10)
    return differentiate(tf, lambda x: sparse(labels=labels, logits=x) + dense(labels=hot, logits=x), logits)


@probe("bias", normal(64, 32, 32, 8), normal(8))
def bias(tf: Any, values: Any, biases: Any) -> Any:
    return differentiate(tf, tf.nn.bias_add, values, biases)


@probe("max pooling", normal(8, 33, 33, 4))
def max_pooling(tf: Any, images: Any) -> Any:
    return differentiate(tf, lambda x: tf.nn.max_pool2d(x, 3, 2, "SAME"), images)


@probe("average pooling", normal(8, 33, 33, 4))
def average_pooling(tf: Any, images: Any) -> Any:
    return differentiate(tf, lambda x: tf.nn.avg_pool2d(x, 3, 2, "SAME"), images)


@probe("batch normalisation", normal(32, 16, 16, 8), normal(8), normal(8))
def batch_normalisation(tf: Any, images: Any, scale: Any, offset: Any) -> Any:
    fused = tf.compat.v1.nn.fused_batch_norm
    return differentiate(tf, lambda x, a, b: fused(x, a, b, is_training=True)[0], images, scale, offset)


@probe("dropout", normal(9999), draws=True)
def dropout(tf: Any, values: Any) -> Any:
    tf.random.set_seed(5)
    return differentiate(tf, lambda x: tf.nn.dropout(x, 0.5, seed=3), values)


@probe("recurrent cell", normal(16, 6, 8), normal(8, 32), normal(8, 32))
def recurrent(tf: Any, sequences: Any, kernel: Any, recurrent_kernel: Any) -> Any:
    """A long short-term memory, step by step."""

    def unroll(inputs: Any, weights: Any, recurrent_weights: Any) -> Any:
        state, carry = tf.zeros((16, 8)), tf.zeros((16, 8))
        for step in tf.unstack(inputs, axis=1):
            gates = tf.matmul(step, weights) + tf.matmul(state, recurrent_weights)
            add, keep, give, new = tf.split(gates, 4, axis=1)
            carry = tf.sigmoid(keep) * carry + tf.sigmoid(add) * tf.tanh(new)
            state = tf.sigmoid(give) * tf.tanh(carry)
        return state

    return differentiate(tf, unroll, sequences, kernel, recurrent_kernel)


@probe("attention", normal(8, 64, 32))
def attention(tf: Any, sequences: Any) -> Any:
    def attend(values: Any) -> Any:
        return tf.matmul(tf.nn.softmax(tf.matmul(values, values, transpose_b=True) / 6.0), values)

    return differentiate(tf, attend, sequences)


@probe("embedding", normal(50, 16), cycle(20000, 50))
def embedding(tf: Any, table: Any, numbers: Any) -> Any:
    return differentiate(tf, lambda x: tf.nn.embedding_lookup(x, numbers), table)


@probe("gather gradient", normal(11, 4), cycle(50000, 11))
def gather(tf: Any, table: Any, numbers: Any) -> Any:
    return differentiate(tf, lambda x: tf.gather(x, numbers), table)


@probe("segment sum", normal(50000), cycle(50000, 7))
def segment_sum(tf: Any, values: Any, segments: Any) -> Any:
    return differentiate(tf, lambda x: tf.math.unsorted_segment_sum(x, segments, 7), values)


@probe("scatter into a tensor", normal(50000), cycle(50000, 5))
def scatter(tf: Any, values: Any, places: Any) -> Any:
    places = tf.reshape(places, (-1, 1))
    return [tf.scatter_nd(places, values, (5,)), tf.tensor_scatter_nd_add(tf.zeros((5,)), places, values)]


@probe("scatter into a variable", normal(20000, 64), cycle(20000, 5), compiles=False)
def scatter_variable(tf: Any, values: Any, places: Any) -> Any:
    variable = tf.Variable(tf.zeros((5, 64)))
    variable.scatter_add(tf.IndexedSlices(values, places))
    return variable.read_value()


@probe("weighted bincount", normal(100000), cycle(100000, 3))
def bincount(tf: Any, weights: Any, values: Any) -> Any:
    return tf.math.bincount(values, weights=weights, minlength=3, maxlength=3)


@probe("sparse matrix product", normal(5000), cycle(5000, 50), normal(50, 16), compiles=False)
def sparse_product(tf: Any, values: Any, columns: Any, dense: Any) -> Any:
    rows = tf.range(5000, dtype=tf.int64) // 50
    places = tf.stack([rows, tf.cast(columns, tf.int64)], axis=1)
    sparse = getattr(tf.sparse, "SparseTensor", None) or tf.SparseTensor
    product = lambda v, d: tf.sparse.sparse_dense_matmul(sparse(places, v, (100, 50)), d)  # noqa: E731
    return differentiate(tf, product, values, dense)


@probe("resizing, bilinear", normal(4, 16, 16, 3))
def bilinear(tf: Any, images: Any) -> Any:
    return differentiate(tf, lambda x: tf.image.resize(x, (31, 29)), images)


@probe("resizing, nearest", normal(4, 16, 16, 3))
def nearest(tf: Any, images: Any) -> Any:
    return differentiate(tf, lambda x: tf.image.resize(x, (31, 29), method="nearest"), images)


@probe("crop and resize", normal(4, 32, 32, 8), uniform(512, 4), cycle(512, 4))
def crop(tf: Any, images: Any, boxes: Any, numbers: Any) -> Any:
    return differentiate(tf, lambda x: tf.image.crop_and_resize(x, boxes, numbers, (9, 9)), images)


@probe("sorting", normal(10007))
def sorting(tf: Any, values: Any) -> Any:
    return [tf.sort(values), tf.argsort(values), tf.math.top_k(values, 50)[1]]


@probe("linear algebra", normal(48, 48))
def linear_algebra(tf: Any, matrix: Any) -> Any:
    square = tf.matmul(matrix, matrix, transpose_b=True) + 48.0 * tf.eye(48)
    return [tf.linalg.cholesky(square), tf.linalg.inv(square), tf.linalg.qr(square)[0]]


@probe("seeded random numbers", cycle(999, 999), draws=True)
def seeded(tf: Any, numbers: Any) -> Any:
    tf.random.set_seed(5)
    return [tf.random.normal((999,)), tf.random.uniform((99,)), tf.random.truncated_normal((99,))]


@probe("stateless random numbers")
def stateless(tf: Any) -> Any:
    seed = (5, 6)
    return [tf.random.stateless_normal((999,), seed), tf.random.stateless_uniform((999,), seed)]


@probe("shuffled tensor", cycle(999, 999), compiles=False)
def shuffled_tensor(tf: Any, numbers: Any) -> Any:
    tf.random.set_seed(5)
    return tf.random.shuffle(numbers)


@probe("shuffled dataset", compiles=False)
def shuffled(tf: Any) -> Any:
    tf.random.set_seed(5)
    return list(tf.data.Dataset.range(500).shuffle(100, seed=3).batch(50).prefetch(2))


@probe("parallel map", compiles=False)
def parallel_map(tf: Any) -> Any:
    return list(tf.data.Dataset.range(500).map(lambda i: i * 2, num_parallel_calls=4).batch(50))


@probe("random parallel map", compiles=False)
def random_parallel_map(tf: Any) -> Any:
    tf.random.set_seed(5)
    draw = lambda i: tf.random.uniform((), seed=3)  # noqa: E731
    return list(tf.data.Dataset.range(500).map(draw, num_parallel_calls=4).batch(50))


@probe("session of compat.v1", normal(33, 65), compiles=False)
def session(tf: Any, values: Any) -> Any:
    """Ten steps of gradient descent in graph mode."""
    v1, inputs = tf.compat.v1, values.numpy()
    with tf.Graph().as_default(), v1.Session() as run:
        v1.set_random_seed(5)
        weights = v1.get_variable("w", [65, 3], use_resource=True)
        loss = tf.reduce_sum(tf.sin(tf.matmul(inputs, weights)))
        step = v1.train.GradientDescentOptimizer(0.1).minimize(loss)
        run.run(v1.global_variables_initializer())
        for _ in range(10):
            run.run(step)
        return run.run([loss, weights])
