"""A variable that is needed before an initialiser gave it a value stops the run.

An initialiser covers the variables that exist when it is made. What is made later, the slots of an optimizer among
them, has no value; nor have local variables (of metrics, of queues with `num_epochs=`): they have their own.

## Why it matters
"FailedPreconditionError: Attempting to use uninitialized value" names the variable and not the line that is wrong: the
one where the initialiser was made too early, or where it is missing.

A program is followed from its entry. Restoring a checkpoint counts as initialising, and so does handing the session to
somebody who is not followed; monitored sessions and supervisors look after themselves.

## Bad
    import tensorflow.compat.v1 as tf

    tf.disable_v2_behavior()
    w = tf.Variable(1.0)
    init = tf.global_variables_initializer()
    step = tf.train.AdamOptimizer(0.1).minimize(tf.square(w))
    with tf.Session() as sess:
        sess.run(init)
        sess.run(step)

## Good
    import tensorflow.compat.v1 as tf

    tf.disable_v2_behavior()
    w = tf.Variable(1.0)
    step = tf.train.AdamOptimizer(0.1).minimize(tf.square(w))
    with tf.Session() as sess:
        init = tf.global_variables_initializer()
        sess.run(init)
        sess.run(step)

## Good
    import tensorflow.compat.v1 as tf

    tf.disable_v2_behavior()
    hit = tf.constant([1.0, 0.0])
    mean, update = tf.metrics.mean(hit)
    with tf.Session() as sess:
        sess.run(tf.local_variables_initializer())
        sess.run(update)

## Fix safety
Safe where the initialiser is only made later, or the one for local variables is added: the run failed before. Where no
initialiser was run at all one is added as an unsafe fix: perhaps a checkpoint was to be restored.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from tfguard.rules.graph.initialised import Uninitialised, uninitialised_variables
from tfguard.rules.graph.missing_gradients import place_of
from tfguard.rules.graph.runs import SESSIONS

from tfguard.analysis.file_model import FileModel
from tfguard.analysis.project import ProjectFacts
from tfguard.model import Edit, Finding, Fix, Safety, Severity, Span
from tfguard.rule import Rule
from tfguard.tables import load_evidence

#: How the initialisers are called from 0.12 on, and before.
_GLOBAL = {True: "global_variables_initializer", False: "initialize_all_variables"}
_LOCAL = {True: "local_variables_initializer", False: "initialize_local_variables"}
_NEW_NAMES = (0, 12)

rule = Rule(
    __name__,
    id="TFG314",
    severity=Severity.ERROR,
    since="0.2",
    messages=(
        "FailedPreconditionError: Attempting to use uninitialized value",
        "Attempting to use uninitialized value",
        "Could not find variable",
        "This could mean that the variable has been deleted",
    ),
    records=[SESSIONS],
    evidence=load_evidence(),
)


@rule.on_project
def judge(facts: ProjectFacts, findings: Sequence[Finding]) -> Iterator[Finding]:
    """The first run of each place that needs a variable without a value."""
    seen: set[tuple[str, int]] = set()
    for missing in uninitialised_variables(facts):
        call = missing.run.call
        key = (call.file.path, call.file.span(call.node).start)
        if key not in seen:
            seen.add(key)
            yield _finding(missing)


def _finding(missing: Uninitialised) -> Finding:
    variable, call = missing.variable, missing.run.call
    if missing.is_local:
        why = "it is a local variable, and `tf.local_variables_initializer()` was not run"
    elif not missing.before:
        why = "no initialiser was run in this session"
    else:
        why = "it was made after the initialiser that was run"
    notes = [place_of(variable, "the variable is made here")]
    notes += [place_of(one.node, "the initialiser is made here") for one, _ in missing.before[-1:]]
    title = variable.title if " " in variable.title else f"`{variable.title}`"
    message = f"this run needs {title}, which has no value yet: {why}"
    return rule.finding(call.file.call_site(call.node), message, fix=_fix(missing), notes=notes)


def _fix(missing: Uninitialised) -> Fix | None:
    if missing.is_local:
        return _add_local(missing)
    return _make_later(missing) if missing.before else _add_global(missing)


def _make_later(missing: Uninitialised) -> Fix | None:
    """Move the line that makes the initialiser to where it is run, when the variable is there by then."""
    initialiser, run = missing.before[-1]
    file, place = initialiser.node.file, initialiser.node.place
    made, used = _statement(file, place), _statement(run.call.file, run.call.node)
    if (
        not isinstance(made, ast.Assign)
        or made.value is not place
        or used is None
        or file is not run.call.file
        or run.call.position <= missing.variable.number
    ):
        return None
    if file.enclosing(made) != file.enclosing(used) or run.call.is_repeated or not _is_used_once(file, made):
        return None
    line = _whole_line(file, made)
    moved = file.rewrite.insert_before(used, file.text_of(file.span(made)))
    if line is None or moved is None or moved.span.start < line.end:
        return None
    return Fix("Make the initialiser where it is run", (Edit(line, ""), moved), Safety.SAFE)


def _statement(file: FileModel, place: ast.AST) -> ast.stmt | None:
    return file.statement_of(place) if file.is_placed(place) else None


def _is_used_once(file: FileModel, made: ast.Assign) -> bool:
    target = made.targets[0]
    name = target.id if isinstance(target, ast.Name) else ""
    uses = [n for n in ast.walk(file.tree) if isinstance(n, ast.Name) and n.id == name]
    return len(uses) == 2


def _whole_line(file: FileModel, statement: ast.stmt) -> Span | None:
    """The line of a statement that has it for itself."""
    span, starts = file.span(statement), file.source.line_starts
    start, after = starts[statement.lineno - 1], statement.end_lineno or statement.lineno
    if after >= len(starts):
        return None
    text = file.source.text
    is_alone = not text[start : span.start].strip() and not text[span.end : starts[after]].strip()
    return Span(start, starts[after]) if is_alone else None


def _add_local(missing: Uninitialised) -> Fix | None:
    """Run the initialiser of local variables behind the one of the others."""
    runs = [run for one, run in missing.before if one.kind == "global" and missing.run.call.file is run.call.file]
    if not runs or runs[-1].call.position <= missing.variable.number:
        return None
    call = runs[-1].call
    statement = _statement(call.file, call.node)
    is_simple = isinstance(statement, ast.Expr) and statement.value == call.node and len(call.node.args) == 1
    if statement is None or not is_simple:
        return None
    session, root = _session_of(call.node), _root_of(missing, call.file)
    if session is None or root is None:
        return None
    line = f"{session}.run({root}.{_name(call.file, _LOCAL)}())"
    edit = call.file.rewrite.insert_after(statement, line)
    return Fix("Initialise the local variables too", (edit,), Safety.SAFE) if edit is not None else None


def _add_global(missing: Uninitialised) -> Fix | None:
    """Run an initialiser before the first run that needs one."""
    call = missing.run.call
    statement, session, root = _statement(call.file, call.node), _session_of(call.node), _root_of(missing, call.file)
    if statement is None or session is None or root is None or call.is_conditional or call.is_repeated or call.loops:
        return None
    edit = call.file.rewrite.insert_before(statement, f"{session}.run({root}.{_name(call.file, _GLOBAL)}())")
    return Fix("Initialise the variables first", (edit,), Safety.UNSAFE) if edit is not None else None


def _name(file: FileModel, names: dict[bool, str]) -> str:
    return names[file.target.tensorflow >= _NEW_NAMES]


def _session_of(node: ast.Call) -> str | None:
    """The session of `session.run(...)`, as written."""
    is_run = isinstance(node.func, ast.Attribute) and node.func.attr == "run"
    owner = node.func.value if isinstance(node.func, ast.Attribute) and is_run else None
    return ast.unparse(owner) if isinstance(owner, (ast.Name, ast.Attribute)) else None


def _root_of(missing: Uninitialised, file: FileModel) -> str | None:
    """The name of TensorFlow as the session was made with it, in the same file."""
    session = missing.run.session
    made = session.made_by if session is not None else None
    if made is None or not isinstance(made.func, ast.Attribute) or session is None or session.file is not file:
        return None
    return ast.unparse(made.func.value)
