"""Which texts `run --migrate` runs, and what it says of the rest."""

from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path

import pytest

from tfguard import compat, engine
from tfguard.config import load_config
from tfguard.migrating import Migration, load_code, load_entry, migrate
from tfguard.runtime.providing import PROVIDED
from tfguard.tables import load_toml

GRAPH = "import tensorflow as tf\nx = tf.placeholder(tf.float32)\nprint(tf.Session().run(x, {x: 1.0}))\n"
#: A program of TensorFlow 1 that may never reach what is gone.
CONTRIB = f"import tensorflow as tf\ndef seldom(x):\n    return tf.contrib.crf.viterbi_decode(x)\n{GRAPH}"
LAYERS = f"{GRAPH}y = tf.layers.dense(x, 2)\n"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def write(folder: Path, **files: str) -> None:
    for name, text in files.items():
        path = folder / f"{name.replace('__', '/')}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)


def made(folder: Path, *, legacy: bool = False, target: tuple[int, int] = (2, 21)) -> Migration:
    """Of `train.py`."""
    config = load_config(folder, {"target": {"tensorflow": "{}.{}".format(*target)}})
    return migrate([load_entry("train.py", config.root)], config, has_legacy_keras=legacy)


def texts(migration: Migration) -> dict[str, str]:
    return {Path(file.absolute).name: file.text for file in migration.files}


def test_nothing_is_written(tmp_path: Path) -> None:
    write(tmp_path, train=GRAPH)
    (text,) = texts(made(tmp_path)).values()
    assert "import tensorflow.compat.v1 as tf\n" in text
    assert [path.name for path in tmp_path.iterdir()] == ["train.py"]
    assert (tmp_path / "train.py").read_text() == GRAPH


def test_a_name_that_is_gone_fails_only_where_it_is_reached(tmp_path: Path) -> None:
    """`fix` changes nothing there, because a file should not be half migrated; a run has nothing to lose."""
    write(tmp_path, train=CONTRIB)
    config = load_config(tmp_path, {"select": ("TFG401",), "cache": False})
    assert [change for change in engine.fix(["train.py"], config, write=False).changes if change.applied] == []
    migration = made(tmp_path)
    assert "tf.disable_v2_behavior()" in texts(migration)["train.py"]
    ((what, why),) = migration.remarks
    assert what.startswith("train.py:3: `tf.contrib` does not exist in TensorFlow 2.21")
    assert "contrib" in why or "stops" in why


def test_a_program_of_tensorflow_2_is_not_moved_for_what_it_may_never_reach(tmp_path: Path) -> None:
    write(tmp_path, train="import tensorflow as tf\nimport old\nprint(tf.keras.layers.Dense(2))\n", old=CONTRIB)
    assert texts(made(tmp_path)) == {}


def test_layers_run_with_keras_2_where_that_is_installed(tmp_path: Path) -> None:
    write(tmp_path, train=LAYERS)
    assert not made(tmp_path).legacy_keras
    migration = made(tmp_path, legacy=True)
    assert migration.legacy_keras
    assert migration.remarks == ()
    write(tmp_path, train=f"import keras\n{LAYERS}")
    assert not made(tmp_path, legacy=True).legacy_keras


def test_a_program_that_needs_no_keras_2_gets_none(tmp_path: Path) -> None:
    write(tmp_path, train=GRAPH)
    assert not made(tmp_path, legacy=True).legacy_keras


def test_for_its_own_tensorflow_nothing_is_moved(tmp_path: Path) -> None:
    write(tmp_path, train=GRAPH)
    assert texts(made(tmp_path, target=(1, 15))) == {}


def test_names_that_are_gone_are_said_once_for_each_cause(tmp_path: Path) -> None:
    write(tmp_path, train="from tensorflow.contrib import slim\n" + "slim.conv2d()\n" * 30)
    remarks = made(tmp_path).remarks
    assert len(remarks) < 4
    assert any("other names)" in what for what, _ in remarks)


