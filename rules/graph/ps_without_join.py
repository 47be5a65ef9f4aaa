"""A parameter server that does not wait in `server.join()` ends at once, and its workers hang.

## Why it matters
`tf.train.Server` serves in threads of its own, which end with the program. A process with `job_name="ps"` that reaches
the end of its script takes the variables with it. Nothing is raised there; the workers print "CreateSession still
waiting for response from worker: /job:ps/replica:0/task:0" and wait for ever. `server.join` without brackets does
nothing either.

A parameter server that waits in another way (a queue that the workers fill when they are done) is fine.

## Bad
    import sys

    import tensorflow.compat.v1 as tf

    job_name = sys.argv[1] if len(sys.argv) > 1 else "ps"
    cluster = tf.train.ClusterSpec({"ps": ["localhost:0"]})
    server = tf.train.Server(cluster, job_name=job_name, task_index=0)
    if job_name == "ps":
        print("parameter server is up")
    elif job_name == "worker":
        print("training")

## Good
    import sys

    import tensorflow.compat.v1 as tf

    job_name = sys.argv[1] if len(sys.argv) > 1 else "ps"
    cluster = tf.train.ClusterSpec({"ps": ["localhost:0"]})
    server = tf.train.Server(cluster, job_name=job_name, task_index=0)
    if job_name == "ps":
        server.join()
    elif job_name == "worker":
        print("training")

## Good
    import sys

    import tensorflow.compat.v1 as tf

    job_name = sys.argv[1] if len(sys.argv) > 1 else "worker"
    cluster = tf.train.ClusterSpec({"worker": ["localhost:0"]})
    server = tf.train.Server(cluster, job_name=job_name, task_index=0)
    if job_name == "worker":
        print("training")

## Fix safety
Unsafe: the process then runs until it is stopped, as a parameter server does.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from tfguard.rules.graph.distributed import load_distributed

from tfguard.analysis.blocks import maker_of
from tfguard.analysis.calls import CallSite, Expr
from tfguard.analysis.file_model import FileModel
from tfguard.model import Edit, Finding, Fix, Safety, Severity, Span
from tfguard.rule import Rule
from tfguard.tables import load_evidence

rule = Rule(
    __name__,
    id="TFG320",
    severity=Severity.WARNING,
    since="0.2",
    messages=("CreateSession still waiting for response from worker: {}",),
    evidence=load_evidence(),
)


@rule.on_file(mentions=("train.Server", "import Server", "GrpcServer", "distribute.Server"))
def check(file: FileModel) -> Iterator[Finding]:
    """Every branch of a parameter server that does nothing and ends."""
    made = [
        call
        for call in file.calls
        if call.names and call.canonical_names <= set(load_distributed()["servers"]["names"])
    ]
    if len(made) != 1 or made[0].argument("job_name", 1).is_absent:
        return
    for statement in _conditions(file):
        if not _asks_for_parameter_server(file, statement.test):
            continue
        bare = next((node for node in map(_bare_join, statement.body) if node is not None), None)
        if bare is not None and _is_server(file, bare):
            edit = Edit(Span(file.span(bare).end, file.span(bare).end), "()")
            message = f"`{file.text_of(file.span(bare))}` is not called: the parameter server ends at once"
            yield rule.finding(Expr(file, bare), message, fix=Fix("Call it", (edit,), Safety.UNSAFE))
        elif _ends_at_once(file, statement, made[0]):
            message = "the parameter server ends here, with nobody in `join()` to wait: its workers hang"
            yield rule.finding(Expr(file, statement.test), message, fix=_fix(file, statement, made[0]))


def _conditions(file: FileModel) -> list[ast.If]:
    """The `if` statements of the file, in source order."""
    found = {place.parent: None for place in file.index.places.values() if isinstance(place.parent, ast.If)}
    return sorted((node for node in found if isinstance(node, ast.If)), key=lambda node: node.lineno)


def _asks_for_parameter_server(file: FileModel, test: ast.expr) -> bool:
    """Is it `job_name == "ps"`, however the name is got at?"""
    table = load_distributed()["servers"]
    if not isinstance(test, ast.Compare) or len(test.ops) != 1 or not isinstance(test.ops[0], ast.Eq):
        return False
    sides = [test.left, test.comparators[0]]
    is_job = any("job" in file.text_of(file.span(side)) for side in sides if not isinstance(side, ast.Constant))
    return is_job and any(isinstance(s, ast.Constant) and s.value == table["parameter_servers"] for s in sides)


def _bare_join(statement: ast.stmt) -> ast.Attribute | None:
    """`server.join` that stands alone, without brackets."""
    value = statement.value if isinstance(statement, ast.Expr) else None
    return value if isinstance(value, ast.Attribute) and value.attr == load_distributed()["servers"]["wait"] else None


def _is_server(file: FileModel, node: ast.Attribute) -> bool:
    made = maker_of(Expr(file, node.value))
    return made is not None and made.canonical_names <= set(load_distributed()["servers"]["names"])


def _ends_at_once(file: FileModel, statement: ast.If, server: CallSite) -> bool:
    """Does the branch do nothing that takes time, and nothing behind it wait or train?"""
    idle = load_distributed()["servers"]["idle"]
    if not all(_is_idle(file, inner, idle) for inner in statement.body):
        return False
    if any(call.written.endswith(".join") and _is_of(call, server) for call in file.calls):
        return False
    return bool(statement.orelse) and _is_last(file, statement)


def _is_idle(file: FileModel, statement: ast.stmt, idle: Sequence[str]) -> bool:
    if isinstance(statement, ast.Pass):
        return True
    if not isinstance(statement, (ast.Expr, ast.Assign, ast.Return)):
        return False
    calls = [file.call_site(node) for node in ast.walk(statement) if isinstance(node, ast.Call)]
    return all(call.written.rpartition(".")[2] in idle for call in calls)


def _is_of(call: CallSite, server: CallSite) -> bool:
    """May it be a method of the server: not of a string, not of `os.path`?"""
    receiver = call.receiver
    if receiver is None or isinstance(receiver.node, (ast.Constant, ast.JoinedStr)):
        return False
    return not any(name.startswith(("os.path", "posixpath", "builtins.")) for name in call.names)


def _is_last(file: FileModel, statement: ast.If) -> bool:
    """Does nothing follow in the blocks around it, up to its function or the module?"""
    here: ast.AST = statement
    while not isinstance(here, (ast.Module, ast.FunctionDef, ast.AsyncFunctionDef)):
        parent = file.index.places[here].parent
        for _, block in ast.iter_fields(parent):
            if (
                isinstance(block, list)
                and here in block
                and not isinstance(parent, ast.Module)
                and block[-1] is not here
            ):
                return False
        if isinstance(parent, ast.Module):
            behind = parent.body[parent.body.index(here) + 1 :] if isinstance(here, ast.stmt) else []
            return not behind
        here = parent
    return True


def _fix(file: FileModel, statement: ast.If, server: CallSite) -> Fix | None:
    """`server.join()` at the end of the branch."""
    places = file.index.places
    assigned = places[server.node].parent
    target = assigned.targets[0] if isinstance(assigned, ast.Assign) and len(assigned.targets) == 1 else None
    last = statement.body[-1]
    if (
        not isinstance(target, ast.Name)
        or places[target].scope is not places[statement].scope
        or isinstance(last, ast.Return)
    ):
        return None
    if places[target].branch != places[statement].branch or places[target].order > places[statement].order:
        return None
    edit = file.rewrite.insert_after(last, f"{target.id}.join()")
    return Fix("Wait in `join()`", (edit,), Safety.UNSAFE) if edit is not None else None
