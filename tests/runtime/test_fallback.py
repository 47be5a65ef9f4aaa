"""`--op-determinism=fallback`: what has no deterministic kernel runs without and is named, and nothing runs twice.

On the CPU of TensorFlow 2.21 only `Timestamp` raises in its kernel. The others raise on a GPU; for them a stand-in
raises as their kernels do, so what is proved here is the way out, not which GPU kernels need it.
"""

from __future__ import annotations

import importlib.util
import mmap
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from runtime.programs import clean_environment, needs_tensorflow, output_of
from runtime.test_run import run

pytestmark = [pytest.mark.tensorflow, needs_tensorflow]

CLOCKS = """\
import tensorflow as tf
from tensorflow.python.framework.config import is_op_determinism_enabled
for _ in range(2):
    print("eager", float(tf.timestamp()) > 1e9)
print("raw", float(tf.raw_ops.Timestamp()) > 1e9)
count = tf.Variable(0)
@tf.function
def step():
    count.assign_add(1)
    now = tf.timestamp()
    count.assign_add(1)
    return now
print("function", float(step()) > 1e9, float(step()) > 1e9, count.numpy())
class Clock(tf.keras.layers.Layer):
    def call(self, x):
        return x + tf.cast(tf.timestamp() * 0.0, x.dtype)
seen = []
class Seen(tf.keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None): seen.append(batch)
model = tf.keras.Sequential([Clock(), tf.keras.layers.Dense(1)])
model.compile("sgd", "mse", jit_compile=False)
model.fit(tf.ones((8, 2)), tf.ones((8, 1)), batch_size=4, verbose=0, callbacks=[Seen()])
print("fit", seen, int(model.optimizer.iterations))
with tf.Graph().as_default():
    v1 = tf.compat.v1
    counted = v1.get_variable("counted", [], initializer=v1.zeros_initializer())
    with tf.control_dependencies([v1.assign_add(counted, 1.0)]):
        now = tf.timestamp()
    with v1.Session() as session:
        session.run(v1.global_variables_initializer())
        print("session", session.run(now) > 1e9, session.run(counted))
print("still", is_op_determinism_enabled())
"""


def notes_of(stderr: str) -> list[str]:
    """What tfguard says after its first line."""
    return [line for line in stderr.splitlines() if line.startswith("tfguard: ")][1:]


def test_eager_functions_fit_and_sessions(tmp_path: Path) -> None:
    (tmp_path / "clocks.py").write_text(CLOCKS)
    done = run(tmp_path, "--op-determinism=fallback", "clocks.py")
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.splitlines() == [
        "eager True",
        "eager True",
        "raw True",
        "function True True 4",
        "fit [0, 1] 2",
        "session True 1.0",
        "still True",
    ]
    notes = notes_of(done.stderr)
    assert [note.split(": ")[1] for note in notes] == [f"clocks.py:{line}" for line in (4, 5, 13, 16, 28)]
    assert all("Timestamp has no deterministic kernel here: it runs without op determinism" in note for note in notes)


def test_without_fallback_it_raises(tmp_path: Path) -> None:
    done = run(tmp_path, "-q", "--op-determinism", "-c", "import tensorflow as tf\ntf.timestamp()")
    assert done.returncode == 1
    assert "Timestamp cannot be called when determinism is enabled" in done.stderr


