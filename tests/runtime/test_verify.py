"""`tfguard verify` on programs with one planted cause each, and on their mended twins."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from runtime.programs import HAS_TENSORFLOW, clean_environment, era_python, needs_tensorflow

#: (program, the rule that its cause has, the program without it)
PLANTED = {
    "unseeded": (
        "import random; print(random.random())",
        "unseeded-training",
        "import random; random.seed(1); print(random.random())",
    ),
    "late": (
        "import random\nx = random.random()\nrandom.seed(1)\nprint(x)",
        "late-seed",
        "import random\nrandom.seed(1)\nx = random.random()\nprint(x)",
    ),
    "clock": ("import random, time\nrandom.seed(time.time())\nprint(random.random())", "fresh-entropy", None),
    "set order": ("print(list({'a', 'b', 'c', 'd', 'e'}))", "hash-order", "print(sorted({'a', 'b', 'c', 'd', 'e'}))"),
    "hash": ("print(hash('a') % 1000)", "hash-order", None),
    "listdir": (
        "import os; print(os.listdir('data'))",
        "unordered-files",
        "import os; print(sorted(os.listdir('data')))",
    ),
    "glob": (
        "import glob; print(glob.glob('data/*'))",
        "unordered-files",
        "import glob; print(sorted(glob.glob('data/*')))",
    ),
    "pathlib": ("import pathlib; print(list(pathlib.Path('data').iterdir()))", "unordered-files", None),
}
WITH_NUMPY = {
    "insufficient": (
        "import random\nimport numpy as np\nrandom.seed(1)\nprint(random.random(), np.random.rand())",
        "insufficient-seed",
    ),
    "entropy": (
        "import numpy as np\nnp.random.seed(1)\nprint(np.random.default_rng().random())",
        "fresh-entropy",
    ),
}


def verify(folder: Path, text: str, *options: str) -> tuple[int, Any]:
    """Exit code and JSON of `tfguard verify` on a program."""
    (folder / "program.py").write_text(text)
    done = call(folder, "--format", "json", *options, "program.py")
    return done.returncode, json.loads(done.stdout)


def call(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`tfguard verify`."""
    environment = clean_environment()
    command = [sys.executable, "-m", "tfguard", "verify", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    for name in ("a", "b", "c"):
        (tmp_path / "data" / name).write_text(name)
    return tmp_path


#: Causes that are found by what the program does, with their lines.
BY_PLACE = {
    "clock": ("import time\nx = 1\nprint(time.time())", "fresh-entropy", 3),
    "date": ("import datetime\n\nprint(datetime.datetime.now())", "fresh-entropy", 3),
    "entropy": ("import os\nprint(os.urandom(8))", "fresh-entropy", 2),
    "uuid": ("import uuid\nx = 1\nprint(uuid.uuid4())", "fresh-entropy", 3),
    "own generator": ("import random\nx = random.Random()\nprint(x.random())", "fresh-entropy", 2),
    "seed of the process": ("import os, random\nrandom.seed(os.getpid())\nprint(random.random())", "fresh-entropy", 2),
    "child": (
        "import multiprocessing, random\ndef draw():\n    return random.random()\n"
        "if __name__ == '__main__':\n    random.seed(1)\n"
        "    with multiprocessing.get_context('spawn').Pool(1) as pool:\n"
        "        print(pool.apply(draw), random.random())",
        "insufficient-seed",
        6,
    ),
    "threads": (
        "import random, threading, time\nrandom.seed(1)\nfound = []\n"
        "def work(number):\n    time.sleep(0.02 + (hash(str(number)) + time.perf_counter_ns()) % 7 / 1000)\n"
        "    found.append(number)\n"
        "threads = [threading.Thread(target=work, args=(number,)) for number in range(12)]\n"
        "for thread in threads:\n    thread.start()\n"
        "for thread in threads:\n    thread.join()\nprint(found)",
        "parallel-order",
        9,
    ),
}


@pytest.mark.parametrize("name", sorted(BY_PLACE))
def test_a_cause_with_its_line(folder: Path, name: str) -> None:
    text, rule, line = BY_PLACE[name]
    code, result = verify(folder, text, "--stdout")
    assert (code, [(cause["rule"], cause["place"]) for cause in result["causes"]]) == (
        1,
        [(rule, f"program.py:{line}")],
    )


SEVERAL = """
import os, random, time
print(list({"alpha", "beta", "gamma", "delta"}))
print(os.listdir("data"))
print(random.random(), random.Random().random())
print(time.time_ns())
"""


def test_several_causes_are_all_named_and_no_other(folder: Path) -> None:
    code, result = verify(folder, SEVERAL, "--stdout")
    assert (code, [cause["rule"] for cause in result["causes"]]) == (
        1,
        ["hash-order", "unordered-files", "fresh-entropy", "unseeded-training", "fresh-entropy"],
    )
    assert result["cause"] == result["causes"][0]


def test_a_trial_that_waits_for_ever_is_no_remedy(folder: Path) -> None:
    text = "import random\nx = random.random()\nimport os\nif os.environ.get('PYTHONHASHSEED') == '0':\n"
    code, result = verify(folder, text + "    import time; time.sleep(60)\nprint(x)", "--stdout", "--timeout", "5")
    assert (code, result["cause"]["rule"]) == (1, "unseeded-training")


@pytest.mark.parametrize("name", sorted(PLANTED))
def test_a_planted_cause_is_named(folder: Path, name: str) -> None:
    text, rule, _ = PLANTED[name]
    code, result = verify(folder, text, "--stdout")
    assert (code, result["verdict"], result["cause"]["rule"]) == (1, "different", rule)


@pytest.mark.parametrize("name", sorted(name for name in PLANTED if PLANTED[name][2]))
def test_its_mended_twin_is_the_same(folder: Path, name: str) -> None:
    code, result = verify(folder, PLANTED[name][2] or "", "--stdout", "--runs", "3")
    assert (code, result["verdict"], result["cause"], len(result["runs"])) == (0, "same", None, 3)


@pytest.mark.skipif(not HAS_TENSORFLOW, reason="NumPy comes with TensorFlow")
@pytest.mark.parametrize("name", sorted(WITH_NUMPY))
def test_a_planted_cause_in_numpy_is_named(folder: Path, name: str) -> None:
    text, rule = WITH_NUMPY[name]
    code, result = verify(folder, text, "--stdout")
    assert (code, result["cause"]["rule"]) == (1, rule)


def test_a_cause_that_no_remedy_touches(folder: Path) -> None:
    code, result = verify(folder, "import os\nprint(os.getpid())", "--stdout")
    assert (code, result["cause"]) == (1, None)
    assert {trial["same"] for trial in result["trials"]} == {False}


def test_places_and_text(folder: Path) -> None:
    (folder / "program.py").write_text("import random, time\nrandom.seed(time.time())\nprint(random.random())")
    done = call(folder, "--stdout", "program.py")
    assert done.returncode == 1
    assert "different: run 2 parts from run 1 in line 1 of what is printed: `0." in done.stdout
    assert (
        "cause: TFG107 fresh-entropy: Python's `random` is seeded with another value in every run, at program.py:2"
        in done.stdout
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("print(1)", "nothing to compare"),
        ("1/0", "exit code 1"),
        ("import time; time.sleep(60)", "took longer than 1 s"),
    ],
)
def test_what_cannot_be_verified(folder: Path, text: str, said: str) -> None:
    (folder / "program.py").write_text(text)
    done = call(folder, "--timeout", "1" if "sleep" in text else "60", "program.py")
    assert done.returncode == 2
    assert said in done.stderr


