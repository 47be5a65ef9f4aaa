"""Configs that a function of another file makes for a session (part of TFG201)."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from tfguard.rules.device.record import events_of
from tfguard.rules.device.sessions import Judgement, Memory, judge_config

from tfguard.analysis.calls import CallSite, Expr
from tfguard.analysis.file_model import FileModel
from tfguard.analysis.objects import history_of
from tfguard.analysis.project import Event, Program, ProjectFacts


@dataclass(frozen=True, slots=True, eq=False)
class Made:
    """A config that bounds no memory: the call that makes it, what was found, and the session that gets it."""

    call: CallSite
    judgement: Judgement
    session: Event


def unbounded_configs(facts: ProjectFacts, program: Program) -> Iterator[Made]:
    """The configs without a bound that functions of other files return to the program's sessions."""
    for session in events_of(program):
        name = session.item.payload.get("config_of")
        body = facts.find_body(facts.files[session.path], name) if name is not None else None
        if body is None or body.summary.path == session.path:
            continue
        file = facts.open(body.summary.path)
        function = file.resolver.functions.get(body.name)
        found = _returned(file, function) if isinstance(function, ast.FunctionDef) else None
        if found is not None:
            yield Made(*found, session)


def _returned(file: FileModel, function: ast.FunctionDef) -> tuple[CallSite, Judgement] | None:
    """The one config that a function returns, when it bounds no memory."""
    scope = file.index.scopes[function]
    nodes = [node for node in ast.walk(function) if isinstance(node, ast.Return)]
    values = [node.value for node in nodes if file.index.places[node].scope is scope]
    if len(values) != 1 or values[0] is None:
        return None
    expr = Expr(file, values[0])
    judgement = judge_config(expr, None)
    calls = [creation.expr.call for creation in history_of(expr, lambda _: False).creations]
    if judgement.memory is not Memory.UNBOUNDED or len(calls) != 1 or calls[0] is None:
        return None
    return calls[0], judgement
