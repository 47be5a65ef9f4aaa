"""The words of findings about gradients that are None (part of the TFG3xx rules)."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tfguard.rules.graph.followed import Missing

from tfguard.analysis.calls import CallSite
from tfguard.analysis.file_model import FileModel
from tfguard.analysis.flow.graph import Kind, Node
from tfguard.model import Note

#: What a person sees when the None is run or used.
MESSAGES = (
    "DisconnectedInputError: grad method was asked to compute the gradient with respect to a variable",
    "Fetch argument None has invalid type <class 'NoneType'>",
    'Argument `fetch` = None has invalid type "NoneType"',
    "None values not supported",
    "No gradients provided for any variable",
    "Tried to convert 'values' to a tensor and failed",
)
HARM = {
    "run": "running it fails",
    "used": "what is computed from it fails",
    "skipped": "the variable is never trained",
    "raised": "asking for it raises a DisconnectedInputError",
    "applied": "no gradient is left to be applied, which fails",
    "": "nothing says so",
}
_LONGEST = 40


def call_of(missing: Missing) -> CallSite:
    """The call that asks for the gradient."""
    file: FileModel = missing.asked.call.file
    return file.call_site(missing.asked.call.node)


def result_of(missing: Missing) -> str:
    """What the gradient is asked of, as written, when it is short."""
    call = call_of(missing)
    loss = call.argument("loss", None if call.written.endswith("gradients") and call.receiver is None else 0)
    keyword = "target" if missing.asked.tape is not None else "cost" if missing.harm == "raised" else "ys"
    given = loss if loss.expr is not None else call.argument(keyword, 0)
    text = given.expr.text if given.expr is not None else ""
    return f"`{text}`" if text and len(text) <= _LONGEST and "\n" not in text else "the result"


def consequence_of(missing: Missing) -> str:
    """What comes of it."""
    what = HARM[missing.harm]
    return what if missing.harm == "raised" else f"its gradient is None, and {what}"


def title_of(missing: Missing) -> str:
    """What the gradient is asked for: the variable, or the list of a model's."""
    given = call_of(missing).argument("sources", 1)
    is_list = missing.none.of.api.startswith("keras.layers.") and given.expr is not None
    text = given.expr.text if is_list and given.expr is not None else ""
    return text if text and len(text) <= _LONGEST and "\n" not in text else missing.none.of.title


def notes_on(missing: Missing) -> Iterator[Note]:
    """Where the variable is made, and what the result is computed from instead."""
    variable, result = missing.none.of, result_of(missing)
    yield place_of(variable, f"`{title_of(missing)}` is made here")
    used = list(dict.fromkeys(node.title for node in missing.reach.depends_on if node.kind is Kind.VARIABLE))
    names = ", ".join(f"`{name}`" for name in used[:6])
    others = " and others" if len(used) > 6 else ""
    yield Note(
        f"a gradient leads from {result} to {names}{others} only" if used else f"none leads from {result} to any"
    )


def place_of(node: Node, message: str) -> Note:
    """A note at the place where a node is made."""
    if not isinstance(node.place, (ast.expr, ast.stmt)):
        return Note(message, node.file.path)
    line, column = node.file.source.position(node.file.span(node.place).start)
    return Note(message, node.file.path, line, column)
