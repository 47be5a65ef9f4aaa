"""Gradient tapes: what each records, and which of the gradients asked of it are None (part of the TFG3xx rules)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from tfguard.rules.graph.arguments import is_set

from tfguard.analysis.flow.graph import Answer, Backward, Kind, Mode, Node, Passes, Reach, reach
from tfguard.analysis.flow.machine import Call, Machine, unknown_of
from tfguard.analysis.flow.values import (
    Const,
    External,
    Mapping,
    NoGradient,
    Sequence,
    Tensor,
    Unknown,
    Value,
    alternatives,
    join,
    nodes_of,
)

if TYPE_CHECKING:
    from tfguard.rules.graph.library import TensorLibrary

#: Positions of the arguments that the methods of a tape share.
_ZERO_AT = {"gradient": 3, "jacobian": 2, "batch_jacobian": 2}
_NUMPY = "numpy"


@dataclass(slots=True, eq=False)
class Tape:
    """One `tf.GradientTape`."""

    made: External
    #: The tensors and variables that it was told to watch, each with the number of nodes that existed then.
    watched: dict[Node, int] = field(default_factory=dict)
    is_entered: bool = False
    #: The number of nodes that existed when its `with` block began.
    begun: int = 0
    #: It may have recorded or watched more than was followed.
    is_unsure: bool = False
    #: The first call that asks it for gradients, where that is surely made before any other.
    first: Call | None = None

    def option(self, keyword: str, position: int, default: bool) -> bool | None:
        """What was said when it was made; None: not known."""
        arguments, keywords = self.made.arguments, self.made.keywords
        value = keywords.get(keyword, arguments[position] if position < len(arguments) else None)
        if value is None:
            return default
        return bool(value.value) if isinstance(value, Const) else None

    @property
    def is_known(self) -> bool:
        """Is it known what it recorded?"""
        return self.is_entered and not self.is_unsure and not self.made.is_passed_on

    def records(self, node: Node) -> bool:
        """Was the tape recording when the node was made?"""
        return self.made in node.contexts and not any(self._stops(context) for context in node.contexts)

    def _stops(self, context: object) -> bool:
        return isinstance(context, External) and context.arguments[:1] == (self.made,)


@dataclass(frozen=True, slots=True, eq=False)
class Raised:
    """A call of a tape's method that raises."""

    #: "second": the tape is spent; "number", "array": it is asked of what is no tensor; "watch": told to watch it.
    cause: str
    call: Call
    tape: Tape
    value: Value | None = None


def is_plain(library: TensorLibrary, node: Node) -> bool:
    """Does what made a node always compute something new, never give back what it was given?"""
    table = library.table
    if node.api in table.same:
        return False
    is_known = node.api in table.modes or node.api in table.blocked_arguments
    return is_known or node.api.startswith(table.plain) or not node.api[:1].isalpha() or node.api == "gradient"


def of_values(library: TensorLibrary, machine: Machine, call: Call, name: str) -> Value:
    """A function of a package that knows no tensors: of a tensor it takes the numbers, which have no gradient."""
    tensors = [value for value in call.arguments if isinstance(value, Tensor)]
    if name.startswith("numpy.") and tensors and any(tape_of(library, context) for context in machine.contexts):
        return Tensor(machine.make(name, call.node, call.file, inputs=[(one, Mode.BLOCKED) for one in tensors]))
    nodes, wild = nodes_of(*call.arguments, *call.keywords.values())
    return Unknown(f"`{name}` is not followed", nodes, wild, name)


def tape_of(library: TensorLibrary, value: Value | None) -> Tape | None:
    """The tape that a value surely is."""
    if not isinstance(value, External) or library.canonical(value.name) not in library.table.tapes:
        return None
    return library.tapes.setdefault(id(value), Tape(value)) if value.made_by is not None else None


