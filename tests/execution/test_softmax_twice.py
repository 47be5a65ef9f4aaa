"""TFG307 by execution: the loss of a perfect prediction is wrong where something is found, and right where not."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from running import change_of, preview_fix, run_check, write_files

pytestmark = [
    pytest.mark.tensorflow,
    pytest.mark.skipif(importlib.util.find_spec("tensorflow") is None, reason="TensorFlow is not installed"),
]

GRAPH = """
import numpy as np
import tensorflow.compat.v1 as tf

tf.disable_v2_behavior()
x = tf.placeholder(tf.float32, [None, 3])
y = tf.placeholder(tf.float32, [None, 3])
scores = tf.matmul(x, tf.constant(40.0 * np.eye(3, dtype="float32") - 20.0))
pred = tf.{activation}(scores)
loss = tf.reduce_mean(tf.{loss})
with tf.Session() as sess:
    found = float(sess.run(loss, {{x: np.eye(3), y: np.eye(3)}}))
"""
KERAS = """
import numpy as np
import tensorflow as tf

layers = {layers}
model = tf.keras.Sequential([tf.keras.Input((3,)), *layers])
model.compile("sgd", loss={loss})
layers[0].set_weights([40.0 * np.eye(3, dtype="float32") - 20.0])
found = float(model.evaluate(np.eye(3), {labels}, verbose=0))
"""
EAGER = """
import numpy as np
import tensorflow as tf

dense = tf.keras.layers.Dense(3, use_bias=False, activation={activation})
model = tf.keras.Sequential([tf.keras.Input((3,)), dense])
dense.set_weights([40.0 * np.eye(3, dtype="float32") - 20.0])
loss_fn = tf.keras.losses.CategoricalCrossentropy({arguments})
found = float(loss_fn(np.eye(3), model(np.eye(3))))
"""
WITH_LOGITS = "nn.{}_cross_entropy_with_logits{}(labels={}, logits=pred)"
DENSE = "tf.keras.layers.Dense(3, use_bias=False{})"
SPARSE = '"sparse_categorical_crossentropy"'

#: The program, and the loss of its perfect prediction. 0.551 is log(1 + 2 / e).
FOUND = {
    "softmax": (GRAPH.format(activation="nn.softmax", loss=WITH_LOGITS.format("softmax", "_v2", "y")), 0.551),
    "sparse": (
        GRAPH.format(activation="nn.softmax", loss=WITH_LOGITS.format("sparse_softmax", "", "tf.argmax(y, 1)")),
        0.551,
    ),
    "sigmoid": (GRAPH.format(activation="sigmoid", loss=WITH_LOGITS.format("sigmoid", "", "y")), 0.567),
    "losses": (GRAPH.format(activation="nn.softmax", loss="losses.softmax_cross_entropy(y, pred)"), 0.551),
    "linear": (
        KERAS.format(layers=f"[{DENSE.format('')}]", loss='"categorical_crossentropy"', labels="np.eye(3)"),
        16.118,
    ),
    "reshaped": (
        KERAS.format(
            layers="[" + DENSE.format(', activation="softmax"') + ", tf.keras.layers.Reshape((3,))]",
            loss="tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)",
            labels="np.arange(3)",
        ),
        0.551,
    ),
    "eager": (EAGER.format(activation="tf.nn.softmax", arguments="from_logits=True"), 0.551),
    "eager linear": (EAGER.format(activation="None", arguments=""), 16.118),
    # Found, and right: this version looks through the activation.
    "looked through": (
        KERAS.format(
            layers="[" + DENSE.format(', activation="softmax"') + "]",
            loss="tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)",
            labels="np.arange(3)",
        ),
        0.0,
    ),
}
RIGHT = {
    "logits": GRAPH.format(activation="nn.softmax", loss=WITH_LOGITS.format("softmax", "_v2", "y")).replace(
        "logits=pred", "logits=scores"
    ),
    "probabilities": KERAS.format(
        layers="[" + DENSE.format(', activation="softmax"') + "]", loss=SPARSE, labels="np.arange(3)"
    ),
    "eager logits": EAGER.format(activation="None", arguments="from_logits=True"),
}


def fixed(program: str, folder: Path) -> str:
    """The program after `tfguard fix --unsafe-fixes`."""
    write_files(folder, {"program.py": program})
    change = change_of(preview_fix(folder, select=["TFG307"], unsafe_fixes=True), "program.py")
    return change.after if change is not None else ""


def losses_of(programs: dict[str, str], folder: Path) -> dict[str, Any]:
    """What each program calls `found`, each in names of its own, all in one process."""
    body = "\n".join(
        f"names = {{}}\nexec({text!r}, names)\nlosses[{name!r}] = names['found']" for name, text in programs.items()
    )
    write_files(folder, {"all.py": f"import json\n\nlosses = {{}}\n{body}\nprint(json.dumps(losses))\n"})
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, "-W", "ignore", "all.py"]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.mark.parametrize("mode", ["graph", "eager"])
def test_what_is_found_is_wrong_and_the_fixed_program_right(mode: str, tmp_path: Path) -> None:
    chosen = {name: row for name, row in FOUND.items() if ("disable_v2" in row[0]) == (mode == "graph")}
    sound = {name: text for name, text in RIGHT.items() if ("disable_v2" in text) == (mode == "graph")}
    mended = {f"{name}, fixed": fixed(text, tmp_path / name) for name, (text, _) in chosen.items()}
    assert all(mended.values())
    losses = losses_of({**{name: text for name, (text, _) in chosen.items()}, **sound, **mended}, tmp_path)
    assert {name: round(losses[name], 3) for name in chosen} == {name: loss for name, (_, loss) in chosen.items()}
    for name in (*sound, *mended):
        assert abs(losses[name]) < 1e-3, name


def test_sound_programs_say_nothing(tmp_path: Path) -> None:
    write_files(tmp_path, {f"{name}.py": text for name, text in RIGHT.items()})
    assert not run_check(tmp_path, select=["TFG307"]).findings
