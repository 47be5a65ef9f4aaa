"""Compares two traces, bit for bit or within a tolerance: where do they part first?"""

from typing import Any, Dict, List, NamedTuple, Optional

from tfguard.runtime.magnitudes import Tolerance, are_within
from tfguard.runtime.printed import find_printed_difference

Event = Dict[str, Any]

#: Name, digest and numbers.
Weight = List[Any]

#: The kinds of events that are compared; the others are evidence.
COMPARED = ("initial", "step", "end", "printed", "file")


class Divergence(NamedTuple):
    """The first difference between two runs."""

    #: What differs, as a person reads it.
    what: str
    #: `initial`, `inputs`, `outputs`, `weights`, `end`, `printed`, `file` or `course`.
    kind: str
    #: The step in which it was seen; None before the first and after the last.
    step: Optional[int]
    #: The variable or function.
    name: Optional[str]
    #: The line of the program that made the variable.
    place: Optional[str]


def find_divergence(
    first: List[Event], second: List[Event], tolerance: Optional[Tolerance] = None
) -> Optional[Divergence]:
    """The first difference of two traces, or None; with a tolerance, the first that is larger."""
    ours, theirs = compared_in(first), compared_in(second)
    for one, other in zip(ours, theirs):
        found = compare_events(one, other, tolerance)
        if found is not None:
            return found
    if len(ours) == len(theirs):
        return None
    longer = max(ours, theirs, key=len)[min(len(ours), len(theirs))]
    what = "one run goes on where the other ends: {}".format(describe(longer))
    return Divergence(what, "course", longer.get("number"), longer.get("name"), None)


def compared_in(trace: List[Event]) -> List[Event]:
    """The events that are compared."""
    return [event for event in trace if event["kind"] in COMPARED]


def compare_events(one: Event, other: Event, tolerance: Optional[Tolerance]) -> Optional[Divergence]:
    """What differs between two events in the same place."""
    step, name = one.get("number"), one.get("name")
    if (one["kind"], name) != (other["kind"], other.get("name")):
        what = "the runs take different ways: {} and {}".format(describe(one), describe(other))
        return Divergence(what, "course", step, name, None)
    if one["kind"] == "file":
        return compare_files(one, other)
    if one["kind"] == "printed":
        printed = find_printed_difference(one, other, tolerance)
        return None if printed is None else Divergence(printed, "printed", None, name, None)
    if one["kind"] == "initial" and not is_same_weight(value_of(one), value_of(other), tolerance):
        return Divergence("the first value of {}".format(describe(one)), "initial", None, name, one.get("place"))
    for key, what in (("inputs", "what goes into"), ("outputs", "what comes out of")):
        if not is_same_reading(one, other, key, tolerance):
            made = one.get("made")
            if key == "outputs" and made:
                whole = "{} {}, in which variables get their first values: {}"
                first = describe({"kind": "initial", "name": made[0][0], "place": made[0][1]})
                return Divergence(whole.format(what, describe(one), first), key, step, made[0][0], made[0][1])
            return Divergence("{} {}".format(what, describe(one)), key, step, name, None)
    return compare_weights(one, other, tolerance)


def value_of(event: Event) -> Weight:
    """The first value of a variable, as the values after a step are written."""
    return [event["name"], event["digest"], event.get("numbers")]


def is_same_reading(one: Event, other: Event, key: str, tolerance: Optional[Tolerance]) -> bool:
    """Are the inputs or outputs of two steps the same?"""
    if one.get(key) == other.get(key):
        return True
    ours, theirs = (event.get("numbers", {}).get(key) for event in (one, other))
    return tolerance is not None and are_within(ours, theirs, tolerance)


def compare_weights(one: Event, other: Event, tolerance: Optional[Tolerance]) -> Optional[Divergence]:
    """The first variable whose value differs after a step or at the end."""
    ours, theirs = one.get("weights") or [], other.get("weights") or []
    for weight, another in zip(ours, theirs):
        if not is_same_weight(weight, another, tolerance):
            what = "`{}` after {}".format(weight[0], describe(one))
            return Divergence(what, "end" if one["kind"] == "end" else "weights", one.get("number"), weight[0], None)
    if len(ours) != len(theirs):
        return Divergence(
            "the number of variables after {}".format(describe(one)), "course", one.get("number"), None, None
        )
    return None


def is_same_weight(one: Weight, other: Weight, tolerance: Optional[Tolerance]) -> bool:
    """The same name, and the same value?"""
    if list(one[:2]) == list(other[:2]):
        return True
    return tolerance is not None and one[0] == other[0] and are_within(one[2:], other[2:], tolerance)


def compare_files(one: Event, other: Event) -> Optional[Divergence]:
    """A file of the same name, by its parts where it is an archive."""
    if one["digest"] == other["digest"]:
        return None
    ours, theirs = dict(one["parts"]), dict(other["parts"])
    parts = [part for part in sorted({*ours, *theirs}) if ours.get(part) != theirs.get(part)]
    what = "`{}` in {}".format(parts[0], describe(one)) if parts else describe(one)
    return Divergence(what, "file", None, one["name"], None)


def describe(event: Event) -> str:
    """An event in words."""
    if event["kind"] == "step":
        return "step {} (`{}`)".format(event["number"], event["name"])
    if event["kind"] == "initial":
        place = " ({})".format(event["place"]) if event.get("place") else ""
        return "`{}`{}".format(event["name"], place)
    if event["kind"] == "file":
        return "the file `{}`".format(event["name"])
    if event["kind"] == "printed":
        return "what is printed"
    return "the last step"


def count_steps(trace: List[Event]) -> int:
    """How many steps a run made."""
    return sum(event["kind"] == "step" for event in trace)
