"""`tfguard run` with real processes: as plain Python but for the seeds, the bounds and the guards."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from runtime.programs import ROOT, clean_environment, era_python, needs_tensorflow, plain_python

TFGUARD = [sys.executable, "-m", "tfguard"]
LOOK = """\
import hashlib, json, random, sys
print(json.dumps([__name__, __file__.rsplit("/")[-1], sys.argv[1:], sys.path, sorted(vars()), hash("a")]))
"""


def run(folder: Path, *arguments: str, stdin: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
    """`tfguard run` in a folder."""
    environment = clean_environment(**variables)
    return subprocess.run(
        [*TFGUARD, "run", *arguments],
        cwd=folder,
        env=environment,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=120,
    )


def plain(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The same program under Python alone."""
    environment = clean_environment(PYTHONHASHSEED="0")
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=folder, env=environment, input="", capture_output=True, text=True, timeout=120)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "look.py").write_text(LOOK)
    (tmp_path / "helper.py").write_text("def fail(): raise ValueError('from the helper')\n")
    return tmp_path


@pytest.mark.parametrize("program", [["look.py"], ["look.py", "a", "--seed", "-m", "--"], ["-m", "look", "-x"]])
def test_the_program_sees_what_it_sees_under_python(folder: Path, program: list[str]) -> None:
    done = run(folder, *program)
    assert (done.returncode, done.stdout) == (0, plain(folder, *program).stdout)


def test_code_and_its_arguments(folder: Path) -> None:
    assert run(folder, "-q", "-c", "import sys; print(sys.argv)", "-q", "x").stdout == "['-c', '-q', 'x']\n"


def test_stdin_is_the_program_s(folder: Path) -> None:
    assert run(folder, "-c", "print(input())", stdin="hello\n").stdout == "hello\n"
    assert run(folder, "-", "x", stdin="import sys; print(sys.argv)").stdout == "['-', 'x']\n"


@pytest.mark.parametrize("code", ["raise SystemExit(7)", "import os; os._exit(9)", "1/0", "raise SystemExit('no')"])
def test_exit_codes(folder: Path, code: str) -> None:
    ours, theirs = run(folder, "-q", "-c", code), plain(folder, "-c", code)
    assert (ours.returncode, ours.stderr) == (theirs.returncode, theirs.stderr)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_signals_end_it_as_they_end_python(folder: Path, number: signal.Signals) -> None:
    code = "import time\nprint('ready', flush=True)\ntime.sleep(60)"
    command = [*TFGUARD, "run", "-q", "-c", code]
    with subprocess.Popen(command, cwd=folder, env=clean_environment(), stdout=-1, stderr=-1, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(number)
        assert process.wait(timeout=30) == -number


def test_tracebacks_have_no_frames_of_ours(folder: Path) -> None:
    (folder / "broken.py").write_text("import helper\n\ndef main():\n    helper.fail()\n\nmain()\n")
    assert run(folder, "-q", "broken.py").stderr == plain(folder, "broken.py").stderr


def test_an_error_in_a_library_that_is_waited_for(folder: Path) -> None:
    (folder / "torch.py").write_text("import helper\nhelper.fail()\n")
    (folder / "broken.py").write_text(
        "try:\n    import torch\nexcept ValueError as error:\n    raise KeyError(1) from error\n"
    )
    said = run(folder, "-q", "broken.py").stderr
    assert "tfguard" not in said
    assert said.splitlines() == plain(folder, "broken.py").stderr.splitlines()


def test_the_hash_seed_is_pinned(folder: Path) -> None:
    code = "print(list({'a', 'b', 'c', 'd', 'e', 'f'}))"
    assert run(folder, "-c", code).stdout == plain(folder, "-c", code).stdout
    other = {run(folder, "--hash-seed", "3", "-c", code).stdout for _ in range(2)}
    assert len(other) == 1


def test_processes_that_the_program_starts_are_seeded_and_silent(folder: Path) -> None:
    (folder / "many.py").write_text(
        "import multiprocessing, random, sys\n"
        "def draw(_): import random; return random.random()\n"
        "if __name__ == '__main__':\n"
        "    with multiprocessing.get_context(sys.argv[1]).Pool(1) as pool: print(pool.map(draw, range(2)))\n"
    )
    for way in ("fork", "spawn"):
        runs = [run(folder, "many.py", way) for _ in range(2)]
        assert runs[0].stdout == runs[1].stdout != ""
        assert [len(done.stderr.splitlines()) for done in runs] == [1, 1], runs[0].stderr


def test_the_environment_s_own_sitecustomize_is_kept(folder: Path) -> None:
    (folder / "site").mkdir()
    (folder / "site" / "sitecustomize.py").write_text("import builtins\nbuiltins.OWN = 'kept'\n")
    done = run(folder, "-c", "import sitecustomize; print(OWN)", PYTHONPATH=str(folder / "site"))
    assert done.stdout == "kept\n"


def test_no_seed(folder: Path) -> None:
    code = "import random; print(random.random())"
    assert len({run(folder, "--no-seed", "-c", code).stdout for _ in range(2)}) == 2
    assert len({run(folder, "--seed", "5", "-c", code).stdout for _ in range(2)}) == 1


def test_the_project_s_settings_hold(folder: Path) -> None:
    (folder / "tfguard.toml").write_text("seed = 5\n")
    code = "import random; print(random.random())"
    assert (
        run(folder, "-c", code).stdout
        == plain(folder, "-c", "import random; random.seed(5); print(random.random())").stdout
    )


def test_notebooks_run_cell_by_cell(folder: Path) -> None:
    cells = [
        {"cell_type": "markdown", "metadata": {}, "source": ["# text"]},
        {"cell_type": "code", "metadata": {}, "outputs": [], "source": ["%matplotlib inline\n", "import sys, helper"]},
        {
            "cell_type": "code",
            "metadata": {},
            "outputs": [],
            "source": ["print(__name__, sys.argv)\n", "helper.fail()"],
        },
    ]
    document = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 4}
    (folder / "book.ipynb").write_text(json.dumps(document))
    done = run(folder, "-q", "book.ipynb", "x")
    assert (done.returncode, done.stdout) == (1, "__main__ ['book.ipynb', 'x']\n")
    assert 'File "book.ipynb [cell 3]", line 2, in <module>\n    helper.fail()' in done.stderr
    assert "tfguard" not in done.stderr