def note_enter(library: TensorLibrary, machine: Machine, context: Value) -> None:
    """A `with` has begun: a tape records from now on."""
    for one in alternatives(context):
        tape = tape_of(library, one)
        if tape is not None:
            tape.is_unsure = tape.is_unsure or one is not context or tape.first is not None
            tape.is_entered, tape.first, tape.begun = True, None, len(machine.nodes)


def note_arguments(library: TensorLibrary, call: Call) -> None:
    """A call of a library may do anything with the tapes among its arguments."""
    for value in (*call.arguments, *call.keywords.values()):
        tape = tape_of(library, value)
        if tape is not None:
            tape.is_unsure = True


# -- the methods of a tape ------------------------------------------------------------------------------------


def watch(library: TensorLibrary, machine: Machine, call: Call) -> Value:
    """`tape.watch(tensor)`."""
    tape, value = tape_of(library, call.receiver), call.argument("tensor", 0)
    if tape is None or value is None:
        return Const(None)
    if _is_array(library, value) and _is_made_here(call, "tensor", 0):
        library.raised.append(Raised("watch", call, tape, value))
    nodes, wild = nodes_of(value)
    is_certain = all(isinstance(one, (Tensor, Sequence, Const)) for one in alternatives(value))
    tape.is_unsure = tape.is_unsure or wild or not is_certain
    waiting = list(nodes)
    while waiting:
        node = waiting.pop()
        tape.watched.setdefault(node, len(machine.nodes))
        if node.api in library.table.same:
            waiting += [before for before, _ in node.inputs if before not in tape.watched]
    return Const(None)


def other_method(library: TensorLibrary, machine: Machine, call: Call) -> Value:
    """A method after which it is not known what the tape holds: `reset`, `__enter__`."""
    tape = tape_of(library, call.receiver)
    if tape is not None:
        tape.is_unsure = True
    return unknown_of("a tape gives it", *call.arguments, wild=True)


def stop_recording(library: TensorLibrary, machine: Machine, call: Call) -> Value:
    """`with tape.stop_recording():`."""
    receiver = call.receiver if call.receiver is not None else Unknown("no receiver", wild=True)
    return External(call.name, call.node, (receiver,))


def ask(library: TensorLibrary, machine: Machine, call: Call) -> Value:
    """`tape.gradient(target, sources)`, `tape.jacobian(…)`, `tape.batch_jacobian(…)`."""
    method = call.name.rpartition(".")[2]
    tape, ys = tape_of(library, call.receiver), call.argument("target", 0)
    xs = call.argument("source" if method == "batch_jacobian" else "sources", 1)
    if ys is None or xs is None:
        return Unknown("an argument is not known", wild=True)
    if tape is None:
        return unknown_of("it is a gradient", ys, xs)
    _spend(library, machine, tape, call)
    is_zero = is_set(call.argument("unconnected_gradients", _ZERO_AT[method]))
    question = Question(library, machine, call, tape, ys, may_be_none=not is_zero)
    answer = _each(xs, question)
    library.note_asked(call, ys, tuple(question.found), xs, tape)
    return answer


def _spend(library: TensorLibrary, machine: Machine, tape: Tape, call: Call) -> None:
    """A tape that is not persistent answers once."""
    if tape.option("persistent", 0, default=False) is not False or not tape.is_known:
        return
    if tape.first is not None:
        library.raised.append(Raised("second", call, tape))
    elif machine.conditional <= tape.made.born:
        tape.first = call


def _each(xs: Value, question: Question) -> Value:
    """The same structure, with each element's gradient in its place."""
    if isinstance(xs, Sequence):
        rest = question.any_of(xs.rest) if xs.rest is not None else None
        return Sequence(xs.kind, [_each(item, question) for item in xs.items] if xs.items is not None else None, rest)
    if isinstance(xs, Mapping):
        rest = question.any_of(xs.rest) if xs.rest is not None else None
        return Mapping({key: _each(item, question) for key, item in xs.items.items()}, rest)
    return join([question.gradient(one) for one in alternatives(xs)])


# -- one question -----------------------------------------------------------------------------------------------


