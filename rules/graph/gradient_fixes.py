"""What mends gradients that are None: zeros, a shorter list, a guard where they are used (part of the TFG3xx rules)."""

from __future__ import annotations

import ast

from tfguard.rules.graph.followed import Missing
from tfguard.rules.graph.missing_gradients import call_of
from tfguard.rules.graph.uses import Use

from tfguard.analysis.file_model import FileModel
from tfguard.model import Edit, Fix, Safety, Span

_COMPREHENSIONS = (ast.ListComp, ast.GeneratorExp, ast.SetComp)
#: `unconnected_gradients=` came with this version.
_HAS_ZERO = (1, 13)
_ZERO_FOR = frozenset({"run", "arithmetic", "assign"})


# -- where gradients are asked for ---------------------------------------------------------------------------


def mend_question(missing: Missing) -> Fix | None:
    """Ask for zeros, or no longer for the variable that has no part."""
    if missing.harm == "raised":
        return _ignore_disconnected(missing)
    return _ask_for_zeros(missing) or _drop_variable(missing)


def _ignore_disconnected(missing: Missing) -> Fix | None:
    """`disconnected_inputs="ignore"`: Theano then gives zeros."""
    call = call_of(missing)
    edit = call.file.rewrite.set_argument(call, "disconnected_inputs", '"ignore"', 3) if not call.has_star else None
    has_others = any(value is not missing.none for _, value in missing.asked.gradients)
    safety = Safety.SAFE if has_others else Safety.UNSAFE
    return Fix("Take zeros for what has no part", (edit,), safety) if edit is not None else None


def _ask_for_zeros(missing: Missing) -> Fix | None:
    """`unconnected_gradients="zero"`, where the None stops the program and other gradients of the call are there."""
    call, kinds = call_of(missing), {use.kind for use in missing.uses}
    is_asked = call.written.endswith((".gradients", ".gradient")) and call.name is not None and "keras" not in call.name
    walls = {wall.api.rpartition(".")[2] for wall in missing.reach.blocked}
    has_others = any(value is not missing.none for _, value in missing.asked.gradients)
    if not is_asked or not has_others or not kinds or not kinds <= _ZERO_FOR or not walls <= {"stop_gradient"}:
        return None
    if call.file.target.tensorflow < _HAS_ZERO or call.has_star:
        return None
    edit = call.file.rewrite.set_argument(call, "unconnected_gradients", '"zero"')
    return Fix("Ask for zeros in place of None", (edit,), Safety.SAFE) if edit is not None else None


def _drop_variable(missing: Missing) -> Fix | None:
    """`minimize(loss, var_list=[w, b])` without the variable that the loss does not reach."""
    call = call_of(missing)
    given = call.argument("var_list", 2)
    elements = given.expr.elements if given.expr is not None else None
    asked = missing.asked.gradients
    if not call.written.endswith(".minimize") or elements is None or len(elements) != len(asked) or given.expr is None:
        return None
    kept = [element for element, (_, value) in zip(elements, asked, strict=True) if value is not missing.none]
    text = given.expr.text
    if not kept or len(kept) != len(elements) - 1 or text[:1] not in "[(" or "#" in text:
        return None
    comma = "," if len(kept) == 1 and text[:1] == "(" else ""
    shorter = f"{text[0]}{', '.join(element.text for element in kept)}{comma}{text[-1]}"
    edit = call.file.rewrite.replace(given.expr, shorter)
    return Fix("Train the other variables only", (edit,), Safety.UNSAFE) if edit is not None else None


# -- where they are used ------------------------------------------------------------------------------------------


def leave_out(use: Use) -> Fix | None:
    """`if grad is not None` in the comprehension or loop that gives each gradient its name."""
    name = _name_in(use)
    here = use.node
    places = use.file.index.places
    while name is not None and here in places and not isinstance(here, (ast.FunctionDef, ast.AsyncFunctionDef)):
        parent = places[here].parent
        if isinstance(parent, _COMPREHENSIONS) and here is parent.elt:
            is_bound = len(parent.generators) == 1 and name in _names(parent.generators[0].target)
            return _in_comprehension(use, parent, name) if is_bound else None
        if isinstance(parent, ast.For):
            is_body = isinstance(here, ast.stmt) and here in parent.body
            return _in_loop(use, parent, here, name) if is_body and name in _names(parent.target) else None
        here = parent
    return None


def _name_in(use: Use) -> str | None:
    """The one name by which the gradient is used."""
    node = use.node
    if isinstance(node, ast.Call):
        parts = [*node.args, *(keyword.value for keyword in node.keywords)]
    else:
        parts = [node.left, node.right] if isinstance(node, ast.BinOp) else []
    bound = {part.id for part in parts if isinstance(part, ast.Name)}
    around = _bound_around(use)
    found = sorted(bound & around)
    return found[0] if len(found) == 1 else None


def _bound_around(use: Use) -> set[str]:
    """The names that the loop or comprehension around binds."""
    here, places = use.node, use.file.index.places
    while here in places and not isinstance(here, (ast.FunctionDef, ast.AsyncFunctionDef)):
        here = places[here].parent
        if isinstance(here, _COMPREHENSIONS):
            return {name for part in here.generators for name in _names(part.target)}
        if isinstance(here, ast.For):
            return _names(here.target)
    return set()


def _names(target: ast.expr) -> set[str]:
    return {node.id for node in ast.walk(target) if isinstance(node, ast.Name)}


def _in_comprehension(use: Use, around: ast.ListComp | ast.GeneratorExp | ast.SetComp, name: str) -> Fix | None:
    """A filter where each element is a pair or a summary; None in its place where the gradient stands alone."""
    file, title = use.file, f"Leave out `{name}` where it is None"
    element = file.span(around.elt)
    if not isinstance(around.elt, ast.Tuple) and use.kind != "summary":
        edit = Edit(Span(element.end, element.end), f" if {name} is not None else None")
        return Fix(title, (edit,), Safety.SAFE) if around.elt is use.node else None
    last = around.generators[0].ifs[-1] if around.generators[0].ifs else around.generators[0].iter
    close = file.span(around).end - 1
    tail = file.text_of(Span(file.span(last).end, close))
    if tail.strip(" \r\n\t)"):
        return None
    at = file.span(last).end + len(tail.rstrip())
    return Fix(title, (Edit(Span(at, at), f" if {name} is not None"),), Safety.SAFE)


def _in_loop(use: Use, loop: ast.For, statement: ast.AST, name: str) -> Fix | None:
    """An `if` around a statement of one line that leaves nothing behind when it is not taken."""
    file = use.file
    if not isinstance(statement, ast.stmt) or not _leaves_nothing(statement, name):
        return None
    span = file.span(statement)
    before, outer = _indent(file, statement), _indent(file, loop)
    if before is None or outer is None or not before.startswith(outer) or "\n" in file.text_of(span):
        return None
    line = f"if {name} is not None:\n{before}{before[len(outer) :]}"
    return Fix(f"Leave out `{name}` where it is None", (Edit(Span(span.start, span.start), line),), Safety.SAFE)


def _leaves_nothing(statement: ast.stmt, name: str) -> bool:
    if isinstance(statement, ast.Assign):
        return all(
            isinstance(target, ast.Subscript) or (isinstance(target, ast.Name) and target.id == name)
            for target in statement.targets
        )
    return isinstance(statement, ast.Expr)


def _indent(file: FileModel, statement: ast.stmt) -> str | None:
    """What stands before a statement in its line, when it is white space only."""
    text = file.source.line_text(statement.lineno)[: statement.col_offset]
    return text if not text.strip() else None
