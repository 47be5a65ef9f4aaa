"""Numbers that no seed reaches: the system's entropy, generators that begin with it, and the clock.

In a recorded run each use by the program is an event, with its place. A trial can replace them: seeds and entropy by
constants, the clock by one that counts the questions.
"""

import functools
import sys
from typing import Any, List, Optional

from tfguard.runtime.arrivals import Arrivals
from tfguard.runtime.callers import is_program, place_of_caller
from tfguard.runtime.generators import make_entropy
from tfguard.runtime.trace import Trace, find_place

#: What the standard library takes from the system in the name of its caller.
_THROUGH = frozenset(["uuid", "secrets", "random", "os"])
#: The functions of the module `time`, and how many of their units a second has.
_CLOCKS = {"time": 1.0, "time_ns": 10**9, "perf_counter": 1.0, "perf_counter_ns": 10**9, "monotonic": 1.0}
#: Seconds since 1970 at which the replaced clock begins, and how far it moves with each question.
_BEGIN, _TICK = 1600000000, 0.001
#: What constants are made from.
_CONSTANT = 42


class Entropy:
    """Sees, and where it is told to replaces, what the program takes from the system."""

    def __init__(self, trace: Trace, *, is_constant: bool) -> None:
        self.trace = trace
        self.is_constant = is_constant
        self.bits = make_entropy(_CONSTANT)

    def install(self, arrivals: Arrivals) -> None:
        """As the libraries arrive."""
        arrivals.when_imported("os", self.watch_system)
        arrivals.when_imported("random", self.watch_random)
        arrivals.when_imported("numpy.random", self.watch_numpy)
        arrivals.when_imported("tensorflow", self.watch_tensorflow)

    def watch_system(self, os: Any) -> None:
        """`os.urandom`, and what `uuid` and `secrets` make of it."""
        os.urandom = SystemEntropy(self, os.urandom)

    def watch_random(self, random: Any) -> None:
        """Generators of Python that are made without a seed, and `SystemRandom`."""
        random._urandom = sys.modules["os"].urandom
        original = random.Random.seed

        @functools.wraps(original)
        def seed(generator: Any, a: Any = None, *arguments: Any, **keywords: Any) -> Any:
            if a is None and self.note("random", place_of_caller(1, _THROUGH)):
                a = _CONSTANT
            return original(generator, a, *arguments, **keywords)

        random.Random.seed = seed

    def watch_numpy(self, module: Any) -> None:
        """NumPy's generators that are made without a seed."""
        for name in ("_bit_generator", "bit_generator"):
            user: Any = getattr(module, name, None)
            original = getattr(user, "randbits", None)
            if original is not None:
                user.randbits = self.noting(original)

    def noting(self, original: Any) -> Any:
        """The source of entropy, with an event for each use by the program."""

        def randbits(count: int) -> Any:
            return self.bits(count) if self.note("numpy", find_place()) else original(count)

        return randbits

    def watch_tensorflow(self, tf: Any) -> None:
        """`Generator.from_non_deterministic_state`, which the global generator is made with, too."""
        generators = getattr(getattr(tf, "random", None), "Generator", None)
        original = getattr(generators, "from_non_deterministic_state", None)
        if generators is None or original is None:
            return

        @functools.wraps(original)
        def from_non_deterministic_state(*arguments: Any, **keywords: Any) -> Any:
            if self.note("tensorflow", find_place()):
                return generators.from_seed(_CONSTANT, *arguments, **keywords)
            return original(*arguments, **keywords)

        generators.from_non_deterministic_state = staticmethod(from_non_deterministic_state)

    def note(self, generator: str, place: Optional[str]) -> bool:
        """Write the event where the program is the one that asks; should it get a constant?"""
        if place is None:
            return False
        if self.trace.is_ours():
            self.trace.add("entropy", generator=generator, place=place)
        return self.is_constant


class SystemEntropy:
    """In the place of `os.urandom`; no function, so that a class may keep it as an attribute."""

    def __init__(self, entropy: Entropy, original: Any) -> None:
        self.entropy = entropy
        self.original = original

    def __call__(self, size: int) -> bytes:
        if self.entropy.note("system", place_of_caller(1, _THROUGH)):
            return self.entropy.bits(8 * size).to_bytes(size, "big") if size else b""
        result: bytes = self.original(size)
        return result


class Clocks:
    """Sees, and where it is told to replaces, the clock that the program reads."""

    def __init__(self, trace: Trace, *, is_counted: bool) -> None:
        self.trace = trace
        self.is_counted = is_counted
        self.questions = 0
        self.places: List[str] = []

    def install(self, arrivals: Arrivals) -> None:
        """The module `time` is there already; classes of `datetime` are only replaced where it counts."""
        time = sys.modules.get("time")
        for name in sorted(_CLOCKS):
            if hasattr(time, name):
                setattr(time, name, Clock(self, getattr(time, name), _CLOCKS[name]))
        if self.is_counted:
            arrivals.when_imported("datetime", self.replace_datetime)

    def ask(self, place: Optional[str]) -> Optional[float]:
        """Write an event for each new place; the seconds that the counted clock shows, or None for the real one."""
        if place is None:
            return None
        if place not in self.places and self.trace.is_ours():
            self.places.append(place)
            self.trace.add("clock", place=place)
        if not self.is_counted:
            return None
        self.questions += 1
        return _BEGIN + self.questions * _TICK

    def replace_datetime(self, module: Any) -> None:
        """Subclasses whose `now` and `today` ask this clock."""
        clocks, real, real_date = self, module.datetime, module.date

        class Kind(type):
            """Values that were not made by the subclass are dates all the same."""

            def __instancecheck__(cls, value: Any) -> bool:
                return isinstance(value, cls.__mro__[1])

        def read(original: Any, cls: Any, *arguments: Any) -> Any:
            seconds = clocks.ask(place_of_caller(2))
            return original() if seconds is None else cls.fromtimestamp(seconds, *arguments)

        def now(cls: Any, tz: Any = None) -> Any:
            return read(lambda: real.now(tz), cls, tz)

        def utcnow(cls: Any) -> Any:
            return read(real.utcnow, cls)

        def today(cls: Any) -> Any:
            return read(cls.__mro__[1].today, cls)

        moments = {"now": classmethod(now), "utcnow": classmethod(utcnow), "today": classmethod(today)}
        module.datetime = Kind("datetime", (real,), dict(moments, __module__="datetime"))
        module.date = Kind("date", (real_date,), {"today": classmethod(today), "__module__": "datetime"})

    def end(self) -> None:
        """A program that has `datetime` may have read the clock with it, which nobody sees in an ordinary run."""
        module = sys.modules.get("datetime")
        if module is None or self.is_counted:
            return
        wanted = [id(module), id(module.datetime), id(module.date)]
        for name in sorted(sys.modules):
            file = getattr(sys.modules[name], "__file__", None)  # the main module has lost its own by now
            own = name == "__main__" or (file is not None and is_program(file))
            if own and any(id(value) in wanted for value in list(vars(sys.modules[name]).values())):
                self.trace.add("clock", place=None)
                return


class Clock:
    """One function of the module `time`; no function, so that a class may keep it as an attribute."""

    def __init__(self, clocks: Clocks, original: Any, units: float) -> None:
        self.clocks = clocks
        self.original = original
        self.units = units

    def __call__(self) -> Any:
        seconds = self.clocks.ask(place_of_caller(1))
        return self.original() if seconds is None else type(self.units)(seconds * self.units)
