"""When Python looks for garbage: seldom, while files are analysed."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager

#: A file that was analysed to its end leaves nothing behind; this is for those that were not.
_SOURCE_BETWEEN = 2_000_000


@contextmanager
def collected_seldom() -> Iterator[Callable[[int], None]]:
    """No collection but after every few files; the function that this gives is told the size of each file.

    What is made of a file holds no garbage while it is being made, and looking for some costs as much as making it.
    """
    if not gc.isenabled():
        yield lambda _: None
        return
    waiting = 0

    def count(size: int) -> None:
        nonlocal waiting
        waiting += size
        if waiting > _SOURCE_BETWEEN:
            waiting = 0
            gc.collect()

    gc.disable()
    gc.freeze()  # what is there now stays, and need not be looked at again
    try:
        yield count
    finally:
        gc.unfreeze()
        gc.enable()