def test_a_module_that_is_loaded_by_its_name(tmp_path: Path) -> None:
    write(tmp_path, train="import importlib\nimportlib.import_module('hid' + 'den')\n", hidden=GRAPH)
    assert list(texts(made(tmp_path))) == ["hidden.py"]
    write(tmp_path, train="import json\n")
    assert texts(made(tmp_path)) == {}


def test_python_2_in_one_file_is_python_2_in_all(tmp_path: Path) -> None:
    write(tmp_path, train="import halves, new\nprint halves.half(3)\n", halves="def half(x):\n    return x / 2\n")
    write(tmp_path, new="def half(x: int) -> float:\n    return x / 2\n")
    found = {Path(file.absolute).name: (file.python2, file.floors) for file in made(tmp_path).files}
    assert found == {"halves.py": (True, True), "train.py": (True, True)}
    write(tmp_path, halves="from __future__ import division\ndef half(x):\n    return x / 2\n")
    found = {Path(file.absolute).name: (file.python2, file.floors) for file in made(tmp_path).files}
    assert found == {"halves.py": (True, False), "train.py": (True, True)}


@pytest.mark.parametrize(
    "text",
    [
        "try:\n    xrange\nexcept NameError:\n    xrange = range\nprint(3 / 2, xrange(2))\n",
        "from six.moves import xrange\nimport six\nprint(3 / 2, xrange(2))\n",
        "import sys\nif sys.version_info[0] < 3:\n    print(unicode(3 / 2))\n",
        "def f(*, a):\n    return a / 2\nprint(f(a=3), long(2))\n",
        "print('a', 3 / 2, end='')\n",
    ],
)
def test_what_runs_on_python_3_is_not_converted(text: str, tmp_path: Path) -> None:
    write(tmp_path, train=text)
    assert texts(made(tmp_path)) == {}


def test_mixed_tabs_and_strings_that_hold_tabs(tmp_path: Path) -> None:
    write(tmp_path, train='def f(a):\n\tif a:\n        \treturn """x\n\ty"""\nprint f(1)\n')
    assert '        if a:\n                return """x\n\ty"""\n' in texts(made(tmp_path))["train.py"]


def test_encodings_and_line_ends(tmp_path: Path) -> None:
    text = "# -*- coding: latin-1 -*-\r\nprint 'é'\r\n"
    (tmp_path / "train.py").write_bytes(text.encode("latin-1"))
    (file,) = made(tmp_path).files
    assert file.text == "# -*- coding: latin-1 -*-\nprint('é')\n"
    assert file.lines[:2] == (1, -2)


def test_code_of_the_command_line(tmp_path: Path) -> None:
    config = replace(load_config(tmp_path, {}), cache=False)
    (file,) = migrate([load_code("print 7 / 2", config.root)], config).files
    assert file.text.strip() == "print(7 / 2)"


def test_what_a_run_has_in_the_place_of_what_is_gone(tmp_path: Path) -> None:
    """Every name that the rules take for present is there, and only with the Keras that it needs."""
    names = load_toml("graph_mode.toml")
    folder = Path(compat.__file__).parent
    for name in [*names["provided"], *names["provided_with_keras_2"]]:
        module, _, attribute = name.rpartition(".")
        place = PROVIDED.get(name) or PROVIDED[module]
        text = (folder / f"{place.rpartition('.')[2]}.py").read_text()
        bound = {target.id for node in ast.walk(ast.parse(text)) if isinstance(target := node, ast.Name)}
        defined = {node.name for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef)}
        assert name in PROVIDED or attribute in bound | defined, name
    write(tmp_path, train=f"from tensorflow.contrib import rnn\n{GRAPH}rnn.GRUCell(4)\ntf.contrib.layers.flatten(x)\n")
    assert len(made(tmp_path).remarks) == 1
    assert made(tmp_path, legacy=True).remarks == ()
