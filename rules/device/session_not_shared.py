"""Keras does not use a session that was only made: without `set_session` it makes one of its own.

Keras 2 on TensorFlow 1 takes the default session (inside `with sess:`, `with sess.as_default():`, or an
`InteractiveSession`), else the one that it was given by `K.set_session(sess)`, else it makes one:
`ConfigProto(allow_soft_placement=True)` and nothing more.

## Why it matters
The config of the session does not hold for what Keras runs: not its threads, not its fraction of the memory, not its
devices. Memory growth holds only by luck: the first session of a process decides, so it is lost as soon as Keras or
anything else starts the GPU before. Variables that were initialised in `sess` are not initialised for Keras.
(Measured on TensorFlow 1.2, 1.10 and 1.15 with Keras 2.0.8, 2.1.6 and 2.3.1 and `tf.keras`: `K.get_session()` is
another session with another config.)

## Bad
    import tensorflow as tf
    from keras import backend as K
    from keras.layers import Dense
    from keras.models import Sequential

    config = tf.ConfigProto()
    config.gpu_options.allow_growth = True
    sess = tf.Session(config=config)

    model = Sequential([Dense(1, input_dim=2)])
    model.compile("sgd", "mse")
    model.fit([[1.0, 2.0]], [[3.0]])
    K.clear_session()

## Good
    import tensorflow as tf
    from keras import backend as K
    from keras.layers import Dense
    from keras.models import Sequential

    config = tf.ConfigProto()
    config.gpu_options.allow_growth = True
    sess = tf.Session(config=config)
    K.set_session(sess)

    model = Sequential([Dense(1, input_dim=2)])
    model.compile("sgd", "mse")
    model.fit([[1.0, 2.0]], [[3.0]])
    K.clear_session()

## Good
    import tensorflow as tf

    with tf.Session(config=tf.ConfigProto(allow_soft_placement=True)) as sess:
        model = tf.keras.Sequential([tf.keras.layers.Dense(1, input_dim=2)])
        model.compile("sgd", "mse")
        model.fit([[1.0, 2.0]], [[3.0]])

## Fix safety
Safe where the session is used for nothing else: Keras then runs in the session that was made for it. Where `sess.run`
is called too, the fix is unsafe: both then share their variables.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from tfguard.rules.device.order import surely_before
from tfguard.rules.device.places import note_at
from tfguard.rules.device.record import CONFIGURED, GIVEN, STARTED, USES, events_of, record, what
from tfguard.rules.device.sessions import device_table, is_cpu_only

from tfguard.analysis.calls import CallSite
from tfguard.analysis.file_model import FileModel
from tfguard.analysis.preamble import Module, bind_modules
from tfguard.analysis.project import Event, Program, ProjectFacts
from tfguard.analysis.reads import Read, reads_of
from tfguard.model import Edit, Finding, Fix, Safety, Severity, Span
from tfguard.rule import Rule
from tfguard.tables import load_evidence

rule = Rule(__name__, id="TFG207", severity=Severity.WARNING, since="0.1", records=[record], evidence=load_evidence())

#: What may be done with a session without making it Keras' own.
_APART = frozenset({"run", "close", "graph"})


@rule.on_file(mentions="Session")
def check(file: FileModel) -> Iterator[Finding]:
    """Every session with a config that is kept apart: assigned or dropped, never made the default, never passed on."""
    wanted = device_table()["keras_session"]["sessions"]
    for call in file.calls:
        if not _is_of_tensorflow_1(call, wanted) or call.argument("config", 2).is_absent or is_cpu_only(call):
            continue
        reads = _reads_apart(call)
        if reads is not None:
            yield rule.finding(call, "", fix=_fix(call, used=bool(reads)))


def _is_of_tensorflow_1(call: CallSite, wanted: Sequence[str]) -> bool:
    """Is it a session of TensorFlow 1 itself? On TensorFlow 2 the Keras of most programs uses none."""
    if call.file.target.tensorflow >= (2, 0):
        return bool(call.names) and set(call.names) <= set(wanted)
    return bool(call.names) and {call.file.knowledge.canonical(name) for name in call.names} <= set(wanted)


def _reads_apart(call: CallSite) -> tuple[Read, ...] | None:
    """The reads of the variable that holds the session, when none makes it the default or passes it on."""
    statement = call.file.index.places[call.node].parent
    if isinstance(statement, ast.Expr):
        return ()
    if not isinstance(statement, ast.Assign) or len(statement.targets) != 1:
        return None
    target = statement.targets[0]
    reads = reads_of(call.file, target) if isinstance(target, ast.Name) else None
    if reads is None or any(not read.path or read.path[0] not in _APART for read in reads):
        return None
    return reads


@rule.on_project
def check_project(facts: ProjectFacts, findings: Sequence[Finding]) -> Iterator[Finding]:
    """Those after which Keras runs in a session of its own."""
    for finding in findings:
        use = next((use for program in facts.programs if (use := _use_after(program, finding)) is not None), None)
        if use is None:
            continue
        file = facts.open(finding.path)
        written = next(call.written for call in file.calls if call.span == finding.span)
        message = f"Keras never gets this `{written}`: it runs in a session of its own, without this config"
        note = note_at(facts, use, "Keras makes its own session here")
        yield rule.finding((file, finding.span), message, fix=finding.fix, notes=(note,))


def _use_after(program: Program, finding: Finding) -> Event | None:
    """The first use of Keras' session in a program that makes the session before and gives Keras none."""
    events = events_of(program)
    if any(what(event) == GIVEN for event in events):
        return None
    first = next((event for event in events if what(event) == USES and event.item.payload.get("keras")), None)
    for event in events:
        is_here = event.path == finding.path and event.item.start == finding.span.start
        if is_here and what(event) in (STARTED, CONFIGURED) and first is not None:
            return first if events.index(event) < events.index(first) and surely_before(event, first) else None
    return None


# -- the fix ------------------------------------------------------------------------------------------------


def _fix(call: CallSite, *, used: bool) -> Fix | None:
    """`K.set_session(…)` below the assignment, or around the call."""
    file = call.file
    backend = _backend(file, call.span.start)
    if backend is None:
        return None
    statement = file.statement_of(call.node)
    edits: tuple[Edit, ...] | None
    if isinstance(statement, ast.Assign):
        line = file.rewrite.insert_after(statement, f"{backend}.set_session({file.text_of(_target(file, statement))})")
        edits = (line,) if line is not None else None
    else:
        start, end = call.span.start, call.span.end
        edits = (Edit(Span(start, start), f"{backend}.set_session("), Edit(Span(end, end), ")"))
    return Fix("Give Keras the session", edits, Safety.UNSAFE if used else Safety.SAFE) if edits is not None else None


def _target(file: FileModel, statement: ast.Assign) -> Span:
    return file.span(statement.targets[0])


def _backend(file: FileModel, before: int) -> str | None:
    """How the file can spell the backend of the Keras that it uses, bound before an offset."""
    roots = {name.split(".", 1)[0] for call in file.calls for name in call.names}
    backends = (
        ("keras.backend",) if "keras" in roots else ("tensorflow.keras.backend", "tensorflow.python.keras.backend")
    )
    alias = file.rewrite.module_alias(*backends, before=before)
    if alias is not None:
        return alias
    if "keras" in roots:
        bound = bind_modules(file, {"keras": Module(("keras",), "keras", ("keras",))}, before)
        return f"{bound.aliases['keras']}.backend" if bound is not None and not bound.other else None
    tensorflow = file.rewrite.module_alias("tensorflow", before=before)
    return f"{tensorflow}.keras.backend" if tensorflow is not None else None
