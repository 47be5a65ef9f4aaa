"""Compares two traces bit for bit: where do they part first?"""

from typing import Any, Dict, List, NamedTuple, Optional

Event = Dict[str, Any]

#: The kinds of events that are compared; the others are evidence.
COMPARED = ("initial", "step", "end")


class Divergence(NamedTuple):
    """The first difference between two runs."""

    #: What differs, as a person reads it.
    what: str
    #: `initial`, `inputs`, `outputs`, `weights`, `end` or `course`.
    kind: str
    #: The step in which it was seen; None before the first and after the last.
    step: Optional[int]
    #: The variable or function.
    name: Optional[str]
    #: The line of the program that made the variable.
    place: Optional[str]


def find_divergence(first: List[Event], second: List[Event]) -> Optional[Divergence]:
    """The first difference of two traces, or None."""
    ours, theirs = compared_in(first), compared_in(second)
    for one, other in zip(ours, theirs):
        found = compare_events(one, other)
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


def compare_events(one: Event, other: Event) -> Optional[Divergence]:
    """What differs between two events in the same place."""
    step, name = one.get("number"), one.get("name")
    if (one["kind"], name) != (other["kind"], other.get("name")):
        what = "the runs take different ways: {} and {}".format(describe(one), describe(other))
        return Divergence(what, "course", step, name, None)
    if one["kind"] == "initial" and one["digest"] != other["digest"]:
        return Divergence("the first value of {}".format(describe(one)), "initial", None, name, one.get("place"))
    for key, what in (("inputs", "what goes into"), ("outputs", "what comes out of")):
        if one.get(key) != other.get(key):
            made = one.get("made")
            if key == "outputs" and made:
                whole = "{} {}, in which variables get their first values: {}"
                first = describe({"kind": "initial", "name": made[0][0], "place": made[0][1]})
                return Divergence(whole.format(what, describe(one), first), key, step, made[0][0], made[0][1])
            return Divergence("{} {}".format(what, describe(one)), key, step, name, None)
    return compare_weights(one, other)


def compare_weights(one: Event, other: Event) -> Optional[Divergence]:
    """The first variable whose value differs after a step or at the end."""
    ours, theirs = one.get("weights") or [], other.get("weights") or []
    for weight, another in zip(ours, theirs):
        if list(weight) != list(another):
            what = "`{}` after {}".format(weight[0], describe(one))
            return Divergence(what, "end" if one["kind"] == "end" else "weights", one.get("number"), weight[0], None)
    if len(ours) != len(theirs):
        return Divergence(
            "the number of variables after {}".format(describe(one)), "course", one.get("number"), None, None
        )
    return None


def describe(event: Event) -> str:
    """An event in words."""
    if event["kind"] == "step":
        return "step {} (`{}`)".format(event["number"], event["name"])
    if event["kind"] == "initial":
        place = " ({})".format(event["place"]) if event.get("place") else ""
        return "`{}`{}".format(event["name"], place)
    return "the last step"


def count_steps(trace: List[Event]) -> int:
    """How many steps a run made."""
    return sum(event["kind"] == "step" for event in trace)
