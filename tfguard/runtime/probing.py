"""Measures the probes in this process; run as a script by `tfguard selfcheck`, which says what the process is for.

Prints what it is about to compute, line by line, and at last one JSON object: versions, machine, devices, and per
device and probe the digests of a few repetitions, the error that it raised, or that this version has no such operation.
"""

import json
import os
import sys
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Callable, Dict, Iterator, List, Tuple

from tfguard.runtime.machine import describe
from tfguard.runtime.preparing import EAGER, list_gpus, version_of
from tfguard.runtime.probes import PROBES, Probe
from tfguard.runtime.reporting import list_versions
from tfguard.runtime.trace import digest
from tfguard.runtime.training_probes import TRAININGS, Training, seed_everything, train

#: How often a probe is repeated in one process.
REPETITIONS = 4
#: The same for trainings, which take seconds.
TRAINED = 2
#: Of Keras 3.
BACKENDS = ("jax", "torch")
#: The first version with an interface of TensorFlow 2.
OLDEST = (1, 15)

Found = Dict[str, Any]


def measure(compute: Callable[[], List[Any]], repetitions: int, failures: Any) -> Found:
    """The digests of a few repetitions, the error, or why there is nothing to measure."""
    digests = []
    try:
        for _ in range(repetitions):
            digests.append(digest(compute()))
    except AttributeError as error:
        if "has no attribute" not in str(error):
            raise
        return {"absent": str(error)}
    except failures as error:
        return {"error": "{}: {}".format(type(error).__name__, (str(error).splitlines() or [""])[0])}
    return {"digests": digests}


class Measuring:
    """The probes of one TensorFlow on one device."""

    def __init__(self, tf: Any, np: Any, device: str) -> None:
        self.tf, self.np, self.device = tf, np, device
        self.failures = (tf.errors.OpError, RuntimeError, ValueError, NotImplementedError)
        self.is_version_1 = version_of(tf) < EAGER

    def run(self, probe: Probe) -> Found:
        """Operation by operation."""
        inputs = self.inputs_of(probe)
        return measure(lambda: self.arrays_of(lambda: probe.compute(self.tf, *inputs)), REPETITIONS, self.failures)

    def run_compiled(self, probe: Probe) -> Found:
        """As one function, compiled by XLA; what it cannot compile is absent."""
        if not probe.compiles:
            return {"absent": "not for XLA"}
        inputs, kept = self.inputs_of(probe), []  # type: Any, List[Any]

        def compute() -> Any:
            if probe.draws or not kept:
                kept[:] = [self.tf.function(lambda *t: probe.compute(self.tf, *t), autograph=False, jit_compile=True)]
            return kept[0](*inputs)

        found = measure(lambda: self.arrays_of(compute), REPETITIONS, (TypeError, *self.failures))
        return {"absent": found["error"]} if "error" in found else found

    def train(self, training: Training, *, compiled: bool) -> Found:
        """From the same seed each time."""
        keras = self.tf.keras
        if compiled and self.is_version_1:
            return {"absent": "Keras of TensorFlow 1 ignores jit_compile"}

        def compute() -> List[Any]:
            seed_everything(keras, self.tf, self.np, 5)
            with self.tf.device(self.device):
                return train(keras, self.np, training, compiled=compiled)

        found = measure(compute, 1 if compiled else TRAINED, (TypeError, *self.failures) if compiled else self.failures)
        return {"absent": found["error"]} if compiled and "error" in found else found

    def inputs_of(self, probe: Probe) -> List[Any]:
        with self.tf.device(self.device):
            return [self.tf.constant(make(self.np)) for make in probe.inputs]

    def arrays_of(self, compute: Callable[[], Any]) -> List[Any]:
        with self.tf.device(self.device):
            return [self.np.asarray(value) for value in self.tf.nest.flatten(compute())]


def measure_tensorflow(parts: List[str], wanted: str, lost: List[List[str]]) -> Found:
    """Everything that was asked for, on each device that was asked for, but what ended an earlier process."""
    np, tensorflow = import_module("numpy"), import_module("tensorflow")
    tf = enter_version_2(tensorflow)
    listed = list_gpus(tensorflow, version_of(tensorflow))
    gpus = ["/" + device.name.split("physical_device:")[-1] for device in listed]
    devices = (["/CPU:0"] if wanted != "gpu" else []) + (gpus[:1] if wanted != "cpu" else [])
    found: Found = {}
    for device in devices:
        place = found[device] = {}
        for part, name, compute in iter_jobs(Measuring(tf, np, device), parts):
            if [device, part, name] not in lost:
                announce(device, part, name)
                place.setdefault(part, {})[name] = compute()
    return {
        "versions": list_versions(),
        "machine": describe(tensorflow, listed),
        "gpus": gpus,
        "devices": found,
        "backends": list_backends(),
    }


def iter_jobs(measuring: Measuring, parts: List[str]) -> Iterator[Tuple[str, str, Callable[[], Found]]]:
    """Part of the result, probe, and what measures it."""
    trainings = TRAININGS.items() if "trainings" in parts else ()
    for name, probe in PROBES.items() if "operations" in parts else ():
        yield "plain", name, partial(measuring.run, probe)
    for name, training in trainings:
        yield "plain", name, partial(measuring.train, training, compiled=False)
    if "xla" in parts:
        for name, probe in PROBES.items():
            yield "xla", name, partial(measuring.run_compiled, probe)
        for name, training in trainings:
            yield "xla", name, partial(measuring.train, training, compiled=True)


def announce(device: str, part: str, name: str) -> None:
    """What comes next, so that it is known if it ends the process."""
    print(json.dumps([device, part, name]), flush=True)  # noqa: T201


def list_backends() -> List[str]:
    """What Keras could run on besides TensorFlow: installed, not imported."""
    keras = sys.modules.get("keras")
    if not str(getattr(keras, "__version__", "2")).startswith("3"):
        return []
    return [name for name in BACKENDS if find_spec(name) is not None]


def enter_version_2(tensorflow: Any) -> Any:
    """The interface of TensorFlow 2, which 1.15 has as `tf.compat.v2`; threads of 1.15 are set here."""
    version = version_of(tensorflow)
    if version >= EAGER:
        return tensorflow
    if version < OLDEST:
        raise SystemExit("selfcheck needs TensorFlow 1.15 or later, this is {}".format(tensorflow.__version__))
    tensorflow.compat.v1.logging.set_verbosity("ERROR")
    tensorflow.compat.v1.enable_v2_behavior()
    tf = tensorflow.compat.v2
    threads = os.environ.get("TF_NUM_INTRAOP_THREADS")
    if threads:
        tf.config.threading.set_intra_op_parallelism_threads(int(threads))
        tf.config.threading.set_inter_op_parallelism_threads(int(threads))
    return tf


def main() -> None:
    """`probing.py operations,trainings,xla cpu|gpu|all LOST`, the last as JSON: probes that ended earlier processes."""
    parts, wanted, lost = sys.argv[1:]
    print(json.dumps(measure_tensorflow(parts.split(","), wanted, json.loads(lost))))  # noqa: T201


if __name__ == "__main__":
    main()
