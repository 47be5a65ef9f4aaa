"""How far two runs are apart in each step, for the plot of the divergence."""

from typing import Any, Dict, List, NamedTuple, Optional

from tfguard.runtime.comparing import value_of
from tfguard.runtime.magnitudes import find_largest

Event = Dict[str, Any]


class Distance(NamedTuple):
    """Of one step of two runs: 0 for the same bits, infinite where they cannot be compared, None where nothing is."""

    number: int
    inputs: Optional[float]
    outputs: Optional[float]
    weights: Optional[float]


def iter_distances(first: List[Event], second: List[Event]) -> List[Distance]:
    """Of the steps that both runs have, in units of the largest magnitude of each array."""
    ours, theirs = ([event for event in trace if event["kind"] == "step"] for trace in (first, second))
    return [find_distance(one, other) for one, other in zip(ours, theirs)]


def find_distance(one: Event, other: Event) -> Distance:
    """Of one step."""
    inputs, outputs = (reading_apart(one, other, key) for key in ("inputs", "outputs"))
    return Distance(one["number"], inputs, outputs, weights_apart(one.get("weights"), other.get("weights")))


def reading_apart(one: Event, other: Event, key: str) -> Optional[float]:
    """Of what went in or came out."""
    if one.get(key) is None and other.get(key) is None:
        return None
    if one.get(key) == other.get(key):
        return 0.0
    return hidden(find_largest(*(event.get("numbers", {}).get(key) for event in (one, other))).relative)


def weights_apart(ours: Any, theirs: Any) -> Optional[float]:
    """Of the weights, where both runs recorded them."""
    if not ours or not theirs:
        return None
    if [weight[:2] for weight in ours] == [weight[:2] for weight in theirs]:
        return 0.0
    if [weight[0] for weight in ours] != [weight[0] for weight in theirs]:
        return float("inf")
    pairs = [(one[2:], other[2:]) for one, other in zip(ours, theirs) if one[1] != other[1]]
    return max(hidden(find_largest(*pair).relative) for pair in pairs)


def hidden(relative: float) -> float:
    """The bits differ; where no recorded number does, the difference is smaller than can be seen."""
    return relative or SMALLEST


#: The place on the plot of differences that no recorded number shows.
SMALLEST = 1e-9


def largest_difference(first: List[Event], second: List[Event]) -> float:
    """Of all values, first to last: the smallest tolerance that takes the runs for the same."""
    pairs = [(one, other) for one, other in zip(first, second) if one["kind"] == other["kind"]]
    found = [value for one, other in pairs for value in values_apart(one, other)]
    return max((value for value in found if value is not None), default=0.0)


def values_apart(one: Event, other: Event) -> List[Optional[float]]:
    """All numbers that are compared of two events."""
    if one["kind"] == "initial":
        return [weights_apart([value_of(one)], [value_of(other)])]
    if one["kind"] == "step":
        return list(find_distance(one, other)[1:])
    return [weights_apart(one.get("weights"), other.get("weights"))] if one["kind"] == "end" else []
