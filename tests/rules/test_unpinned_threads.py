"""TFG117 under the setting `threads`: what it pins, and where."""

from __future__ import annotations

from pathlib import Path

from running import change_of, run_check, run_fix, write_files

SETTINGS = "threads = 2\n"
MODERN = """\
import tensorflow as tf

tf.keras.utils.set_random_seed(1)
model = tf.keras.Sequential([tf.keras.layers.Dense(1)])
model.compile("sgd", "mse")
model.fit(tf.ones((4, 2)), tf.ones((4, 1)))
"""
SESSION = """\
import tensorflow as tf

with tf.Session() as sess:
    print(sess.run(tf.zeros([3])))
"""
KMEANS = """\
import tensorflow as tf
from tensorflow.contrib.factorization import KMeans

kmeans = KMeans(inputs=tf.zeros([3, 2]), num_clusters=3)
sess = tf.Session()
"""


def fixed(folder: Path, text: str, target: str | None = None) -> str:
    write_files(folder, {"program.py": text, "tfguard.toml": SETTINGS})
    change = change_of(run_fix(folder, select=["TFG117"], target=target), "program.py")
    assert not run_check(folder, select=["TFG117"], target=target).findings
    return change.after if change is not None else text


def test_threads_of_a_program_of_tensorflow_2(tmp_path: Path) -> None:
    line = "tf.config.threading.set_intra_op_parallelism_threads(2)\n"
    assert fixed(tmp_path, MODERN) == MODERN.replace("set_random_seed(1)\n", f"set_random_seed(1)\n{line}\n")


def test_threads_of_a_session(tmp_path: Path) -> None:
    pinned = "tf.Session(config=tf.ConfigProto(intra_op_parallelism_threads=2))"
    assert fixed(tmp_path, SESSION, "1.15") == SESSION.replace("tf.Session()", pinned)


def test_kmeans_has_one_inter_op_thread_and_as_many_others_as_are_set(tmp_path: Path) -> None:
    pinned = "tf.Session(config=tf.ConfigProto(intra_op_parallelism_threads=2, inter_op_parallelism_threads={}))"
    for target, number in (("1.15", "-1"), ("1.10", "1"), ("2.21", '-1 if hasattr(tf, "config") else 1')):
        assert fixed(tmp_path, KMEANS, target) == KMEANS.replace("tf.Session()", pinned.format(number))


def test_nothing_where_the_program_pins_its_threads(tmp_path: Path) -> None:
    own = MODERN.replace("tf.keras.utils", "tf.config.threading.set_intra_op_parallelism_threads(4)\ntf.keras.utils", 1)
    assert fixed(tmp_path, own) == own


def test_nothing_where_nothing_is_trained(tmp_path: Path) -> None:
    text = "import tensorflow as tf\n\nprint(tf.ones([2]))\n"
    assert fixed(tmp_path, text) == text


def test_nothing_without_the_setting(tmp_path: Path) -> None:
    write_files(tmp_path, {"program.py": MODERN, "session.py": SESSION})
    assert not run_check(tmp_path, select=["TFG117"]).findings
