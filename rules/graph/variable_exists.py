"""`get_variable` twice under one name without reuse stops, and so does reusing a variable that was never made.

In a variable scope a name can be given once. The second `get_variable`, or the second layer of that name, needs
`reuse=True` or `reuse=tf.AUTO_REUSE` to mean the first one; with `reuse=True` it must be there already.

## Why it matters
The network that is built once for training works, and stops when somebody builds it again for validation: "Variable w
already exists, disallowed. Did you mean to set reuse=True". The other way round: "Variable w does not exist, or was not
created with tf.get_variable()".

A program is followed from its entry; names that are not known, ways that may not be taken, and a cell of a notebook
that somebody may run twice are no finding.

## Bad
    import tensorflow.compat.v1 as tf

    tf.disable_v2_behavior()

    def network(x):
        with tf.variable_scope("network"):
            w = tf.get_variable("w", [3, 1])
            return tf.matmul(x, w)

    train = network(tf.zeros([8, 3]))
    valid = network(tf.ones([2, 3]))

## Good
    import tensorflow.compat.v1 as tf

    tf.disable_v2_behavior()

    def network(x, reuse=None):
        with tf.variable_scope("network", reuse=reuse):
            w = tf.get_variable("w", [3, 1])
            return tf.matmul(x, w)

    train = network(tf.zeros([8, 3]))
    valid = network(tf.ones([2, 3]), reuse=True)

## Good
    import tensorflow.compat.v1 as tf

    tf.disable_v2_behavior()

    def network(x, scope):
        with tf.variable_scope(scope):
            w = tf.get_variable("w", [3, 1])
            return tf.matmul(x, w)

    actor = network(tf.zeros([8, 3]), "actor")
    critic = network(tf.ones([2, 3]), "critic")
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tfguard.rules.graph.following import followed_programs
from tfguard.rules.graph.missing_gradients import place_of
from tfguard.rules.graph.scopes import Clash
from tfguard.rules.graph.sessions import is_caught

from tfguard.analysis.file_model import FileModel
from tfguard.analysis.flow.graph import Node
from tfguard.analysis.project import ProjectFacts
from tfguard.model import Finding, Note, Severity
from tfguard.rule import Recorder, Rule
from tfguard.tables import load_evidence

#: Which files make variables by name.
NAMED = Recorder("variables by name", evidence=load_evidence())
_MAKERS = ("tensorflow.get_variable", "tensorflow.layers.", "tensorflow.contrib.layers.")
_ERRORS = ("ValueError",)

rule = Rule(
    __name__,
    id="TFG312",
    severity=Severity.ERROR,
    since="0.2",
    messages=(
        "already exists, disallowed. Did you mean to set reuse=True",
        "does not exist, or was not created with tf.get_variable()",
    ),
    records=[NAMED],
)


@NAMED.facts(mentions=("get_variable", "layers"))
def makes_variables(file: FileModel) -> bool | None:
    """Does the file make variables by name?"""
    names = {file.knowledge.canonical(name) for call in file.calls for name in call.names}
    return True if any(name.startswith(_MAKERS) for name in names) else None


@rule.on_project
def judge(facts: ProjectFacts, findings: Sequence[Finding]) -> Iterator[Finding]:
    """The first clash of every program: it ends there."""
    seen: set[tuple[str, int]] = set()
    for followed in followed_programs(facts, facts.facts_of(NAMED.key)):
        clashes = (one for one in followed.library.scopes.clashes if not is_caught(one.call, _ERRORS))
        clash = next(clashes, None)
        key = (clash.call.file.path, clash.call.file.span(clash.call.node).start) if clash is not None else ("", 0)
        if clash is not None and key not in seen:
            seen.add(key)
            yield _finding(clash)


def _finding(clash: Clash) -> Finding:
    call = clash.call.file.call_site(clash.call.node)
    if clash.first is None:
        return rule.finding(
            call,
            f"`{clash.name}` is to be reused, but nothing has made it until here: "
            f'"Variable {clash.name} does not exist, or was not created with tf.get_variable()"',
            notes=[Note("make it first, or reuse what may be there: `reuse=tf.AUTO_REUSE`")],
        )
    again = "is made again" if clash.first.place is clash.call.node else "is made twice"
    return rule.finding(
        call,
        f"the variable `{clash.name}` {again} without reuse: "
        f'"Variable {clash.name} already exists, disallowed. Did you mean to set reuse=True"',
        notes=list(_places(clash, clash.first)),
    )


def _places(clash: Clash, first: Node) -> Iterator[Note]:
    if first.place is not clash.call.node:
        yield place_of(first, "made here first")
    pairs = zip(first.callers, clash.callers, strict=False)
    ways = next((pair for pair in pairs if pair[0][1] is not pair[1][1]), None)
    for (file, place), message in zip(
        ways or (), ("the first time in this call", "the second time in this"), strict=False
    ):
        if place is not first.place and place is not clash.call.node:
            line, column = file.source.position(file.span(place).start)
            yield Note(message, file.path, line, column)
    yield Note("share it by `tf.variable_scope(..., reuse=True)`, or give the second a scope of its own")
