"""A name that the source does not settle: a star import, `exec` or a computed `getattr` may bind it.

tfguard makes no finding and no fix that rests on such a name. This rule lists them; it is off by default, and the
summary of every run counts them.

## Why it matters
What could not be decided was not checked. `from tensorflow import *` hides every name of the file.

## Bad
    from tensorflow import *

    x = placeholder(float32)

## Good
    from tensorflow import zeros

    x = zeros([3])

## Good
    import os

    print(getattr(os, "sep"))
"""

from __future__ import annotations

from collections.abc import Iterator

from tfguard.analysis.file_model import FileModel
from tfguard.model import Finding, Severity
from tfguard.rule import Rule

rule = Rule(__name__, id="TFG903", severity=Severity.HINT, since="0.1", default=False)


@rule.on_file(mentions=("tensorflow", "keras"))
def check(file: FileModel) -> Iterator[Finding]:
    """Every mention whose meaning is hidden."""
    for span, written, reason in file.undecided:
        yield rule.finding((file, span), f"cannot decide what `{written}` is: {reason}")
