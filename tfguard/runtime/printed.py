"""What a program prints, compared line by line, and within a tolerance number by number."""

import re
from typing import Any, Dict, List, Optional

from tfguard.runtime.magnitudes import Tolerance, find_difference
from tfguard.runtime.trace import digest_of_text

#: Of longer output the rest is kept as a digest.
LONGEST = 200000
#: A number as Python and NumPy write it; not the digits of a word.
_NUMBER = re.compile(r"(?<![\w.])[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?(?![\w.]*\w)|(?<!\w)[-+]?(?:nan|inf)(?!\w)")
_SHOWN = 60


def read_printed(text: str) -> Dict[str, Any]:
    """The event of what was printed."""
    kept = text if len(text) <= LONGEST else text[: text.rfind("\n", 0, LONGEST) + 1]
    rest = digest_of_text(text[len(kept) :]) if len(kept) < len(text) else None
    return {"kind": "printed", "name": "stdout", "lines": kept.splitlines(), "rest": rest}


def find_printed_difference(
    one: Dict[str, Any], other: Dict[str, Any], tolerance: Optional[Tolerance]
) -> Optional[str]:
    """Where two outputs part, in words."""
    ours, theirs = one["lines"], other["lines"]
    for number, (line, another) in enumerate(zip(ours, theirs), 1):
        if line != another and not is_close(line, another, tolerance):
            return "line {} of what is printed: `{}` and `{}`".format(number, shorten(line), shorten(another))
    if len(ours) != len(theirs):
        return "the number of lines that are printed: {} and {}".format(len(ours), len(theirs))
    return None if one["rest"] == other["rest"] else "what is printed after line {}".format(len(ours))


def is_close(line: str, another: str, tolerance: Optional[Tolerance]) -> bool:
    """The same words, and numbers within the tolerance?"""
    if tolerance is None or _NUMBER.split(line) != _NUMBER.split(another):
        return False
    pairs = zip(numbers_in(line), numbers_in(another))
    return all(find_difference([1, one], [1, other]).is_within(tolerance) for one, other in pairs)


def numbers_in(line: str) -> List[float]:
    """In the order in which they stand."""
    return [float(found) for found in _NUMBER.findall(line)]


def shorten(line: str) -> str:
    """So that two lines fit into one."""
    line = line.strip()
    return line if len(line) <= _SHOWN else line[: _SHOWN - 3] + "..."
