"""The preamble of style `shim`: one line for TFG101 to TFG103 and TFG201, recognised when it is there."""

from __future__ import annotations

from pathlib import Path

import pytest

from running import run_check, run_fix, write_files

RULES = ("TFG101", "TFG102", "TFG103", "TFG201")
EAGER = "import tensorflow as tf\n\nprint(tf.keras.layers.Dense(2)(tf.random.normal([1, 2])))\n"
GRAPH = (
    "import tensorflow.compat.v1 as tf\n\ntf.disable_eager_execution()\ntf.reset_default_graph()\n"
    "x = tf.random_normal([2])\nwith tf.Session() as sess:\n    print(sess.run(x))\n"
)
KERAS = "from keras.layers import Dense\n\nprint(Dense(2)([[1.0]]))\n"
LINE = "tfguard.runtime.setup(seed=42)"


def fixed(folder: Path, text: str, **settings: object) -> str:
    write_files(folder, {"train.py": text})
    run_fix(folder, select=RULES, preamble="shim", **settings)
    after = (folder / "train.py").read_text()
    assert not run_check(folder, select=RULES, preamble="shim", **settings).findings
    assert not run_fix(folder, select=RULES, **settings).changes
    return after


@pytest.mark.parametrize("text", [EAGER, GRAPH, KERAS], ids=["eager", "graph", "keras"])
def test_one_line_does_it_all(text: str, tmp_path: Path) -> None:
    after = fixed(tmp_path, text).splitlines()
    assert [line for line in after if line not in text.splitlines()] == ["import tfguard.runtime", LINE]


def test_line_stands_after_the_imports(tmp_path: Path) -> None:
    assert fixed(tmp_path, EAGER).startswith(f"import tensorflow as tf\nimport tfguard.runtime\n\n{LINE}\n\nprint(")


@pytest.mark.parametrize(
    ("settings", "arguments"),
    [
        ({"seed": 7}, "seed=7"),
        ({"gpu_memory": 0.5}, "seed=42, gpu_memory=0.5"),
        ({"gpu_memory": 4096}, "seed=42, gpu_memory=4096"),
        ({"threads": 1}, "seed=42, threads=1"),
    ],
)
def test_settings_are_handed_on(settings: dict[str, object], arguments: str, tmp_path: Path) -> None:
    assert f"tfguard.runtime.setup({arguments})\n" in fixed(tmp_path, EAGER, **settings)


@pytest.mark.parametrize(
    ("call", "rules"),
    [
        ("tfguard.runtime.setup()", []),
        ("tfguard.runtime.setup(seed=None)", ["TFG101"]),
        ("tfguard.runtime.setup(gpu_memory=None)", ["TFG201"]),
        ("tfguard.runtime.setup(seed=3, gpu_memory=0.3)", []),
    ],
)
def test_shim_is_recognised(call: str, rules: list[str], tmp_path: Path) -> None:
    write_files(tmp_path, {"train.py": EAGER.replace("\n\n", f"\nimport tfguard.runtime\n\n{call}\n", 1)})
    assert [finding.rule for finding in run_check(tmp_path, select=RULES).findings] == rules


def test_every_graph_is_seeded(tmp_path: Path) -> None:
    write_files(tmp_path, {"train.py": f"import tfguard.runtime\n\n{LINE}\n{GRAPH}"})
    assert not run_check(tmp_path, select=RULES).findings


def test_no_line_where_the_name_is_taken(tmp_path: Path) -> None:
    text = EAGER.replace("\n\n", "\n\ntfguard = 3\n", 1)
    write_files(tmp_path, {"train.py": text})
    run_fix(tmp_path, select=RULES, preamble="shim")
    assert (tmp_path / "train.py").read_text() == text
    assert run_check(tmp_path, select=RULES, preamble="shim").findings


# -- the inline preambles of both families make one block ------------------------------------------------------


def together(folder: Path, text: str, target: str | None = None) -> str:
    write_files(folder, {"train.py": text})
    run_fix(folder, select=RULES, target=target)
    assert not run_fix(folder, select=RULES, target=target).changes
    assert not run_check(folder, select=RULES, target=target).findings
    return (folder / "train.py").read_text()


def test_seeds_and_memory_stand_together(tmp_path: Path) -> None:
    assert together(tmp_path, EAGER).startswith(
        "import tensorflow as tf\n\ntf.keras.utils.set_random_seed(42)\n"
        'for gpu in tf.config.list_physical_devices("GPU"):\n'
        "    tf.config.experimental.set_memory_growth(gpu, True)\n\nprint("
    )


def test_imports_stand_with_the_imports(tmp_path: Path) -> None:
    text = (
        "from keras.layers import Dense\nfrom keras.models import Sequential\n\nmodel = Sequential([Dense(1)])\n"
        "model.compile('sgd', 'mse')\nmodel.fit([[1.0]], [[1.0]])\n"
    )
    assert together(tmp_path, text).startswith(
        "import os\n\nfrom keras.layers import Dense\nfrom keras.models import Sequential\nimport keras\n\n"
        'os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")\nkeras.utils.set_random_seed(42)\n\nmodel ='
    )


HEAD = (
    "#!/usr/bin/env python3\n# -*- coding: utf-8 -*-\n# Copyright 2020 Somebody\n#\n# Licensed under MIT\n"
    '"""Train."""\n\nfrom __future__ import annotations\n\nfrom typing import TYPE_CHECKING\n\n'
    "import tensorflow as tf\n\nif TYPE_CHECKING:\n    from pathlib import Path\n"
)


def test_what_opens_a_file_stays_on_top(tmp_path: Path) -> None:
    body = EAGER.split("\n\n", 1)[1]
    after = together(tmp_path, f"{HEAD}\n{body}")
    assert after.startswith(f"{HEAD}\ntf.keras.utils.set_random_seed(42)\nfor gpu in ")


def test_memory_loop_of_the_program_is_kept_below_the_seed(tmp_path: Path) -> None:
    loop = "for d in tf.config.list_physical_devices('GPU'):\n    tf.config.experimental.set_memory_growth(d, True)\n"
    after = together(tmp_path, EAGER.replace("\n\n", f"\n\n{loop}\n", 1))
    assert after.startswith(f"import tensorflow as tf\n\ntf.keras.utils.set_random_seed(42)\n{loop}\nprint(")


def test_new_version_adds_what_is_missing(tmp_path: Path) -> None:
    text = "import numpy as np\nimport tensorflow as tf\n\nprint(tf.keras.layers.Dense(2)(np.random.rand(1, 2)))\n"
    old = together(tmp_path, text, "tensorflow==2.6")
    assert "np.random.seed(42)\ntf.random.set_seed(42)\n" in old
    new = together(tmp_path, old, "tensorflow==2.21")
    assert new.count("seed(42)") == 3
    assert "random.seed(42)\n" in new
