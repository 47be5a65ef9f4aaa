"""Where a run was made: versions, hardware, threads and sources, so that records of two machines can be compared."""

import os
import platform
import sys
from typing import Any, Dict, Iterator, List, Optional, Tuple

from tfguard.runtime.preparing import find, version_of
from tfguard.runtime.trace import digest_of_bytes

#: Libraries whose versions count for what a program computes, by the names that people know them by.
LIBRARIES = (
    *(("TensorFlow", "tensorflow"), ("Keras", "keras"), ("tf_keras", "tf_keras"), ("NumPy", "numpy")),
    *(("SciPy", "scipy"), ("scikit-learn", "sklearn"), ("pandas", "pandas"), ("PyTorch", "torch"), ("JAX", "jax")),
)
#: Beginnings of the environment variables that change what is computed. Not `TF_` alone: Terraform's begin so, too.
_COUNT = (
    *("TF_CUDNN", "TF_DETERMINISTIC", "TF_DISABLE", "TF_ENABLE", "TF_FORCE", "TF_GPU", "TF_NUM", "TF_USE", "TF_XLA"),
    *("TF32", "XLA_", "CUDA_VISIBLE", "CUBLAS_", "CUDNN_", "NVIDIA_TF32", "OMP_", "MKL_", "KMP_", "OPENBLAS_"),
    *("KERAS_BACKEND", "NPY_DISABLE", "PYTHONHASHSEED", "PYTHONOPTIMIZE"),
)
#: Instruction sets for which libraries have kernels of their own.
_INSTRUCTIONS = ("sse4_2", "avx", "avx2", "fma", "avx512f", "avx512_vnni", "avx512_bf16", "amx_tile", "asimd", "sve")
#: oneDNN is on by default from this version of TensorFlow on, on these processors.
_ONEDNN_DEFAULT, _ONEDNN_MACHINES = (2, 9), ("x86_64", "AMD64")


def describe_environment() -> Dict[str, Any]:
    """At the end of a program, so that what it imported is there."""
    tf: Any = sys.modules.get("tensorflow")
    found: Dict[str, Any] = {"Python": platform.python_version()}
    for title, name in LIBRARIES:
        version = getattr(sys.modules.get(name), "__version__", None)
        if version is not None:
            found[title] = str(version)
    found.update(describe_hardware(tf))
    if tf is not None:
        found.update(describe_threads(tf))
        found["oneDNN"] = "on" if is_onednn_on(tf) else "off"
    found["variables"] = {key: os.environ[key] for key in sorted(os.environ) if key.startswith(_COUNT)}
    found["sources"] = dict(iter_sources())
    return found


def describe_hardware(tf: Any) -> Dict[str, Any]:
    """System, processor, and the GPUs with their driver."""
    model, instructions = read_processor("/proc/cpuinfo")
    found = {
        "system": "{} {}".format(platform.system(), platform.machine()),
        "processor": model or platform.processor() or platform.machine(),
        "instruction sets": " ".join(instructions),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
    }
    gpus = list_gpus(tf)
    if gpus:
        found.update({"GPUs": ", ".join(gpus), "GPU driver": read_driver("/proc/driver/nvidia/version")})
        build = find(tf, "sysconfig.get_build_info")
        details = build() if build is not None else {}
        for title, key in (("CUDA", "cuda_version"), ("cuDNN", "cudnn_version")):
            if key in details:
                found[title] = str(details[key])
    return found


def read_processor(path: str) -> Tuple[Optional[str], List[str]]:
    """Model and instruction sets, where the system tells."""
    fields: Dict[str, str] = {}
    if os.path.exists(path):
        with open(path, errors="replace") as stream:
            for line in stream:
                name, _, value = line.partition(":")
                fields.setdefault(name.strip(), value.strip())
    flags = (fields.get("flags") or fields.get("Features") or "").split()
    return fields.get("model name"), [name for name in _INSTRUCTIONS if name in flags]


def read_driver(path: str) -> str:
    """The version of the driver's module: the first word that is made of numbers and dots."""
    if os.path.exists(path):
        with open(path) as stream:
            for word in stream.readline().split():
                if word.replace(".", "").isdigit() and "." in word:
                    return word
    return "not known"


def list_gpus(tf: Any) -> List[str]:
    """By model, where TensorFlow tells it."""
    listing = find(tf, "config.list_physical_devices", "config.experimental.list_physical_devices")
    details = find(tf, "config.experimental.get_device_details")
    if listing is None:
        return []
    gpus = listing("GPU")
    return [str((details(gpu) if details is not None else {}).get("device_name", gpu.name)) for gpu in gpus]


def describe_threads(tf: Any) -> Dict[str, Any]:
    """As they were set; what was not set follows the number of cores."""
    found = {}
    for title, name in (("inside", "intra"), ("between", "inter")):
        getter = find(tf, "config.threading.get_{}_op_parallelism_threads".format(name))
        variable = os.environ.get("TF_NUM_{}OP_THREADS".format(name.upper()), "0")
        count = str((getter() if getter is not None else 0) or variable)
        found["threads {} operations".format(title)] = "as cores" if count == "0" else count
    return found


def is_onednn_on(tf: Any) -> bool:
    """By its variable, else by version and processor."""
    setting = os.environ.get("TF_ENABLE_ONEDNN_OPTS")
    if setting is not None:
        return setting.strip().lower() in ("1", "true")
    return version_of(tf) >= _ONEDNN_DEFAULT and platform.machine() in _ONEDNN_MACHINES


def iter_sources() -> Iterator[Tuple[str, str]]:
    """The program's own modules but for its script, by their place beside it, with a digest of each."""
    base = os.path.join(os.path.abspath(sys.path[0] if sys.path else ""), "")
    for name in sorted(sys.modules):
        module = sys.modules[name]
        path = getattr(module, "__file__", None) or getattr(getattr(module, "__spec__", None), "origin", None)
        if isinstance(path, str) and is_own_source(name, os.path.abspath(path)):
            path = os.path.abspath(path)
            with open(path, "rb") as stream:
                yield path[len(base) :] if path.startswith(base) else name, digest_of_bytes(stream.read())


def is_own_source(name: str, path: str) -> bool:
    """Is it Python source that belongs neither to a library, nor to Python, nor to tfguard?"""
    folders = [os.path.dirname(os.__file__), os.path.dirname(os.path.dirname(os.path.abspath(__file__)))]
    libraries = any(part in ("site-packages", "dist-packages") for part in path.split(os.sep))
    is_foreign = libraries or any(path.startswith(os.path.join(folder, "")) for folder in folders)
    return path.endswith(".py") and not is_foreign and name != "sitecustomize" and os.path.isfile(path)
