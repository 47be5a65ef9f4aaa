"""A function that sets a seed, threads or determinism is named or assigned to, not called: nothing is set.

## Why it matters
`tf.config.experimental.enable_op_determinism` without parentheses is a valid statement that does nothing, and so is
`tf.config.threading.set_intra_op_parallelism_threads = 1`, which replaces the function by a number. Neither raises,
both are found in published recipes, and the program goes on differing from run to run.

## Bad
    import tensorflow as tf

    tf.keras.utils.set_random_seed(1)
    tf.config.experimental.enable_op_determinism

## Bad
    import numpy as np
    import tensorflow as tf

    np.random.seed = 42
    tf.config.threading.set_intra_op_parallelism_threads = 1

## Good
    import tensorflow as tf

    tf.keras.utils.set_random_seed(1)
    tf.config.experimental.enable_op_determinism()
    tf.config.threading.set_intra_op_parallelism_threads(1)

## Good
    import tensorflow as tf

    try:
        tf.config.experimental.enable_op_determinism
    except AttributeError:
        print("this TensorFlow has no op determinism")

## Good
    import numpy as np

    def record(seed):
        print(seed)

    np.random.seed = record

## Fix safety
Safe: the call is what was evidently meant, and what it sets is the randomness that the rule is about.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache

from tfguard.analysis.calls import Expr
from tfguard.analysis.file_model import FileModel
from tfguard.analysis.scopes import BindingKind
from tfguard.analysis.values import Known
from tfguard.model import Edit, Finding, Fix, Safety, Severity, Span
from tfguard.rule import Rule
from tfguard.tables import load_toml

rule = Rule(__name__, id="TFG111", severity=Severity.ERROR, since="0.1")

_ROOTS = ("tensorflow", "keras", "tf_keras", "numpy", "random")
#: The last part of a name that holds a number for one of the setters.
_NUMBER = re.compile(r"(?:^|_)(?:seed|threads|n_?jobs|cores|cpus)$", re.IGNORECASE)


@lru_cache(maxsize=1)
def _setters() -> Mapping[str, str]:
    """Canonical names to what they are called with where nothing is given."""
    return {name: row["value"] for row in load_toml("determinism.toml")["setter"] for name in row["names"]}


@rule.on_file(mentions=("enable_op_determinism", "parallelism_threads", "set_random_seed", "set_seed", "random.seed"))
def check(file: FileModel) -> Iterator[Finding]:
    """Statements that name a setter, and assignments onto one."""
    for reference in file.references(_ROOTS):
        node = reference.node
        if not isinstance(node, (ast.Attribute, ast.Name)) or reference.resolution.name is None:
            continue
        value = _setters().get(file.knowledge.canonical(reference.resolution.name))
        if value is not None and _does_nothing(file, node):
            yield _named(file, node, value)
    for store in file.stores:
        finding = _assigned(file, store.target, store.value)
        if finding is not None:
            yield finding


def _does_nothing(file: FileModel, node: ast.expr) -> bool:
    """Is it a statement by itself, or assigned to `_`, where nothing asks whether the name is there?"""
    statement = file.index.places[node].parent
    if isinstance(statement, ast.Assign):
        (target, *others) = statement.targets
        if others or not isinstance(target, ast.Name) or target.id != "_":
            return False
    elif not isinstance(statement, ast.Expr):
        return False
    around = file.index.places[statement].parent
    return not (isinstance(around, (ast.Try, ast.ExceptHandler)) or file.guard_of(statement) is not None)


def _named(file: FileModel, node: ast.expr, value: str) -> Finding:
    span = file.span(node)
    text = " ".join(file.text_of(span).split())
    given = {"": "", "seed": str(file.config.seed)}.get(value)
    fix = None
    if given is not None and file.is_placed(node):
        fix = Fix(f"Call it: `{text}({given})`", (Edit(Span(span.end, span.end), f"({given})"),), Safety.SAFE)
    return rule.finding((file, span), f"`{text}` is named, not called, so it sets nothing", fix=fix)


# -- assignments ------------------------------------------------------------------------------------------


def _assigned(file: FileModel, target: ast.expr, value: Expr | None) -> Finding | None:
    """An assignment of a number, a switch or a seed onto a setter."""
    if not isinstance(target, ast.Attribute) or value is None:
        return None
    owner = file.resolver.resolve(target.value)
    if not owner.is_certain or len(owner.names) != 1:
        return None
    argument = _setters().get(file.knowledge.canonical(f"{owner.names[0]}.{target.attr}"))
    if argument is None or not _is_number(file, value):
        return None
    span = file.span(target)
    text = " ".join(file.text_of(span).split())
    message = f"`{text} = {value.text}` replaces the function by a value instead of calling it, so nothing is set"
    return rule.finding((file, span), message, fix=_call_fix(file, target, value, argument))


def _is_number(file: FileModel, value: Expr) -> bool:
    """Is it a number or a switch, or a name that promises one and is no function?"""
    known = value.value
    if isinstance(known, Known):
        return isinstance(known.value, (int, float))
    node = value.node
    if not isinstance(node, (ast.Name, ast.Attribute)):
        return False
    if _NUMBER.search(node.id if isinstance(node, ast.Name) else node.attr) is None:
        return False
    if isinstance(node, ast.Attribute):
        return not isinstance(node.value, ast.Name) or node.value.id != "self"
    bindings = file.resolver.bindings_of(node) if node in file.index.places else []
    return bool(bindings) and all(b.kind in (BindingKind.ASSIGN, BindingKind.PARAMETER) for b in bindings)


def _call_fix(file: FileModel, target: ast.Attribute, value: Expr, argument: str) -> Fix | None:
    """`setter = value` becomes `setter(value)`."""
    statement = file.statement_of(target)
    if not isinstance(statement, ast.Assign) or len(statement.targets) != 1 or statement.targets[0] is not target:
        return None
    switch = value.value.value if isinstance(value.value, Known) and isinstance(value.value.value, bool) else None
    if switch is False or (switch is True and argument != "") or (switch is None and argument == ""):
        return None
    span, whole = file.span(target), file.span(statement)
    between = file.text_of(Span(span.end, value.span.start))
    if re.fullmatch(r"[ \t]*=[ \t]*", between) is None or value.span.end != whole.end:
        return None
    given = value.text if argument else ""
    edit = Edit(Span(span.end, whole.end), f"({given})")
    return Fix(f"Call it: `{' '.join(file.text_of(span).split())}({given})`", (edit,), Safety.SAFE)