@dataclass(slots=True, eq=False)
class Question:
    """One call that asks a tape for the gradients of a result."""

    library: TensorLibrary
    machine: Machine
    call: Call
    tape: Tape
    ys: Value
    may_be_none: bool
    found: list[tuple[Value, Value]] = field(default_factory=list)
    #: The ways back from the results, strictly those that were recorded or all that may have been.
    ways: dict[bool, Backward] = field(default_factory=dict)

    def gradient(self, x: Value) -> Value:
        """The gradient with respect to one source."""
        if isinstance(x, Const) and isinstance(x.value, (int, float)):
            self.library.raised.append(Raised("number", self.call, self.tape, x))
            return Unknown("asking for it raises")
        if _is_array(self.library, x):
            if not _is_made_here(self.call, "sources", 1):
                return Unknown("the array may have become a tensor on its way")
            is_refused = any(raised.tape is self.tape and raised.value is x for raised in self.library.raised)
            if is_refused:
                return Unknown("watching it raises")
            self.library.raised.append(Raised("array", self.call, self.tape, x))
            return Unknown("asking for it raises")
        lost = self.lost(x) if self.may_be_none and self.tape.is_known and not self.library.is_overridden else None
        inputs = [(self.ys, Mode.MAYBE), (x, Mode.MAYBE)]
        value = lost or Tensor(self.machine.make("gradient", self.call.node, self.call.file, inputs=inputs))
        self.found.append((x, value))
        return value

    def any_of(self, xs: Value) -> Value:
        """The gradients with respect to a list of which is known what it may hold: None only where they all are."""
        before = len(self.found)
        values = [self.gradient(one) for one in alternatives(xs)]
        kept = self.found[before:]
        del self.found[before:]
        if not all(isinstance(value, NoGradient) for value in values):
            return Tensor(self.machine.make("gradient", self.call.node, self.call.file, inputs=[(xs, Mode.MAYBE)]))
        self.found += kept[:1]
        return values[0]

    def lost(self, x: Value) -> NoGradient | None:
        """The None that is given for a source; None where it may be a gradient."""
        results, wild = nodes_of(self.ys)
        if wild or not results or not all(isinstance(y, (Tensor, Sequence)) for y in alternatives(self.ys)):
            return None
        if not isinstance(x, Tensor):
            is_outside = all(self.is_outside(node) for node in results)
            return self.none(results[0], Reach(Answer.NO), "outside") if is_outside else None
        if x.node in results:
            return None
        found = self.answer(results, x.node)
        cause = "integer" if x.node.dtype == "int" else self.unwatched(x.node)
        if found.answer is Answer.NO:
            return self.none(x.node, found, self.cause(results, x.node, found))
        return self.none(x.node, found, cause) if cause else None

    def none(self, node: Node, proof: Reach, cause: str) -> NoGradient:
        """The None, with what proves it."""
        return NoGradient(node, self.call.node, proof, cause)

    def is_outside(self, node: Node) -> bool:
        """Was it surely computed by an op that the tape has not recorded?"""
        is_op = node.kind is Kind.OP and is_plain(self.library, node)
        return is_op and not self.tape.records(node) and node not in self.tape.watched

    def unwatched(self, x: Node) -> str:
        """Why the tape knows nothing of a source; empty where it may know it."""
        if x in self.tape.watched:
            return ""
        if x.kind is Kind.VARIABLE:
            if not x.trainable:
                return "not trainable"
            return "not accessed" if self.tape.option("watch_accessed_variables", 1, default=True) is False else ""
        if not self._is_unwatched_tensor(x, set()):
            return ""
        is_former = any(
            b.label == x.label != "" and (b.kind is Kind.VARIABLE or b.place is x.place) for b, _ in x.inputs
        )
        return "reassigned" if is_former and not x.api[:1].isalpha() else "unwatched"

    def _is_unwatched_tensor(self, x: Node, seen: set[Node]) -> bool:
        """Is it surely a tensor that was made before the tape, or within it of nothing that the tape watches?"""
        if x in seen:
            return True
        seen.add(x)
        if x.kind is Kind.VARIABLE or x in self.tape.watched:
            return False
        is_same = x.api in self.library.table.same
        if not (is_plain(self.library, x) or is_same or x.kind is Kind.PLACEHOLDER):
            return False
        if not self.tape.records(x) and not is_same:
            return True
        if x.wild and self.tape.records(x):
            return False
        return all(
            self._is_unwatched_tensor(before, seen) or (is_same and before.kind is Kind.VARIABLE)
            for before, _ in x.inputs
        )

    # -- ways through what the tape recorded ------------------------------------------------------------------------

    def back(self, results: tuple[Node, ...], x: Node, *, strict: bool = False, late: bool = False) -> Reach:
        """Follow what the tape recorded, from the results to a source."""
        since = 0 if late or self._is_accessed(x) else self.tape.watched.get(x, 0)
        if not strict and since and self._is_recording_before(x, since):
            since = 0
        if since:
            return reach(results, x, passes=self.passes(x, since, strict=strict))
        if strict not in self.ways:
            self.ways[strict] = Backward(results, self.passes(x, 0, strict=strict))
        return self.ways[strict].to(x)

    def passes(self, x: Node, since: int, *, strict: bool) -> Passes:
        """The ways that the tape recorded; an op that may give back its argument may be none at all."""

        def check(node: Node, before: Node | None) -> bool:
            if not self.tape.records(node):
                return not strict and not is_plain(self.library, node)
            return not since or before is not x or node.number >= since

        return check

    def _is_recording_before(self, x: Node, since: int) -> bool:
        """May an op that was given the source be recorded for the sake of another, before the source is watched?"""
        return self.library.has_traced or any(
            before is not x and (before.kind is Kind.VARIABLE or before in self.tape.watched)
            for node in self.machine.nodes[self.tape.begun : since]
            for before, _ in node.inputs
        )

    def _is_accessed(self, x: Node) -> bool:
        """Is it a variable that the tape watches from its first use on?"""
        is_accessing = self.tape.option("watch_accessed_variables", 1, default=True) is not False
        return self.tape.records(x) or (x.kind is Kind.VARIABLE and x.trainable and is_accessing)

    def answer(self, results: tuple[Node, ...], x: Node) -> Reach:
        """Does a gradient lead from the results to a source?"""
        found = self.back(results, x, strict=True)
        if found.answer is Answer.YES:
            return found
        found = self.back(results, x)
        return replace(found, answer=Answer.UNDECIDED) if found.answer is Answer.YES else found

    def cause(self, results: tuple[Node, ...], x: Node, found: Reach) -> str:
        """Why there is no way; empty where the graph has none either."""
        if any(wall.api.split(".")[0] == _NUMPY for wall in found.blocked):
            return _NUMPY
        if x in self.tape.watched and self.back(results, x, late=True).answer is not Answer.NO:
            return "late"
        whole = reach(results, x)
        if any(wall.api.split(".")[0] == _NUMPY for wall in whole.blocked):
            return _NUMPY
        if whole.answer is not Answer.NO:
            return "outside"
        return "new" if self.unwatched(x) and all(x.number > node.number for node in results) else ""


def _is_made_here(call: Call, keyword: str, position: int) -> bool:
    """Is what the call is given an array where it is given: not one that Keras or `tf.function` makes a tensor of?"""
    expr = call.file.call_site(call.node).argument(keyword, position).expr
    parts = [expr, *(expr.elements or ())] if expr is not None else []
    made = [part.origin.call for part in parts]
    return any(one is not None and all(name.startswith(_NUMPY) for name in one.canonical_names) for one in made)


def _is_array(library: TensorLibrary, value: Value) -> bool:
    """Is it surely an array of NumPy?"""
    if isinstance(value, Tensor):
        return value.node.api.split(".")[0] == _NUMPY
    return isinstance(value, Unknown) and value.made_by in library.table.arrays


MAKERS = {"watch": watch, "ask a tape": ask, "stop recording": stop_recording, "disturb a tape": other_method}
