"""Run what TFG306 to TFG311 say on older TensorFlow, and write down the numbers and errors.

usage: record_layer_rules.py PYTHON ...
Each PYTHON is an interpreter with a TensorFlow of its own. Cases that a version cannot run are written down with the
error that says so. What was recorded of other versions is kept.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

GOLDENS = Path(__file__).resolve().parents[2] / "tests" / "execution" / "goldens" / "layer_rules.json"

#: In Python 2 and 3, for every version; `out` is what is recorded, `attempt` gives a number or the error's text.
PRELUDE = """
from __future__ import print_function
import json, warnings
warnings.simplefilter("ignore")
import numpy as np
import tensorflow as tf
out = {}
eye = np.eye(3, dtype="float32")
def attempt(name, function):
    try:
        out[name] = function()
    except Exception as error:
        out[name] = type(error).__name__ + ": " + str(error).strip().split("\\n")[0][:150]
def initialise(sess):
    make = getattr(tf, "global_variables_initializer", None) or tf.initialize_all_variables
    sess.run(make())
"""
CASES = {
    "softmax-twice": """
def loss(activation):
    with tf.Graph().as_default(), tf.Session() as sess:
        logits = tf.constant(40.0 * eye - 20.0)
        given = activation(logits) if activation else logits
        loss = tf.nn.softmax_cross_entropy_with_logits(logits=given, labels=tf.constant(eye))
        return float(sess.run(tf.reduce_mean(loss)))
if hasattr(tf, "Session"):
    attempt("logits", lambda: loss(None))
    attempt("softmax", lambda: loss(tf.nn.softmax))
def keras(activation, loss):
    layer = tf.keras.layers.Dense(3, use_bias=False, activation=activation, input_shape=(3,))
    model = tf.keras.Sequential([layer])
    model.compile("sgd", loss=loss)
    layer.set_weights([40.0 * eye - 20.0])
    return float(model.evaluate(eye, eye, verbose=0))
if hasattr(getattr(getattr(tf, "keras", None), "losses", None), "CategoricalCrossentropy"):
    make = tf.keras.losses.CategoricalCrossentropy
    attempt("keras softmax, from_logits", lambda: keras("softmax", make(from_logits=True)))
    attempt("tf.nn.softmax, from_logits", lambda: keras(tf.nn.softmax, make(from_logits=True)))
    attempt("linear, probabilities", lambda: keras(None, make()))
    attempt("linear, from_logits", lambda: keras(None, make(from_logits=True)))
    attempt("keras softmax, probabilities", lambda: keras("softmax", make()))
""",
    "logits-labels-swapped": """
v1 = tf if hasattr(tf, "Session") else tf.compat.v1
def loss(function, *arguments):
    with tf.Graph().as_default(), v1.Session() as sess:
        return round(float(sess.run(tf.reduce_mean(function(*[tf.constant(one) for one in arguments])))), 4)
logits = 9.0 * eye[:2]
labels = eye[:2]
for owner in ("nn", "losses", "contrib.losses"):
    for name in ("softmax_cross_entropy_with_logits", "softmax_cross_entropy_with_logits_v2",
                 "sigmoid_cross_entropy_with_logits", "weighted_cross_entropy_with_logits",
                 "softmax_cross_entropy", "sigmoid_cross_entropy"):
        place = v1
        try:
            for part in (owner + "." + name).split("."):
                place = getattr(place, part)
        except AttributeError:
            continue
        more = (1.0,) if name.startswith("weighted") else ()
        attempt(owner + "." + name + "(logits, labels)", lambda: loss(place, logits, labels, *more))
        attempt(owner + "." + name + "(labels, logits)", lambda: loss(place, labels, logits, *more))
""",
    "batch-norm-updates-not-run": """
