"""`tfguard.runtime.setup`, in fresh processes with the real libraries."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from runtime.programs import ROOT, era_python, needs_tensorflow, output_of, plain_python, run_program
from tfguard.runtime import setup

RUNTIME = sorted((ROOT / "tfguard" / "runtime").rglob("*.py"))
BEGIN = "import tfguard.runtime\ntfguard.runtime.setup(seed=7)\n"


@pytest.mark.parametrize("version", ["3.6", "3.7", "3.11", "3.13"])
def test_every_module_is_read_by_old_and_new_python(version: str) -> None:
    python = plain_python(version)
    program = "import sys\nfor name in sys.argv[1:]: compile(open(name, encoding='utf-8').read(), name, 'exec')"
    subprocess.run([python, "-c", program, *map(str, RUNTIME)], check=True)


@pytest.mark.parametrize("version", ["3.6", "3.7", "3.11", "3.13"])
def test_setup_needs_nothing_but_the_standard_library(version: str, tmp_path: Path) -> None:
    text = BEGIN + "import random\nprint(random.random())"
    drawn = {output_of(text, tmp_path, python=plain_python(version)) for _ in range(2)}
    assert len(drawn) == 1


def test_importing_loads_no_library(tmp_path: Path) -> None:
    text = BEGIN + "import sys; print(sorted({'numpy', 'tensorflow', 'keras', 'click', 'libcst'} & set(sys.modules)))"
    assert output_of(text, tmp_path) == "[]\n"


@pytest.mark.parametrize(
    ("arguments", "error", "named"),
    [
        ({"seed": -1}, ValueError, "seed"),
        ({"seed": 2**32}, ValueError, "seed"),
        ({"seed": "1"}, TypeError, "seed"),
        ({"seed": True}, TypeError, "seed"),
        ({"threads": 0}, ValueError, "threads"),
        ({"hash_seed": 1.0}, TypeError, "hash_seed"),
        ({"gpu_memory": 1.5}, ValueError, "gpu_memory"),
        ({"gpu_memory": 0}, ValueError, "gpu_memory"),
        ({"gpu_memory": "all"}, ValueError, "gpu_memory"),
        ({"op_determinism": 1}, TypeError, "op_determinism"),
    ],
)
def test_wrong_arguments_are_named(arguments: dict[str, object], error: type[Exception], named: str) -> None:
    with pytest.raises(error, match=named):
        setup(**arguments)  # type: ignore[arg-type]


def test_says_once_what_it_did(tmp_path: Path) -> None:
    said = run_program(BEGIN + BEGIN, tmp_path).stderr.splitlines()
    assert said == ["tfguard: seed 7 for random; when imported: NumPy, TensorFlow"]


def test_processes_that_a_program_starts_say_nothing(tmp_path: Path) -> None:
    text = BEGIN + "import subprocess, sys\nif len(sys.argv) < 2: subprocess.run([sys.executable, __file__, 'child'])"
    assert len(run_program(text, tmp_path).stderr.splitlines()) == 1


@pytest.mark.parametrize(("wanted", "given"), [("0", "0"), ("5", "5")])
def test_hash_seed_in_force(wanted: str, given: str, tmp_path: Path) -> None:
    text = f"import tfguard.runtime\ntfguard.runtime.setup(hash_seed={wanted})"
    assert f"tfguard: hash seed {wanted};" in run_program(text, tmp_path, PYTHONHASHSEED=given).stderr


@pytest.mark.parametrize("before", ["", "import os; os.environ['PYTHONHASHSEED'] = '5'\n"])
def test_hash_seed_that_is_too_late(before: str, tmp_path: Path) -> None:
    said = run_program(before + "import tfguard.runtime\ntfguard.runtime.setup(hash_seed=5)", tmp_path).stderr
    assert "too late for hash seed 5" in said
    assert "PYTHONHASHSEED=5 python" in said


def test_a_seed_of_the_program_wins(tmp_path: Path) -> None:
    text = "import random\nrandom.seed(3)\nprint(random.random())"
    assert output_of(BEGIN + text, tmp_path) == output_of(text, tmp_path)


@needs_tensorflow
def test_numpy_and_its_unseeded_generators(tmp_path: Path) -> None:
    text = BEGIN + "from numpy.random import default_rng, rand\n"
    text += "print(rand(), default_rng().random(), default_rng().random())"
    drawn = {output_of(text, tmp_path) for _ in range(2)}
    assert len(drawn) == 1
    assert len(set(drawn.pop().split())) == 3


MODERN = """
import tfguard.runtime
tfguard.runtime.setup(seed=7, threads=2, gpu_memory={memory}, op_determinism=True)
import keras, tensorflow as tf
from tensorflow.python.eager import context
layer = keras.layers.Dense(3)
layer(tf.ones((1, 4)))
print(layer.kernel.numpy().tolist(), tf.random.normal((2,)).numpy().tolist())
with tf.Graph().as_default(), tf.compat.v1.Session() as session:
    print(session.run(tf.random.normal((2,))).tolist(), session._config.intra_op_parallelism_threads)
    print(session._config.gpu_options.per_process_gpu_memory_fraction)
