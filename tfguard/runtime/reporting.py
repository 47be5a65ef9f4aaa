"""`--report FILE`: what was done, with the versions and the hardware that it was done on."""

import json
import os
import platform
import sys
from typing import Any, Dict

from tfguard.runtime.orders import FIRST, Orders
from tfguard.runtime.telling import Telling

#: Libraries whose versions count for what a program computes.
LIBRARIES = ("tensorflow", "keras", "tf_keras", "numpy", "scipy", "sklearn", "pandas", "torch", "jax")


def write_report(path: str, orders: Orders, telling: Telling) -> None:
    """At the end of the program; a process that it forked writes nothing."""
    if os.environ.get(FIRST) != str(os.getpid()):
        return
    report = {
        "schema": 1,
        "settings": orders.settings._asdict(),
        "done": telling.done,
        "missed": [miss._asdict() for miss in telling.misses],
        "guarded": telling.notes,
        "versions": list_versions(),
        "machine": describe_machine(),
    }
    with open(path, "w") as stream:
        stream.write(json.dumps(report, indent=2, sort_keys=True) + "\n")


def list_versions() -> Dict[str, str]:
    """Of Python and of the libraries that are imported."""
    found = {"python": platform.python_version()}
    for name in LIBRARIES:
        version = getattr(sys.modules.get(name), "__version__", None)
        if version is not None:
            found[name] = str(version)
    return found


def describe_machine() -> Dict[str, Any]:
    """System, processor, number of cores, GPUs as TensorFlow sees them."""
    tf = sys.modules.get("tensorflow")
    listing = getattr(getattr(tf, "config", None), "list_physical_devices", None)
    gpus = [device.name for device in listing("GPU")] if listing is not None else []
    system = "{} {}".format(platform.system(), platform.release())
    return {"system": system, "processor": platform.machine(), "cores": os.cpu_count(), "gpus": gpus}
