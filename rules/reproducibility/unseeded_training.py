"""A program that draws random numbers without a seed gives other results on every run.

## Why it matters
Initial weights, dropout, shuffling and splits come from three global generators: Python's `random`, NumPy's and
TensorFlow's. One that is drawn from and not seeded is enough to make every run differ. Which one stands behind an API
depends on the version: Keras draws initial weights from Python's `random` since 2.10 (from TensorFlow before,
multi-backend Keras from NumPy), `fit` shuffles with NumPy on TF 1 and with TensorFlow since 2.0.

The whole program counts, from its entry point through all files that it runs. Training alone is no evidence, a draw is:
a program that draws nothing, or seeds what it draws, gets no finding. One that sets seeds, but not those of all that it
draws, is `insufficient-seed`'s (TFG102), and one whose seed comes too late or in vain `late-seed`'s (TFG103).

Environments of gym draw from generators of their own, which no global seed reaches: each wants its own.

## Bad
    import numpy as np
    import tensorflow as tf

    x = np.random.rand(100, 2)
    model = tf.keras.Sequential([tf.keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(x, x.sum(axis=1), epochs=2)

## Bad
    import tensorflow as tf

    model = tf.keras.Sequential([tf.keras.layers.Dense(1)])
    print(model(tf.ones((1, 2))))

## Good
    import numpy as np
    import tensorflow as tf

    tf.keras.utils.set_random_seed(42)

    x = np.random.rand(100, 2)
    model = tf.keras.Sequential([tf.keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(x, x.sum(axis=1), epochs=2)

## Good
    import numpy as np
    import tensorflow as tf

    rng = np.random.default_rng(0)
    x = rng.normal(size=(100, 2))
    w = tf.Variable(tf.zeros((2, 1)))
    print(x @ w)

## Fix safety
Safe: the numbers, which were never the same twice, are now always the same. Unsafe where the program draws while its
file is imported and other files of the project import it too: the seed would then act on them as well.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tfguard.rules.reproducibility.courses import Verdict, is_training
from tfguard.rules.reproducibility.environments import WORDS, environment_of, findings
from tfguard.rules.reproducibility.generators import recorder
from tfguard.rules.reproducibility.runs import Draw
from tfguard.rules.reproducibility.seed_findings import Report, seed_findings

from tfguard.analysis.calls import CallSite
from tfguard.analysis.project import ProjectFacts
from tfguard.model import Finding, Severity
from tfguard.rule import Rule
from tfguard.tables import load_evidence

rule = Rule(__name__, id="TFG101", severity=Severity.WARNING, since="0.1", records=[recorder], evidence=load_evidence())


@rule.on_call(mentions=WORDS)
def effect(call: CallSite) -> str | None:
    """What a call does to environments of gym."""
    found: str | None = environment_of(call)
    return found


@rule.on_project
def check(facts: ProjectFacts, own: Sequence[Finding]) -> Iterator[Finding]:
    """One finding a program that sets no seed, at its first draw, and one for each environment without a seed."""
    yield from seed_findings(rule, facts, Verdict.UNSEEDED, message_of)
    programs = (program for program in facts.programs if is_training(facts, program))
    found = (finding for program in programs for finding in findings(rule, facts, program))
    yield from {(finding.path, finding.span): finding for finding in found}.values()


def message_of(report: Report, draw: Draw, is_there: bool) -> str:
    """What is drawn from, all of it without a seed."""
    written = report.written(draw.event)
    first = f"`{written}` is the first draw" if is_there else f"this leads to the first draw, `{written}`"
    return f"{first}: the program draws from {report.generators()} and {report.denial()}, so every run differs"
