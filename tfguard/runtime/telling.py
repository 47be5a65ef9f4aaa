"""What the shim says: once, on stderr, what it did and what it could not do."""

import os
import sys
from typing import List, NamedTuple, Tuple

#: Set once a process has told what it did, so that the processes it starts don't repeat it.
TOLD = "TFGUARD_TOLD"


class Miss(NamedTuple):
    """Something that could not be done, and how to mend it."""

    what: str
    remedy: str


class Telling:
    """Collects lines and prints each once."""

    def __init__(self, quiet: bool = False) -> None:
        self.quiet = quiet
        self.done: List[str] = []
        self.misses: List[Miss] = []
        self.notes: List[str] = []

    def say_done(self, what: str) -> None:
        """Remember something that was done; the same twice is once."""
        if what not in self.done:
            self.done.append(what)

    def say_missed(self, what: str, remedy: str) -> None:
        """Print at once what could not be done and how to mend it."""
        miss = Miss(what, remedy)
        if miss not in self.misses:
            self.misses.append(miss)
            write("{}; {}".format(what, remedy))

    def keep_missed(self, what: str, remedy: str) -> None:
        """The same for the report alone."""
        miss = Miss(what, remedy)
        if miss not in self.misses:
            self.misses.append(miss)

    def note(self, text: str) -> None:
        """Print something that was seen while the program ran, the same once."""
        if text not in self.notes:
            self.notes.append(text)
            write(text)

    def tell(self, planned: Tuple[str, ...]) -> None:
        """Print what was done so far and what will be when its library is imported."""
        if self.quiet or os.environ.get(TOLD):
            return
        os.environ[TOLD] = str(os.getpid())
        parts = list(self.done)
        if planned:
            parts.append("when imported: {}".format(", ".join(planned)))
        write("; ".join(parts) or "nothing to do")


def write(text: str) -> None:
    """One line of ours on stderr, where there is one."""
    if sys.stderr is not None:
        sys.stderr.write("tfguard: {}\n".format(text))
        sys.stderr.flush()
