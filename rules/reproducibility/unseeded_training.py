"""A program that draws random numbers without a seed gives other results on every run.

## Why it matters
Initial weights, dropout, shuffling and splits come from three global generators: Python's `random`, NumPy's and
TensorFlow's. One that is drawn from and not seeded is enough to make every run differ. Which one stands behind an API
depends on the version: Keras draws initial weights from Python's `random` since 2.10 (from TensorFlow before,
multi-backend Keras from NumPy), `fit` shuffles with NumPy on TF 1 and with TensorFlow since 2.0. So
`tf.random.set_seed` alone made a Keras model repeat until 2.9 and does not since. In TF 1 the seed belongs to a graph:
`tf.reset_default_graph()` and `with tf.Graph().as_default():` begin one that has none.

The whole program counts, from its entry point through all files that it runs. Training alone is no evidence, a draw is:
a program that draws nothing, or seeds what it draws, gets no finding.

## Bad
    import numpy as np
    import tensorflow as tf

    x = np.random.rand(100, 2)
    model = tf.keras.Sequential([tf.keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(x, x.sum(axis=1), epochs=2)

## Bad
    import tensorflow as tf

    tf.random.set_seed(7)
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
Safe: the numbers, which were never the same twice, are now always the same. A seed that is already set stays, and the
generators that miss one get its value. Unsafe where the program draws while its file is imported and other files of the
project import it too: the seed would then act on them as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from tfguard.rules.reproducibility.draws import draw_of, load_draws
from tfguard.rules.reproducibility.preambles import fix_of, join_words
from tfguard.rules.reproducibility.runs import Course, Draw, follow
from tfguard.rules.reproducibility.seeds import load_seeds, seed_of

from tfguard.analysis.calls import CallSite, Reference, ReferenceKind
from tfguard.analysis.file_model import FileModel
from tfguard.analysis.project import Event, Program, ProjectFacts
from tfguard.model import Finding, Note, Severity, Span
from tfguard.rule import Rule
from tfguard.tables import load_api_table
from tfguard.targets import TENSORFLOW_VERSIONS, keras_of

rule = Rule(__name__, id="TFG101", severity=Severity.WARNING, since="0.1")

_LIBRARIES = (
    *("tensorflow", "keras", "tf_keras", "tflearn", "tf_slim", "tensorlayer", "sonnet", "prettytensor"),
    *("theano", "lasagne", "autokeras", "keras_contrib", "keras_cv", "keras_hub", "keras_nlp"),
    *("tensorflow_probability", "tensorflow_addons", "tensorflow_hub"),
)
_WORDS = (*_LIBRARIES, "random", "seed", "sklearn", "scipy", "pandas", "pylab", "shuffle", "determinis", "reproducib")
_SHORT = {"python": "Python's `random`", "numpy": "NumPy's", "tensorflow": "TensorFlow's"}
_NAMES = {"python": "Python's `random`", "numpy": "NumPy's generator", "tensorflow": "TensorFlow's generator"}
#: What a program is written for that uses names of the package `keras` which are gone: nearly always Keras up to 2.3.
_LAST_OF_TF1 = (1, 15)
_TEST_FOLDERS = frozenset({"test", "tests", "testing"})


@rule.on_call(mentions=_WORDS)
def effect(call: CallSite) -> dict[str, Any] | None:
    """What a call does to the generators."""
    found = {**(draw_of(call) or {}), **(seed_of(call) or {})}
    return found or None


@rule.facts(mentions=_LIBRARIES)
def facts_of_file(file: FileModel) -> dict[str, Any] | None:
    """Is the file part of a training program, and of which version?"""
    references = file.references(load_draws().roots)
    if not references:
        return None
    names = sorted({name for reference in references for name in reference.names})
    canonical = {file.knowledge.canonical(name) for name in names}
    found: dict[str, Any] = {"loads": True}
    if canonical & load_draws().handled["initialise"]:
        found["initialises"] = True
    if any(call.written.rpartition(".")[2] in load_draws().trained_by for call in file.calls):
        found["trains"] = True
    if any(_is_given(call, load_draws().scopes, "initializer") for call in file.calls):
        found["scoped"] = True
    if any(_is_given(call, load_draws().savers, "var_list", 0) for call in file.calls):
        found["partial"] = True
    if any(name.startswith("keras.") for name in canonical) or "keras" in canonical:
        found["keras"] = True
    found.update(_flavour(file, references))
    return found


def _is_given(call: CallSite, names: frozenset[str], keyword: str, position: int | None = None) -> bool:
    """Does a call of one of the names get (or may it get) an argument that is not None?"""
    if not any(call.file.knowledge.canonical(name) in names for name in call.names):
        return False
    argument = call.argument(keyword, position)
    return not argument.is_absent and not argument.is_constant(None)


def _flavour(file: FileModel, references: Sequence[Reference]) -> dict[str, Any]:
    """The newest version that has all names which the target lacks, and whether they are those of TF 1 graphs."""
    gone = sorted({row for reference in references if reference.guard is None for row in _gone(file, reference)})
    if not gone:
        return {}
    found: dict[str, Any] = {}
    if any(name in load_seeds().graph_names for name, _ in gone):
        found["graph"] = True
    else:
        gone = [(name, imported) for name, imported in gone if not _is_renamed(file, name)]
    if not gone:
        return found
    if any(not name.startswith("tensorflow.") for name, _ in gone):
        found["newest"] = list(_LAST_OF_TF1)
        return found
    for version in reversed(TENSORFLOW_VERSIONS):
        if version < file.target.tensorflow and not any(
            load_api_table().status(name, version, keras_of(version), imported=imported).kind == "missing"
            for name, imported in gone
        ):
            found["newest"] = list(version)
            break
    return found


def _is_renamed(file: FileModel, name: str) -> bool:
    """Does the target have the name under another one, so that a rename makes the file one of the target?"""
    while "." in name:
        row = load_api_table().rename(name, file.target.tensorflow)
        if row is not None:
            return row.safety == "safe" and not row.graph_mode
        name = name.rpartition(".")[0]
    return False


def _gone(file: FileModel, reference: Reference) -> Iterator[tuple[str, bool]]:
    """The names of a reference that the target does not have and another version had."""
    target, imported = file.target, reference.kind is not ReferenceKind.CHAIN
    for name in reference.names:
        if name.split(".", 1)[0] not in ("tensorflow", "keras") or ".compat." in name:
            continue
        if load_api_table().status(name, target.tensorflow, target.keras, imported=imported).kind == "missing":
            yield name, imported


@rule.on_project
def check(facts: ProjectFacts, own: Sequence[Finding]) -> Iterator[Finding]:
    """One finding a program, at its first draw from a generator that nothing has seeded."""
    seen: set[tuple[str, int]] = set()
    for program in facts.programs:
        if not _is_training(facts, program):
            continue
        course = follow(facts, program, rule.id, facts.open(program.summary.path).target)
        if course.sure:
            finding = _finding(facts, program, course)
            if (finding.path, finding.line) not in seen:
                seen.add((finding.path, finding.line))
                yield finding


def _is_training(facts: ProjectFacts, program: Program) -> bool:
    """Does the program load a library that trains, and is it no test?"""
    if _TEST_FOLDERS & set(program.summary.path.split("/")[:-1]) or not program.effects(rule.id):
        return False
    bases = [base for cls in program.summary.classes.values() for base in cls.bases]
    if any(base.rsplit(".", 1)[-1] == "TestCase" for base in bases):
        return False
    return any(rule.id in facts.files[path].facts for path in program.files if path in facts.files)


# -- the finding ------------------------------------------------------------------------------------------


def _finding(facts: ProjectFacts, program: Program, course: Course) -> Finding:
    placed = fix_of(facts, program, course)
    path = placed.path if placed is not None else program.summary.path
    file = facts.open(path)
    draw = _draw_of_fix(course, program, path)
    span = _place_in(path, program, draw)
    message = _message(facts, course, draw, at_draw=draw.event.path == path and span.start == draw.event.item.start)
    fix = placed.fix if placed is not None else None
    return rule.finding((file, span), message, fix=fix, notes=_notes(facts, program, course, draw, path))


def _draw_of_fix(course: Course, program: Program, path: str) -> Draw:
    """The draw that the finding is about: the first sure one, of another file's graph TensorFlow's."""
    if path != program.summary.path:
        return next(draw for draw in course.unseeded if draw.generator == "tensorflow")
    return course.sure[0]


def _place_in(path: str, program: Program, draw: Draw) -> Span:
    """The draw itself where the file holds it, else the statement of the file that leads to it."""
    event = draw.event
    links = list(zip(event.chain, event.trail, strict=True))
    if path != program.summary.path:
        inside = [item for (place, _), item in links if place == path]
        item = inside[-1] if inside else draw.began.item if draw.began is not None else event.item
        return Span(item.start, item.end)
    item = event.trail[0]
    for (place, _), step in links:
        if place != path:
            break
        item = step
    return Span(item.start, item.end)


def _message(facts: ProjectFacts, course: Course, draw: Draw, *, at_draw: bool) -> str:
    written = _written(facts, draw.event)
    first = f"`{written}` is the first draw" if at_draw else f"this leads to the first draw, `{written}`"
    return f"{first}: the program draws from {_generators(course)}, so every run differs"


def _generators(course: Course) -> str:
    """`NumPy's global generator and TensorFlow's and seeds neither`."""
    sure = {draw.generator for draw in course.sure}
    names = [_SHORT[generator] for generator in course.missing if generator in sure]
    place = next((number for number, name in enumerate(names) if name != _SHORT["python"]), None)
    if place is not None:
        names[place] += " global generator"
    denial = {1: "never seeds it", 2: "seeds neither"}.get(len(names), "seeds none of them")
    if len(names) == 1 and any(set(seeding.generators) & sure for seeding in course.seedings):
        denial = "has not seeded it by then"
    return f"{join_words(names)} and {denial}"


def _notes(facts: ProjectFacts, program: Program, course: Course, draw: Draw, path: str) -> Iterator[Note]:
    if path != program.summary.path:
        yield Note("the program starts here", program.summary.path, program.entry.line)
    for other in course.sure:
        if other is not draw or other.event.path != path:
            written = _written(facts, other.event)
            yield _note(facts, other.event, f"first draw from {_NAMES[other.generator]}: `{written}`")
    for reason in dict.fromkeys(other.why for other in course.sure if other.why):
        yield Note(reason)
    for seeding in course.seedings[:3]:
        yield _note(facts, seeding.event, _why_not(facts, course, seeding.event, seeding.generators, seeding.position))


def _why_not(facts: ProjectFacts, course: Course, event: Event, generators: Sequence[str], position: int) -> str:
    """Why a seed that is set does not help."""
    written = _written(facts, event)
    sure = {draw.generator for draw in course.sure}
    if not sure & set(generators):
        only = join_words([_NAMES[generator] for generator in generators])
        return f"`{written}` seeds {only} only"
    began = next((draw.began for draw in course.sure if draw.began is not None), None)
    if began is not None and position < course.position:
        return f"`{written}` seeds another graph than the one that `{_written(facts, began)}` begins"
    return f"`{written}` comes too late"


def _note(facts: ProjectFacts, event: Event, message: str) -> Note:
    line, column = facts.open(event.path).source.position(event.item.start)
    return Note(message, event.path, line, column)


def _written(facts: ProjectFacts, event: Event) -> str:
    """The function of an effect as the user spells it."""
    file = facts.open(event.path)
    call = next((c for c in file.calls if c.span == Span(event.item.start, event.item.end)), None)
    return re.sub(r"\\?\s+", "", call.written) if call is not None else event.item.name
