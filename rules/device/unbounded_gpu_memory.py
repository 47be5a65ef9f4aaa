"""TensorFlow takes nearly all the memory of every GPU that it sees, whatever the model needs.

A session of TensorFlow 1 does so when it starts, unless its config sets `allow_growth` or a fraction; TensorFlow 2 does
so at its first operation, unless memory growth or a limit is set before.

## Why it matters
Nobody else can use the GPU meanwhile: a second training, an evaluation, a notebook that was left open or a colleague
fails with "CUDA_ERROR_OUT_OF_MEMORY" or "failed to create cublas handle", and `nvidia-smi` does not tell what the model
needs. On a machine with several GPUs the memory of all of them is taken. `tf.InteractiveSession()` is the exception: it
grows as long as it is given no config.

## Bad
    import tensorflow.compat.v1 as tf

    x = tf.placeholder(tf.float32)
    with tf.Session() as sess:
        print(sess.run(x * 2, {x: 1.0}))

## Good
    import tensorflow.compat.v1 as tf

    x = tf.placeholder(tf.float32)
    with tf.Session(config=tf.ConfigProto(gpu_options=tf.GPUOptions(allow_growth=True))) as sess:
        print(sess.run(x * 2, {x: 1.0}))

## Bad
    import tensorflow as tf

    model = tf.keras.Sequential([tf.keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(tf.ones((1, 1)), tf.ones((1, 1)))

## Good
    import tensorflow as tf

    for gpu in tf.config.list_physical_devices("GPU"):
        tf.config.experimental.set_memory_growth(gpu, True)

    model = tf.keras.Sequential([tf.keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(tf.ones((1, 1)), tf.ones((1, 1)))

## Good
    import os

    os.environ["TF_FORCE_GPU_ALLOW_GROWTH"] = "true"
    import tensorflow as tf

    print(tf.constant(1))

## Fix safety
Safe: only the memory that is taken changes, and without a GPU nothing does. `gpu-memory` in the settings chooses
growth, a fraction or a limit in MB; a session has no limit in MB and TensorFlow 2 no fraction, these grow. Memory that
grows may be in smaller pieces in the end. Only where Keras is used alone on TensorFlow before 1.14 the fix is unsafe:
it gives Keras a session, which other backends than TensorFlow do not have.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from tfguard.rules.device.elsewhere import unbounded_configs
from tfguard.rules.device.growth import growth_fix, names_tensorflow
from tfguard.rules.device.places import note_at, on_one_line, written_at
from tfguard.rules.device.record import (
    BARE,
    CONFIGURED,
    CONTEXT,
    DECIDED,
    ELSEWHERE,
    GIVEN,
    GRAPH,
    HIDDEN,
    MAYBE,
    SETTLED,
    STARTED,
    USES,
    record,
    what,
)
from tfguard.rules.device.sessions import Judgement, Kind, Memory, device_table, is_cpu_only, judge, kind_of, option_of
from tfguard.rules.device.unused import config_for

from tfguard.analysis.calls import CallSite
from tfguard.analysis.file_model import FileModel
from tfguard.analysis.project import Event, Program, ProjectFacts
from tfguard.analysis.summary import EFFECT
from tfguard.model import Finding, Fix, Note, Safety, Severity, Span
from tfguard.rule import Rule

rule = Rule(
    __name__,
    id="TFG201",
    severity=Severity.WARNING,
    since="0.1",
    messages=("CUDA_ERROR_OUT_OF_MEMORY", "failed to create cublas handle", "Failed to get convolution algorithm"),
    records=[record],
)

#: A program with one of these has sessions of TensorFlow 1, bounds its memory or works on other devices.
_NOT_THIS_WAY = frozenset({SETTLED, STARTED, BARE, CONFIGURED, GRAPH, GIVEN, CONTEXT, ELSEWHERE})

# -- sessions -------------------------------------------------------------------------------------------


@rule.on_file(mentions=("tensorflow", "tf_slim", "keras"))
def check(file: FileModel) -> Iterator[Finding]:
    """Every session whose config bounds no memory."""
    for call in file.calls:
        kind = kind_of(call)
        if kind is None:
            continue
        judgement = judge(call, kind)
        if judgement.memory is Memory.UNBOUNDED:
            fix = _own_config(call, kind) or _fix(call, kind.argument, judgement)
            yield rule.finding(call, _message(call, judgement), fix=fix)


def _message(call: CallSite, judgement: Judgement) -> str:
    how = "with a config that bounds no GPU memory" if judgement.has_config else "without a config"
    return f"`{call.written}` {how} takes nearly all the memory of every GPU that it sees"


def _own_config(call: CallSite, kind: Kind) -> Fix | None:
    """Pass the config that was made for the session and forgotten (TFG202)."""
    name = config_for(call, kind)
    edit = call.file.rewrite.set_argument(call, kind.argument, name, kind.position) if name is not None else None
    return Fix(f"Pass `{kind.argument}={name}`", (edit,), Safety.SAFE) if edit is not None else None


def _fix(call: CallSite, argument: str, judgement: Judgement) -> Fix | None:
    if not judgement.edits:
        return None
    option, value = option_of(call)
    title = (
        f"Set `{option}={value}` in the config"
        if judgement.has_config
        else f"Pass `{argument}=` with `{option}={value}`"
    )
    if isinstance(call.file.config.gpu_memory, int):
        title += " (a session has no limit in MB)"
    return Fix(title, judgement.edits, Safety.SAFE)


# -- the program ----------------------------------------------------------------------------------------------


@rule.on_project
def check_project(facts: ProjectFacts, findings: Sequence[Finding]) -> Iterator[Finding]:
    """Sessions that the program does not bound in another way, then programs that start the GPU without a session."""
    places: dict[tuple[str, int, int], list[Program]] = {}
    for program in facts.programs:
        for event in program.effects(record.key):
            if what(event) in (BARE, CONFIGURED):
                places.setdefault((event.path, event.item.start, event.item.end), []).append(program)
    for finding in findings:
        reached = places.get((finding.path, finding.span.start, finding.span.end), [])
        if not _is_settled(facts, finding, reached):
            yield _with_shim(facts, finding, reached)
    for program in facts.programs:
        yield from _starts_gpu(facts, program)
    yield from _made_elsewhere(facts)


def _made_elsewhere(facts: ProjectFacts) -> Iterator[Finding]:
    """Configs that other files make for sessions, each once."""
    seen: set[tuple[str, int]] = set()
    for program in facts.programs:
        if _is_bounded(program.effects(record.key), CONFIGURED):
            continue
        for made in unbounded_configs(facts, program):
            call, events = made.call, program.effects(record.key)
            if any(what(e) == STARTED and not e.is_conditional for e in events[: events.index(made.session)]):
                continue
            place = (call.file.path, call.span.start)
            if place not in seen and not is_cpu_only(call):
                seen.add(place)
                session = written_at(facts, made.session)
                message = f"`{call.written}` bounds no GPU memory: `{session}`, which gets it, takes nearly all of it"
                note = note_at(facts, made.session, "the session is made here")
                yield rule.finding(call, message, fix=_fix(call, "config", made.judgement), notes=(note,))


def _with_shim(facts: ProjectFacts, finding: Finding, reached: list[Program]) -> Finding:
    """In the preamble style `shim` one line at the start of the program bounds all its sessions."""
    file = facts.open(finding.path)
    starts = [program for program in reached if program.summary.path == finding.path]
    if file.config.preamble != "shim" or finding.fix is None or not starts:
        return finding
    fix = growth_fix(facts, starts[0], file, before=finding.span.start)
    return finding if fix is None else replace(finding, fix=fix)


def _is_settled(facts: ProjectFacts, finding: Finding, reached: list[Program]) -> bool:
    """Does every program that makes the session bound it in another way?"""
    if reached:
        return all(_settles(program, finding) for program in dict.fromkeys(reached))
    loading = facts.programs_with(finding.path)
    if loading:
        return all(_is_bounded(program.effects(record.key), BARE) for program in loading)
    summary = facts.files[finding.path]
    items = [item for item in summary.bodies.get(summary.module, ()) if item.kind == EFFECT and item.rule == record.key]
    return any(item.payload["is"] == DECIDED or (item.payload["is"] == HIDDEN and not item.branch) for item in items)


def _settles(program: Program, finding: Finding) -> bool:
    """Is the memory bounded, or another session surely started before (only the first one's options count)?"""
    events = program.effects(record.key)
    place = (finding.path, finding.span.start, finding.span.end)
    here = next(n for n, event in enumerate(events) if (event.path, event.item.start, event.item.end) == place)
    if any(what(event) == STARTED and not event.is_conditional for event in events[:here]):
        return True
    return _is_bounded(events, what(events[here]))


def _is_bounded(events: Sequence[Event], session: str) -> bool:
    kinds = {what(event) for event in events}
    hidden = any(what(event) == HIDDEN and not event.is_conditional for event in events)
    return hidden or DECIDED in kinds or (session == BARE and CONTEXT in kinds)


def _starts_gpu(facts: ProjectFacts, program: Program) -> Iterator[Finding]:
    """The first operation of a program that has no session and bounds nothing."""
    if program.summary.path not in facts.files:
        return
    events = _events(program)
    kinds = {what(event) for event in events}
    first = next((event for event in events if what(event) == USES), None)
    if first is None or kinds & _NOT_THIS_WAY or _is_bounded(events, BARE):
        return
    file = facts.open(program.summary.path)  # not before: it is parsed again
    if file.target.device == "cpu" or _is_of_other_backend(file, program):
        return
    earliest = next(event for event in events if what(event) in (USES, MAYBE))
    span = _place_in(file, first)
    fix = growth_fix(facts, program, file, before=earliest.chain[0][1])
    yield rule.finding((file, span), _start_message(file, span, first), fix=fix, notes=_notes(facts, file, first))


def _is_of_other_backend(file: FileModel, program: Program) -> bool:
    """Does a program that knows TensorFlow only through Keras import another of Keras' backends?"""
    others = device_table()["graph"]["backends"]
    references = file.references(others)
    return any(reference.statement is not None for reference in references) and not names_tensorflow(program)


def _events(program: Program) -> list[Event]:
    """The effects in files that the program loads (a method of an unknown object may be another file's)."""
    return [event for event in program.effects(record.key) if program.loads(event.path)]


def _place_in(file: FileModel, event: Event) -> Span:
    """The innermost place in the entry file on the way to an event."""
    here = [item for (path, _), item in zip(event.chain, event.trail, strict=True) if path == file.path][-1]
    return Span(here.start, here.end)


def _start_message(file: FileModel, span: Span, event: Event) -> str:
    call = next((call for call in file.calls if call.span == span), None)
    written = on_one_line(call.written if call is not None else file.text_of(span).split("\n", 1)[0])
    return (
        f"`{written}` starts TensorFlow on the GPU, and nothing before it bounds the memory that is taken: "
        "nearly all of every GPU"
    )


def _notes(facts: ProjectFacts, file: FileModel, event: Event) -> tuple[Note, ...]:
    if event.path == file.path:
        return ()
    line, column = facts.open(event.path).source.position(event.item.start)
    return (Note("the first operation is here", event.path, line, column),)
