"""Summaries of a followed program, and what merges them (part of the TFG3xx rules)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tfguard.rules.graph.scopes import leads_to, text_of

from tfguard.analysis.flow.graph import Mode
from tfguard.analysis.flow.machine import Call, Machine, unknown_of
from tfguard.analysis.flow.values import Const, External, Sequence, Tensor, Unknown, Value, join

if TYPE_CHECKING:
    from tfguard.rules.graph.library import TensorLibrary

_COLLECTIONS = "collections"
_SUMMARIES = "summaries"


def make_summary(library: TensorLibrary, machine: Machine, call: Call) -> Value:
    """`tf.summary.scalar(...)`: an op, and an element of the collection of summaries."""
    made: Value = library.op(machine, call, library.canonical(call.name))
    given = call.argument(_COLLECTIONS)
    is_default = given is None or (isinstance(given, Const) and given.value is None)
    if isinstance(made, Tensor) and is_default and not call.has_more:
        library.summaries.append(made.node)
    return made


def merge_all(library: TensorLibrary, machine: Machine, call: Call) -> Value:
    """`tf.summary.merge_all()`: an op that computes every summary of the graph."""
    made = machine.make(library.canonical(call.name), call.node, call.file)
    if call.arguments or call.keywords or call.has_more:
        made.wild = True
        return Tensor(made)
    here = [node for node in library.summaries if node.graph is machine.graph and machine.graph is not None]
    made.inputs = [(node, Mode.MAYBE) for node in here]
    made.needs = [node for node in here if leads_to(node.branches, tuple(machine.branches)) and not node.many]
    return Tensor(made)


def get_collection(library: TensorLibrary, machine: Machine, call: Call) -> Value:
    """`tf.get_collection(key, scope)`: all summaries are known, of the others any tensor may be in it."""
    key, scope = call.argument("key", 0), call.argument("scope", 1)
    name = key.name.rpartition(".")[2].lower() if isinstance(key, External) else text_of(key)
    here = [node for node in library.summaries if node.graph is machine.graph and machine.graph is not None]
    if name == _SUMMARIES and here:
        values: list[Value] = [Tensor(node) for node in here]
        is_sure = all(leads_to(node.branches, tuple(machine.branches)) and not node.many for node in here)
        is_whole = scope is None or (isinstance(scope, Const) and scope.value in (None, ""))
        if is_whole and is_sure:
            return Sequence("list", values, born=machine.conditional)
        return Sequence("list", None, join([*values, Unknown("it is one of the summaries")]))
    return unknown_of("it may be any tensor", *call.arguments, wild=True)
