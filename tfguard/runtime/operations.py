"""Finds the first operation of a step whose result differs between two runs although its inputs agree."""

from typing import List, Optional

from tfguard.runtime.causes import Operation
from tfguard.runtime.comparing import Event
from tfguard.runtime.remedies import Traces, events_of


def find_operation(traces: Traces, step: int) -> Optional[Operation]:
    """Of the first run and another that differs from it, or None."""
    first = events_of(traces[:1], "op")
    for trace in traces[1:]:
        found = find_differing(first, events_of([trace], "op"))
        if found is not None:
            return Operation(found["type"], found["name"], found["device"], found["place"], step)
    return None


def find_differing(ours: List[Event], theirs: List[Event]) -> Optional[Event]:
    """The first operation with other results; None where the runs take different ways before there is one."""
    for one, other in zip(ours, theirs):
        if (one["type"], one["name"]) != (other["type"], other["name"]):
            return None
        if one["outputs"] != other["outputs"] and one["inputs"] == other["inputs"] and not one["opaque"]:
            return one
    return None
