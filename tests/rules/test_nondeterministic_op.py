"""TFG115 where the device is a setting: what is said of a program that asks for nothing."""

from __future__ import annotations

from pathlib import Path

from running import run_check, write_files

PROGRAM = """\
import tensorflow as tf

print(tf.math.bincount([0, 1, 1], weights=[0.1, 0.2, 0.3]))
print(tf.sparse.sparse_dense_matmul(tf.sparse.from_dense([[1.0, 0.0]]), [[1.0], [2.0]]))
print(tf.timestamp(), tf.reduce_sum([1.0]))
"""
TRAINED = """\
import tensorflow as tf

def train(model, images, boxes):
    with tf.GradientTape() as tape:
        parts = tf.image.crop_and_resize(model(images), boxes, [0], [4, 4])
    return tape.gradient(parts, model.trainable_variables)
"""


def found(folder: Path, text: str, **options: object) -> list[tuple[int, str]]:
    write_files(folder, {"program.py": text})
    report = run_check(folder, select=["TFG115"], **options)
    return [(finding.line, finding.message) for finding in report.findings]


def test_nothing_is_said_where_no_device_is_named(tmp_path: Path) -> None:
    assert found(tmp_path, PROGRAM) == []


def test_operations_of_the_named_device(tmp_path: Path) -> None:
    cpu, gpu = found(tmp_path, PROGRAM, device="cpu"), found(tmp_path, PROGRAM, device="gpu")
    assert [line for line, _ in cpu] == [3]
    assert "on the CPU adds up its weights in another order" in cpu[0][1]
    assert [line for line, _ in gpu] == [3, 4]
    assert all("on a GPU" in message for _, message in gpu)


def test_a_gradient_is_named_where_the_file_trains(tmp_path: Path) -> None:
    assert [line for line, _ in found(tmp_path, TRAINED, device="gpu")] == [5]
    assert found(tmp_path, TRAINED.replace("with tf.GradientTape() as tape:", "if True:"), device="gpu") == []


def test_the_cpu_says_nothing_of_what_op_determinism_mends(tmp_path: Path) -> None:
    asked = TRAINED.replace("\n\n", "\ntf.config.experimental.enable_op_determinism()\n", 1) + "\ntrain(None, 1, 2)\n"
    assert found(tmp_path, asked, device="cpu") == []
    assert len(found(tmp_path, asked, device="gpu")) == 1
