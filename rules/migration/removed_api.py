"""A name of TensorFlow or Keras that the target version does not have.

The program stops with `AttributeError` or `ImportError` when it gets there. Every mention counts, called or not,
imported or read; what a version test, `hasattr` or `except AttributeError` protects does not.

## Why it matters
2,813 of the 4,543 public names of TensorFlow 1.15 have the same name in 2.21; 836 live in `tf.compat.v1` only and 894
are gone. Most programs of TF 1 need nothing but the old names: on 116 real ones, `import tensorflow.compat.v1 as tf`
and `tf.disable_v2_behavior()` took those that run on 2.21 from 9 to 51 (`tf_upgrade_v2` leaves them at 9).

## Bad
    import tensorflow as tf

    x = tf.placeholder(tf.float32, [None, 3])
    with tf.Session() as sess:
        print(sess.run(x * 2.0, {x: [[1.0, 2.0, 3.0]]}))

## Bad
    import tensorflow as tf

    optimizer = tf.train.AdmaOptimizer(0.1)

## Good
    import tensorflow.compat.v1 as tf

    tf.disable_v2_behavior()

    x = tf.placeholder(tf.float32, [None, 3])
    with tf.Session() as sess:
        print(sess.run(x * 2.0, {x: [[1.0, 2.0, 3.0]]}))

## Good
    import tensorflow as tf

    if hasattr(tf, "Session"):
        session = tf.Session()

## Good
    class tf:
        Session = dict

    session = tf.Session()

## Fix safety
Safe, and never half: where the program is one of TF 1 graphs and `tf.compat.v1` has every name that its files use, the
import of each file is changed and v2 behaviour turned off once, where the program starts. Elsewhere a name is replaced
only by one of the same meaning and the same arguments. Where one name stands in the way (contrib, `tf.layers` with
Keras 3), nothing is changed and the note says which. Random numbers of a graph-level seed differ between TF 1 and TF 2.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache, partial
from typing import Any

from tfguard.rules.migration.compat_v1 import (
    COMPAT,
    PLAIN,
    Needs,
    Plan,
    axis_first,
    disable_edits,
    eager_names,
    first_use,
    graph_names,
    make_plan,
    mode_of_call,
    runs_at_import,
    swap_edits,
)
from tfguard.rules.migration.import_names import find_import, import_edits
from tfguard.rules.migration.mentions import (
    ROOTS,
    broken_at,
    broken_references,
    is_imported,
    is_protected,
    is_provided,
    iter_references,
    status_of,
)

from tfguard.analysis.calls import CallSite, Reference, ReferenceKind
from tfguard.analysis.file_model import FileModel
from tfguard.analysis.project import ProjectFacts
from tfguard.analysis.values import Known
from tfguard.model import Edit, Finding, Fix, Note, Safety, Severity, Span
from tfguard.rule import Rule
from tfguard.tables import Status, load_api_table, load_toml

SWAP = "Import `tensorflow.compat.v1`"
MIGRATION = 0

rule = Rule(
    __name__,
    id="TFG401",
    severity=Severity.ERROR,
    since="0.1",
    messages=(
        "module 'tensorflow' has no attribute 'Session'",
        "module 'tensorflow' has no attribute 'placeholder'",
        "module 'tensorflow' has no attribute",
        "No module named 'tensorflow.contrib'",
        "No module named 'tensorflow.examples'",
        "module 'tensorflow.compat.v1.layers' has no attribute 'dense'",
        "cannot import name",
        "tf.placeholder() is not compatible with eager execution.",
        "The Session graph is empty. Add operations to the graph before calling run().",
    ),
)


@lru_cache(maxsize=1)
def _eager_only() -> frozenset[str]:
    return frozenset(load_toml("graph_mode.toml")["keras_eager_only"])


@rule.on_call(mentions="tensorflow")
def effects(call: CallSite) -> str | None:
    """What settles how the program runs."""
    mode: str | None = mode_of_call(call)
    return mode


@rule.on_file(mentions=ROOTS)
def check(file: FileModel) -> Iterator[Finding]:
    """Every mention of a name that is not there, with the fix that stands for itself."""
    for reference, status in broken_references(file):
        place, message = _at(file, reference, status), _message(file, reference, status)
        yield rule.finding(place, message, fix=_rename(file, reference, status), notes=_notes(status))


@rule.facts(mentions=("tensorflow",))
def facts_of(file: FileModel) -> dict[str, Any] | None:
    """What the file needs, were its program to run under `tensorflow.compat.v1`."""
    if file.target.tensorflow < (2, 0):
        return None
    needs = Needs()
    for reference in iter_references(file):
        _weigh(file, reference, needs)
    if not needs.uses_plain and not needs.compat:
        return None
    for call in file.calls:
        if any(file.knowledge.canonical(name) in _eager_only() for name in call.names):
            needs.blockers.append(f"`{call.written}` (line {_line(file, call.span)}) needs eager execution")
        if is_of_0x(call):
            where = f"`{call.text}` (line {_line(file, call.span)})"
            needs.blockers.append(f"{where} has the argument order of TensorFlow 0.x")
        needs.disables = needs.disables or mode_of_call(call) == "disable"
    if needs.missing and swap_edits(file) is None:
        needs.blockers.append("an import of tensorflow cannot be changed")
    needs.module_level = runs_at_import(file)
    needs.is_test = _is_test(file)
    found: dict[str, Any] = needs.as_json()
    return found


@rule.on_project
def judge(facts: ProjectFacts, findings: Sequence[Finding]) -> Iterator[Finding]:
    """Give the findings of programs that can go on under `compat.v1` the fix that makes them."""
    plan = make_plan(facts)
    by_path: dict[str, list[Finding]] = {}
    for finding in findings:
        by_path.setdefault(finding.path, []).append(finding)
    for path in sorted({*by_path, *plan.swap, *plan.entries}):
        yield from _judge_file(facts, plan, path, by_path.get(path, []))


# -- one mention --------------------------------------------------------------------------------------


def _at(file: FileModel, reference: Reference, status: Status) -> tuple[FileModel, Span]:
    """The shortest part of the mention that is broken."""
    inner = file.prefix_span(reference, broken_at(status))
    return (file, inner if inner is not None else reference.span)


def _message(file: FileModel, reference: Reference, status: Status) -> str:
    written = file.text_of(_at(file, reference, status)[1])
    library = _library(file, broken_at(status))
    if status.kind == "unavailable":
        return f"`{written}` raises in {library}: {status.reason}"
    if status.kind == "never":
        guesses = load_api_table().suggestions(broken_at(status), file.target.tensorflow, file.target.keras)
        hint = f"; did you mean `{_respell(file, reference, guesses[0])}`?" if guesses else ""
        return f"no known version of {library.split()[0]} has `{written}`{hint}"
    last = f" (it was in {_versions(status.versions)})" if status.versions else ""
    return f"`{written}` does not exist in {library}{last}"


def _versions(versions: str) -> str:
    """The table's version points in words: `k` marks Keras."""
    return re.sub(r"k(?=\d)", "Keras ", versions)


