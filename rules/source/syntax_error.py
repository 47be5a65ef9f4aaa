"""The file is not valid Python, so nothing in it can be checked.

tfguard names the line and goes on with the other files; the run ends with exit code 2. Syntax that is newer than the
Python that runs tfguard is said to be so.

## Why it matters
Silence about a file that was not read would look like a clean bill.

## Bad
    x = = 1

## Good
    x = 1

## Good
    match = 1
"""

from __future__ import annotations

from tfguard.model import Severity
from tfguard.rule import Rule

rule = Rule(__name__, id="TFG901", severity=Severity.ERROR, since="0.1", messages=("SyntaxError: invalid syntax",))
