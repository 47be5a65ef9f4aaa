"""What a distributed model is compiled with has to be made in the scope of its strategy.

A strategy puts the variables that are made in its `scope()` on its devices. Keras refuses to mix them with others, but
which ones depends on its version. Keras 3: an optimizer that is made outside for a model that was made inside, and with
`MirroredStrategy` a model that is made outside and compiled inside. Keras 2: metric objects that are made outside, and
a model that is made outside and compiled inside; the optimizer may be made anywhere.

## Why it matters
Keras 3 stops in `fit` with "Mixing different tf.distribute.Strategy objects" or with an AssertionError without a text;
Keras 2 stops in `compile` with "was created inside a different distribution strategy scope than the model" or "was not
created in the distribution strategy scope of". In Keras 3 the name of an optimizer (`"adam"`) makes it where `compile`
stands; `SGD` without momentum has no variables beside the weights and is fine anywhere. So are losses and, by name,
metrics.

## Bad
    import numpy as np
    import tensorflow as tf

    strategy = tf.distribute.MirroredStrategy(["/cpu:0"])
    with strategy.scope():
        model = tf.keras.Sequential([tf.keras.Input((3,)), tf.keras.layers.Dense(1)])
    model.compile(tf.keras.optimizers.Adam(0.1), "mse")
    model.fit(np.ones((8, 3)), np.ones((8, 1)), verbose=0)

## Good
    import numpy as np
    import tensorflow as tf

    strategy = tf.distribute.MirroredStrategy(["/cpu:0"])
    with strategy.scope():
        model = tf.keras.Sequential([tf.keras.Input((3,)), tf.keras.layers.Dense(1)])
        model.compile(tf.keras.optimizers.Adam(0.1), "mse")
    model.fit(np.ones((8, 3)), np.ones((8, 1)), verbose=0)

## Good
    import numpy as np
    import tensorflow as tf

    strategy = tf.distribute.MirroredStrategy(["/cpu:0"])
    with strategy.scope():
        model = tf.keras.Sequential([tf.keras.Input((3,)), tf.keras.layers.Dense(1)])
    model.compile(tf.keras.optimizers.SGD(0.1), "mse", metrics=["mae"])
    model.fit(np.ones((8, 3)), np.ones((8, 1)), verbose=0)

## Fix safety
Safe: the program stopped. `model.compile(…)` right below the `with` is moved into it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tfguard.rules.graph.distributed import load_distributed

from tfguard.analysis.calls import CallSite, Expr
from tfguard.analysis.file_model import FileModel
from tfguard.model import Edit, Finding, Fix, Note, Safety, Severity, Span
from tfguard.rule import Rule
from tfguard.tables import load_evidence

rule = Rule(
    __name__,
    id="TFG317",
    severity=Severity.ERROR,
    since="0.2",
    evidence=load_evidence(),
    messages=(
        "Mixing different tf.distribute.Strategy objects: {} is not {}",
        "Metric ({}) passed to `model.compile` was created inside a different distribution strategy scope than the "
        "model. All metrics must be created in the same distribution strategy scope as the model",
        "was not created in the distribution strategy scope of ({}). It is most likely because some layers, model, or "
        "optimizer was being created outside the distribution strategy scope.",
    ),
)


@rule.on_file(mentions="scope()")
def check(file: FileModel) -> Iterator[Finding]:
    """Every `compile` that mixes what was made in the scope of one strategy with what was made in none."""
    scopes = [node for node in _with_statements(file) if _strategy_of(file, node) is not None]
    if not scopes or file.target.tensorflow < (2, 0):
        return
    for call in file.calls:
        made = _model_of(call) if call.written.endswith(".compile") else None
        if made is not None and _is_in_function_of(file, call, scopes):
            yield from _judge(call, made, scopes)


def _judge(call: CallSite, made: CallSite, scopes: list[ast.With]) -> Iterator[Finding]:
    """The findings of one model and its `compile`."""
    file = call.file
    model_scope, compile_scope = _scope_around(file, made.node, scopes), _scope_around(file, call.node, scopes)
    is_keras_3 = _is_keras_3(made)
    if model_scope is not None:
        where = Note("the model is made here", file.path, *file.source.position(made.span.start))
        for part in _parts(call, is_keras_3):
            origin = part.origin if part.origin.call is not None else part
            is_outside = _scope_around(file, origin.node, scopes) is None
            if is_outside and _is_same_body(file, origin.node, call.node) and (not is_keras_3 or _is_run(call)):
                what = "optimizer" if is_keras_3 else "metric"
                message = f"this {what} is made outside of the scope of the model's strategy: {_RAISES[is_keras_3]}"
                yield rule.finding(origin, message, fix=_fix(call, origin, model_scope), notes=[where])
    elif compile_scope is not None and _is_same_body(file, made.node, call.node):
        names = _strategy_of(file, compile_scope) or frozenset()
        mirrored = names <= set(load_distributed()["strategies"]["mirrored"])
        if (is_keras_3 and mirrored and _is_run(call, "trains")) or (not is_keras_3 and _is_built(made)):
            message = f"the model is compiled in the scope of a strategy and made outside of it: {_RAISES[is_keras_3]}"
            where = Note("the model is compiled here", file.path, *file.source.position(call.span.start))
            yield rule.finding(made, message, notes=[where])


_RAISES = {True: "Keras 3 stops when the model is run", False: "`compile` raises"}


# -- scopes --------------------------------------------------------------------------------------------------


def _with_statements(file: FileModel) -> list[ast.With]:
    found = {place.parent: None for place in file.index.places.values() if isinstance(place.parent, ast.With)}
    return [node for node in found if isinstance(node, ast.With)]


def _strategy_of(file: FileModel, node: ast.With) -> frozenset[str] | None:
    """The classes of the strategy whose scope a `with` enters; None when it is none, or may be the default one."""
    table = load_distributed()["strategies"]
    entered = node.items[0].context_expr
    if not isinstance(entered, ast.Call) or not isinstance(entered.func, ast.Attribute) or entered.func.attr != "scope":
        return None
    strategy = Expr(file, entered.func.value)
    resolution = strategy.resolution
    made = strategy.origin.call
    names = [*resolution.types, *(made.names if made is not None else ())]
    canonical = frozenset(file.knowledge.canonical(name).replace(".experimental.", ".") for name in names)
    is_certain = resolution.is_certain or (made is not None and made.resolution.is_certain)
    wanted = all(name.startswith(table["prefix"]) and name.endswith(table["suffix"]) for name in canonical)
    return canonical if canonical and is_certain and wanted else None


def _scope_around(file: FileModel, node: ast.AST, scopes: list[ast.With]) -> ast.With | None:
    here: ast.AST = node
    while not isinstance(here, ast.Module):
        here = file.index.places[here].parent
        if here in scopes and isinstance(here, ast.With):
            return here
    return None


def _is_in_function_of(file: FileModel, call: CallSite, scopes: list[ast.With]) -> bool:
    """Does one scope stand in the same function as a call, so that what is outside of it is outside?"""
    return any(_is_same_body(file, call.node, scope.items[0].context_expr) for scope in scopes)


def _is_same_body(file: FileModel, one: ast.AST, other: ast.AST) -> bool:
    places = file.index.places
    return places[one].scope.enclosing_function() is places[other].scope.enclosing_function()


# -- models --------------------------------------------------------------------------------------------------


def _model_of(call: CallSite) -> CallSite | None:
    """The call that made the Keras model whose `compile` is called."""
    table = load_distributed()["strategies"]
    made = call.receiver.origin.call if call.receiver is not None else None
    if made is None or not made.names or not made.resolution.is_certain:
        return None
    names = sorted(made.canonical_names)
    known = [*table["models"], *table["loaders"]]
    if all(name in known or name.startswith(table["applications"]) for name in names):
        return made
    function = made.file.resolver.functions.get(made.names[0])
    is_own = function is not None and any(
        model.rpartition(".")[2] in _text(made.file, function) for model in table["models"]
    )
    return made if is_own else None


def _text(file: FileModel, node: ast.AST) -> str:
    return file.text_of(file.span(node))


def _is_built(made: CallSite) -> bool:
    """Has the model weights as soon as it is made?"""
    table = load_distributed()["strategies"]
    names = made.canonical_names
    if names <= set(table["loaders"]) or all(name.startswith(table["applications"]) for name in names):
        return True
    function = made.file.resolver.functions.get(made.names[0])
    text = _text(made.file, function) if function is not None else made.text
    is_functional = names == {"keras.Model"} and bool(made.node.args or made.node.keywords)
    return (
        is_functional or any(f"{word}(" in text for word in table["built"]) or any(s in text for s in table["shapes"])
    )


def _is_keras_3(made: CallSite) -> bool:
    target = made.file.target.keras
    is_legacy = "TF_USE_LEGACY_KERAS" in made.file.source.text or "tf_keras" in made.file.source.text
    return target is not None and target >= (3, 0) and not is_legacy


def _is_run(call: CallSite, methods: str = "runs") -> bool:
    """Is the compiled model run in the same file?"""
    wanted = load_distributed()["strategies"][methods]
    receiver = call.receiver.text if call.receiver is not None else ""
    return any(other.written in [f"{receiver}.{method}" for method in wanted] for other in call.file.calls)


# -- what a model is compiled with ---------------------------------------------------------------------------


def _parts(call: CallSite, is_keras_3: bool) -> Iterator[Expr]:
    """The optimizer of Keras 3, the metrics of Keras 2, where they are objects that the program makes."""
    table = load_distributed()["strategies"]
    if is_keras_3:
        given = call.argument("optimizer", 0).expr
        if given is not None and isinstance(given.node, ast.Constant) and given.node.value not in ("sgd", "SGD", None):
            yield given
        made = given.origin.call if given is not None else None
        if given is not None and made is not None and _is_below(made, table["optimizers"]) and not _is_plain(made):
            yield given
        return
    metrics = call.argument("metrics", 2).expr
    for element in (metrics.origin.elements or ()) if metrics is not None else ():
        made = element.origin.call
        if made is not None and _is_below(made, table["metrics"]) and made.written.rpartition(".")[2][:1].isupper():
            yield element


def _is_below(made: CallSite, prefix: str) -> bool:
    return bool(made.names) and made.resolution.is_certain and all(n.startswith(prefix) for n in made.canonical_names)


def _is_plain(made: CallSite) -> bool:
    is_sgd = made.canonical_names == {load_distributed()["strategies"]["plain"]}
    return not made.written.rpartition(".")[2][:1].isupper() or (is_sgd and made.argument("momentum", 1).is_absent)


# -- the fix -------------------------------------------------------------------------------------------------


def _fix(call: CallSite, made: Expr, scope: ast.With) -> Fix | None:
    """Indent `compile` into the `with` above it."""
    file = call.file
    statement = file.statement_of(call.node)
    parent = file.index.places[scope].parent
    block = next((b for _, b in ast.iter_fields(parent) if isinstance(b, list) and scope in b), [])
    is_next = statement in block and block.index(statement) == block.index(scope) + 1
    inside = file.span(statement).start <= made.span.start < file.span(statement).end
    text = file.text_of(file.span(statement))
    if not (is_next and inside and isinstance(statement, ast.Expr)) or '"""' in text or "'''" in text:
        return None
    step = " " * (_width(file, scope.body[0]) - _width(file, statement))
    starts = [file.source.offset_of(line, 0) for line in range(statement.lineno, (statement.end_lineno or 0) + 1)]
    edits = tuple(Edit(Span(start, start), step) for start in starts)
    return Fix("Move `compile` into the scope", edits, Safety.SAFE) if scope.body[0].lineno > scope.lineno else None


def _width(file: FileModel, statement: ast.stmt) -> int:
    """The width of the white space before a statement, form feeds left out."""
    return len(file.source.line_text(statement.lineno)[: statement.col_offset].replace("\f", ""))
