"""The seeds that a program sets are not those of the generators that it draws from.

## Why it matters
A seed is set and trusted, and every run differs all the same. Each of the three global generators (Python's `random`,
NumPy's and TensorFlow's) wants a seed of its own, and which of them stands behind an API depends on the version. Keras
draws initial weights from Python's `random` since TensorFlow 2.10, so `np.random.seed` and `tf.random.set_seed`, the
recipe of nearly every tutorial, made a model repeat until 2.9 and does not since; there is no error and no warning.
On TF 1 `fit` shuffles with NumPy, and multi-backend Keras before 2.4 asks NumPy for the seeds of its weights.

| seeds that are set | a Keras model repeats on |
|---|---|
| `np.random.seed` | no version since 1.0 (weights alone: multi-backend Keras) |
| `tf.random.set_seed` | 2.0 to 2.9 |
| `np.random.seed`, `tf.random.set_seed` | all until 2.9 |
| `random.seed`, `tf.random.set_seed` | 2.0 and later |
| `tf.keras.utils.set_random_seed` (all three, since 2.7) | all |

## Bad
    import numpy as np
    import tensorflow as tf

    np.random.seed(7)
    tf.random.set_seed(7)
    model = tf.keras.Sequential([tf.keras.layers.Dense(1)])
    print(model(tf.ones((1, 2))))

## Good
    import random

    import numpy as np
    import tensorflow as tf

    np.random.seed(7)
    tf.random.set_seed(7)
    random.seed(7)
    model = tf.keras.Sequential([tf.keras.layers.Dense(1)])
    print(model(tf.ones((1, 2))))

## Good
    import tensorflow as tf

    tf.keras.utils.set_random_seed(7)
    model = tf.keras.Sequential([tf.keras.layers.Dense(1)])
    print(model(tf.ones((1, 2))))

## Good
    import tensorflow as tf

    tf.random.set_seed(7)
    print(tf.random.normal([2]))

## Fix safety
Safe: a seed that is set stays, and the generators that miss one get its value; what was the same in every run still is,
and what was not now is. Unsafe where the program draws while its file is imported and other files of the project import
it too: the seed would then act on them as well.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tfguard.rules.reproducibility.courses import Verdict
from tfguard.rules.reproducibility.generators import recorder
from tfguard.rules.reproducibility.runs import Draw
from tfguard.rules.reproducibility.seed_findings import Report, seed_findings

from tfguard.analysis.project import ProjectFacts
from tfguard.model import Finding, Severity
from tfguard.rule import Rule

rule = Rule(__name__, id="TFG102", severity=Severity.WARNING, since="0.1", records=[recorder])


@rule.on_project
def check(facts: ProjectFacts, own: Sequence[Finding]) -> Iterator[Finding]:
    """One finding a program whose seeds miss something, at the first draw that has none."""
    yield from seed_findings(rule, facts, Verdict.INSUFFICIENT, message_of)


def message_of(report: Report, draw: Draw, is_there: bool) -> str:
    """What is drawn without a seed, and what the seeds that are set are for."""
    written = report.written(draw.event)
    first = f"`{written}`" if is_there else f"this leads to `{written}`, which"
    generator = report.name_of(draw.generator)
    return f"{first} draws from {generator}, which has no seed: {report.what_is_set()} only, so every run differs"
