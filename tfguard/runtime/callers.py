"""Whose code calls? A call that the program makes itself is told from the same call made by a library."""

import os
import sys
from typing import Any, Dict, FrozenSet, Optional

from tfguard.runtime.trace import LIBRARIES

#: Known answers, by file name.
_KNOWN: Dict[str, bool] = {}
_STANDARD = os.path.join(os.path.dirname(os.__file__), "")
_OWN = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "")


def is_program(name: str) -> bool:
    """Is it a file of the program: no library's, none of ours?"""
    known = _KNOWN.get(name)
    if known is None:
        known = not name.startswith((_STANDARD, _OWN)) and not any(part in name for part in LIBRARIES)
        _KNOWN[name] = known
    return known


def place_of_caller(depth: int, through: FrozenSet[str] = frozenset()) -> Optional[str]:
    """`file:line` of the caller where it is the program; frames of the modules named in `through` are looked past."""
    frame: Any = sys._getframe(depth + 1)
    while frame is not None and frame.f_globals.get("__name__") in through:
        frame = frame.f_back
    if frame is None or not is_program(frame.f_code.co_filename):
        return None
    return "{}:{}".format(shorten(frame.f_code.co_filename), frame.f_lineno)


def shorten(name: str) -> str:
    """A path as it is seen from the current folder."""
    here = os.path.join(os.getcwd(), "")
    return name[len(here) :] if name.startswith(here) else name


def is_programs_function(function: Any) -> bool:
    """Does the code of a function stand in the program?"""
    code = getattr(getattr(function, "func", function), "__code__", None)
    return code is not None and is_program(code.co_filename)
