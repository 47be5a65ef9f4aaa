"""Seeds the generators that are not TensorFlow's."""

import itertools
import os
import random
import sys
from typing import Any, Callable, List

from tfguard.runtime.telling import Telling

#: Bits that NumPy asks for when a generator is made without a seed.
_ENTROPY_NAME = "randbits"
#: The module that asks: in 1.18, from 1.19 on.
_ENTROPY_USERS = ("_bit_generator", "bit_generator")


class Forks:
    """Seeds `random` in each forked child, which Python reseeds from entropy; each gets a seed of its own."""

    def __init__(self, module: Any) -> None:
        self.module = module
        self.seed = 0
        self.number = 0

    def before(self) -> None:
        """In the parent, once for every child."""
        self.number += 1

    def in_child(self) -> None:
        """After Python's own handler, which was registered when `random` was imported."""
        self.module.seed((self.seed << 32) + self.number)


_FORKS: List[Forks] = []


class Children:
    """The same on Python 3.6, whose `multiprocessing` reseeds `random` in its children and tells after that."""

    def seed(self) -> None:
        """In the child; its name in the tree of processes is the same in every run."""
        process: Any = sys.modules["multiprocessing.process"]
        for forks in _FORKS:
            for part in process.current_process()._identity:
                forks.number = (forks.number << 16) + part
            forks.in_child()


_CHILDREN = Children()


def follow_children(util: Any) -> None:
    """Called with `multiprocessing.util`, where Python cannot be told about forks."""
    if not hasattr(os, "register_at_fork"):
        util.register_after_fork(_CHILDREN, Children.seed)


def seed_python(module: Any, seed: int, telling: Telling) -> None:
    """Python's global generator, from which Keras takes its initial weights since 2.10."""
    module.seed(seed)
    if not _FORKS:
        _FORKS.append(Forks(module))
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(before=_FORKS[0].before, after_in_child=_FORKS[0].in_child)
    for forks in _FORKS:
        forks.seed = seed
    telling.say_done("seed {} for random".format(seed))


def seed_numpy(module: Any, seed: int, telling: Telling, entropy: bool = True) -> None:
    """NumPy's global generator, and what it takes for a seed where `default_rng()` gets none."""
    module.seed(seed)
    telling.say_done("seed {} for NumPy".format(seed))
    for name in _ENTROPY_USERS if entropy else ():
        user = getattr(module, name, None)
        if hasattr(user, _ENTROPY_NAME):
            setattr(user, _ENTROPY_NAME, make_entropy(seed))


def make_entropy(seed: int) -> Callable[[int], int]:
    """A stand-in for `secrets.randbits` that gives the same numbers in every process."""
    return random.Random(seed).getrandbits


def seed_own_generators(tf: Any, seed: int, telling: Telling) -> None:
    """TensorFlow's `Generator.from_non_deterministic_state()`, and the global generator, which is made with it."""
    generators: Any = getattr(getattr(tf, "random", None), "Generator", None)
    if not hasattr(generators, "from_non_deterministic_state") or hasattr(generators, "_tfguard_seeds"):
        return
    generators._tfguard_seeds = itertools.count(seed)

    def from_non_deterministic_state(alg: Any = None) -> Any:
        number = next(generators._tfguard_seeds)
        return generators.from_seed(number) if alg is None else generators.from_seed(number, alg)

    generators.from_non_deterministic_state = staticmethod(from_non_deterministic_state)
    telling.say_done("seed {} for TensorFlow's own generators".format(seed))


def seed_torch(module: Any, seed: int, telling: Telling) -> None:
    """PyTorch's generators, for Keras on that backend."""
    module.manual_seed(seed)
    telling.say_done("seed {} for PyTorch".format(seed))