def test_report(folder: Path) -> None:
    assert run(folder, "-q", "--report", "report.json", "-c", "import random").returncode == 0
    report = json.loads((folder / "report.json").read_text())
    assert report["settings"] == {
        "gpu_memory": "growth", "hash_seed": 0, "op_determinism": False, "seed": 42, "threads": None
    }  # fmt: skip
    assert report["done"] == ["hash seed 0", "seed 42 for random"]
    assert report["versions"]["python"].startswith("3.")
    assert report["machine"]["cores"] >= 1


@pytest.mark.parametrize(
    "arguments", [[], ["-m"], ["--gpu-memory", "2.5", "look.py"], ["--python", "no-such", "look.py"]]
)
def test_what_cannot_be_run(folder: Path, arguments: list[str]) -> None:
    done = run(folder, *arguments)
    assert done.returncode == 2
    assert "rror" in done.stderr


@pytest.mark.parametrize("version", ["3.6", "3.7", "3.13"])
def test_another_interpreter(folder: Path, version: str) -> None:
    code = "import sys, random; print('%d.%d' % sys.version_info[:2], random.random())"
    shown = {run(folder, "--python", plain_python(version), "-c", code).stdout for _ in range(2)}
    assert len(shown) == 1
    assert shown.pop().startswith(version)


MODELS = """
import tensorflow
tf = getattr(getattr(tensorflow, "compat", None), "v1", tensorflow)
if tensorflow.__version__ > "2": tf.disable_v2_behavior()

class Model:
    def __init__(self, name):
        with tf.variable_scope(name):
            self.x = tf.placeholder(tf.float32, [None, 3], name="x")
            self.w = tf.get_variable("w", [3])
            self.unused = tf.get_variable("unused", [3])
            self.loss = tf.reduce_sum(self.x * self.w)
            tf.summary.scalar("loss", self.loss)
        self.merged = tf.summary.merge_all()
        self.gradients = tf.gradients(self.loss, [self.w, self.unused])

first, second = Model("first"), Model("second")
with tf.Session() as session:
    session.run(tf.global_variables_initializer())
    print(session.run(second.w).tolist(), len(tf.get_collection(tf.GraphKeys.SUMMARIES)))
    session.run([first.merged, first.gradients], {first.x: [[1, 2, 3]]})
    session.run([second.merged, second.gradients], {second.x: [[1, 2, 3]]})
"""


def check_guards(folder: Path, *options: str) -> None:
    (folder / "models.py").write_text(MODELS)
    runs = [run(folder, "--zero-gradients", *options, "models.py") for _ in range(2)]
    assert [done.returncode for done in runs] == [0, 0], runs[0].stderr[-2000:]
    assert runs[0].stdout == runs[1].stdout
    assert runs[0].stdout.endswith(" 2\n")
    assert "merge_all limited to the 1 summaries of this model" in runs[0].stderr
    assert runs[0].stderr.count("no gradient for `first/unused:0`") == 1


@needs_tensorflow
def test_guards(folder: Path) -> None:
    check_guards(folder)
    unguarded = run(folder, "--no-guards", "models.py")
    assert "None" in unguarded.stderr
    assert unguarded.returncode == 1


@pytest.mark.era
@pytest.mark.parametrize("name", ["tf12", "tf110", "tf115"])
def test_guards_of_tensorflow_1(folder: Path, name: str) -> None:
    check_guards(folder, "--python", era_python(name))


@pytest.mark.era
@pytest.mark.parametrize("name", ["tf110", "tf115"])
def test_eager_mode_of_tensorflow_1(folder: Path, name: str) -> None:
    """To seed before the program has chosen its mode must not make a graph, after which eager mode is refused."""
    (folder / "eager.py").write_text(
        "import tensorflow as tf\ntf.enable_eager_execution()\nprint(tf.random_uniform((2,)))\n"
    )
    runs = [run(folder, "--python", era_python(name), "eager.py") for _ in range(2)]
    assert [done.returncode for done in runs] == [0, 0], runs[0].stderr[-2000:]
    assert runs[0].stdout == runs[1].stdout


KERAS = """
import numpy as np, tensorflow as tf
x = np.random.default_rng().random((32, 4)); y = x.sum(axis=1)
model = tf.keras.Sequential([tf.keras.layers.Dense(8), tf.keras.layers.Dropout(0.5), tf.keras.layers.Dense(1)])
model.compile(optimizer="adam", loss="mse")
model.fit(x, y, epochs=2, verbose=0)
print([w.sum().item() for w in model.get_weights()], list({"a", "b", "c"}))
"""


@needs_tensorflow
def test_an_unseeded_program_reproduces(folder: Path) -> None:
    (folder / "train.py").write_text(KERAS)
    runs = [run(folder, "train.py") for _ in range(2)]
    assert [done.returncode for done in runs] == [0, 0], runs[0].stderr[-2000:]
    assert runs[0].stdout == runs[1].stdout


def test_the_shim_is_where_the_command_looks_for_it() -> None:
    assert (ROOT / "tfguard" / "runtime" / "inject" / "sitecustomize.py").exists()
