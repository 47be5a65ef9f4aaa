"""Trains with Keras on JAX or PyTorch and prints digests of the weights; run as a script by `tfguard selfcheck`.

Only where TensorFlow sees no GPU: the backend is imported here, and asked whether it sees one.
"""

import json
import sys
from importlib import import_module
from typing import Any, Dict, Optional

from tfguard.runtime.reporting import list_versions
from tfguard.runtime.trace import digest
from tfguard.runtime.training_probes import TRAININGS, seed_everything, train

REPETITIONS = 2


def find_device(backend: str, wanted: str) -> Optional[str]:
    """The accelerator that the backend computes on; with `any` the CPU will do."""
    if backend == "jax":
        device = import_module("jax").devices()[0]
        return str(device) if device.platform != "cpu" or wanted == "any" else None
    torch = import_module("torch")
    if torch.cuda.is_available():
        return str(torch.cuda.get_device_name(0))
    mps = getattr(torch.backends, "mps", None)
    if mps is not None and mps.is_available():
        return "mps"
    return "cpu" if wanted == "any" else None


def probe_backend(backend: str, wanted: str, kernels: str) -> Dict[str, Any]:
    """What the backend computes, or why nothing was computed."""
    np = import_module("numpy")
    try:
        device = find_device(backend, wanted)
    except (ImportError, RuntimeError) as error:
        return {"device": None, "reason": str(error).splitlines()[0], "versions": list_versions(), "probes": {}}
    if device is None:
        return {"device": None, "reason": "it sees no GPU either", "versions": list_versions(), "probes": {}}
    if backend == "torch" and kernels == "deterministic":
        import_module("torch").use_deterministic_algorithms(True)
    keras = import_module("keras")
    found: Dict[str, Dict[str, Any]] = {}
    for name, training in TRAININGS.items():
        try:
            digests = []
            for _ in range(REPETITIONS):
                seed_everything(keras, None, np, 5)
                digests.append(digest(train(keras, np, training, compiled=False)))
            found[name] = {"digests": digests}
        except (RuntimeError, ValueError) as error:
            found[name] = {"error": "{}: {}".format(type(error).__name__, str(error).splitlines()[0])}
    return {"device": device, "versions": list_versions(), "probes": found}


def main() -> None:
    """`backend_probing.py jax|torch gpu|any default|deterministic`."""
    print(json.dumps(probe_backend(*sys.argv[1:])))  # noqa: T201


if __name__ == "__main__":
    main()
