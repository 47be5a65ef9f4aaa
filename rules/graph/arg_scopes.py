"""What `arg_scope` of slim gives to the calls inside it (part of the TFG3xx rules)."""

from __future__ import annotations

from collections.abc import Callable

from tfguard.analysis.flow.containers import items_of
from tfguard.analysis.flow.machine import Call, Machine
from tfguard.analysis.flow.values import External, Tensor, Value

_SCOPES = ("tensorflow.contrib.framework.arg_scope", "tensorflow.contrib.slim.arg_scope", "tf_slim.arg_scope")


class ArgScopes:
    """Answers for one followed program."""

    def __init__(self, machine: Machine, canonical: Callable[[str], str]) -> None:
        self.canonical = canonical
        made = (call for call in machine.calls if canonical(call.name) in _SCOPES)
        self._made = {id(call.result.node): call for call in made if isinstance(call.result, Tensor)}

    def keywords_of(self, call: Call, name: str) -> dict[str, Value] | None:
        """The keyword arguments that a function is called with there; None where a scope around it is not known."""
        found: dict[str, Value] = {}
        for context in call.contexts:
            scope = self._made.get(id(context.node)) if isinstance(context, Tensor) else None
            if scope is None:
                continue
            functions = items_of(scope.arguments[0]) if scope.arguments else None
            if functions is None or scope.has_more or not all(isinstance(one, External) for one in functions):
                return None
            if any(isinstance(one, External) and self.canonical(one.name) == name for one in functions):
                found.update(scope.keywords)
        if self.canonical(call.name) == name:
            found.update(call.keywords)
        return found
