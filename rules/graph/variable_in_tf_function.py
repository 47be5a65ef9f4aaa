"""A variable that a `tf.function` makes on every trace stops the program at the first call.

`tf.function` runs the Python code twice at its first call when variables are made in it: a second time to see that none
is made any more. So a `tf.Variable(…)` in its body, a Keras layer that is made and called there, an optimizer, a metric
or a random generator raises at once, and not only when the function is traced again. `tf.init_scope` does not help.

## Why it matters
"tf.function only supports singleton tf.Variables created on the first call. Make sure the tf.Variable is only created
once or created outside tf.function." (TensorFlow 2.10 and later; "tf.function-decorated function tried to create
variables on non-first call." in 2.0 to 2.6.) The message names the function, not the variable, and where a layer or an
optimizer made it the traceback ends deep inside of Keras.

Variables that are made under a condition (`if self.v is None:`, `if not self.built:`) are made once and are fine.

## Bad
    import tensorflow as tf

    @tf.function
    def count(x):
        total = tf.Variable(0.0)
        total.assign_add(tf.reduce_sum(x))
        return total.read_value()

    print(count(tf.ones([3])))

## Bad
    import tensorflow as tf

    w = tf.Variable([1.0, 2.0])

    @tf.function
    def train_step():
        optimizer = tf.keras.optimizers.SGD(0.1)
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(w * w)
        optimizer.apply_gradients(zip(tape.gradient(loss, [w]), [w]))
        return loss

    print(train_step())

## Good
    import tensorflow as tf

    total = tf.Variable(0.0)

    @tf.function
    def count(x):
        total.assign_add(tf.reduce_sum(x))
        return total.read_value()

    print(count(tf.ones([3])))

## Good
    import tensorflow as tf

    class Counter(tf.Module):
        def __init__(self):
            self.total = None

        @tf.function
        def count(self, x):
            if self.total is None:
                self.total = tf.Variable(0.0)
            return self.total.assign_add(tf.reduce_sum(x))

    counter = Counter()
    print(counter.count(tf.ones([3])))
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from tfguard.rules.graph.traced import EAGER, Step, Traced, load_traced, steps_of, traced_functions, unless_eager

from tfguard.analysis.calls import CallSite
from tfguard.analysis.file_model import FileModel
from tfguard.analysis.project import ProjectFacts
from tfguard.model import Finding, Severity
from tfguard.rule import Rule
from tfguard.table_files import parse_version
from tfguard.tables import load_evidence

rule = Rule(
    __name__,
    id="TFG322",
    severity=Severity.ERROR,
    since="0.2",
    messages=(
        "tf.function only supports singleton tf.Variables created on the first call. Make sure the tf.Variable is only "
        "created once or created outside tf.function.",
        "tf.function-decorated function tried to create variables on non-first call.",
    ),
    records=[EAGER],
    evidence=load_evidence(),
)

#: In code that is meant to fail.
_EXPECTED = ("assertRaises", "assert_raises", "pytest.raises")


@rule.on_file(mentions=(".function", "import function", "data.Dataset", "tensorflow.data"))
def check(file: FileModel) -> Iterator[Finding]:
    """Every call that surely makes a variable on each trace of a function."""
    seen: set[ast.AST] = set()
    for traced in traced_functions(file):
        if not _allows_none(traced) or any(word in _around(traced) for word in _EXPECTED):
            continue
        steps = [step for step in steps_of(traced) if isinstance(step.node, ast.Call) and step.is_certain]
        for step in steps:
            assert isinstance(step.node, ast.Call)
            call = file.call_site(step.node)
            what = _made_by(call, step, steps)
            if what is not None and step.node not in seen:
                seen.add(step.node)
                message = f"{what} on every trace of {traced.title}, so {traced.how} raises at the first call"
                yield rule.finding(call, message, notes=[traced.note()])


def _allows_none(traced: Traced) -> bool:
    """Does a variable made there raise?"""
    file: FileModel = traced.file
    if traced.kind == "dataset":
        return file.target.tensorflow >= parse_version(load_traced()["datasets"]["variables_since"])
    return bool(traced.kind == "function")


def _around(traced: Traced) -> str:
    """The text of the statement of the module around a traced function."""
    file: FileModel = traced.file
    return file.text_of(file.span(file.top_statement_of(traced.function)))


@rule.on_project
def judge(facts: ProjectFacts, findings: Sequence[Finding]) -> Iterator[Finding]:
    """Those of programs that run their functions as graphs."""
    yield from unless_eager(facts, findings)


# -- what makes variables --------------------------------------------------------------------------------------


def _made_by(call: CallSite, step: Step, steps: Sequence[Step]) -> str | None:
    """What a call makes that has variables, for the message."""
    table = load_traced()["variables"]
    names = sorted(call.canonical_names)
    if not names or not call.resolution.is_certain:
        return None
    if all(name in table["names"] for name in names):
        return f"`{call.written}` makes a variable"
    kinds = {_kind(name) for name in names}
    if kinds == {"metric"} or kinds == {"application"}:
        return f"`{call.written}` makes variables"
    is_keras_3 = _is_keras_3(call)
    if kinds == {"optimizer"} and (is_keras_3 or _is_used(call, step, steps)):
        return f"`{call.written}` makes an optimizer with variables of its own"
    if kinds == {"seeded layer"} and is_keras_3:
        return f"`{call.written}` makes a layer whose seed is a variable"
    if (kinds == {"layer"} or _is_own_model(call) or _holds_layer(call)) and _is_called(call, step, steps):
        return f"`{call.written}` is made and called"
    return None


def _is_keras_3(call: CallSite) -> bool:
    """Is what it calls surely of Keras 3?"""
    target = call.file.target.keras
    return target is not None and target >= (3, 0) and not any(name.startswith("tf_keras") for name in call.names)


def _kind(name: str) -> str:
    """What a canonical name of Keras makes, "" for other names."""
    table = load_traced()["variables"]
    last = name.rpartition(".")[2]
    if not last[:1].isupper():
        return ""
    if name.startswith(table["metrics"]):
        return "metric"
    if name.startswith(table["applications"]):
        return "application"
    if name.startswith(table["optimizers"]) and not any(f".{word}" in name for word in table["not_optimizers"]):
        return "optimizer"
    if name.startswith("keras.layers.") and last in table["layers"]:
        return "layer"
    return "seeded layer" if name.startswith("keras.layers.") and last in table["seeded"] else ""


def _variable_of(call: CallSite) -> str | None:
    """The variable of its function that a call's result goes into."""
    statement = call.file.index.places[call.node].parent
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1 and isinstance(statement.targets[0], ast.Name):
        return statement.targets[0].id
    return None