def test_a_recorded_run(folder: Path) -> None:
    program = "import random; random.seed({}); print(random.random())"
    assert verify(folder, program.format(1), "--stdout", "--record", "run.json")[0] == 0
    code, result = verify(folder, program.format(1), "--stdout", "--against", "run.json")
    assert (code, result["record"]["agrees"], result["record"]["changes"]) == (0, True, [])
    code, result = verify(folder, program.format(2), "--stdout", "--against", "run.json")
    assert (code, result["divergence"], result["record"]["divergence"]["name"]) == (1, None, "stdout")
    assert result["record"]["likely_cause"] == "program.py has changed"
    refused = call(folder, "--against", "run.json", "program.py")
    assert (refused.returncode, "was recorded with --stdout" in refused.stderr) == (2, True)
    (folder / "run.json").write_text("{}")
    assert call(folder, "--against", "run.json", "program.py").returncode == 2


FIT = """
import numpy as np, tensorflow as tf
{seed}
x = np.linspace(0, 1, 128).reshape(32, 4).astype("float32")
model = tf.keras.Sequential([tf.keras.layers.Dense(8), tf.keras.layers.Dropout(0.5), tf.keras.layers.Dense(1)])
model.compile(optimizer="adam", loss="mse")
model.fit(x, x.sum(axis=1), epochs=2, batch_size=8, verbose=0)
"""
TAPE = """
import tensorflow as tf
tf.random.set_seed(1)
model = tf.keras.Sequential([tf.keras.layers.Dense(4)])
x = tf.random.normal((8, 3))
for _ in range(3):
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(model(x) ** 2)
    for weight, gradient in zip(model.trainable_variables, tape.gradient(loss, model.trainable_variables)):
        weight.assign(weight - 0.1 * gradient)
"""