from tensorflow.python.framework.config import is_op_determinism_enabled
print(tf.config.threading.get_intra_op_parallelism_threads(), is_op_determinism_enabled())
print(context.context().config.gpu_options.per_process_gpu_memory_fraction)
import os
print(os.environ.get("TF_FORCE_GPU_ALLOW_GROWTH"))
"""


@needs_tensorflow
def test_modern_tensorflow(tmp_path: Path) -> None:
    growth, half = (output_of(MODERN.format(memory=memory), tmp_path) for memory in ("'growth'", 0.5))
    assert growth.splitlines()[0] == half.splitlines()[0]
    assert growth.splitlines()[1:] == [growth.splitlines()[1], "0.0", "2 True", "0.0", "true"]
    assert half.splitlines()[1:] == [growth.splitlines()[1], "0.5", "2 True", "0.5", "None"]
    assert growth.splitlines()[1].endswith(" 2")


@needs_tensorflow
def test_what_is_too_late_is_said(tmp_path: Path) -> None:
    text = "import tensorflow as tf\ntf.random.normal((2,))\n"
    text += "import tfguard.runtime\ntfguard.runtime.setup(seed=7, threads=2)"
    said = run_program(text, tmp_path).stderr
    assert "TensorFlow has run operations before it was seeded" in said
    assert "too late for 2 threads" in said
    assert "seed 7 for TensorFlow 2." in said


OLD = """
import tfguard.runtime
tfguard.runtime.setup(seed=7, threads=2, gpu_memory=0.25)
import tensorflow as tf
tf.reset_default_graph()
with tf.Session() as session:
    print(session.run(tf.random_normal((2,))).tolist())
with tf.Graph().as_default(), tf.Session(config=tf.ConfigProto(log_device_placement=False)) as session:
    print(session.run(tf.random_normal((2,))).tolist(), session.graph.seed)
    options = session._config.gpu_options
    print(options.per_process_gpu_memory_fraction, session._config.intra_op_parallelism_threads)
with tf.Session(config=tf.ConfigProto(gpu_options=tf.GPUOptions(allow_growth=True))) as session:
    print(session._config.gpu_options.per_process_gpu_memory_fraction)
with tf.Graph().as_default():
    tf.set_random_seed(3)
    print(tf.get_default_graph().seed)
"""


@pytest.mark.era
@pytest.mark.parametrize("name", ["tf12", "tf110", "tf115"])
def test_tensorflow_1_is_seeded_in_every_graph(name: str, tmp_path: Path) -> None:
    python = era_python(name)
    first, second = (output_of(OLD, tmp_path, python=python) for _ in range(2))
    assert first == second
    lines = first.splitlines()
    assert lines[1] == lines[0] + " 7"
    assert lines[2:] == ["0.25 2", "0.0", "3"]


@pytest.mark.era
def test_operations_made_before_the_seed_are_counted(tmp_path: Path) -> None:
    text = "import tensorflow as tf\ntf.random_normal((2,))\nimport tfguard.runtime\ntfguard.runtime.setup(seed=7)"
    said = run_program(text, tmp_path, python=era_python("tf115")).stderr
    assert "operations that the default graph has already; call tfguard.runtime.setup before" in said


def test_this_interpreter_is_unchanged() -> None:
    """The tests above call `setup` with wrong arguments only."""
    assert not any(type(finder).__module__ == "tfguard.runtime.arrivals" for finder in sys.meta_path)