def _is_used(call: CallSite, step: Step, steps: Sequence[Step]) -> bool:
    """Does the same function apply gradients with the optimizer that a call makes?"""
    variable, methods = _variable_of(call), load_traced()["variables"]["steps"]
    for other in steps:
        function = other.node.func if isinstance(other.node, ast.Call) else None
        if isinstance(function, ast.Attribute) and function.attr in methods:
            is_named = isinstance(function.value, ast.Name) and function.value.id == variable
            if function.value is call.node or (is_named and other.function is step.function):
                return True
    return False


def _is_called(call: CallSite, step: Step, steps: Sequence[Step]) -> bool:
    """Does the same function call the layer or model that a call makes, on something that may be a tensor?"""
    variable = _variable_of(call)
    for other in steps:
        function = other.node.func if isinstance(other.node, ast.Call) else None
        is_named = isinstance(function, ast.Name) and function.id == variable and other.function is step.function
        if function is call.node or is_named:
            return True
    return False


def _holds_layer(call: CallSite) -> bool:
    """Is it a `Sequential` of a list with a layer in it that has weights?"""
    if call.canonical_names != {"keras.Sequential"}:
        return False
    given = call.argument("layers", 0).expr
    made = [element.call for element in given.elements or ()] if given is not None else []
    return any(one is not None and {_kind(name) for name in one.canonical_names} == {"layer"} for one in made)


def _is_own_model(call: CallSite) -> bool:
    """Is it a Keras class of the file that makes layers with weights in `__init__` and calls them in `call`?"""
    file = call.file
    owner = file.resolver.classes.get(call.name or "")
    if owner is None or "__init__" not in owner.methods or "call" not in owner.methods:
        return False
    text = file.text_of(file.span(owner.methods["call"]))
    for attribute, writes in owner.attributes.items():
        made = [file.call_site(value) for value, _ in writes if isinstance(value, ast.Call)]
        is_layer = any({_kind(name) for name in one.canonical_names} == {"layer"} for one in made)
        if is_layer and f"self.{attribute}(" in text:
            return True
    return False
