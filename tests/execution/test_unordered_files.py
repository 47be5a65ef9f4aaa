"""TFG106 by execution: folders with the same files, made in another order, train to other weights until it is fixed.

The folders are made on tmpfs, which lists files in an order of its own making; each test sees first that it does.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from running import run_fix, write_files
from tfguard.tables import load_toml

MEMORY = Path("/dev/shm")
GOLDENS = Path(__file__).parent / "goldens" / "file_orders.json"
needs_tensorflow = pytest.mark.skipif(importlib.util.find_spec("tensorflow") is None, reason="TensorFlow is missing")
needs_memory = pytest.mark.skipif(not MEMORY.is_dir(), reason="there is no tmpfs")

ORDERS = ("abcdef", "fbdace")
#: Every line that it prints depends on the order in which one listing gives the files.
PROGRAM = """
import glob
import os
from pathlib import Path

import numpy as np
import tensorflow as tf

tf.keras.utils.set_random_seed(1)
model = tf.keras.Sequential([tf.keras.Input((4,)), tf.keras.layers.Dense(1)])
model.compile("sgd", "mse")
start = model.get_weights()


def train(name, x):
    model.set_weights(start)
    x = np.asarray(x, "float32")
    model.fit(x, x.sum(axis=1), batch_size=1, shuffle=False, verbose=0)
    print(name, model.get_weights()[0].tobytes().hex())


x = []
for name in os.listdir("data"):
    if name.endswith(".npy"):
        x.append(np.load(os.path.join("data", name)))
train("listdir", x)
train("glob", [np.load(path) for path in glob.glob("data/*.npy")])
paths = list(Path("data").iterdir())
train("iterdir", [np.load(path) for path in paths if path.is_file()])
train("gfile", [np.load(path) for path in tf.io.gfile.glob("data/*.npy")])
walked = []
for root, folders, names in os.walk("data"):
    for name in names:
        walked.append(os.path.join(root, name))
np.random.seed(3)
np.random.shuffle(walked)
train("walk", [np.load(path) for path in walked])
"""
LISTED = """
import tensorflow as tf

files = tf.data.Dataset.list_files("data/*.npy")
total = tf.Variable(0.0)
optimizer = tf.keras.optimizers.SGD(0.1)
with tf.GradientTape() as tape:
    loss = total * 2.0
optimizer.apply_gradients([(tape.gradient(loss, total), total)])
print([path.decode() for path in files.repeat(3).as_numpy_iterator()])
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder on tmpfs."""
    path = MEMORY / f"tfguard-{uuid.uuid4().hex}"
    path.mkdir()
    yield path
    shutil.rmtree(path)


def make_data(folder: Path, order: str) -> list[str]:
    """The same files and folders, made in an order; the order in which they are listed."""
    numpy = pytest.importorskip("numpy")
    data = folder / "data"
    shutil.rmtree(data, ignore_errors=True)
    for letter in order:
        (data / f"in_{letter}").mkdir(parents=True, exist_ok=True)
        value = numpy.array([1.0, 0.5, -1.0, 2.0]) * (ord(letter) - 100) / 10
        numpy.save(data / f"{letter}.npy", value)
        numpy.save(data / f"in_{letter}" / "more.npy", value / 2)
    return os.listdir(data)


def run(folder: Path) -> list[str]:
    """What the program prints, by line."""
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "program.py"]
    done = subprocess.run(command, cwd=folder, env={**os.environ, **quiet}, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout.splitlines()


def runs(folder: Path) -> list[list[str]]:
    """What the program prints on both machines, whose files are listed in different orders."""
    listed, printed = [], []
    for order in ORDERS:
        listed.append(make_data(folder, order))
        printed.append(run(folder))
    assert sorted(listed[0]) == sorted(listed[1])
    assert listed[0] != listed[1]
    return printed


@needs_tensorflow
@needs_memory
@pytest.mark.tensorflow
def test_every_listing_trains_to_other_weights_until_it_is_sorted(folder: Path) -> None:
    write_files(folder, {"program.py": PROGRAM})
    one, other = runs(folder)
    assert len(one) == 5
    assert all(a != b for a, b in zip(one, other, strict=True))
    report = run_fix(folder, select=["TFG106"])
    assert len(report.changes) == 1
    one, other = runs(folder)
    assert len(one) == 5
    assert one == other


@needs_tensorflow
@needs_memory
@pytest.mark.tensorflow
def test_list_files_is_another_order_on_every_run_until_it_has_a_seed(folder: Path) -> None:
    write_files(folder, {"program.py": LISTED})
    one, other = runs(folder)
    assert one != other
    assert len(run_fix(folder, select=["TFG106"]).changes) == 1
    one, other = runs(folder)
    assert one == other


def test_table_says_what_was_measured() -> None:
    """Recorded by tests/era/record_file_orders.py: of the ways to list files, which sorts in which version?"""
    measured = json.loads(GOLDENS.read_text())
    assert len(measured) >= 3
    table = load_toml("file_order.toml")["listings"]
    major, minor = map(int, table["matching_before"].split("."))
    for version, is_sorted in measured.items():
        numbers = tuple(map(int, version.split(".")[:2]))
        assert not any(
            is_sorted[way] for way in ("os.listdir", "glob.glob", "gfile.glob", "gfile.listdir", "gfile.walk")
        )
        assert is_sorted["matching_files"] == (numbers >= (major, minor)), version
