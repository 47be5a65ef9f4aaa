"""A program is followed past files that cannot be read."""

from __future__ import annotations

from pathlib import Path

import pytest

from running import found_in, run_check, write_files

PROGRAM = """\
import tensorflow.compat.v1 as tf
import old

tf.disable_v2_behavior()
a, b = tf.Variable(1.0), tf.Variable(2.0)
grads = tf.gradients(a * 2.0, [a, b])
with tf.Session() as sess:
    print(sess.run(grads), old.name())
"""


@pytest.mark.parametrize("old", ["print 1", "def name(:\n", b"# coding: utf-8\nx = '\xff'\n"])
def test_a_module_that_is_not_python(tmp_path: Path, old: str | bytes) -> None:
    write_files(tmp_path, {"train.py": PROGRAM, "old.py": old})
    report = run_check(tmp_path, select=["TFG302"])
    assert found_in(report)["train.py"] == [(6, "TFG302")]
    assert all("internal error" not in problem.message for problem in report.problems)
