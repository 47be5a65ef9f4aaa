"""Sets TensorFlow up right after its import: seed, threads, op determinism, GPU memory, as its version has them."""

import os
import sys
from typing import Any, Optional, Tuple

from tfguard.runtime.generators import seed_own_generators
from tfguard.runtime.graphs import has_default_graph, seed_graphs
from tfguard.runtime.sessions import Threads, bound_sessions
from tfguard.runtime.settings import FALLBACK, GpuMemory, Settings
from tfguard.runtime.telling import Telling

Version = Tuple[int, int]

#: The first version of TensorFlow that has each means (read from the wheels, 1.14 to 2.21).
GROWTH_VARIABLE = (1, 14)
CUDNN_VARIABLE = (1, 14)
EAGER = (2, 0)
OPS_VARIABLE = (2, 1)
ENABLE_OPS = (2, 8)
#: Of those that were tried.
ONE_THREAD_WORKS = (1, 15)


def prepare_tensorflow(tf: Any, settings: Settings, telling: Telling, entropy: bool = True) -> None:
    """All that the settings ask of TensorFlow."""
    version = version_of(tf)
    late = has_run(version)
    if settings.seed is not None:
        _seed(tf, settings.seed, late, telling)
        if entropy:
            seed_own_generators(tf, settings.seed, telling)
    if settings.threads is not None:
        _limit_threads(tf, settings.threads, version, telling)
    if settings.op_determinism:
        _pin_operations(tf, settings, version, telling)
    if settings.gpu_memory is not None:
        _bound_memory(tf, settings.gpu_memory, version, late, telling)
    memory = settings.gpu_memory
    if memory == "growth" and version >= GROWTH_VARIABLE:
        memory = None
    bound_sessions(tf, memory, _session_threads(settings.threads, version), lambda: count_gpus(tf, version))


def version_of(tf: Any) -> Version:
    """The first two numbers of the version; (0, 0) where it cannot be read."""
    numbers = str(getattr(tf, "__version__", "")).split(".")[:2]
    if len(numbers) == 2 and all(number.isdigit() for number in numbers):
        return int(numbers[0]), int(numbers[1])
    return 0, 0


def find(root: Any, *names: str) -> Any:
    """The first of some dotted names that the object has, or None."""
    for name in names:
        value = root
        for part in name.split("."):
            value = getattr(value, part, None)
            if value is None:
                break
        else:
            return value
    return None


def eager_context() -> Any:
    """The process's eager context, or None before there is one."""
    for package in ("tensorflow", "tensorflow_core"):
        module = sys.modules.get(package + ".python.eager.context")
        if module is not None:
            return vars(module).get("_context")
    return None


def has_run(version: Version) -> bool:
    """True once TensorFlow 2 has opened its devices, which the first tensor does."""
    context = eager_context() if version >= EAGER else None
    return bool(getattr(context, "_initialized", False))


def _seed(tf: Any, seed: int, late: bool, telling: Telling) -> None:
    made = seed_graphs(tf, seed)
    if version_of(tf) >= EAGER or has_default_graph(tf):
        find(tf, "random.set_seed", "compat.v1.set_random_seed", "set_random_seed")(seed)
    telling.say_done("seed {} for TensorFlow {}".format(seed, tf.__version__))
    if made:
        telling.say_missed(
            "too late for the seed of {} operations that the default graph has already".format(made),
            "call tfguard.runtime.setup before the first operation, best before `import tensorflow`",
        )
    elif late:
        telling.say_missed(
            "TensorFlow has run operations before it was seeded: what they drew, if they did, differs on every run",
            "call tfguard.runtime.setup before the first tensor, best before `import tensorflow`",
        )


def _limit_threads(tf: Any, threads: int, version: Version, telling: Telling) -> None:
    os.environ["TF_NUM_INTRAOP_THREADS"] = os.environ["TF_NUM_INTEROP_THREADS"] = str(threads)
    threading = find(tf, "config.threading")
    if threading is None or version < EAGER:
        telling.say_done("{} threads in sessions".format(threads))
        return
    try:
        threading.set_intra_op_parallelism_threads(threads)
        threading.set_inter_op_parallelism_threads(threads)
    except RuntimeError:
        telling.say_missed(
            "too late for {} threads: TensorFlow has started its threads".format(threads),
            "call tfguard.runtime.setup before the first tensor",
        )
    else:
        telling.say_done("{} threads".format(threads))


def _session_threads(threads: Optional[int], version: Version) -> Optional[Threads]:
    """Old data pipelines wait for ever for a second thread between operations (seen on 1.2)."""
    if threads is None:
        return None
    return Threads(threads, threads if version >= ONE_THREAD_WORKS else 0)


