"""Keras on JAX or PyTorch, for `tfguard selfcheck`: probed where TensorFlow sees no GPU but there may be one."""

from __future__ import annotations

import glob
import platform
import shutil
from collections.abc import Mapping
from typing import Any

from tfguard.cli.program import RUNTIME, make_environment
from tfguard.cli.selfcheck import LEFT_OUT, Condition, run_conditions, run_script
from tfguard.cli.selfcheck_table import Row, judge, judge_each

Found = Mapping[str, Any]

#: Files of the drivers of GPUs: NVIDIA's, AMD's, and the one of Windows' Linux.
_DRIVERS = ("/dev/nvidia[0-9]*", "/dev/kfd", "/dev/dxg")
_DEFAULT = Condition("default", "default", 2)
_DETERMINISM = Condition("op_determinism", "determinism", 2, op_determinism=True)
#: What makes a backend choose deterministic kernels, for its environment; PyTorch is told by a call as well.
_VARIABLES = {
    "jax": {"XLA_FLAGS": "--xla_gpu_deterministic_ops=true"},
    "torch": {"CUBLAS_WORKSPACE_CONFIG": ":4096:8"},
}
_REMEDIES = {
    "jax": "XLA_FLAGS=--xla_gpu_deterministic_ops=true",
    "torch": "torch.use_deterministic_algorithms(True)",
}


def may_have_gpu() -> bool:
    """Is there a sign of a GPU, so that importing another backend is worth the time?"""
    if platform.system() == "Darwin":
        return platform.machine() == "arm64"
    return shutil.which("nvidia-smi") is not None or any(glob.glob(pattern) for pattern in _DRIVERS)


def check_backends(python: str, first: Found) -> dict[str, Any]:
    """The backends that are installed beside Keras 3, each in processes of its own."""
    if not first["backends"] or not may_have_gpu():
        return {}
    return {name: check_backend(python, name, "gpu") for name in first["backends"]}


def check_backend(python: str, name: str, device: str) -> dict[str, Any]:
    """Two trainings by default and with deterministic kernels; `device` is gpu, or any for the tests."""
    probing = run_backend(python, name, device, _DEFAULT)
    if probing["device"] is None:
        return {**probing, "differing": []}
    conditions = [_DEFAULT, _DETERMINISM]
    runs = run_conditions(conditions, lambda condition: run_backend(python, name, device, condition))
    rows: dict[str, Any] = {}
    differing = []
    for probe in probing["probes"]:
        plain = [run["probes"][probe] for run in runs["default"]]
        row = Row({"one_process": judge_each(plain), "default": judge(plain, None)})
        default = plain[0]["digests"][0] if row.cells["default"].verdict == "same" else None
        row.cells["op_determinism"] = judge([run["probes"][probe] for run in runs["op_determinism"]], default)
        remedy = row.remedy()
        rows[probe] = {**row.to_json(), "set": _REMEDIES[name] if remedy == "op determinism" else remedy}
        if row.cells["op_determinism"].verdict != "same" and row.cells["default"].verdict != "same":
            differing.append({"device": probing["device"], "probe": probe, "verdict": row.cells["default"].verdict})
    columns = {"one_process": "1 process", "default": "2 processes", "op_determinism": "determinism"}
    return {
        "device": probing["device"],
        "versions": probing["versions"],
        "probes": rows,
        "columns": [{"key": key, "title": title} for key, title in columns.items()],
        "differing": differing,
    }


def run_backend(python: str, name: str, device: str, condition: Condition) -> dict[str, Any]:
    """One fresh process."""
    from tfguard.runtime.orders import Orders
    from tfguard.runtime.settings import Settings

    orders = Orders(Settings(seed=None), guards=False, quiet=True)
    environment = make_environment(orders.to_json(), hash_seed=0, threads=None)
    environment = {key: value for key, value in environment.items() if key not in LEFT_OUT}
    environment["KERAS_BACKEND"] = name
    if condition.op_determinism:
        environment |= _VARIABLES[name]
    kernels = "deterministic" if condition.op_determinism else "default"
    return run_script([python, str(RUNTIME / "backend_probing.py"), name, device, kernels], environment)
