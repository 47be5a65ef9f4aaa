"""`SyncReplicasOptimizer` needs the global step, and somebody who hands out its tokens.

The optimizer lets a step go on when it gets a token that carries the global step. `minimize` and `apply_gradients`
without `global_step` raise. The chief fills the queue of tokens: by the hook of `make_session_run_hook`, or by the
queue runner of `get_chief_queue_runner`. Where a program uses neither, the first step waits for ever.

## Why it matters
"Global step is required to check staleness" is at least an error. Without the hook there is none: every worker waits in
its first `sess.run`, with nothing in the log ("Timed out waiting for notification" where the session has a timeout).

## Bad
    import tensorflow.compat.v1 as tf

    tf.disable_v2_behavior()
    w = tf.Variable(1.0)
    optimizer = tf.train.SyncReplicasOptimizer(tf.train.GradientDescentOptimizer(0.1), replicas_to_aggregate=1)
    train = optimizer.minimize(tf.square(w))
    hook = optimizer.make_session_run_hook(is_chief=True)
    with tf.train.MonitoredTrainingSession(hooks=[hook]) as sess:
        sess.run(train)

## Bad
    import tensorflow.compat.v1 as tf

    tf.disable_v2_behavior()
    w = tf.Variable(1.0)
    global_step = tf.train.get_or_create_global_step()
    optimizer = tf.train.SyncReplicasOptimizer(tf.train.GradientDescentOptimizer(0.1), replicas_to_aggregate=1)
    train = optimizer.minimize(tf.square(w), global_step=global_step)
    with tf.train.MonitoredTrainingSession(config=tf.ConfigProto(operation_timeout_in_ms=3000)) as sess:
        for _ in range(3):
            sess.run(train)

## Good
    import tensorflow.compat.v1 as tf

    tf.disable_v2_behavior()
    w = tf.Variable(1.0)
    global_step = tf.train.get_or_create_global_step()
    optimizer = tf.train.SyncReplicasOptimizer(tf.train.GradientDescentOptimizer(0.1), replicas_to_aggregate=1)
    train = optimizer.minimize(tf.square(w), global_step=global_step)
    hook = optimizer.make_session_run_hook(is_chief=True)
    with tf.train.MonitoredTrainingSession(hooks=[hook]) as sess:
        for _ in range(3):
            sess.run(train)

## Good
    import tensorflow.compat.v1 as tf

    tf.disable_v2_behavior()
    w = tf.Variable(1.0)
    train = tf.train.GradientDescentOptimizer(0.1).minimize(tf.square(w))
    with tf.train.MonitoredTrainingSession() as sess:
        sess.run(train)

## Fix safety
Safe: the program stopped where the optimizer got no step. It gets the one step that the program already has.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from tfguard.rules.graph.distributed import load_distributed

from tfguard.analysis.blocks import maker_of
from tfguard.analysis.calls import CallSite
from tfguard.analysis.file_model import FileModel
from tfguard.analysis.project import ProjectFacts
from tfguard.analysis.reads import reads_of
from tfguard.analysis.scopes import BindingKind, dominates
from tfguard.model import Finding, Fix, Note, Safety, Severity
from tfguard.rule import Rule
from tfguard.tables import load_evidence

rule = Rule(
    __name__,
    id="TFG319",
    severity=Severity.ERROR,
    since="0.2",
    messages=("Global step is required to check staleness", "Timed out waiting for notification"),
    evidence=load_evidence(),
)

_WAITS = "`{}` waits for tokens that nobody hands out: the first step never ends"
_REMEDY = "pass `hooks=[optimizer.make_session_run_hook(is_chief)]` to the session"


@rule.facts(mentions=("make_session_run_hook", "get_chief_queue_runner", "get_init_tokens_op", "sync_optimizer"))
def hands_out_tokens(file: FileModel) -> bool | None:
    """Does the file speak of what hands out tokens?"""
    return True


@rule.on_file(mentions="SyncReplicasOptimizer")
def check(file: FileModel) -> Iterator[Finding]:
    """Steps without a global step; optimizers of which nobody hands out the tokens."""
    table = load_distributed()["replicas"]
    trained: list[CallSite] = []
    for call in file.calls:
        made = maker_of(call.receiver) if call.receiver is not None else None
        method = call.written.rpartition(".")[2]
        if method not in table["methods"] or made is None or not _is_replicas(made):
            continue
        step = call.argument("global_step", table["methods"][method])
        if step.is_absent or step.is_constant(None):
            message = f"`{call.written}` has no `global_step`, by which stale gradients are told: it raises"
            yield rule.finding(call, message, fix=_fix(call))
        elif step.is_present and made not in trained and _is_used_only_here(made):
            trained.append(made)
            yield rule.finding(made, _WAITS.format(made.written), notes=[Note(_REMEDY)])


@rule.on_project
def judge(facts: ProjectFacts, findings: Sequence[Finding]) -> Iterator[Finding]:
    """All without a step; those that wait unless a file of one of their programs hands out tokens."""
    handing = facts.facts_of(rule.id)
    for finding in findings:
        paths = {finding.path, *(path for program in facts.programs_with(finding.path) for path in program.files)}
        if "waits for tokens" not in finding.message or not paths & set(handing):
            yield finding


def _is_replicas(call: CallSite) -> bool:
    return bool(call.names) and call.canonical_names <= set(load_distributed()["replicas"]["names"])


def _is_used_only_here(made: CallSite) -> bool:
    """Is the optimizer held by one variable that is only trained with, and never passed on?"""
    statement = made.file.index.places[made.node].parent
    target = statement.targets[0] if isinstance(statement, ast.Assign) and len(statement.targets) == 1 else None
    reads = reads_of(made.file, target) if isinstance(target, ast.Name) else None
    harmless = load_distributed()["replicas"]["harmless"]
    return reads is not None and all(read.path and read.path[0] in harmless for read in reads)


def _fix(call: CallSite) -> Fix | None:
    """Pass the variable of the same body that surely holds the step."""
    places = call.file.index.places
    here = places[call.node]
    found: list[str] = []
    for name, bindings in here.scope.bindings.items():
        is_one = len(bindings) == 1 and bindings[0].kind is BindingKind.ASSIGN and "global_step" in name
        if is_one and bindings[0].order < here.order and dominates(bindings[0].branch, here.branch):
            found.append(name)
    given = call.argument("global_step", 1)
    if len(found) != 1 or call.has_star or (given.expr is not None and given.keyword is None):
        return None
    edit = call.file.rewrite.set_argument(call, "global_step", found[0])
    return Fix(f"Pass `{found[0]}`", (edit,), Safety.SAFE) if edit is not None else None
