"""What the tables say of third-party names, asked through the analysis of real snippets."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from tfguard.analysis.file_model import FileModel
from tfguard.errors import TableError
from tfguard.knowledge import TableKnowledge, load_knowledge
from tfguard.source import decode
from tfguard.tables import load_api_table, load_toml

CANONICAL = {
    "tensorflow.compat.v1.Session": "tensorflow.Session",
    "tensorflow.compat.v1.keras.models.Sequential.fit": "keras.Model.fit",
    "tensorflow.keras.Sequential.fit": "keras.Model.fit",
    "tensorflow.keras.models.Model": "keras.Model",
    "tensorflow.keras.layers.Dense": "keras.layers.Dense",
    "tensorflow.keras": "keras",
    "tf_keras.Model.fit": "keras.Model.fit",
    "keras.Sequential": "keras.Sequential",
    "tensorflow.InteractiveSession.run": "tensorflow.Session.run",
    "tensorflow.contrib.data.Dataset.shuffle": "tensorflow.data.Dataset.shuffle",
    "tensorflow.kerasless.x": "tensorflow.kerasless.x",
    "numpy.random.rand": "numpy.random.rand",
    "tensorflow": "tensorflow",
}


@pytest.mark.parametrize(("name", "expected"), CANONICAL.items())
def test_canonical(name: str, expected: str) -> None:
    assert load_knowledge().canonical(name) == expected
    assert load_knowledge().canonical(expected) == expected


def test_editions() -> None:
    knowledge = load_knowledge()
    assert knowledge.split("tensorflow.compat.v1.Session") == ("tensorflow.compat.v1", "tensorflow.Session")
    assert knowledge.split("tensorflow.compat.v1.keras.Model") == ("tensorflow.compat.v1.keras", "keras.Model")
    assert knowledge.split("tensorflow.Session") == ("", "tensorflow.Session")


# A snippet that calls a method, and the names that the method may have.
METHODS = {
    "dataset chain": (
        "import tensorflow as tf\ntf.data.Dataset.from_tensor_slices(x).map(f).batch(2).shuffle(3)",
        "tensorflow.data.Dataset.shuffle",
    ),
    "dataset variable": (
        "import tensorflow as tf\nds = tf.data.TFRecordDataset(x)\nds = ds.repeat()\nds.shuffle(3)",
        "tensorflow.data.Dataset.shuffle",
    ),
    "dataset of compat.v1": (
        "import tensorflow.compat.v1 as tf\nds = tf.data.Dataset.range(3)\nds.map(f).shuffle(3)",
        "tensorflow.data.Dataset.shuffle",
    ),
    "model": ("from tensorflow.keras import Sequential\nm = Sequential([])\nm.fit(x)", "keras.Model.fit"),
    "functional model": ("import keras\nm = keras.models.Model(i, o)\nm.fit(x)", "keras.Model.fit"),
    "loaded model": ("from keras.models import load_model\nload_model(p).fit(x)", "keras.Model.fit"),
    "model in self": (
        "import tensorflow as tf\nclass A:\n  def __init__(self):\n    self.m = tf.keras.Sequential()\n"
        "  def train(self):\n    self.m.fit(x)",
        "keras.Model.fit",
    ),
    "own model": (
        "import tensorflow as tf\nclass A(tf.keras.Model):\n  pass\nm = A()\nm.fit(x)",
        "keras.Model.fit",
    ),
    "session": ("import tensorflow as tf\nwith tf.Session() as s:\n  s.run(x)", "tensorflow.Session.run"),
    "session of compat.v1": (
        "import tensorflow as tf\ntf = tf.compat.v1\nwith tf.Session() as s:\n  s.run(x)",
        "tensorflow.Session.run",
    ),
    "interactive session": ("import tensorflow as tf\ns = tf.InteractiveSession()\ns.run(x)", "tensorflow.Session.run"),
    "monitored session": (
        "import tensorflow as tf\nwith tf.train.MonitoredTrainingSession() as s:\n  s.run(x)",
        "tensorflow.Session.run",
    ),
    "generator": ("import numpy as np\nr = np.random.default_rng()\nr.random()", "numpy.random.Generator.random"),
    "random state": ("import numpy as np\nr = np.random.RandomState(1)\nr.rand()", "numpy.random.RandomState.rand"),
}


@pytest.mark.parametrize(("text", "expected"), METHODS.values(), ids=METHODS.keys())
def test_methods_follow_values(text: str, expected: str) -> None:
    config: Any = SimpleNamespace(target=None)
    file = FileModel(decode("train.py", text.encode()), load_knowledge(), config)
    last = file.calls[-1]
    assert last.name is not None
    assert file.knowledge.canonical(last.name) == expected


@pytest.mark.parametrize("folder", ["datasets", "models", "utils", "data", "agents", "attr", "future", "past"])
def test_usual_names_of_own_folders_are_not_foreign(folder: str) -> None:
    """Training code keeps its own packages under such names."""
    assert not load_knowledge().is_foreign(folder)


@pytest.mark.parametrize("package", ["tensorflow", "keras", "numpy", "sklearn", "absl", "matplotlib"])
def test_libraries_are_foreign(package: str) -> None:
    assert load_knowledge().is_foreign(package)


def test_the_table_is_sound() -> None:
    types = load_toml("types.toml")
    knowledge = load_knowledge()
    for owner, base in types["bases"].items():
        assert owner != base
        assert base not in types["bases"], f"{owner}: give the last base"
    for old, new in types["aliases"].items():
        assert new not in types["aliases"], f"{old}: give the last spelling"
    for name in (*types["returns"], *types["returns"].values(), *types["holds"]):
        assert knowledge.canonical(name) == name, f"{name} is not canonical"


def test_a_table_that_lacks_a_part_is_refused() -> None:
    with pytest.raises(TableError, match="returns"):
        TableKnowledge({"prefixes": {}, "aliases": {}, "bases": {}}, load_api_table())
