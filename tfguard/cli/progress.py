"""How far a long run is, on a terminal only."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

#: Seconds of silence at the start, and between two lines.
_PATIENCE = 1.0
_INTERVAL = 0.1

Progress = Callable[[int, int], None]


@contextmanager
def show_progress(*, wanted: bool, unit: str = "files") -> Iterator[Progress | None]:
    """Yields what shall be called with (units done, all units); None where nobody watches."""
    if not wanted or not sys.stderr.isatty():
        yield None
        return
    start = shown = time.monotonic()

    def tell(done: int, total: int) -> None:
        nonlocal shown
        now = time.monotonic()
        if now - start >= _PATIENCE and now - shown >= _INTERVAL:
            shown = now
            sys.stderr.write(f"\r\x1b[K{done} of {total} {unit}")
            sys.stderr.flush()

    try:
        yield tell
    finally:
        if shown != start:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
