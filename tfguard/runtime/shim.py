"""`setup`: seeds, GPU memory, threads and op determinism for the versions that are found."""

import os
import sys
from typing import List, Optional

from tfguard.runtime.arrivals import Arrivals
from tfguard.runtime.generators import follow_children, seed_numpy, seed_python, seed_torch
from tfguard.runtime.hashing import check_hash_seed
from tfguard.runtime.preparing import prepare_jax, prepare_tensorflow
from tfguard.runtime.settings import GpuMemory, OpDeterminism, Settings
from tfguard.runtime.telling import Telling

#: Environment variables that libraries of linear algebra read when they are loaded.
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")

#: What a process has set up so far, so that a second call repeats nothing.
_HISTORY: List[Settings] = []


def setup(
    *,
    seed: Optional[int] = 42,
    gpu_memory: GpuMemory = "growth",
    op_determinism: OpDeterminism = False,
    threads: Optional[int] = None,
    hash_seed: Optional[int] = None,
) -> None:
    """Make this program reproduce and share its GPU; call it once, as the first statement of the program.

    What is imported already is set up at once, everything else right after its import. Written for TensorFlow 0.12
    to 2.21 and Keras 1 to 3; the versions are those that the program imports. What was done is said in one line on
    stderr; what it is too late for is said with its remedy, and never raises.

    seed: seeds Python's `random`, NumPy's global generator and its unseeded `default_rng()`, TensorFlow's global
        generator and, in graph mode, every graph that is made from now on (so it outlives `reset_default_graph()` and
        `clear_session()`), and PyTorch's where Keras runs on it. 0 to 2**32 - 1; None seeds nothing. A seed that the
        program sets later replaces it.
    gpu_memory: "growth" takes GPU memory as it is needed; a float such as 0.5 is the largest fraction of each GPU, an
        int such as 4096 the most megabytes (2**20 bytes) of each GPU; None leaves TensorFlow's way, which is nearly
        all of every GPU. A session that brings its own bound keeps it. Without a GPU nothing happens.
    op_determinism: True makes TensorFlow choose deterministic kernels: `enable_op_determinism()` from 2.8 on,
        `TF_DETERMINISTIC_OPS` from 2.1, `TF_CUDNN_DETERMINISTIC` from 1.14. Costs speed; from 2.8 on an operation that
        has no such kernel raises `UnimplementedError`. "fallback" runs such an operation without, and says which and
        where, once; see `tfguard.runtime.fallback` for what that cannot reach.
    threads: the number of threads inside an operation and, from TensorFlow 1.15 on, between operations. Bits depend
        on it; None leaves the number of cores, so results may differ on another machine.
    hash_seed: the value that PYTHONHASHSEED must have had when this interpreter was started. It cannot be changed in a
        running process, so setup only says when it differs; `tfguard run` sets it. None does not ask.

    Raises TypeError or ValueError for an argument that cannot be used.
    """
    settings = Settings(seed, gpu_memory, op_determinism, threads, hash_seed).check()
    if settings in _HISTORY[-1:]:
        return
    _HISTORY.append(settings)
    apply_settings(settings, Telling())


def apply_settings(
    settings: Settings, telling: Telling, arrivals: Optional[Arrivals] = None, *, entropy: bool = True
) -> None:
    """Set up what is imported, wait for what is not, and tell; generators that begin with entropy only where asked."""
    arrivals = arrivals or Arrivals()
    planned: List[str] = []
    if settings.hash_seed is not None:
        check_hash_seed(settings.hash_seed, telling)
    if settings.threads is not None:
        _limit_linear_algebra(settings.threads)
    if settings.seed is not None:
        seed = settings.seed
        _plan(planned, "random", arrivals.when_imported("random", lambda m: seed_python(m, seed, telling)))
        arrivals.when_imported("multiprocessing.util", follow_children)
        _plan(planned, "NumPy", arrivals.when_imported("numpy.random", lambda m: seed_numpy(m, seed, telling, entropy)))
        arrivals.when_imported("torch", lambda m: seed_torch(m, seed, telling))
    now = arrivals.when_imported("tensorflow", lambda m: prepare_tensorflow(m, settings, telling, entropy))
    _plan(planned, "TensorFlow", now)
    arrivals.when_imported("jax", lambda m: prepare_jax(settings, telling))
    telling.tell(tuple(planned))


def _plan(planned: List[str], name: str, now: bool) -> None:
    if not now:
        planned.append(name)


def _limit_linear_algebra(threads: int) -> None:
    """For NumPy's own matrix products; it reads the variables when it is imported."""
    if "numpy" not in sys.modules:
        for name in THREAD_VARIABLES:
            os.environ[name] = str(threads)
