"""Which of the numbers of a step is its loss, so that it can be plotted."""

from typing import Any, List, Optional

from tfguard.runtime.magnitudes import Numbers

#: Names under which a loss is returned or fetched, the likeliest first.
_NAMES = ("loss", "cost", "error")


def find_loss(names: Optional[List[str]], numbers: Optional[List[Numbers]]) -> Optional[float]:
    """The single number whose name says loss, else the first single number; None where there is none.

    The numbers are those of what a step returned; the names belong to them one by one, where they are known.
    """
    single = [index for index, found in enumerate(numbers or []) if isinstance(found, list) and found[0] == 1]
    if not single or numbers is None:
        return None
    if names is not None and len(names) == len(numbers):
        for word in _NAMES:
            for index in single:
                if word in names[index].lower():
                    return float(numbers[index][1])
    return float(numbers[single[0]][1])


def names_of(result: Any) -> Optional[List[str]]:
    """The keys of a dict in the order in which TensorFlow flattens it."""
    return [str(key) for key in sorted(result, key=str)] if isinstance(result, dict) else None