@needs_tensorflow
def test_seeded_fit_is_the_same(folder: Path) -> None:
    code, result = verify(folder, FIT.format(seed="tf.keras.utils.set_random_seed(1)"))
    assert code == 0, result
    assert [run["steps"] for run in result["runs"]] == [8, 8]
    assert len({run["end"] for run in result["runs"]}) == 1


@needs_tensorflow
def test_unseeded_fit_parts_in_its_first_step(folder: Path) -> None:
    text = (
        FIT.format(seed="").replace("tf.keras.layers.Dropout(0.5), ", "").replace("verbose", "shuffle=False, verbose")
    )
    code, result = verify(folder, text, "--no-diagnose")
    assert (code, result["divergence"]["step"]) == (1, 1)
    assert "kernel" in result["divergence"]["name"]


@needs_tensorflow
def test_the_recipe_that_does_not_help_parts_before_the_first_step(folder: Path) -> None:
    """NumPy and TensorFlow seeded, `random` not: since Keras 2.10 that is where initial weights come from."""
    code, result = verify(folder, TAPE)
    assert (code, result["cause"]["rule"], result["cause"]["id"]) == (1, "insufficient-seed", "TFG102")
    assert result["divergence"]["kind"] == "initial"
    assert "kernel" in result["divergence"]["name"]
    assert result["divergence"]["place"] == "program.py:8"


OLD = """
import numpy as np, tensorflow as tf
tf.set_random_seed(1)
np.random.seed(1)
tf.reset_default_graph()
{seed}
x = tf.placeholder(tf.float32, [None, 3])
w = tf.Variable(tf.random_normal([3, 1]), name="w")
loss = tf.reduce_mean(tf.square(tf.matmul(x, w)))
train = tf.train.GradientDescentOptimizer(0.1).minimize(loss)
with tf.Session() as session:
    session.run(tf.global_variables_initializer())
    for _ in range(3):
        session.run([train, loss], {{x: np.random.rand(4, 3)}})
"""


@pytest.mark.era
@pytest.mark.parametrize("name", ["tf12", "tf110", "tf115"])
def test_a_seed_that_a_reset_threw_away(folder: Path, name: str) -> None:
    python = era_python(name)
    code, result = verify(folder, OLD.format(seed=""), "--python", python)
    assert (code, result["cause"]["rule"]) == (1, "late-seed")
    assert (result["divergence"]["kind"], result["divergence"]["name"]) == ("initial", "w:0")
    code, result = verify(folder, OLD.format(seed="tf.set_random_seed(1)"), "--python", python)
    assert (code, [run["steps"] for run in result["runs"]]) == (0, [4, 4])
