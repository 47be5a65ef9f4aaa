"""Gives seeds to what op determinism refuses for want of one of its own, whatever the global seed."""

import functools
import itertools
from typing import Any

from tfguard.runtime.telling import Telling
from tfguard.runtime.trace import find_place

#: Functions of `tf` that raise ValueError without `seed`, and its position (tried with 2.21).
NEEDING = (
    ("image", "sample_distorted_bounding_box", 2),
    ("nn", "fractional_max_pool", 4),
    ("nn", "fractional_avg_pool", 4),
)


def give_op_seeds(tf: Any, seed: int, telling: Telling) -> None:
    """Where the program gives none: the functions get the seed, and so do generators made from entropy."""
    own = seed or 1  # to these functions 0 is none
    for namespace, name, position in NEEDING:
        owner = getattr(tf, namespace)
        original = getattr(owner, name, None)
        if original is not None:
            setattr(owner, name, _seeding(original, "tf.{}.{}".format(namespace, name), position, own, telling))
    generator = tf.random.Generator
    tf.random.set_global_generator(generator.from_seed(seed))
    generator.from_non_deterministic_state = classmethod(_make_generator(seed, telling))


def _seeding(original: Any, name: str, position: int, seed: int, telling: Telling) -> Any:
    @functools.wraps(original)
    def call(*arguments: Any, **keywords: Any) -> Any:
        if len(arguments) <= position and not keywords.get("seed"):
            keywords["seed"] = seed
            _note(telling, name)
        return original(*arguments, **keywords)

    return call


def _make_generator(seed: int, telling: Telling) -> Any:
    numbers = itertools.count(seed + 1)

    def from_non_deterministic_state(cls: Any, alg: Any = None) -> Any:
        _note(telling, "tf.random.Generator.from_non_deterministic_state")
        own = next(numbers)
        return cls.from_seed(own) if alg is None else cls.from_seed(own, alg=alg)

    return from_non_deterministic_state


def _note(telling: Telling, name: str) -> None:
    place = find_place() or "outside the program's own files"
    telling.note("{}: {} needs a seed of its own under op determinism: it gets the run's".format(place, name))
