"""What mends a gradient that a tape does not give (part of the TFG3xx rules)."""

from __future__ import annotations

import ast

from tfguard.rules.graph.followed import Missing
from tfguard.rules.graph.missing_gradients import call_of
from tfguard.rules.graph.tapes import Raised, Tape

from tfguard.analysis.calls import Expr
from tfguard.analysis.file_model import FileModel
from tfguard.analysis.flow.graph import Answer, Kind, Node
from tfguard.model import Edit, Fix, Safety

_METHODS = {ast.Sub: "assign_sub", ast.Add: "assign_add"}
_WATCHED = ("unwatched", "not trainable", "not accessed")


def keep_tape(raised: Raised) -> Fix | None:
    """Let the tape answer more than once."""
    file, made = raised.call.file, raised.tape.made.made_by
    if made is None or made not in file.index.places:
        return None
    edit = file.rewrite.set_argument(file.call_site(made), "persistent", "True", 0)
    return Fix("Make the tape persistent", (edit,), Safety.SAFE) if edit is not None else None


def watch_source(missing: Missing) -> Fix | None:
    """Tell the tape at the beginning of its block to watch the tensor."""
    none, tape = missing.none, missing.asked.tape
    if none.cause not in _WATCHED or tape is None or none.proof.answer is Answer.NO:
        return None
    is_variable = none.of.kind is Kind.VARIABLE
    if (not is_variable and none.of.dtype != "float") or none.of.number >= tape.begun:
        return None
    file = missing.asked.call.file
    source, block = _source(missing), _block(file, tape)
    if source is None or block is None or _is_bound_again(file, source, block, missing):
        return None
    statement, name = block
    edit = file.rewrite.insert_before(statement.body[0], f"{name}.watch({source.id})")
    safety = Safety.UNSAFE if is_variable and missing.harm in ("skipped", "") else Safety.SAFE
    return Fix(f"Watch `{source.id}`", (edit,), safety) if edit is not None else None


def _source(missing: Missing) -> ast.Name | None:
    """The name by which the call asks for the gradient of the variable."""
    given = call_of(missing).argument("source", 1)
    given = given if given.expr is not None else call_of(missing).argument("sources", 1)
    nodes: list[ast.expr] = []
    if given.expr is not None:
        elements = given.expr.elements
        nodes = [element.node for element in elements] if elements is not None else [given.expr.node]
    asked = [x for x, _ in missing.asked.gradients]
    if len(nodes) != len(asked):
        return None
    found = [
        node
        for node, (_, value) in zip(nodes, missing.asked.gradients, strict=True)
        if value is missing.none and isinstance(node, ast.Name)
    ]
    return found[0] if len(found) == 1 else None


def _block(file: FileModel, tape: Tape) -> tuple[ast.With, str] | None:
    """The `with` statement that makes the tape, and the tape's name."""
    made = tape.made.made_by
    if made is None or made not in file.index.places:
        return None
    statement = file.statement_of(made)
    if not isinstance(statement, ast.With):
        return None
    names = [item.optional_vars for item in statement.items if item.context_expr is made]
    name = names[0] if names else None
    return (statement, name.id) if isinstance(name, ast.Name) else None


def _is_bound_again(file: FileModel, source: ast.Name, block: tuple[ast.With, str], missing: Missing) -> bool:
    """May the name stand for another thing where the block begins?"""
    call = call_of(missing)
    if file.enclosing(block[0].items[0].context_expr) != file.enclosing(call.node):
        return True
    last = call.node.end_lineno or call.node.lineno
    scope = Expr(file, source).file.tree
    return any(
        isinstance(node, ast.Name)
        and node.id == source.id
        and isinstance(node.ctx, ast.Store)
        and block[0].lineno <= node.lineno <= last
        for node in ast.walk(scope)
    )


def keep_variable(missing: Missing) -> Fix | None:
    """`w.assign_sub(…)` in place of `w = w - …`, or of `w -= …`, which is refused."""
    node = missing.none.of
    statement = _assignment(node)
    if statement is None:
        return None
    file, name, sign, value = node.file, *statement
    place = file.statement_of(node.place)
    text = file.text_of(file.span(place))
    if "\n" in text or "#" in text:
        return None
    edit = Edit(file.span(place), f"{name}.{_METHODS[type(sign)]}({file.text_of(file.span(value))})")
    safety = Safety.SAFE if missing.harm == "used" else Safety.UNSAFE
    return Fix(f"Assign to the variable `{name}`", (edit,), safety)


def _assignment(node: Node) -> tuple[str, ast.operator, ast.expr] | None:
    """The variable as it is written, the sign and the operand of `w = w - operand`."""
    place, file = node.place, node.file
    if isinstance(place, ast.AugAssign) and type(place.op) in _METHODS:
        owner: ast.expr = place.target
        value = place.value
    elif isinstance(place, ast.BinOp) and type(place.op) in _METHODS:
        statement = file.index.places[place].parent
        targets = statement.targets if isinstance(statement, ast.Assign) else []
        if len(targets) != 1 or ast.unparse(targets[0]) != ast.unparse(place.left):
            return None
        owner, value = place.left, place.right
    else:
        return None
    is_plain = all(isinstance(part, (ast.Name, ast.Attribute, ast.expr_context)) for part in ast.walk(owner))
    return (file.text_of(file.span(owner)), place.op, value) if is_plain else None
