"""A Keras layer made under a reused variable scope has weights of its own: nothing is shared.

`tf.variable_scope(..., reuse=True)` makes `tf.get_variable`, and with it `tf.layers`, find the variables that are
there. Keras layers don't ask it: each object makes its own, whatever scope is around it. Sharing is calling the same
object.

## Why it matters
A model that is built once for training and again "with reuse" for evaluation is another, untrained one the second time;
two towers that should share their weights don't. Nothing fails. The variables tell: `s/dense/kernel` and
`s_1/dense_1/kernel` (the same on TensorFlow 1.2, 1.10, 1.15 and 2.21, for tf.keras and Keras).

## Bad
    import tensorflow.compat.v1 as tf

    tf.disable_v2_behavior()


    def network(x, reuse):
        with tf.variable_scope("net", reuse=reuse):
            return tf.keras.layers.Dense(2)(x)


    train = network(tf.placeholder(tf.float32, [None, 3]), False)
    test = network(tf.placeholder(tf.float32, [None, 3]), True)

## Good
    import tensorflow.compat.v1 as tf

    tf.disable_v2_behavior()
    dense = tf.keras.layers.Dense(2)


    def network(x, reuse):
        with tf.variable_scope("net", reuse=reuse):
            return dense(x)


    train = network(tf.placeholder(tf.float32, [None, 3]), False)
    test = network(tf.placeholder(tf.float32, [None, 3]), True)

## Good
    import tensorflow.compat.v1 as tf

    tf.disable_v2_behavior()
    x = tf.placeholder(tf.float32, [None, 3])
    with tf.variable_scope("net"):
        hidden = tf.keras.layers.Dense(2)(x)
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tfguard.rules.graph.following import Followed, followed_with
from tfguard.rules.graph.weighted import WEIGHTED

from tfguard.analysis.file_model import FileModel
from tfguard.analysis.flow.machine import Call
from tfguard.analysis.flow.values import Const, External, Value
from tfguard.analysis.project import ProjectFacts
from tfguard.model import Finding, Note, Severity
from tfguard.rule import Rule
from tfguard.tables import load_evidence

rule = Rule(__name__, id="TFG311", severity=Severity.ERROR, since="0.2", evidence=load_evidence())

#: Programs that name it share the layers in another way.
_CARES = ("track_tf1_style_variables", "get_or_create_layer")
_SCOPES = ("tensorflow.variable_scope", "tensorflow.variable_op_scope")


@dataclass(frozen=True, slots=True, eq=False)
class Unshared:
    """The first layer with weights that is made under a scope that reuses variables."""

    call: Call
    scope: External


@rule.facts(mentions=("variable_scope", "variable_op_scope"))
def has_scopes(file: FileModel) -> bool:
    """The file opens variable scopes."""
    return True


@rule.on_project
def judge(facts: ProjectFacts, findings: Sequence[Finding]) -> Iterator[Finding]:
    """Every scope that shall reuse variables, and under which a layer of Keras is made."""
    seen: set[tuple[str, int]] = set()
    for followed in followed_with(facts, facts.facts_of(rule.id)):
        for unshared in _unshared(followed):
            site = unshared.call.file.call_site(unshared.call.node)
            key = (site.file.path, site.span.start)
            if key not in seen:
                seen.add(key)
                message = f"`{site.written}` makes weights of its own: reusing the variable scope does not share them"
                yield rule.finding(site, message, notes=[*_place(unshared.scope)])


def _unshared(followed: Followed) -> Iterator[Unshared]:
    """The first layer under each scope that reuses variables, in the order in which they are entered."""
    machine, canonical = followed.machine, followed.library.canonical
    if any(word in module.file.source.text for module in machine.modules.values() for word in _CARES):
        return
    told: list[Value] = []
    made: set[ast.AST] = set()
    done: list[Value] = []
    for call in machine.calls:
        name = canonical(call.name)
        scopes = [one for one in call.contexts if isinstance(one, External) and canonical(one.name) in _SCOPES]
        if name.endswith(".reuse_variables"):
            told += scopes[-1:]
        if not name.startswith("keras.layers.") or not name.rpartition(".")[2].startswith(WEIGHTED):
            continue
        again = call.node in made
        made.add(call.node)
        for scope in scopes:
            reuse = _reuse(scope, is_told=any(scope is one for one in told))
            if (reuse is True or (reuse == "auto" and again)) and not any(scope is one for one in done):
                done.append(scope)
                yield Unshared(call, scope)
                break


def _reuse(scope: External, *, is_told: bool) -> bool | str:
    """Does the scope reuse variables: surely, those that are there ("auto"), or not that it is known?"""
    given = scope.keywords.get("reuse")
    if is_told or (isinstance(given, Const) and given.value is True):
        return True
    is_auto = isinstance(given, External) and given.name.endswith(".AUTO_REUSE")
    return "auto" if is_auto else False


def _place(scope: External) -> Iterator[Note]:
    if scope.file is not None and scope.made_by is not None:
        line, column = scope.file.source.position(scope.file.span(scope.made_by).start)
        yield Note("the scope is opened here", scope.file.path, line, column)
