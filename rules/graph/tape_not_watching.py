"""A `tf.GradientTape` gives None, or raises, when it is asked for what it has not recorded.

A tape watches the trainable variables that are read inside its `with` block, and what `tape.watch` names from then on.
It records the ops of TensorFlow that run inside the block, and nothing else. So the gradient is None for a constant or
another tensor that is not watched, for integers, for a variable with `trainable=False`, for a result that is computed
outside of the block or through NumPy, and for a variable that `w = w - rate * grad` has turned into a tensor.

## Why it matters
The None comes without a word, and what fails is the next line ("unsupported operand type(s) for *: 'float' and
'NoneType'", "No gradients provided for any variable", "Attempt to convert a value (None) with an unsupported type"), or
nothing at all, and the variable is never trained. A tape that is not persistent answers once; the second call raises "A
non-persistent GradientTape can only be used to compute one set of gradients (or jacobians)". Asked for the gradient of
an array or a number it raises "'numpy.ndarray' object has no attribute '_id'" or "'float' object has no attribute
'dtype'", told to watch one "Passed in object … of type 'ndarray', not tf.Tensor or tf.Variable or ExtensionType".
(Measured on TensorFlow 2.21.)

A program is followed from its entry through the functions, classes and files of the project, for at most 150,000
expressions, then what none of it calls. Where a value may come from elsewhere nothing is said, nor where the program
itself compares the gradient with None.

## Bad
    import tensorflow as tf

    x = tf.constant(3.0)
    with tf.GradientTape() as tape:
        y = x * x
    print(2.0 * tape.gradient(y, x))

## Bad
    import tensorflow as tf

    w = tf.Variable(1.0)
    b = tf.Variable(0.0)
    with tf.GradientTape() as tape:
        loss = tf.square(3.0 * w + b - 2.0)
    print(tape.gradient(loss, w), tape.gradient(loss, b))

## Bad
    import tensorflow as tf

    w = tf.Variable(1.0)
    for step in range(3):
        with tf.GradientTape() as tape:
            loss = tf.square(3.0 * w - 2.0)
        w = w - 0.01 * tape.gradient(loss, w)
    print(w)

## Good
    import tensorflow as tf

    x = tf.constant(3.0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = x * x
    print(2.0 * tape.gradient(y, x))

## Good
    import tensorflow as tf

    w = tf.Variable(1.0)
    b = tf.Variable(0.0)
    for step in range(3):
        with tf.GradientTape(persistent=True) as tape:
            loss = tf.square(3.0 * w + b - 2.0)
        w.assign_sub(0.01 * tape.gradient(loss, w))
        b.assign_sub(0.01 * tape.gradient(loss, b))
    print(w, b)

## Fix safety
Safe for a tensor of floating point numbers (`tape.watch` becomes the first statement of the block), for a tape that is
asked twice (`persistent=True`), and for `w = w - …` where the None stops the program in the second round. Unsafe where
the program runs on: a variable that was left alone, because it is not trainable or because its gradient was skipped,
is trained from then on. Nothing else is changed: what has to be moved, or to become a variable, is for the author.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from tfguard.rules.graph.followed import GRADIENTS, Missing, missing_gradients, raising_calls
from tfguard.rules.graph.missing_gradients import HARM, call_of, place_of, result_of
from tfguard.rules.graph.tape_fixes import keep_tape, keep_variable, watch_source
from tfguard.rules.graph.tapes import Raised

from tfguard.analysis.project import ProjectFacts
from tfguard.model import Finding, Fix, Note, Severity
from tfguard.rule import Rule
from tfguard.tables import load_evidence

MESSAGES = (
    "A non-persistent GradientTape can only be used to compute one set of gradients (or jacobians)",
    "unsupported operand type(s) for *: 'float' and 'NoneType'",
    "No gradients provided for any variable",
    "Attempt to convert a value (None) with an unsupported type",
    "'numpy.ndarray' object has no attribute '_id'",
    "The dtype of the watched tensor must be floating",
    "of type 'ndarray', not tf.Tensor or tf.Variable or ExtensionType",
)
rule = Rule(
    __name__,
    id="TFG305",
    severity=Severity.ERROR,
    since="0.2",
    messages=MESSAGES,
    records=[GRADIENTS],
    evidence=load_evidence(),
)

WHY = {
    "unwatched": "`{x}` is a tensor that the tape is not told to watch (of itself it watches variables only)",
    "reassigned": "`{x}` is a variable in the first round only, then a tensor, which no tape watches of itself",
    "integer": "`{x}` does not hold floating point numbers, and only those have gradients",
    "not trainable": "`{x}` is not trainable, and the tape watches of itself only what is",
    "not accessed": "the tape is made with `watch_accessed_variables=False` and not told to watch `{x}`",
    "late": "the tape is told to watch `{x}` only after it was used",
    "numpy": "{result} is computed from `{x}` through NumPy, which the tape does not record",
    "new": "`{x}` is a tensor that is made only after {result}, and so no part of it",
    "outside": "{result} is computed outside of the `with` block of the tape, so that it is not recorded",
}
RAISES = {
    "second": "the tape is asked for gradients a second time, and it is not persistent: this raises a RuntimeError",
    "number": "the tape is asked for the gradient of a Python number: this raises an AttributeError",
    "array": "the tape is asked for the gradient of a NumPy array: this raises an AttributeError",
    "watch": "the tape is told to watch a NumPy array, which is no tensor: this raises a ValueError",
}


@rule.on_project
def judge(facts: ProjectFacts, findings: Sequence[Finding]) -> Iterator[Finding]:
    """Every gradient that is None for the tape's sake, and every call of a tape that raises."""
    for missing in missing_gradients(facts):
        if missing.none.cause:
            yield _of_none(missing)
    for raised in raising_calls(facts):
        yield _of_call(raised)


def _of_none(missing: Missing) -> Finding:
    variable, cause = missing.none.of, missing.none.cause
    why = WHY[cause].format(x=_name(missing), result=result_of(missing))
    harm = f", and {HARM[missing.harm]}" if missing.harm else ""
    note = {"outside": "it is computed here", "reassigned": "it becomes a tensor here"}.get(cause)
    place: Note = place_of(variable, note or f"`{variable.title}` is made here")
    return rule.finding(call_of(missing), f"{why}: the gradient is None{harm}", fix=_fix(missing), notes=[place])


def _name(missing: Missing) -> str:
    """What the gradient is asked for, as the program calls it."""
    title = missing.none.of.title
    if title == "[]":
        return "…[…]"
    return title if title[:1].isalpha() or title[:1] == "_" else f"… {title} …"


def _fix(missing: Missing) -> Fix | None:
    make: Callable[[Missing], Fix | None] = keep_variable if missing.none.cause == "reassigned" else watch_source
    return make(missing)


def _of_call(raised: Raised) -> Finding:
    call = raised.call.file.call_site(raised.call.node)
    fix = keep_tape(raised) if raised.cause == "second" else None
    return rule.finding(call, RAISES[raised.cause], fix=fix)