def evaluated(depends):
    with tf.Graph().as_default(), tf.Session() as sess:
        x = tf.placeholder(tf.float32, [None, 3])
        training = tf.placeholder(tf.bool, [])
        normal = tf.layers.batch_normalization(x, training=training, momentum=0.5)
        loss = tf.reduce_mean(tf.square(normal))
        with tf.control_dependencies(tf.get_collection(tf.GraphKeys.UPDATE_OPS) if depends else []):
            train = tf.train.GradientDescentOptimizer(0.0).minimize(loss)
        initialise(sess)
        for _ in range(20):
            sess.run(train, {x: 5.0 * np.ones([4, 3]), training: True})
        return round(float(sess.run(loss, {x: 5.0 * np.ones([4, 3]), training: False})), 2)
if hasattr(tf, "Session") and hasattr(tf, "layers"):
    attempt("without", lambda: evaluated(False))
    attempt("with", lambda: evaluated(True))
""",
    "learning-phase-not-fed": """
def zeros(package, phase):
    with tf.Graph().as_default(), tf.Session() as sess:
        package.backend.set_session(sess)
        x = tf.placeholder(tf.float32, [None, 3])
        dropped = package.layers.Dropout(0.5)(x)
        feed = {x: np.ones([100, 3])}
        if phase is not None:
            feed[package.backend.learning_phase()] = phase
        return bool((sess.run(dropped, feed) == 0).any())
if hasattr(tf, "Session"):
    packages = [("tf.keras", tf.keras)] if hasattr(tf, "keras") else []
    try:
        import keras
        out["version"] = keras.__version__
        packages.append(("keras", keras))
    except Exception:
        pass
    for name, package in packages:
        attempt(name + " not fed", lambda: zeros(package, None))
        package.backend.clear_session()
        attempt(name + " fed", lambda: zeros(package, True))
        package.backend.clear_session()
""",
    "keras-under-variable-scope": """
def variables(make):
    with tf.Graph().as_default():
        x = tf.placeholder(tf.float32, [None, 3])
        for reuse in (None, True):
            with tf.variable_scope("s", reuse=reuse):
                make(x)
        return len(tf.trainable_variables())
if hasattr(tf, "Session"):
    if hasattr(tf, "keras"):
        attempt("tf.keras", lambda: variables(lambda x: tf.keras.layers.Dense(2)(x)))
    try:
        import keras
        attempt("keras", lambda: variables(lambda x: keras.layers.Dense(2)(x)))
    except Exception:
        pass
    if hasattr(tf, "layers"):
        attempt("tf.layers", lambda: variables(lambda x: tf.layers.dense(x, 2)))
""",
    "summary-without-step": """
import tempfile
def written(step, default=None):
    writer = tf.summary.create_file_writer(tempfile.mkdtemp())
    with writer.as_default(step=default):
        return bool(tf.summary.scalar("a", 1.0, step=step))
if hasattr(tf.summary, "create_file_writer"):
    attempt("no writer", lambda: bool(tf.summary.scalar("a", 1.0)))
    attempt("no step", lambda: written(None))
    attempt("step", lambda: written(3))
    attempt("writer's step", lambda: written(None, default=3))
""",
}


def record(python: str, program: str) -> dict[str, Any]:
    """What a case prints."""
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "", "KERAS_BACKEND": "tensorflow"}
    text = PRELUDE + program + "\nprint(json.dumps([tf.__version__, out]))\n"
    command = [python, "-W", "ignore", "-c", text]
    done = subprocess.run(command, env={**os.environ, **quiet}, capture_output=True, text=True, timeout=300)
    if done.returncode:
        raise SystemExit(done.stderr[-2000:])
    version, found = json.loads(done.stdout.splitlines()[-1])
    return {version: found} if found else {}


def main(pythons: list[str]) -> None:
    """Record every case on every interpreter."""
    goldens = json.loads(GOLDENS.read_text()) if GOLDENS.exists() else {}
    for python in pythons:
        for name, program in CASES.items():
            goldens.setdefault(name, {}).update(record(python, program))
            print(name, python)
            GOLDENS.write_text(json.dumps(goldens, indent=1, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