def _library(file: FileModel, name: str) -> str:
    if name.startswith("keras.") or name == "keras":
        keras = file.target.keras
        return f"Keras {keras[0]}.{keras[1]}" if keras is not None else "Keras"
    return "TensorFlow {}.{}".format(*file.target.tensorflow)


def _respell(file: FileModel, reference: Reference, name: str) -> str:
    """A qualified name as the user would spell it."""
    alias = file.rewrite.module_alias(PLAIN)
    if alias is not None and name.startswith(f"{PLAIN}."):
        return alias + name[len(PLAIN) :]
    return name


def _notes(status: Status) -> tuple[Note, ...]:
    return (Note(status.reason),) if status.reason and status.kind != "unavailable" else ()


def _rename(file: FileModel, reference: Reference, status: Status, *, edition: str = "") -> Fix | None:
    """Replace the name by one of the same meaning and arguments, if the tables know one."""
    if reference.kind is ReferenceKind.IMPORT:
        found = import_edits(file, reference, partial(find_import, file))
        return Fix(f"Import it by `{found[2]}`", found[0], found[1], MIGRATION) if found is not None else None
    row = _row(file, broken_at(status), edition)
    if row is None or reference.kind is not ReferenceKind.CHAIN:
        return None
    edit = file.rename_edit(reference, broken_at(status), row[0])
    if edit is None:
        return None
    kept = file.text_of(Span(reference.span.start, edit.span.start))
    return Fix(f"Replace it by `{kept}{edit.text}`", (edit,), row[1], MIGRATION)