#: Two operations whose stand-ins raise as the GPU's kernels do: one forward and differentiated, one a gradient.
STAND_INS = """\
import sys
import numpy as np, tensorflow as tf
from tensorflow.python.framework import config
from tensorflow.python.ops import gen_nn_ops, gen_sparse_ops
from tfguard.runtime.fallback import Fallback
from tfguard.runtime.telling import Telling

def refuse(module, name, message):
    plain = getattr(module, name)
    def kernel(*arguments, **keywords):
        if config.is_op_determinism_enabled() and tf.executing_eagerly():
            raise tf.errors.UnimplementedError(None, None, message)
        return plain(*arguments, **keywords)
    setattr(module, name, kernel)

def pooled(x): return tf.nn.max_pool_with_argmax(x, 2, 2, "SAME")[0]
def product(x): return tf.sparse.sparse_dense_matmul(tf.sparse.from_dense(tf.eye(4) * 2.0), x)
def gradient(function, x):
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.reduce_sum(function(x) ** 2)
    return tape.gradient(y, x)
x, m = tf.random.normal((1, 4, 4, 1)), tf.random.normal((4, 3))
expected = [gradient(pooled, x), gradient(product, m)]

refuse(gen_nn_ops, "max_pool_grad_with_argmax", "Determinism is not yet supported for MaxPoolGradWithArgmax.")
refuse(gen_sparse_ops, "sparse_tensor_dense_mat_mul",
       "A deterministic GPU implementation of SparseTensorDenseMatmulOp is not currently available.")
tf.keras.utils.set_random_seed(1)
config.enable_op_determinism()
telling = Telling()
Fallback(tf, telling, has_gpu=True).install()

def agree(found): return [bool(np.allclose(a, b)) for a, b in zip(found, expected)]
print(agree([gradient(pooled, x), gradient(product, m)]))
count = tf.Variable(0)
@tf.function
def both(a, b):
    count.assign_add(1)
    return gradient(pooled, a), gradient(product, b)
print(agree(both(x, m)), [t.shape.as_list() for t in both(x, m)], count.numpy())
class Pool(tf.keras.layers.Layer):
    def call(self, x): return pooled(x)
model = tf.keras.Sequential([tf.keras.layers.Conv2D(1, 2, padding="same"), Pool(), tf.keras.layers.Flatten()])
model.compile("sgd", "mse", jit_compile=False)
model.fit(tf.random.normal((8, 4, 4, 1)), tf.ones((8, 4)), batch_size=4, verbose=0)
print(int(model.optimizer.iterations))
with tf.Graph().as_default(), tf.compat.v1.Session() as session:
    fed = tf.compat.v1.placeholder(tf.float32, (1, 4, 4, 1))
    found = tf.gradients(tf.reduce_sum(pooled(fed) ** 2), fed)[0]
    print(bool(np.allclose(session.run(found, {fed: x.numpy()}), expected[0])))
compiled = tf.function(lambda b: product(b), jit_compile=True).get_concrete_function(m)
print([node.op for node in compiled.graph.as_graph_def().node if "PyFunc" in node.op])
print(len(telling.notes), config.is_op_determinism_enabled())
raise tf.errors.UnimplementedError(None, None, "Determinism is not yet supported for Unheard.")
"""


