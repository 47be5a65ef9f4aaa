"""Takes the shim's own frames out of the traceback of an uncaught error, so that it reads as under plain Python."""

import os
import sys
from types import TracebackType
from typing import Any, List, Optional

_OWN = os.path.dirname(os.path.abspath(__file__)) + os.sep
_IMPORTLIB = "<frozen importlib"
#: Links between frames can be changed since this version of Python.
_WRITABLE = (3, 7)


def hide_own_frames() -> None:
    """Install the hook."""
    sys.excepthook = show


def show(kind: Any, error: BaseException, trace: Optional[TracebackType]) -> None:
    """As `sys.__excepthook__`, without our frames."""
    without = strip(trace)
    seen: List[int] = []
    pending: List[Optional[BaseException]] = [error.__cause__, error.__context__]
    while pending:
        other = pending.pop()
        if other is not None and id(other) not in seen:
            seen.append(id(other))
            other.__traceback__ = strip(other.__traceback__)
            pending += [other.__cause__, other.__context__]
    error.__traceback__ = without
    sys.__excepthook__(kind, error, without)


def strip(trace: Optional[TracebackType]) -> Optional[TracebackType]:
    """The traceback without frames of ours and, where there were any, those of the import system."""
    links: List[TracebackType] = []
    while trace is not None:
        links.append(trace)
        trace = trace.tb_next
    if sys.version_info < _WRITABLE:
        return next((link for link in links if not link.tb_frame.f_code.co_filename.startswith(_OWN)), None)
    names = [link.tb_frame.f_code.co_filename for link in links]
    if not any(name.startswith(_OWN) for name in names):
        return links[0] if links else None
    kept = [link for link, name in zip(links, names) if not name.startswith((_OWN, _IMPORTLIB))]
    for index, link in enumerate(kept):
        link.tb_next = kept[index + 1] if index + 1 < len(kept) else None
    return kept[0] if kept else links[0]
