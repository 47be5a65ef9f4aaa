"""TFG101 beyond the fixtures: what stands behind an API in which version, the preamble of each flavour, the tables."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest
from tfguard.rules.reproducibility.draws import GENERATORS, Versions, load_draws
from tfguard.rules.reproducibility.seeds import load_seeds

from running import run_check, run_fix, write_files
from tfguard.knowledge import load_knowledge
from tfguard.model import Finding, Safety
from tfguard.tables import load_api_table
from tfguard.targets import TENSORFLOW_VERSIONS, keras_of

RULES = ("TFG101", "TFG102", "TFG103")


def findings(folder: Path, files: dict[str, str], target: str | None = None) -> tuple[Finding, ...]:
    write_files(folder, files)
    return run_check(folder, select=RULES, target=target).findings


def fixed(folder: Path, text: str, target: str | None = None, **settings: object) -> str:
    write_files(folder, {"train.py": text})
    run_fix(folder, select=RULES, target=target, **settings)
    return (folder / "train.py").read_bytes().decode()


# -- which generator, by version (measured: see draws.toml) ---------------------------------------------------


@pytest.mark.parametrize(
    ("source", "edition", "by_version"),
    [
        ("keras-weights", "keras", {"0.12": "numpy", "1.15": "numpy", "2.9": "tensorflow", "2.10": "python"}),
        ("keras-weights", "tensorflow.keras", {"1.15": "tensorflow", "2.9": "tensorflow", "2.10": "python"}),
        ("keras-weights", "tf_keras", {"2.9": "tensorflow", "2.21": "python"}),
        ("keras-dropout", "keras", {"1.15": "numpy", "2.10": "tensorflow", "2.15": "tensorflow", "2.16": "python"}),
        ("keras-dropout", "tf_keras", {"2.21": "tensorflow"}),
        ("keras-noise", "tensorflow.keras", {"1.15": "numpy", "2.7": "numpy", "2.8": "tensorflow", "2.21": "python"}),
        ("keras-augmentation", "tensorflow.keras", {"2.9": "tensorflow", "2.10": "python"}),
        ("keras-shuffle", "tensorflow.keras", {"1.15": "numpy", "2.0": "tensorflow", "2.21": "tensorflow"}),
        ("keras-shuffle", "keras", {"1.15": "numpy", "2.21": "tensorflow"}),
        ("keras-backend", "tensorflow.keras", {"1.15": "numpy", "2.21": "numpy"}),
        ("tf-initializers", "", {"1.15": "tensorflow", "2.9": "tensorflow", "2.10": "python"}),
        ("mnist-reader", "", {"0.12": "numpy", "1.2": "tensorflow"}),
        ("numpy", "", {"0.12": "numpy", "2.21": "numpy"}),
    ],
)
def test_generator_behind_a_source(source: str, edition: str, by_version: dict[str, str]) -> None:
    for text, generator in by_version.items():
        major, minor = text.split(".")
        version = int(major), int(minor)
        versions = Versions(version, keras_of(version), graph=False)
        assert load_draws().behind(source, edition, versions)[0] == generator, text


def test_weights_in_a_graph_come_from_the_graph() -> None:
    versions = Versions((2, 21), (3, 15), graph=True)
    assert load_draws().behind("keras-weights", "tensorflow.keras", versions)[0] == "tensorflow"


# -- the preamble, by version and flavour ---------------------------------------------------------------------

EAGER = "import tensorflow as tf\n\nprint(tf.random.normal([2]))\n"
GRAPH = "import tensorflow as tf\n\nx = tf.random_normal([2])\nprint(tf.Session().run(x))\n"
ONE_CALL = "tf.keras.utils.set_random_seed(42)"
KERAS = "from keras.layers import Dense\n\nprint(Dense(2).get_config())\n"
NUMPY = "import numpy as np\nimport tensorflow as tf\n\nprint(tf.constant(np.random.rand(2)))\n"


@pytest.mark.parametrize(
    ("text", "target", "lines"),
    [
        (EAGER, "2.21", ["tf.keras.utils.set_random_seed(42)"]),
        (EAGER, "2.7", ["tf.keras.utils.set_random_seed(42)"]),
        (EAGER, "2.6", ["tf.random.set_seed(42)"]),
        (EAGER, "2.0", ["tf.random.set_seed(42)"]),
        (GRAPH, "1.15", ["tf.set_random_seed(42)"]),
        (GRAPH, "0.12", ["tf.set_random_seed(42)"]),
        (GRAPH, "2.21", ["tf.set_random_seed(42)"]),
        (GRAPH.replace("tensorflow as", "tensorflow.compat.v1 as"), "2.21", ["tf.set_random_seed(42)"]),
        (KERAS, "2.21", ["import keras", "keras.utils.set_random_seed(42)"]),
        (KERAS, "1.15", ["import numpy as np", "np.random.seed(42)"]),
        (KERAS.replace("keras.", "tensorflow.keras."), "2.21", ["import tensorflow as tf", ONE_CALL]),
        (KERAS.replace("keras.", "tf_keras."), "2.21", ["import tf_keras", "tf_keras.utils.set_random_seed(42)"]),
        (NUMPY, "2.21", ["np.random.seed(42)"]),
        ("from tensorflow import keras\n\nprint(keras.layers.Dense(2))\n", "2.21", ["keras.utils.set_random_seed(42)"]),
        ("import tensorflow as tf\nimport random\n\nprint(random.random())\n", "1.15", ["random.seed(42)"]),
    ],
)  # fmt: skip
def test_preamble(text: str, target: str, lines: list[str], tmp_path: Path) -> None:
    after = fixed(tmp_path, text, f"tensorflow=={target}")
    added = [line for line in after.splitlines() if line and line not in text.splitlines()]
    assert added == lines


def test_seed_comes_from_the_settings(tmp_path: Path) -> None:
    assert "tf.keras.utils.set_random_seed(7)\n" in fixed(tmp_path, EAGER, seed=7)


def test_seed_comes_from_the_program(tmp_path: Path) -> None:
    text = "import numpy as np\nimport tensorflow as tf\n\nx = tf.random.normal([2])\nnp.random.seed(3)\nprint(x)\n"
    assert "tf.keras.utils.set_random_seed(3)\n" in fixed(tmp_path, text)


@pytest.mark.parametrize("seed", ["None", "args.seed", "'text'", "int(time.time())", "-1"])
def test_any_seed_is_a_seed(seed: str, tmp_path: Path) -> None:
    text = f"import time\nimport tensorflow as tf\n\nargs = object()\ntf.random.set_seed({seed})\n"
    assert not findings(tmp_path, {"train.py": f"{text}print(tf.random.normal([2]))\n"})


def test_seed_that_may_be_none_is_passed_on_to_what_takes_none(tmp_path: Path) -> None:
    text = (
        "import numpy as np\nimport tensorflow as tf\nfrom settings import SEED\n\nnp.random.seed(SEED)\n"
        "layer = tf.keras.layers.Dense(2)\nprint(layer(tf.random.normal([2, 2])))\n"
    )
    after = fixed(tmp_path, text)
    assert "np.random.seed(SEED)\nrandom.seed(SEED)\ntf.random.set_seed(SEED)\n" in after


# -- places -------------------------------------------------------------------------------------------------------


def test_finding_names_the_draw_of_another_file(tmp_path: Path) -> None:
    net = "import tensorflow as tf\n\n\ndef build():\n    return tf.keras.layers.Dense(2)\n"
    (finding,) = findings(tmp_path, {"net.py": net, "train.py": "from net import build\n\nprint(build())\n"})
    assert (finding.path, finding.line) == ("train.py", 3)
    assert finding.message.startswith("this leads to the first draw, `tf.keras.layers.Dense`: the program draws from")
    assert (finding.notes[0].path, finding.notes[0].line) == ("net.py", 5)


@pytest.mark.parametrize(("target", "is_seeded"), [("tensorflow==1.4", False), ("tensorflow==1.15", True)])
def test_spaces_of_old_gym_cannot_be_seeded(target: str, is_seeded: bool, tmp_path: Path) -> None:
    code = (
        "import gym\nimport tensorflow as tf\n\nenv = gym.make('CartPole-v0')\nstate = env.reset()\n"
        "state, reward, done, _ = env.step(env.action_space.sample())\nprint(tf.random_normal([2]))\n"
    )
    found = fixed(tmp_path, code, target)
    assert "env.seed(42)\n" in found
    assert ("env.action_space.seed(42)\n" in found) is is_seeded


def test_what_a_condition_decides_is_seeded_and_not_said(tmp_path: Path) -> None:
    """Only what the program draws whatever happens is named; the fix seeds the rest too."""
    code = (
        "import random\nimport sys\nimport numpy as np\nimport tensorflow as tf\n\n"
        "def name(given=None):\n    if not given:\n        given = random.choice('abc')\n    return given\n\n"
        "print(name('run'))\nprint(tf.constant(np.random.rand(2)))\n"
    )
    (finding,) = findings(tmp_path, {"train.py": code})
    assert "`np.random.rand`" in finding.message
    assert "`random`" not in finding.message
    assert "tf.keras.utils.set_random_seed(42)\n" in fixed(tmp_path, code)
    (other,) = findings(tmp_path, {"train.py": code.replace("np.random.rand(2)", "1")})
    assert "`random`" in other.message


def test_draw_at_the_import_of_an_imported_file_has_an_unsafe_fix(tmp_path: Path) -> None:
    data = (
        "import numpy as np\nimport tensorflow as tf\n\nX = np.random.rand(3)\n\n"
        "if __name__ == '__main__':\n    print(tf.reduce_sum(X))\n"
    )
    other = "import tensorflow as tf\nfrom data import X\n\nprint(tf.reduce_sum(X))\n"
    found = findings(tmp_path, {"data.py": data, "other.py": other})
    grades = {finding.path: finding.fix.safety for finding in found if finding.fix is not None}
    assert grades == {"data.py": Safety.UNSAFE, "other.py": Safety.SAFE}


def test_one_finding_a_program(tmp_path: Path) -> None:
    text = "import numpy as np\nimport tensorflow as tf\n\nfor _ in range(3):\n    print(np.random.rand())\n"
    assert len(findings(tmp_path, {"train.py": f"{text}print(np.random.randn())\n"})) == 1


@pytest.mark.parametrize("path", ["test_net.py", "net_test.py", "tests/run.py", "conftest.py", "setup.py"])
def test_tests_are_no_programs(path: str, tmp_path: Path) -> None:
    assert not findings(tmp_path, {path: f"{EAGER}\n\ndef test_it():\n    pass\n"})


@pytest.mark.parametrize("path", ["test_net.py", "net_test.py", "test.py"])
def test_script_may_be_called_a_test(path: str, tmp_path: Path) -> None:
    assert len(findings(tmp_path, {path: EAGER})) == 1


def test_test_case_is_no_program(tmp_path: Path) -> None:
    text = (
        "import tensorflow as tf\n\n\nclass Net(tf.test.TestCase):\n    def test(self):\n        pass\n\n\n"
        "tf.random.normal([2])\ntf.test.main()\n"
    )
    assert not findings(tmp_path, {"net.py": text})


LAYER = "layer = tf.keras.layers.Dense(2)"


@pytest.mark.parametrize(
    ("lines", "remark"),
    [
        (f"tf.random.set_seed(1)\n{LAYER}", "`tf.random.set_seed` seeds TensorFlow's generator only"),
        (
            f"{LAYER}\ntf.keras.utils.set_random_seed(1)",
            "`tf.keras.utils.set_random_seed` comes too late: `tf.keras.layers.Dense` has drawn from "
            "Python's `random` before",
        ),
        (
            "tf.compat.v1.set_random_seed(1)\nwith tf.Graph().as_default():\n    layer = tf.random.normal([2])",
            "`tf.compat.v1.set_random_seed` seeds another graph than the one that `tf.Graph().as_default` begins",
        ),
    ],
)
def test_notes_say_why_a_seed_does_not_help(lines: str, remark: str, tmp_path: Path) -> None:
    (finding,) = findings(tmp_path, {"train.py": f"import tensorflow as tf\n\n{lines}\nprint(layer)\n"})
    assert remark in [note.message for note in finding.notes]


# -- the tables -----------------------------------------------------------------------------------------------------

LIBRARIES = ("tensorflow", "keras")
#: Names that the enumeration does not hold: methods, and modules that are only imported by their full path.
DEEPER = ("python", "contrib", "examples", "models", "compat")


def test_every_name_of_the_draws_existed_once() -> None:
    table, unknown = load_api_table(), []
    for name in sorted(load_draws().rows):
        parts = name.split(".")
        if parts[0] not in LIBRARIES or parts[1] in DEEPER or parts[-2][:1].isupper():
            continue
        kinds = {
            table.status(spelled, version, keras_of(version), imported=True).kind
            for version in TENSORFLOW_VERSIONS
            for spelled in (name, name.replace("keras.", "tensorflow.keras.", 1))
        }
        if not kinds & {"exists", "unknown", "unavailable"}:
            unknown.append(name)
    assert not _stray(unknown)


def _stray(names: list[str]) -> list[str]:
    """The names whose last component no sibling row has under another module: rows list modules times names."""
    known = {name.rpartition(".")[2] for name in load_draws().rows} - {name.rpartition(".")[2] for name in names}
    return [name for name in names if name.rpartition(".")[2] not in known and not _has_sibling(name, names)]


def _has_sibling(name: str, names: list[str]) -> bool:
    last = name.rpartition(".")[2]
    return any(other not in names and other.endswith(f".{last}") for other in load_draws().rows)


def test_names_are_canonical() -> None:
    canonical = load_knowledge().canonical
    assert [n for n in load_draws().rows if canonical(n) != n and canonical(n) not in load_draws().rows] == []
    assert [n for n in load_seeds().seeds if canonical(n) != n and canonical(n) not in load_seeds().seeds] == []


def test_sources_end_with_a_case_that_always_holds() -> None:
    for name, cases in load_draws().sources.items():
        assert {case["generator"] for case in cases} <= set(GENERATORS)
        assert not {"keras", "tensorflow", "standalone", "graph"} & set(cases[-1]), name


# -- the table against the TensorFlow that is installed -------------------------------------------------------

PROBE = """
import random, sys, warnings
warnings.simplefilter("ignore")
import numpy as np, tensorflow as tf
keras = tf.keras
data = np.arange(8, dtype="float32").reshape(4, 2)
def states():
    return random.getstate(), np.random.get_state()[1].tolist() + [np.random.get_state()[2]]
