"""TFG101 to TFG103: seeds that flow through functions, classes, options and graphs."""

from __future__ import annotations

from pathlib import Path

import pytest

from running import run_check, run_fix, write_files

RULES = ("TFG101", "TFG102", "TFG103")
DRAW = "print(tf.keras.layers.Dense(3)(tf.ones([1, 2])))\n"
SEEDS = "random.seed(seed)\nnp.random.seed(seed)\ntf.random.set_seed(seed)\n"
PLAIN = "import random\nimport numpy as np\nimport tensorflow as tf\n\n\ndef set_seed(seed=None):\n"
ALWAYS = PLAIN + "".join(f"    {line}\n" for line in SEEDS.splitlines())
IF_GIVEN = f"{PLAIN}    if seed is not None:\n" + "".join(f"        {line}\n" for line in SEEDS.splitlines())
TRAINER = (
    "import tensorflow as tf\n\n\nclass Trainer:\n    def __init__(self, epochs, *, seed=None):\n"
    "        if seed is not None:\n            tf.keras.utils.set_random_seed(seed)\n"
    f"        {DRAW}\n\n"
)
MAIN = "from seeds import set_seed\nimport tensorflow as tf\n\n\ndef main(epochs, seed=None):\n    set_seed(seed)\n    "
GRAPH = "import tensorflow.compat.v1 as tf\n\ntf.disable_eager_execution()\n"


def train(call: str) -> str:
    return f"import tensorflow as tf\nfrom seeds import set_seed\n\n{call}\n{DRAW}"


UNSET = {
    "nothing given": ({"seeds.py": ALWAYS, "train.py": train("set_seed()")}, "set_seed(seed=42)"),
    "nothing given, guarded": ({"seeds.py": IF_GIVEN, "train.py": train("set_seed()")}, "set_seed(seed=42)"),
    "None given": ({"seeds.py": IF_GIVEN, "train.py": train("set_seed(None)")}, "set_seed(42)"),
    "None given by name": ({"seeds.py": ALWAYS, "train.py": train("set_seed(seed=None)")}, "set_seed(seed=42)"),
    "through main": ({"seeds.py": IF_GIVEN, "train.py": f"{MAIN}{DRAW}\n\nmain(3)\n"}, "main(3, seed=42)"),
    "an object": ({"train.py": f"{TRAINER}Trainer(3)\n"}, "Trainer(3, seed=42)"),
}

SEEDED = {
    "given": {"seeds.py": ALWAYS, "train.py": train("set_seed(3)")},
    "given by name": {"seeds.py": IF_GIVEN, "train.py": train("set_seed(seed=3)")},
    "an option": {"seeds.py": IF_GIVEN, "train.py": "import argparse\n" + train("set_seed(parse().seed)")},
    "a default": {"seeds.py": ALWAYS.replace("=None", "=1"), "train.py": train("set_seed()")},
    "another default": {"seeds.py": ALWAYS.replace("    random", "    seed = seed or 1\n    random", 1)}
    | {"train.py": train("set_seed()")},
    "a partial": {"seeds.py": ALWAYS, "train.py": "import functools\n" + train("functools.partial(set_seed, 3)()")},
    "an object": {"train.py": f"{TRAINER}Trainer(3, seed=1)\n"},
    "all arguments": {"seeds.py": ALWAYS, "train.py": train("set_seed(**options())")},
    "app.run": {"seeds.py": ALWAYS, "train.py": f"from absl import app\n{MAIN}{DRAW}\n\napp.run(main)\n"},
    "base class": {
        "base.py": "import tensorflow as tf\n\n\nclass Base:\n    def __init__(self, seed):\n"
        "        tf.keras.utils.set_random_seed(seed)\n        self.build()\n",
        "train.py": "import tensorflow as tf\nfrom base import Base\n\n\nclass Net(Base):\n    def __init__(self):\n"
        f"        super().__init__(3)\n\n    def build(self):\n        {DRAW}\n\nNet()\n",
    },
    "seed of a session's graph": {
        "train.py": f"{GRAPH}with tf.Session() as sess:\n    sess.graph.seed = 3\n    print(tf.random_normal([2]))\n"
    },
    "seed of the default graph": {
        "train.py": f"{GRAPH}tf.get_default_graph().seed = 3\nprint(tf.random_normal([2]))\n"
    },
    "seed of a graph": {
        "train.py": f"{GRAPH}g = tf.Graph()\ng.seed = 3\nwith g.as_default():\n    print(tf.random_normal([2]))\n"
    },
    "generators of their own": {
        "train.py": "import numpy as np\nimport tensorflow as tf\n\ng = tf.random.Generator.from_seed(1)\n"
        "r = np.random.default_rng(2)\nprint(g.normal([2]), r.random(), tf.random.stateless_normal([2], [1, 2]))\n"
    },
    "a class that is handed on": {
        "net.py": "import tensorflow as tf\n\n\nclass Net:\n    def __init__(self):\n        " + DRAW,
        "train.py": "import tensorflow as tf\nfrom net import Net\n\n\ndef learn(network, seed):\n"
        "    tf.keras.utils.set_random_seed(seed)\n    return network()\n\n\nlearn(Net, 3)\n",
    },
    "a file's own flag": {
        "train.py": "import tensorflow as tf\nfrom absl import app, flags\n\nflags.DEFINE_integer('seed', None, '')\n\n"
        "def main(_):\n    if flags.FLAGS.seed is not None:\n        tf.keras.utils.set_random_seed(flags.FLAGS.seed)\n"
        f"    {DRAW}\n\napp.run(main)\n"
    },
}


@pytest.mark.parametrize(("files", "fixed"), UNSET.values(), ids=UNSET.keys())
def test_call_that_gives_no_seed_gets_one(files: dict[str, str], fixed: str, tmp_path: Path) -> None:
    write_files(tmp_path, files)
    assert [finding.rule for finding in run_check(tmp_path, select=RULES).findings] == ["TFG101"]
    run_fix(tmp_path, select=RULES)
    assert (tmp_path / "train.py").read_text().splitlines().count(fixed) == 1
    assert not run_check(tmp_path, select=RULES).findings


@pytest.mark.parametrize("files", SEEDED.values(), ids=SEEDED.keys())
def test_seeded_program_is_silent(files: dict[str, str], tmp_path: Path) -> None:
    write_files(tmp_path, files)
    assert not run_check(tmp_path, select=RULES).findings


def test_seed_of_another_object_is_no_seed(tmp_path: Path) -> None:
    text = f"{GRAPH}options = object()\noptions.seed = 3\nprint(tf.random_normal([2]))\n"
    write_files(tmp_path, {"train.py": text})
    assert len(run_check(tmp_path, select=RULES).findings) == 1


def test_note_names_the_call_that_gives_no_seed(tmp_path: Path) -> None:
    write_files(tmp_path, {"seeds.py": IF_GIVEN, "train.py": train("set_seed()")})
    (finding,) = run_check(tmp_path, select=RULES).findings
    text = "`set_seed` is called without `seed`, so `random.seed` sets no seed"
    assert [note.line for note in finding.notes if note.message == text] == [4]


def test_none_undoes_an_earlier_seed(tmp_path: Path) -> None:
    write_files(tmp_path, {"seeds.py": ALWAYS, "train.py": train("tf.keras.utils.set_random_seed(1)\nset_seed()")})
    assert len(run_check(tmp_path, select=RULES).findings) == 1
    run_fix(tmp_path, select=RULES)
    assert "set_seed(seed=1)" in (tmp_path / "train.py").read_text()