def _pin_operations(tf: Any, settings: Settings, version: Version, telling: Telling) -> None:
    if version >= ENABLE_OPS:
        if settings.seed is None:
            telling.say_missed(
                "op determinism without a seed: random operations will raise RuntimeError", "pass a seed as well"
            )
        tf.config.experimental.enable_op_determinism()
        if settings.op_determinism == FALLBACK:
            from tfguard.runtime.fallback import Fallback
            from tfguard.runtime.op_seeds import give_op_seeds

            Fallback(tf, telling, has_gpu=bool(list_gpus(tf, version))).install()
            if settings.seed is not None:
                give_op_seeds(tf, settings.seed, telling)
            telling.say_done("op determinism, where operations have it")
        else:
            telling.say_done("op determinism")
        return
    if settings.op_determinism == FALLBACK:
        telling.say_missed("no fallback for single operations before TensorFlow 2.8", "leave op determinism off")
    for since, name in ((OPS_VARIABLE, "TF_DETERMINISTIC_OPS"), (CUDNN_VARIABLE, "TF_CUDNN_DETERMINISTIC")):
        if version >= since:
            os.environ[name] = "1"
            telling.say_done("op determinism by {}".format(name))
            return
    telling.say_missed(
        "TensorFlow {} has no op determinism".format(tf.__version__),
        "run on the CPU (CUDA_VISIBLE_DEVICES=-1), or use TensorFlow 2.8 or later",
    )


def _bound_memory(tf: Any, memory: GpuMemory, version: Version, late: bool, telling: Telling) -> None:
    if late and list_gpus(tf, version):
        telling.say_missed(
            "too late to bound GPU memory: TensorFlow has taken it",
            "call tfguard.runtime.setup before the first tensor, or run with `tfguard run`",
        )
    elif memory == "growth":
        if version >= GROWTH_VARIABLE:
            os.environ["TF_FORCE_GPU_ALLOW_GROWTH"] = "true"
        telling.say_done("GPU memory grows")
    elif isinstance(memory, float):
        if version >= EAGER and not _bound_fraction(memory):
            telling.say_missed(
                "TensorFlow {} takes no fraction of the GPU's memory outside sessions".format(tf.__version__),
                "give megabytes, such as 4096",
            )
        else:
            telling.say_done("at most {:.0%} of the GPU's memory".format(memory))
    elif isinstance(memory, int):
        _bound_megabytes(tf, memory, version, telling)


def _bound_fraction(fraction: float) -> bool:
    """In the eager context's own session options, which no public function reaches."""
    context = eager_context()
    module = sys.modules.get("tensorflow.core.protobuf.config_pb2")
    if not hasattr(context, "_config") or module is None:
        return False
    config = context._config or module.ConfigProto()
    config.gpu_options.per_process_gpu_memory_fraction = fraction
    context._config = config
    return True


def _bound_megabytes(tf: Any, megabytes: int, version: Version, telling: Telling) -> None:
    set_devices = find(
        tf, "config.set_logical_device_configuration", "config.experimental.set_virtual_device_configuration"
    )
    make = find(tf, "config.LogicalDeviceConfiguration", "config.experimental.VirtualDeviceConfiguration")
    if set_devices is None or make is None:
        telling.say_missed(
            "TensorFlow {} takes no limit in megabytes; its GPU memory grows instead".format(tf.__version__),
            "give a fraction such as 0.5",
        )
        return
    if version >= EAGER:
        for gpu in list_gpus(tf, version):
            set_devices(gpu, [make(memory_limit=megabytes)])
    telling.say_done("at most {} MB of each GPU".format(megabytes))


def list_gpus(tf: Any, version: Version) -> Any:
    """The machine's GPUs, without opening them; none where TensorFlow cannot tell."""
    listing = find(tf, "config.list_physical_devices", "config.experimental.list_physical_devices")
    return listing("GPU") if listing is not None and version >= GROWTH_VARIABLE else []


def count_gpus(tf: Any, version: Version) -> Optional[int]:
    """How many GPUs there are; None where TensorFlow cannot tell."""
    return len(list_gpus(tf, version)) if version >= GROWTH_VARIABLE else None


def prepare_jax(settings: Settings, telling: Telling) -> None:
    """JAX, for Keras on that backend: it takes three quarters of the GPU unless its environment says otherwise."""
    memory = settings.gpu_memory
    if isinstance(memory, float):
        os.environ["XLA_PYTHON_CLIENT_MEM_FRACTION"] = str(memory)
        telling.say_done("at most {:.0%} of the GPU's memory for JAX".format(memory))
    elif memory is not None:
        os.environ["XLA_PYTHON_CLIENT_PREALLOCATE"] = "false"
        telling.say_done("GPU memory grows for JAX")