def _row(file: FileModel, old: str, edition: str) -> tuple[str, Safety] | None:
    """The new name, spelled below `tensorflow` as the alias will mean it, and the grade of the rename."""
    table = load_api_table()
    row = table.rename(_under(old, edition), file.target.tensorflow) or table.rename(old, file.target.tensorflow)
    if row is None or (row.graph_mode and not edition):
        return None
    new = f"{PLAIN}{row.new[len(COMPAT) :]}" if edition and row.new.startswith(f"{COMPAT}.") else row.new
    if status_of(file, _under(new, edition)) is not None:
        return None
    return new, Safety.SAFE if row.safety == "safe" else Safety.UNSAFE


def _under(name: str, edition: str) -> str:
    """A `tensorflow.` name in the edition that an import was swapped to."""
    if edition and name.startswith(f"{PLAIN}.") and not name.startswith(f"{COMPAT}."):
        return edition + name[len(PLAIN) :]
    return name


# -- what a file needs ------------------------------------------------------------------------------------


def _weigh(file: FileModel, reference: Reference, needs: Needs) -> None:
    names = [ref.name for ref in reference.resolution.refs if not ref.is_instance]
    if any(name == COMPAT or name.startswith(f"{COMPAT}.") for name in names):
        names = [name for name in names if name.startswith(COMPAT)]
    for name in names:
        if name == COMPAT or name.startswith(f"{COMPAT}."):
            if file.knowledge.canonical(name) == "tensorflow.placeholder":
                needs.compat = needs.compat or f"{_line(file, reference.span)}"
                needs.graph = needs.graph or f"{_line(file, reference.span)}"
        elif name.startswith(f"{PLAIN}."):
            _weigh_plain(file, reference, name, needs)
        elif name == PLAIN:
            needs.uses_plain = True
    if reference.kind is ReferenceKind.STAR and names and names[0] == PLAIN:
        needs.blockers.append(f"`from tensorflow import *` (line {_line(file, reference.span)})")


def _weigh_plain(file: FileModel, reference: Reference, name: str, needs: Needs) -> None:
    private = name.startswith(("tensorflow.python.", "tensorflow.core.", "tensorflow.compat."))
    needs.uses_plain = needs.uses_plain or not private
    if is_protected(reference) or is_provided(file, name):
        return
    line = _line(file, reference.span)
    status = status_of(file, name, imported=is_imported(file, reference))
    if name in graph_names() and (status is None or status.kind == "missing") and file.target.tensorflow >= (2, 0):
        needs.graph = needs.graph or (f"{line}" if status is not None else "")
    if name in eager_names():
        needs.eager = needs.eager or f"`{reference.written}` (line {line})"
    if private:
        if name.startswith("tensorflow.python.keras") and (file.target.keras or (2, 0)) >= (3, 0):
            needs.blockers.append(f"`{reference.written}` (line {line}) is a private part of Keras 2")
        if status is not None and find_import(file, broken_at(status)) is None and not file.config.partial:
            needs.blockers.append(f"`{reference.written}` (line {line}) is gone")
        return
    if name.startswith("tensorflow.keras") and status is None:
        return
    there = status_of(file, _under(name, COMPAT))
    if status is None and file.knowledge.is_class(name.rpartition(".")[0]):
        return  # a member: in TF 1 mode the same class may be made by another one that has it (`Variable.numpy`)
    if there is None:
        if status is not None and status.kind != "unavailable":
            needs.missing.append(f"{line}")
        return
    row = _row(file, broken_at(status), COMPAT) if status is not None else None
    if row is not None and row[1] is Safety.SAFE and reference.kind is ReferenceKind.CHAIN:
        needs.missing.append(f"{line}")
        needs.graph = needs.graph or (f"{line}" if name in graph_names() else "")
    elif status is None or not file.config.partial:  # what is gone from both is left to fail where it is reached
        needs.blockers.append(f"`{reference.written}` (line {line}) is not in `tf.compat.v1`")


