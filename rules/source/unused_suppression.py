"""A `# tfguard: ignore[...]` comment that suppresses nothing, or gives no reason.

A suppression names the rules and the reason: `# tfguard: ignore[TFG101] -- the seed comes from the launcher`. It counts
for its own line, for the statement that ends there, and for the line below when it stands alone. `# tfguard:
ignore-file[TFG101] -- …` counts for the whole file.

## Why it matters
A suppression that outlived its finding will hide the next one.

## Bad
    x = 1  # tfguard: ignore[TFG401] -- there was something here once

## Good
    import tensorflow as tf

    x = tf.placeholder(tf.float32)  # tfguard: ignore[TFG401] -- this file runs on TF 1 only

## Good
    x = 1  # an ordinary comment
"""

from __future__ import annotations

from tfguard.model import Severity
from tfguard.rule import Rule

rule = Rule(__name__, id="TFG904", severity=Severity.WARNING, since="0.1")
