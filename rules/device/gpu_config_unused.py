"""A config that bounds the GPU memory has no effect before it is passed to a session.

## Why it matters
The lines look as if memory growth were on, and every GPU's memory is taken all the same. In TensorFlow 2 there may be
no session at all to pass it to: Keras and eager operations never ask for a `ConfigProto`, there
`tf.config.experimental.set_memory_growth` does it. The same holds for a `GPUOptions` in no config, a `RunConfig` that
no Estimator gets, and a `LogicalDeviceConfiguration` that is not set.

## Bad
    import tensorflow.compat.v1 as tf

    config = tf.ConfigProto()
    config.gpu_options.allow_growth = True
    with tf.Session() as sess:
        print(sess.run(tf.constant(1)))

## Good
    import tensorflow.compat.v1 as tf

    config = tf.ConfigProto()
    config.gpu_options.allow_growth = True
    with tf.Session(config=config) as sess:
        print(sess.run(tf.constant(1)))

## Good
    import tensorflow.compat.v1 as tf


    def session_config():
        config = tf.ConfigProto()
        config.gpu_options.allow_growth = True
        return config


    with tf.Session(config=session_config()) as sess:
        print(sess.run(tf.constant(1)))

## Bad
    import tensorflow as tf

    config = tf.compat.v1.ConfigProto()
    config.gpu_options.allow_growth = True

    model = tf.keras.Sequential([tf.keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(tf.zeros([4, 2]), tf.zeros([4, 1]))

## Fix safety
Safe: the config is passed only to the one session of the same function that has none and comes after everything
that is set on the config. Elsewhere there is no fix.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tfguard.rules.device.record import BARE, CONFIGURED, CONTEXT, DECIDED, HIDDEN, KEY, USES, record
from tfguard.rules.device.sessions import is_cpu_only, kind_of
from tfguard.rules.device.unused import Unused, config_for, session_for, unused_configs

from tfguard.analysis.file_model import FileModel
from tfguard.analysis.project import ProjectFacts
from tfguard.analysis.summary import EFFECT
from tfguard.model import Finding, Fix, Note, Safety, Severity
from tfguard.rule import Rule
from tfguard.tables import load_evidence

rule = Rule(
    __name__,
    id="TFG202",
    severity=Severity.WARNING,
    since="0.1",
    messages=("CUDA_ERROR_OUT_OF_MEMORY",),
    records=[record],
    evidence=load_evidence(),
)

#: What the config would have been for: without any of these nothing is left unbounded.
_UNBOUNDED = frozenset({BARE, CONFIGURED, USES})
#: Memory is bounded in another way.
_OTHERWISE = frozenset({CONTEXT, DECIDED, HIDDEN})
_SAYS = {
    "proto": "no session is given `{}`",
    "options": "no config is given `{}`",
    "run": "no Estimator is given `{}`",
    "logical": "`{}` is set on no GPU",
}


@rule.on_file(mentions=("ConfigProto", "GPUOptions", "RunConfig", "LogicalDeviceConfiguration", "VirtualDeviceConfig"))
def check(file: FileModel) -> Iterator[Finding]:
    """Every config that bounds memory and goes nowhere."""
    for unused in unused_configs(file):
        if not is_cpu_only(unused.call):
            name = unused.target.id if unused.target is not None else unused.call.written
            says = _SAYS[unused.kind].format(name)
            yield rule.finding(unused.call, f"{says}: it bounds no GPU memory", fix=_fix(unused), notes=_notes(unused))


def _notes(unused: Unused) -> tuple[Note, ...]:
    session = session_for(unused)
    if session is None:
        return ()
    line, column = session.file.source.position(session.span.start)
    return (Note("this session has no config", session.file.path, line, column),)


def _fix(unused: Unused) -> Fix | None:
    session = session_for(unused)
    kind = kind_of(session) if session is not None else None
    text = config_for(session, kind) if session is not None and kind is not None else None
    if session is None or kind is None or text is None:
        return None
    edit = session.file.rewrite.set_argument(session, kind.argument, text, kind.position)
    return Fix(f"Pass `{kind.argument}={text}`", (edit,), Safety.SAFE) if edit is not None else None


@rule.on_project
def check_project(facts: ProjectFacts, findings: Sequence[Finding]) -> Iterator[Finding]:
    """Those without which the GPU's memory is unbounded."""
    for finding in findings:
        kinds = _kinds(facts, finding.path)
        if finding.path not in facts.imported and kinds & _UNBOUNDED and not kinds & _OTHERWISE:
            yield finding


def _kinds(facts: ProjectFacts, path: str) -> frozenset[str]:
    """What the programs that load a file do with the GPU; what the file does, where no program loads it."""
    programs = facts.programs_with(path)
    found = [event.item for program in programs for event in program.effects(KEY) if program.loads(event.path)]
    if not programs:
        bodies = facts.files[path].bodies
        found = [item for name in sorted(bodies) for item in bodies[name] if item.kind == EFFECT and item.rule == KEY]
    return frozenset(item.payload["is"] for item in found)
