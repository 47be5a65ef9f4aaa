"""The file is written for Python 2, which no TensorFlow since 2.1 runs on.

tfguard names the construct and its line. It never guesses what Python 2 code would mean in Python 3: `except A, e:` and
`print >>stream, x` would even be read with another meaning. The run ends with exit code 2.

## Why it matters
50 of 1,439 legacy files are Python 2 only; TensorFlow's own converter empties them.

## Bad
    print "loss:", 0.5

## Bad
    try:
        import tensorflow as tf
    except ImportError, error:
        raise

## Good
    print("loss:", 0.5)

## Good
    from __future__ import print_function

    print("loss:", 0.5)
"""

from __future__ import annotations

from tfguard.model import Severity
from tfguard.rule import Rule

rule = Rule(
    __name__,
    id="TFG902",
    severity=Severity.ERROR,
    since="0.1",
    messages=("Missing parentheses in call to 'print'", "multiple exception types must be parenthesized"),
)
