"""TFG116: which names are taken for misspellings of which."""

from __future__ import annotations

import pytest
from tfguard.rules.reproducibility.environment_names import distance, load_environment


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("TF_USE_CUDNN_AUTOTUNE", "TF_CUDNN_USE_AUTOTUNE"),
        ("TF_CPP_MIN_LOG_LEVLE", "TF_CPP_MIN_LOG_LEVEL"),
        ("TF_CPP_MIN_LOGLEVEL", "TF_CPP_MIN_LOG_LEVEL"),
        ("TF_DETERMINSITIC_OPS", "TF_DETERMINISTIC_OPS"),
        ("TF_OPS_DETERMINISTIC", "TF_DETERMINISTIC_OPS"),
        ("TF_FORCE_GPU_ALLOW_GROWTHS", "TF_FORCE_GPU_ALLOW_GROWTH"),
        ("CUDA_VISIBLE_DEVICE", "CUDA_VISIBLE_DEVICES"),
        ("CUDA_DEVICES_ORDER", "CUDA_DEVICE_ORDER"),
        ("KERAS_BACKENDS", "KERAS_BACKEND"),
        ("tf_cpp_min_log_level", "TF_CPP_MIN_LOG_LEVEL"),
    ],
)
def test_misspelt(name: str, meant: str) -> None:
    assert load_environment().meant(name) == meant


@pytest.mark.parametrize(
    "name",
    [
        *("TF_CONFIG", "TF_KERAS", "TF_MODEL_DIR", "TF_CONFIGS", "TF_DATA", "TF_CPP_MIN_VLOG_LEVEL", "TF_LOG_DIR"),
        *("CUDA_HOME", "CUDA_DEVICE", "KERAS_HOME", "KERAS_MODEL", "XLA_FLAGS", "XLA_ARGS", "OMP_NUM_THREADS"),
        *("TF_NUM_WORKERS", "TF_BATCH_SIZE", "TF_MY_PROJECT_OUTPUT_DIRECTORY", "TF_ENABLE_MY_FEATURE"),
    ],
)
def test_own_or_right(name: str) -> None:
    assert load_environment().meant(name) is None


def test_every_right_name_is_known() -> None:
    table = load_environment()
    assert set(table.misspelt.values()) <= table.known
    assert not set(table.misspelt) & table.known
    assert {row.instead for rows in table.variables.values() for row in rows} - {""} <= table.known
    assert set(table.variables) <= table.known


@pytest.mark.parametrize(
    ("one", "other", "steps"),
    [
        ("abc", "abc", 0),
        ("abc", "acb", 1),
        ("abc", "ab", 1),
        ("abc", "abxc", 1),
        ("abc", "xyz", 3),
        ("abc", "abcdef", 3),
    ],
)
def test_distance(one: str, other: str, steps: int) -> None:
    assert distance(one, other, 2) == distance(other, one, 2) == min(steps, 3)