def drawn(action):
    action(); before = states(); action(); after = states()
    return ["python"] * (before[0] != after[0]) + ["numpy"] * (before[1] != after[1])
def fit(*layers):
    model = keras.Sequential([keras.Input((2,)), *layers]); model.compile("sgd", "mse")
    model.fit(data, data[:, :1], shuffle=False, verbose=0)
print("keras-weights", drawn(lambda: keras.layers.Dense(2).build((None, 2))))
ones = lambda: keras.layers.Dense(1, kernel_initializer="ones")
print("keras-dropout", drawn(lambda: fit(keras.layers.Dropout(0.5), ones())))
print("keras-noise", drawn(lambda: fit(keras.layers.GaussianNoise(0.5), ones())))
print("keras-augmentation", drawn(lambda: keras.layers.RandomFlip()(np.ones((1, 4, 4, 3), "float32"))))
print("keras-backend", drawn(lambda: keras.backend.random_normal((2,))))
print("tf-initializers", drawn(lambda: tf.initializers.GlorotUniform()((2, 2))))
print("nothing", drawn(lambda: fit(ones())))
print("version", tf.__version__)
"""


@pytest.mark.tensorflow
@pytest.mark.skipif(importlib.util.find_spec("tensorflow") is None, reason="TensorFlow is not installed")
def test_sources_are_those_of_the_installed_tensorflow() -> None:
    done = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    rows = dict(line.split(" ", 1) for line in done.stdout.splitlines() if " " in line)
    major, minor = rows.pop("version").split(".")[:2]
    versions = Versions((int(major), int(minor)), keras_of((int(major), int(minor))), graph=False)
    assert rows.pop("nothing") == "[]"
    assert len(rows) == 6
    for source, seen in rows.items():
        generator, _ = load_draws().behind(source, "tensorflow.keras", versions)
        assert seen == str([generator] if generator != "tensorflow" else []), source
