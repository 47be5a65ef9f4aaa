"""What a computation ran on: processor with its instructions, GPUs with their driver."""

import os
import platform
import shutil
import subprocess
from typing import Any, Dict, List

#: Instructions that kernels are chosen by.
_INSTRUCTIONS = ("sse4", "avx", "fma", "f16c", "amx", "neon", "asimd", "sve", "bf16")
_CPUINFO = "/proc/cpuinfo"
_SYSCTL = "/usr/sbin/sysctl"


def describe(tf: Any, gpus: List[Any]) -> Dict[str, Any]:
    """As far as this system tells."""
    fields = read_cpuinfo()
    flags = (fields.get("flags") or fields.get("Features") or "").split()
    return {
        "system": "{} {}".format(platform.system(), platform.release()),
        "architecture": platform.machine(),
        "processor": fields.get("model name") or read_brand() or platform.processor(),
        "cores": os.cpu_count(),
        "usable_cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "instructions": sorted({flag for flag in flags if flag.startswith(_INSTRUCTIONS)}),
        "driver": read_driver(),
        "gpus": describe_gpus(tf, gpus),
        "build": {key: str(value) for key, value in sorted(build_of(tf).items()) if "version" in key},
    }


def read_cpuinfo() -> Dict[str, str]:
    """The first processor's fields, on Linux."""
    fields: Dict[str, str] = {}
    if not os.path.exists(_CPUINFO):
        return fields
    with open(_CPUINFO) as stream:
        for line in stream:
            name, colon, value = line.partition(":")
            if colon:
                fields.setdefault(name.strip(), value.strip())
    return fields


def read_brand() -> str:
    """The processor's name, on macOS."""
    return _ask([_SYSCTL, "-n", "machdep.cpu.brand_string"]) if os.path.exists(_SYSCTL) else ""


def read_driver() -> str:
    """The version of NVIDIA's driver; empty where there is none."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return ""
    lines = _ask([program, "--query-gpu=driver_version", "--format=csv,noheader"]).splitlines()
    return lines[0] if lines else ""


def _ask(command: List[str]) -> str:
    """What a program prints; empty where it fails."""
    try:
        return subprocess.check_output(command, stderr=subprocess.DEVNULL, timeout=10).decode().strip()
    except (OSError, subprocess.SubprocessError):
        return ""


def describe_gpus(tf: Any, gpus: List[Any]) -> List[Dict[str, str]]:
    """Names and compute capabilities, where this TensorFlow can tell."""
    details = getattr(tf.config.experimental, "get_device_details", None)
    if details is None:
        return []
    return [{key: str(value) for key, value in sorted(details(gpu).items())} for gpu in gpus]


def build_of(tf: Any) -> Dict[str, Any]:
    """Versions of CUDA and cuDNN that the wheel was built for."""
    read = getattr(tf.sysconfig, "get_build_info", None)
    return dict(read()) if read is not None else {}
