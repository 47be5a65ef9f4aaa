"""Evidence for the cause: which generator is seeded when, with what and where, and which is used at all."""

import functools
import os
import sys
from typing import Any, Dict, Optional

from tfguard.runtime.arrivals import Arrivals
from tfguard.runtime.trace import Trace, digest_of_text, find_place

#: Functions that seed, by library.
_SEEDERS = {
    "tensorflow": ("set_random_seed", "random.set_seed", "random.set_random_seed", "compat.v1.set_random_seed"),
    "numpy": ("seed",),
    "random": ("seed",),
}
#: What a trial seeds with in the place of the program's own seeds.
_CONSTANT = 42


class Evidence:
    """Watches the generators of a process."""

    def __init__(self, trace: Trace, *, constant_seeds: bool = False) -> None:
        self.trace = trace
        self.constant_seeds = constant_seeds
        self.begun: Dict[str, str] = {}

    def install(self, arrivals: Arrivals) -> None:
        """As the libraries arrive."""
        arrivals.when_imported("random", lambda module: self.watch("random", module))
        arrivals.when_imported("numpy.random", lambda module: self.watch("numpy", module))
        arrivals.when_imported("tensorflow", lambda module: self.watch("tensorflow", module))

    def watch(self, library: str, module: Any) -> None:
        """Record calls of the functions that seed; remember the state that the generator begins with."""
        for dotted in _SEEDERS[library]:
            owner = module
            *parents, name = dotted.split(".")
            for parent in parents:
                owner = getattr(owner, parent, None)
            original = getattr(owner, name, None)
            if original is not None:
                setattr(owner, name, self.recording(library, original))
        state = self.state_of(library)
        if state is not None:
            self.begun[library] = state

    def recording(self, library: str, original: Any) -> Any:
        """The function, with an event before each call."""

        @functools.wraps(original)
        def seed(*arguments: Any, **keywords: Any) -> Any:
            if self.trace.is_ours():
                value = digest_of_text(repr((arguments, sorted(keywords.items()))))
                used = self.is_used(library)
                self.trace.add("seed", generator=library, value=value, used=used, place=find_place())
                if self.constant_seeds:
                    arguments, keywords = (_CONSTANT,), {}
            result = original(*arguments, **keywords)
            state = self.state_of(library)
            if state is not None:
                self.begun[library] = state
            return result

        return seed

    def state_of(self, library: str) -> Optional[str]:
        """A digest of a generator's state, for those that have one in Python."""
        if library == "random" and "random" in sys.modules:
            return digest_of_text(repr(sys.modules["random"].getstate()))
        if library == "numpy" and "numpy.random" in sys.modules:
            state = sys.modules["numpy.random"].get_state()
            return digest_of_text("{}{}".format(state[1].tobytes(), state[2:]))
        return None

    def is_used(self, library: str) -> bool:
        """Has it been drawn from since it was seeded, or since its library was imported?"""
        return library in self.begun and self.state_of(library) != self.begun[library]

    def end(self) -> None:
        """Who was used in the end."""
        used = {library: self.is_used(library) for library in sorted(self.begun)}
        self.trace.add("generators", used=used, tensorflow="tensorflow" in sys.modules)


def reorder_listings(order: str, trace: Trace) -> None:
    """List folders in the given order (`sorted`, `reversed`): any is right, so a program must not depend on it."""
    listdir, scandir = os.listdir, os.scandir

    def arrange(entries: Any, key: Any) -> Any:
        place = find_place() if len(entries) > 1 else None
        if place is not None and trace.is_ours():
            trace.add("listing", place=place)
        return sorted(entries, key=key, reverse=order == "reversed") if place is not None else entries

    @functools.wraps(listdir)
    def list_folder(path: Any = ".") -> Any:
        return arrange(listdir(path), None)

    @functools.wraps(scandir)
    def scan_folder(path: Any = ".") -> Any:
        with scandir(path) as entries:
            found = list(entries)
        return Entries(arrange(found, lambda entry: entry.name))

    os.listdir, os.scandir = list_folder, scan_folder
    accessor = getattr(sys.modules.get("pathlib"), "_NormalAccessor", None)  # until Python 3.10, when it is loaded
    for name, function in (("listdir", list_folder), ("scandir", scan_folder)):
        if hasattr(accessor, name):
            setattr(accessor, name, staticmethod(function))


class Entries:
    """As `os.scandir` gives them: an iterator that can be closed."""

    def __init__(self, entries: Any) -> None:
        self.entries = iter(entries)

    def __iter__(self) -> "Entries":
        return self

    def __next__(self) -> Any:
        return next(self.entries)

    def __enter__(self) -> "Entries":
        return self

    def __exit__(self, *error: Any) -> None:
        self.close()

    def close(self) -> None:
        """Nothing is open."""
        self.entries = iter(())
