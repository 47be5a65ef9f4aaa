"""What a traced function does to things outside of it, when that is certainly too seldom (part of TFG321)."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tfguard.rules.graph.traced import Step, Traced, load_traced, steps_of

from tfguard.analysis.calls import CallSite, Expr
from tfguard.analysis.file_model import FileModel
from tfguard.analysis.scopes import BindingKind, lookup

_COLLECTS = ("append", "appendleft", "add", "insert")
_MAKES = ("builtins.list", "builtins.set", "collections.deque")
#: Lower-case functions of TensorFlow that give no tensor.
_NO_TENSOR = frozenset(
    {"executing_eagerly", "inside_function", "get_static_value", "name_scope", "init_scope", "device", "get_logger"}
    | {"control_dependencies", "get_strategy", "is_tensor", "numpy_function", "py_function", "function", "get_shape"}
    | {"get_default_graph", "is_built_with_cuda", "list_physical_devices", "print", "get_config", "from_config"}
)
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


@dataclass(frozen=True, slots=True, eq=False)
class Effect:
    """An expression whose effect comes once a trace, and what is wrong with that."""

    node: ast.expr
    message: str


def iter_effects(traced: Traced) -> Iterator[Effect]:
    """The effects of a traced function, in order."""
    followed = {step.function for step in steps_of(traced)} | {traced.function}
    for step in steps_of(traced):
        if step.is_lifted or step.is_once:
            continue
        if isinstance(step.node, ast.AugAssign):
            yield from _counted(traced, step.node, step, followed)
        elif isinstance(step.node, ast.Call):
            call = traced.file.call_site(step.node)
            yield from _collected(traced, call, step, followed)
            yield from _printed(traced, call)
            if step.is_certain:
                yield from _asked(traced, call)
    yield from _timed(traced)


# -- tensors ------------------------------------------------------------------------------------------------------


def is_tensor(expr: Expr) -> bool:
    """Is it surely a tensor that was computed: what a function of TensorFlow, a layer or a loss of Keras gives?"""
    node = expr.origin.node
    if isinstance(node, ast.BinOp):
        return is_tensor(Expr(expr.file, node.left)) or is_tensor(Expr(expr.file, node.right))
    if not isinstance(node, ast.Call):
        return False
    call = expr.file.call_site(node)
    resolution = call.resolution
    types = [expr.file.knowledge.canonical(name) for name in resolution.types]
    if types and resolution.is_certain:
        return all(name.startswith("keras.") for name in types)
    names = sorted(call.canonical_names)
    if not names or not resolution.is_certain:
        return False
    lasts = {name.rpartition(".")[2] for name in names}
    of_library = all(name.startswith(("tensorflow.", "keras.ops.", "keras.losses.")) for name in names)
    of_data = any(
        name.startswith(("tensorflow.data.", "tensorflow.io.", "tensorflow.config.", "tensorflow.distribute."))
        for name in names
    )
    return of_library and not of_data and not lasts & _NO_TENSOR and all(last[:1].islower() for last in lasts)


# -- lists ----------------------------------------------------------------------------------------------------------


def _collected(traced: Traced, call: CallSite, step: Step, followed: set[ast.AST]) -> Iterator[Effect]:
    """A tensor that is kept in a list outside, which is read outside."""
    function = call.node.func
    if not isinstance(function, ast.Attribute) or function.attr not in _COLLECTS or not call.arguments:
        return
    if not is_tensor(call.arguments[-1]) and not (
        traced.kind == "dataset" and _is_parameter(traced, call.arguments[-1])
    ):
        return
    if _is_outer(call.file, function.value, followed, _is_empty_list) and _is_read(call.file, function.value, followed):
        kept = call.receiver.text if call.receiver is not None else ""
        message = f"`{kept}` gets one symbolic tensor when {traced.title} is traced, and no value when its graph runs"
        yield Effect(call.node, message)


def _is_parameter(traced: Traced, expr: Expr) -> bool:
    parameters = [parameter.arg for parameter in traced.function.args.args]
    return isinstance(expr.node, ast.Name) and expr.node.id in parameters


def _is_empty_list(file: FileModel, value: ast.expr | None) -> bool:
    if isinstance(value, ast.Call):
        return set(file.call_site(value).names) <= set(_MAKES) and bool(file.call_site(value).names)
    return isinstance(value, (ast.List, ast.Set))


def _is_outer(
    file: FileModel, node: ast.expr, followed: set[ast.AST], accepts: Callable[[FileModel, ast.expr | None], bool]
) -> bool:
    """Is it a variable or attribute of `self` of which all values are of one kind, none of them set in the trace?"""
    if isinstance(node, ast.Name):
        place = file.index.places.get(node)
        scope = lookup(place.scope, node.id) if place is not None else None
        if scope is None or scope.node in followed or _is_inside(file, scope.node, followed):
            return False
        bindings = [b for b in scope.bindings[node.id] if b.kind is not BindingKind.OTHER]
        values = [(b.value, b.node) for b in bindings if b.kind is BindingKind.ASSIGN and b.path == ()]
        return 0 < len(values) == len(bindings) and all(
            accepts(file, value) and not _is_inside(file, where, followed) for value, where in values
        )
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        owner = file.resolver.class_of_self(node.value)
        writes = owner.attributes.get(node.attr, []) if owner is not None else []
        plain = [(value, target) for value, target in writes if not _is_augmented(file, target)]
        if node.attr in file.resolver.definitions.assigned_from_outside:
            return False
        return bool(plain) and all(
            accepts(file, value) and not _is_inside(file, target, followed) for value, target in plain
        )
    return False


def _is_augmented(file: FileModel, target: ast.expr) -> bool:
    return isinstance(file.index.places[target].parent, ast.AugAssign)


def _is_inside(file: FileModel, node: ast.AST, functions: set[ast.AST]) -> bool:
    """Does a node stand in one of the functions?"""
    here: ast.AST | None = node
    while here is not None and not isinstance(here, ast.Module):
        if here in functions:
            return True
        place = file.index.places.get(here)
        here = place.parent if place is not None else None
    return False


def _is_read(file: FileModel, node: ast.expr, followed: set[ast.AST], *, inside: bool = False) -> bool:
    """Is the variable or attribute read elsewhere: outside of what is traced, or there too?"""
    for chain in file.index.chains:
        for part in _parts(chain):
            if part is node or not _is_same(file, part, node):
                continue
            if _is_inside(file, part, followed):
                if inside and not _is_told(file, part):
                    return True
            elif not isinstance(file.statement_of(part), ast.Assert) and not _is_emptied(file, part):
                return True
    return False


def _parts(chain: ast.expr) -> Iterator[ast.expr]:
    """A dotted chain and what stands before its dots."""
    here = chain
    while isinstance(here, (ast.Attribute, ast.Subscript)):
        yield here
        here = here.value
    yield here


def _is_same(file: FileModel, one: ast.expr, other: ast.expr) -> bool:
    if isinstance(one, ast.Name) and isinstance(other, ast.Name) and one.id == other.id:
        places = file.index.places
        return one in places and lookup(places[one].scope, one.id) is lookup(places[other].scope, other.id)
    if isinstance(one, ast.Attribute) and isinstance(other, ast.Attribute):
        return one.attr == other.attr and isinstance(one.ctx, ast.Load)
    return False


def _is_emptied(file: FileModel, node: ast.expr) -> bool:
    """Is it only cleared, or written to?"""
    parent = file.index.places[node].parent
    return isinstance(parent, ast.Attribute) and parent.attr in ("clear", *_COLLECTS)


def _is_told(file: FileModel, node: ast.expr) -> bool:
    """Is it only printed or logged?"""
    statement = file.statement_of(node)
    return isinstance(statement, (ast.Expr, ast.AugAssign))


# -- counters, clocks, prints, values ---------------------------------------------------------------------------------


def _counted(traced: Traced, node: ast.AugAssign, step: Step, followed: set[ast.AST]) -> Iterator[Effect]:
    """A counter outside that goes up by a constant, and is read."""
    target, file = node.target, traced.file
    text = file.text_of(file.span(target))
    if not isinstance(target, (ast.Name, ast.Attribute)) or not _is_number(file, node.value) or "trac" in text.lower():
        return
    if _is_outer(file, target, followed, _is_number) and _is_read(file, target, followed, inside=True):
        yield Effect(target, f"`{text}` is counted when {traced.title} is traced, and not when its graph runs")


def _is_number(file: FileModel, value: ast.expr | None) -> bool:
    is_constant = isinstance(value, ast.Constant) and type(value.value) in (int, float)
    return is_constant or (isinstance(value, ast.UnaryOp) and _is_number(file, value.operand))


def _printed(traced: Traced, call: CallSite) -> Iterator[Effect]:
    """A computed tensor that `print` shows, not said to be about the trace."""
    if call.name != "builtins.print" or traced.kind == "keras":
        return
    shown = [part for argument in call.arguments for part in _shown(argument)]
    if "trac" not in call.text.lower() and any(is_tensor(part) for part in shown):
        message = f"`print` shows the name of a tensor once, when {traced.title} is traced: `tf.print` shows its value"
        yield Effect(call.node, message)


def _shown(expr: Expr) -> Iterator[Expr]:
    """The expression, or those that an f-string or a `format` holds."""
    node = expr.node
    if isinstance(node, ast.JoinedStr):
        yield from (Expr(expr.file, part.value) for part in node.values if isinstance(part, ast.FormattedValue))
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "format":
        yield from (Expr(expr.file, part) for part in node.args)
    else:
        yield expr


def _asked(traced: Traced, call: CallSite) -> Iterator[Effect]:
    """`numpy()` of a tensor that has no value yet."""
    receiver = call.receiver
    if receiver is None or not call.written.endswith(".numpy") or call.node.args:
        return
    is_variable = {receiver.file.knowledge.canonical(name) for name in receiver.resolution.types} == {
        "tensorflow.Variable"
    }
    if is_tensor(receiver) or is_variable:
        yield Effect(
            call.node, f"`{call.written}` fails: in {traced.title} the tensor is symbolic and has no value yet"
        )


def _timed(traced: Traced) -> Iterator[Effect]:
    """A clock whose time goes into the result or into an operation."""
    file, clocks = traced.file, set(load_traced()["clocks"]["names"])
    steps = [step for step in steps_of(traced) if step.function is traced.function]
    calls = [file.call_site(step.node) for step in steps if isinstance(step.node, ast.Call)]
    read = [call for call in calls if call.names and set(call.names) <= clocks]
    if not read:
        return
    nodes = {call.node for call in read}
    derived: set[str] = set()
    for step in steps:
        if isinstance(step.node, ast.Assign) and _holds(step.node.value, nodes, derived):
            derived.update(target.id for target in step.node.targets if isinstance(target, ast.Name))
    for step in steps:
        if _goes_in(file, step.node, nodes, derived):
            message = (
                f"`{read[0].written}` is read once, when {traced.title} is traced: the time is a constant of its graph"
            )
            yield Effect(read[0].node, message)
            return


def _goes_in(file: FileModel, node: ast.AST, nodes: set[ast.Call], derived: set[str]) -> bool:
    if isinstance(node, ast.Return):
        return node.value is not None and _holds(node.value, nodes, derived)
    if not isinstance(node, ast.Call) or not any(
        n.startswith("tensorflow.") for n in file.call_site(node).canonical_names
    ):
        return False
    given = [*node.args, *(keyword.value for keyword in node.keywords)]
    return any(_holds(value, nodes, derived) for value in given)


def _holds(value: ast.expr, nodes: set[ast.Call], derived: set[str]) -> bool:
    """Does an expression hold a read of the clock, or a variable that does?"""
    inner = ast.walk(value)
    return any(node in nodes or (isinstance(node, ast.Name) and node.id in derived) for node in inner)