def is_of_0x(call: CallSite) -> bool:
    """Is it a call whose first argument became the last in 1.0 (`tf.concat(0, values)`)?"""
    names = {call.file.knowledge.canonical(name) for name in call.names}
    first = call.arguments[0].value if call.arguments else None
    return bool(names & axis_first()) and isinstance(first, Known) and type(first.value) is int


def _line(file: FileModel, span: Span) -> int:
    return file.source.position(span.start)[0]


def _is_test(file: FileModel) -> bool:
    base = file.path.rsplit("/", 1)[-1]
    return base.startswith("test_") or base.endswith("_test.py")


# -- the whole program --------------------------------------------------------------------------------------


def _judge_file(facts: ProjectFacts, plan: Plan, path: str, findings: list[Finding]) -> Iterator[Finding]:
    if path not in plan.swap and path not in plan.entries:
        for finding in findings:
            yield _held_back(plan, finding)
        return
    file = facts.open(path)
    shared = _shared_edits(facts, plan, file)
    if shared is None:
        yield from findings
        return
    if not findings:
        yield _companion(facts, plan, file, shared)
        return
    renames = _renames_under_compat(file) if path in plan.swap else {}
    for finding in findings:
        edits = tuple(sorted({*shared, *renames.get(finding.span, ())}))
        yield replace(finding, fix=Fix(_title(plan, path), edits, Safety.SAFE, MIGRATION))


def _held_back(plan: Plan, finding: Finding) -> Finding:
    """In a graph program that cannot be migrated, a single rename would help nobody: say what stands in the way."""
    if finding.path not in plan.graph:
        return finding
    why = plan.refused.get(finding.path)
    note = (Note(f"not migrated to `tf.compat.v1`: {why}"),) if why else ()
    return replace(finding, fix=None, notes=(*finding.notes, *note))


def _shared_edits(facts: ProjectFacts, plan: Plan, file: FileModel) -> tuple[Edit, ...] | None:
    """The edits that every finding of the file shares: its imports, and v2 behaviour off where a program starts."""
    edits: set[Edit] = set()
    if file.path in plan.swap:
        swapped = swap_edits(file)
        if swapped is None:
            return None
        edits.update(swapped)
    if file.path in plan.entries:
        disabled = disable_edits(facts, file)
        if disabled is None:
            return None
        edits.update(disabled)
    return tuple(sorted(edits)) or None


def _title(plan: Plan, path: str) -> str:
    both = path in plan.swap and path in plan.entries
    if both:
        return f"{SWAP} and turn v2 behaviour off"
    return SWAP if path in plan.swap else "Turn v2 behaviour off where the program starts"


def _companion(facts: ProjectFacts, plan: Plan, file: FileModel, edits: tuple[Edit, ...]) -> Finding:
    """A file without a broken name of its own that its program takes along."""
    span = edits[0].span
    fix = Fix(_title(plan, file.path), edits, Safety.SAFE, MIGRATION)
    if file.path in plan.entries:
        span = file.span(first_use(facts, file))
        span = Span(span.start, min(span.end, file.rewrite.end_of_line(span.start)))
        _, example = plan.entries[file.path]
        version = "{}.{}".format(*file.target.tensorflow)
        message = f"this starts a program of TF 1 graphs ({example}), and TensorFlow {version} runs eagerly"
    else:
        message = "this file belongs to a program of TF 1 graphs that moves to `tensorflow.compat.v1`"
    return rule.finding((file, span), message, fix=fix)


def _renames_under_compat(file: FileModel) -> dict[Span, tuple[Edit, ...]]:
    """Names that `tf.compat.v1` has under another name, by the place of the finding."""
    found: dict[Span, tuple[Edit, ...]] = {}
    for reference, status in broken_references(file):
        if status_of(file, _under(broken_at(status), COMPAT)) is None:
            continue
        fix = _rename(file, reference, status, edition=COMPAT)
        if fix is not None:
            found[_at(file, reference, status)[1]] = fix.edits
    return found
