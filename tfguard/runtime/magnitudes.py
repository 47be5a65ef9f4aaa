"""A few numbers that stand for an array: they tell how far two runs are apart, where a digest only tells that they are.

Of an array of up to eight values all are kept. Of a larger one its largest magnitude, its mean, the mean of its
magnitudes and eight values spread evenly over it; where it has more than 65,536 values, all but the largest of every
n-th, so that no more than 65,536 are looked at. If two arrays differ by at most d in each value, each of these numbers
differs by at most d. Numbers that are not floats are compared bit for bit: a digest stands for them.
"""

import sys
from typing import Any, List, NamedTuple, Optional, Union

from tfguard.runtime.trace import digest

#: Count of values, then the numbers; a digest for what is not a float.
Numbers = Union[List[float], str]

#: Arrays up to this size are kept whole; so many values of larger ones are kept.
WHOLE = 8
#: So many values of an array are looked at.
MOST = 1 << 16
_INFINITE = float("inf")


class Tolerance(NamedTuple):
    """Two arrays agree where no number differs by more than `absolute + relative * largest magnitude` of the two."""

    relative: float
    absolute: float = 0.0


class Difference(NamedTuple):
    """How far two arrays are apart."""

    #: The largest difference between their numbers; infinite where they cannot be compared.
    largest: float
    #: The largest magnitude in either.
    scale: float

    @property
    def relative(self) -> float:
        """In units of the largest magnitude: the smallest tolerance that takes the arrays for the same."""
        if self.largest == 0:
            return 0.0
        return self.largest / self.scale if self.scale > 0 else _INFINITE

    def is_within(self, tolerance: Tolerance) -> bool:
        """Do the arrays agree?"""
        return self.largest <= tolerance.absolute + tolerance.relative * self.scale


def numbers_of(value: Any) -> Numbers:
    """The numbers of a NumPy array or scalar."""
    if value.dtype.kind == "c":
        value = value.reshape(-1).view(value.real.dtype)
    if value.dtype.kind != "f":
        return digest([value])
    flat = value.reshape(-1)
    count = int(flat.size)
    if count <= WHOLE:
        return [count, *flat.tolist()]
    with sys.modules["numpy"].errstate(all="ignore"):  # not finite, in a program that has asked for errors
        largest = max(float(flat.max()), -float(flat.min()))
        flat = flat[:: -(-count // MOST)]
        looked_at = int(flat.size)
        mean, mean_size = (float(values.sum(dtype="float64")) / looked_at for values in (flat, abs(flat)))
    return [count, largest, mean, mean_size, *flat[:: looked_at // WHOLE][:WHOLE].tolist()]


class Reading(NamedTuple):
    """What is kept of several arrays: a digest of all, and the numbers of each; None of none."""

    digest: Optional[str]
    numbers: Optional[List[Numbers]]


def read_arrays(values: List[Any]) -> Reading:
    """Of NumPy arrays or scalars."""
    if not values:
        return Reading(None, None)
    return Reading(digest(values), [numbers_of(value) for value in values])


def find_difference(one: Optional[Numbers], other: Optional[Numbers]) -> Difference:
    """Between the numbers of two arrays."""
    if one == other and one is not None:
        return Difference(0.0, 1.0)
    if not isinstance(one, list) or not isinstance(other, list) or one[:1] != other[:1]:
        return Difference(_INFINITE, 0.0)
    pairs = list(zip(one[1:], other[1:]))
    finite = [abs(number) for pair in pairs for number in pair if abs(number) < _INFINITE]
    return Difference(max(apart(*pair) for pair in pairs) if pairs else 0.0, max(finite, default=0.0))


def apart(one: float, other: float) -> float:
    """The distance of two numbers; none between two NaN or the same infinity, infinite to any other number."""
    if one == other or (one != one and other != other):
        return 0.0
    distance = abs(one - other)
    return distance if distance == distance else _INFINITE


def find_largest(ones: Optional[List[Numbers]], others: Optional[List[Numbers]]) -> Difference:
    """Of several pairs of arrays, the one that is furthest apart."""
    if ones is None and others is None:
        return Difference(0.0, 1.0)
    if ones is None or others is None or len(ones) != len(others):
        return Difference(_INFINITE, 0.0)
    found = [find_difference(one, other) for one, other in zip(ones, others)]
    return max(found, key=lambda difference: difference.relative, default=Difference(0.0, 1.0))


def are_within(ones: Optional[List[Numbers]], others: Optional[List[Numbers]], tolerance: Tolerance) -> bool:
    """Do all pairs of arrays agree?"""
    if ones is None or others is None or len(ones) != len(others):
        return False
    return all(find_difference(one, other).is_within(tolerance) for one, other in zip(ones, others))
