"""What becomes of a function's parameter: which argument of a call gives it, and what it is when none does."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from tfguard.analysis.calls import CallSite, Expr
from tfguard.analysis.project import Event, ProjectFacts
from tfguard.analysis.scopes import BindingKind
from tfguard.analysis.summary import CALL
from tfguard.model import Span


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of the function around an expression, which reads it unchanged."""

    name: str
    #: Where a caller may give it by position (`self` is not counted), None for keyword-only ones.
    position: int | None
    #: Is it None when the caller gives nothing?
    is_none: bool


def parameter_of(expr: Expr) -> Parameter | None:
    """The parameter that an expression is."""
    node, file = expr.node, expr.file
    if not isinstance(node, ast.Name) or node not in file.index.places:
        return None
    bindings = file.resolver.bindings_of(node)
    function = file.resolver.functions.get(file.enclosing(node))
    if function is None or len(bindings) != 1 or bindings[0].kind is not BindingKind.PARAMETER:
        return None
    given = function.args
    names = [argument.arg for argument in (*given.posonlyargs, *given.args)]
    if node.id in names:
        first = given.defaults[names.index(node.id) - len(names) + len(given.defaults) :]
        default = first[0] if names.index(node.id) >= len(names) - len(given.defaults) else None
        is_method = file.resolver.definitions.class_of_parameter(function, names[0]) is not None
        return Parameter(node.id, names.index(node.id) - is_method, _is_none(default))
    only = [argument.arg for argument in given.kwonlyargs]
    if node.id in only:
        return Parameter(node.id, None, _is_none(given.kw_defaults[only.index(node.id)]))
    return None


def _is_none(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def call_without(facts: ProjectFacts, event: Event, parameter: Parameter) -> tuple[CallSite, Parameter] | None:
    """The call on the way to an event that leaves a parameter at its default None, or gives None for it.

    A caller that hands on a parameter of its own is followed further up; None where something else is given.
    """
    for (path, _), item in list(zip(event.chain, event.trail, strict=True))[-2::-1]:
        file = facts.open(path)
        call = next((call for call in file.calls if call.span == Span(item.start, item.end)), None)
        if item.kind != CALL or call is None or not parameter.is_none:
            return None
        if item.name not in call.names and not _is_method(call, item.name):
            return None
        argument = call.argument(parameter.name, parameter.position)
        if argument.is_absent or argument.is_constant(None):
            return call, parameter
        above = parameter_of(argument.expr) if argument.expr is not None else None
        if above is None:
            return None
        parameter = above
    return None


def _is_method(call: CallSite, name: str) -> bool:
    return call.receiver is not None and call.written.rpartition(".")[2].strip() == name.rpartition(".")[2]