def test_kernels_of_the_gpu_by_stand_ins(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(STAND_INS)
    root = str(Path(__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "program.py"],
        cwd=tmp_path,
        env=clean_environment(PYTHONPATH=root),
        capture_output=True,
        text=True,
        timeout=300,
    )
    lines = done.stdout.splitlines()
    assert lines[:2] == ["[True, True]", "[True, True] [[1, 4, 4, 1], [4, 3]] 2"], done.stderr[-3000:]
    assert lines[2:5] == ["2", "True", "[]"]
    assert lines[5].endswith(" True")
    notes = [line for line in done.stderr.splitlines() if line.startswith("tfguard: ")]
    named = {(note.split(": ")[1], note.split(": ")[2].split()[0]) for note in notes[:-1]}
    assert ("program.py:22", "MaxPoolGradWithArgmax") in named
    assert ("program.py:17", "SparseTensorDenseMatMul") in named
    assert not any("outside" in note for note in notes)
    assert len(named) == len(notes) - 1 == int(lines[5].split()[0])
    assert "it is not run again: leave op determinism off" in notes[-1]


SEEDS = """\
import tensorflow as tf
print(tf.random.get_global_generator().normal((2,)).numpy().tolist())
for _ in range(2): print(tf.random.Generator.from_non_deterministic_state().normal((2,)).numpy().tolist())
print(tf.image.sample_distorted_bounding_box((80, 80, 3), [[[0, 0, 1.0, 1.0]]], min_object_covered=0.1)[0].numpy())
x = tf.reshape(tf.range(64.0), (1, 8, 8, 1))
print(tf.function(lambda: tf.nn.fractional_max_pool(x, [1, 1.4, 1.4, 1], pseudo_random=True)[0])().numpy().sum())
print(tf.nn.fractional_avg_pool(x, [1, 1.4, 1.4, 1], pseudo_random=True, seed=7)[0].numpy().sum())
"""


def test_what_needs_a_seed_of_its_own_gets_one(tmp_path: Path) -> None:
    (tmp_path / "seeds.py").write_text(SEEDS)
    runs = [run(tmp_path, "--op-determinism=fallback", "seeds.py") for _ in range(2)]
    assert [done.returncode for done in runs] == [0, 0], runs[0].stderr[-3000:]
    assert runs[0].stdout == runs[1].stdout
    assert len(set(runs[0].stdout.splitlines())) == 6
    assert [note.split(": ")[1] for note in notes_of(runs[0].stderr)] == ["seeds.py:3", "seeds.py:4", "seeds.py:6"]


#: Every message of a kernel that refuses, in the wheels of 2.12 and 2.21, and the operations behind it.
MESSAGES = {
    "A deterministic GPU implementation of AdjustContrast is": ["AdjustContrast"],
    "A deterministic GPU implementation of AdjustContrastv2 is": ["AdjustContrastv2"],
    "A deterministic GPU implementation of DepthwiseConvBackpropFilter is": ["DepthwiseConv2dNativeBackpropFilter"],
    "A deterministic GPU implementation of ResizeNearestNeighborGrad is": ["ResizeNearestNeighborGrad"],
    "A deterministic GPU implementation of SparseTensorDenseMatmulOp is": ["SparseTensorDenseMatMul"],
    "A deterministic GPU implementation of fused batch-norm backprop": [
        "FusedBatchNormGrad", "FusedBatchNormGradV2", "FusedBatchNormGradV3",
    ],
    "Determinism is not yet supported for DebugNumericSummaryV2": ["DebugNumericSummaryV2"],
    "Determinism is not yet supported for Dilation2DBackpropFilter": ["Dilation2DBackpropFilter"],
    "Determinism is not yet supported for Dilation2DBackpropInput": ["Dilation2DBackpropInput"],
    "Determinism is not yet supported for MaxPoolGradWithArgmax": ["MaxPoolGradWithArgmax"],
    "Determinism is not yet supported for SVD": ["Svd"],
    "Determinism is not yet supported in GPU implementation of Bincount": ["Bincount"],
    "Determinism is not yet supported in GPU implementation of DenseBincount": ["DenseBincount", "RaggedBincount"],
    "Determinism is not yet supported in GPU implementation of FakeQuantWithMinMaxVarsGradient": [
        "FakeQuantWithMinMaxVarsGradient",
    ],
    "Determinism is not yet supported in GPU implementation of FakeQuantWithMinMaxVarsPerChannelGradient": [
        "FakeQuantWithMinMaxVarsPerChannelGradient",
    ],
    # Reference variables cannot be handed to a function of Python: these go through.
    "Determinism is not yet supported in GPU implementation of Scatter ops with ref inputs": [],
    "Deterministic GPU implementation of CropAndResizeBackpropBoxes": ["CropAndResizeGradBoxes"],
    "Deterministic GPU implementation of CropAndResizeBackpropImage": ["CropAndResizeGradImage"],
    "Deterministic GPU implementation of sorted segment reduction op": ["SegmentMean", "SegmentProd", "SegmentSum"],
    "Deterministic GPU implementation of unsorted segment reduction op": ["UnsortedSegmentProd", "UnsortedSegmentSum"],
    "Timestamp cannot be called when determinism is enabled": ["Timestamp"],
    "The GPU implementation of SoftmaxCrossEntropyWithLogits that": ["SoftmaxCrossEntropyWithLogits"],
    "The GPU implementation of SparseSoftmaxCrossEntropyWithLogits that": ["SparseSoftmaxCrossEntropyWithLogits"],
}  # fmt: skip
WORD = b"eterminis"
REFUSAL = re.compile(
    "(Determinism is not yet supported|A deterministic GPU implementation of|Deterministic GPU implementation of"
    "|The GPU implementation of [A-Z]|[A-Z][a-z]+ cannot be called when)"
)


def iter_texts(text: mmap.mmap) -> Iterator[str]:
    """Every string of a binary that speaks of determinism."""
    place = text.find(WORD)
    while place >= 0:
        start, end = text.rfind(b"\0", 0, place) + 1, text.find(b"\0", place)
        yield text[max(start, place - 200) : end].decode("latin-1")
        place = text.find(WORD, max(end, place + 1))


def test_every_refusal_in_the_wheel_is_known() -> None:
    spec = importlib.util.find_spec("tensorflow")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    library = Path(spec.submodule_search_locations[0], "libtensorflow_cc.so.2")
    if not library.exists():
        pytest.skip("the kernels are in another file")
    with library.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as text:
        found = sorted({one for one in iter_texts(text) if REFUSAL.match(one)})
    assert len(found) > 15
    assert [message for message in found if not message.startswith(tuple(MESSAGES))] == []


def test_the_operations_are_those_of_the_messages() -> None:
    from tfguard.runtime.fallback import OPERATIONS

    assert [operation.name for operation in OPERATIONS[1:]] == sorted(operation.name for operation in OPERATIONS[1:])
    assert {one.name for one in OPERATIONS} == {name for names in MESSAGES.values() for name in names}


def test_every_operation_is_where_it_is_looked_for(tmp_path: Path) -> None:
    text = (
        "import sys, tensorflow as tf\nfrom tfguard.runtime.fallback import OPERATIONS\n"
        "print([o for o in OPERATIONS if not hasattr(sys.modules.get('tensorflow.python.ops.gen_%s_ops' % o.module), "
        "o.function) or not hasattr(tf.raw_ops, o.name)])"
    )
    assert output_of(text, tmp_path) == "[]\n"
