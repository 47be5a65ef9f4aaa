"""The gradients of followed programs that are None and do harm (part of the TFG3xx rules)."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from tfguard.rules.graph.following import followed_with
from tfguard.rules.graph.library import Asked, TensorLibrary
from tfguard.rules.graph.tapes import Raised
from tfguard.rules.graph.uses import Use, uses_of

from tfguard.analysis.file_model import FileModel
from tfguard.analysis.flow.graph import Reach
from tfguard.analysis.flow.machine import Call, Machine
from tfguard.analysis.flow.values import NoGradient, Value, alternatives
from tfguard.analysis.project import ProjectFacts
from tfguard.rule import Recorder
from tfguard.tables import load_evidence

#: Which files ask for gradients.
GRADIENTS = Recorder("gradients", evidence=load_evidence())

_TAPE = ".GradientTape"
_THEANO = ("theano.grad", "theano.tensor.grad", "theano.gradient.grad")


@GRADIENTS.facts(mentions=("tensorflow", "theano"))
def asks_for_gradients(file: FileModel) -> bool | None:
    """Does the file ask for gradients: of TensorFlow 1, of a tape, or of Theano?"""
    wanted = ("tensorflow.gradients", "keras.backend.gradients", *_THEANO)
    names = {file.knowledge.canonical(name) for call in file.calls for name in call.names}
    ends = ("Optimizer.compute_gradients", "Optimizer.minimize")
    return True if any(name in wanted or name.endswith((*ends, _TAPE)) for name in names) else None


@dataclass(frozen=True, slots=True, eq=False)
class Missing:
    """A gradient that is None, what proves it, and what goes wrong with it."""

    asked: Asked
    none: NoGradient
    reach: Reach
    #: "run": it is fetched; "used": an op or operator is given it; "skipped": its variable is not trained; "applied":
    #: none is left to be trained; "raised": asking for it fails; "": none of it.
    harm: str
    uses: tuple[Use, ...] = ()


def missing_gradients(facts: ProjectFacts) -> tuple[Missing, ...]:
    """The gradients that are None and do harm, in all programs of the project, each call once."""
    found: tuple[Missing, ...] = facts.once("missing gradients", lambda: tuple(_all(facts)))
    return found


def _all(facts: ProjectFacts) -> Iterator[Missing]:
    asking = facts.facts_of(GRADIENTS.key)
    seen: set[tuple[str, int, object]] = set()
    for followed in followed_with(facts, asking):
        for missing in _of_program(followed.machine, followed.library):
            call = missing.asked.call
            key = (call.file.path, call.node.lineno, _identity(missing))
            if key not in seen:
                seen.add(key)
                yield missing


def _identity(missing: Missing) -> object:
    """What makes it one finding: the variable; for a tape, which is made anew in each round, its place."""
    none = missing.none
    if missing.asked.tape is None:
        return none.of.number
    return none.cause if none.cause == "outside" else (none.of.place, none.cause)


def _of_program(machine: Machine, library: TensorLibrary) -> Iterator[Missing]:
    uses = uses_of(machine, library)
    for asked in library.asked:
        for _, value in asked.gradients:
            for gradient in alternatives(value):
                if isinstance(gradient, NoGradient) and _is_sure(value, gradient):
                    used = tuple(uses.get(id(gradient), ()))
                    harm = _harm(machine, asked, gradient, {use.kind for use in used})
                    if harm is not None:
                        yield Missing(asked, gradient, gradient.proof, harm, used)


def _is_sure(value: Value, gradient: NoGradient) -> bool:
    """Is it None on every way, or because the variable was lost in the round before?"""
    return value is gradient or gradient.cause == "reassigned"


def _harm(machine: Machine, asked: Asked, gradient: NoGradient, kinds: set[str]) -> str | None:
    """What goes wrong with a gradient that is None; None where the program copes with it."""
    if asked.call.name in _THEANO:
        return "raised"
    if "run" in kinds:
        return "run"
    if kinds - {"skipped"}:
        return "used"
    if asked.call.name.endswith(".minimize") or "skipped" in kinds:
        is_nothing_left = all(isinstance(value, NoGradient) for _, value in asked.gradients)
        if asked.is_explicit:
            return "applied" if is_nothing_left else "skipped"
        if is_nothing_left and gradient is asked.gradients[0][1]:
            return "applied"
    return "" if asked.tape is not None and not any(one is gradient for one in machine.checked) else None


def has_own_cause(missing: Missing) -> bool:
    """Is the question wrong (it names the variable), not only what is done with the answer for all variables?"""
    return missing.asked.is_explicit or missing.harm not in ("run", "used")


def raising_calls(facts: ProjectFacts) -> Iterator[Raised]:
    """The calls of tapes that raise, in all programs of the project, each once."""
    asking = facts.facts_of(GRADIENTS.key)
    seen: set[tuple[str, int, str]] = set()
    for followed in followed_with(facts, asking):
        for raised in followed.library.raised:
            key = (raised.call.file.path, raised.call.node.lineno, raised.cause)
            if key not in seen and not is_expected(raised.call):
                seen.add(key)
                yield raised


def is_expected(call: Call) -> bool:
    """Does the program itself reckon with an exception, by `try` or by a test's `with …raises(…)`?"""
    places = call.file.index.places
    here: ast.AST = call.node
    while here in places and not isinstance(here, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
        parent = places[here].parent
        if isinstance(parent, ast.Try) and parent.handlers and here in parent.body:
            return True
        if isinstance(parent, ast.With) and any("aises" in ast.unparse(item.context_expr) for item in parent.items):
            return True
        here = parent
    return False
