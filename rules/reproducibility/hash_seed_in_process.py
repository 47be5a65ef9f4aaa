"""`PYTHONHASHSEED` set in a running program has no effect on that program, only on processes that it starts.

Python reads the variable once, when it starts. A line such as `os.environ["PYTHONHASHSEED"] = "0"` comes too late for
the process that runs it, wherever it stands.

## Why it matters
Recipes for reproducible training contain the line, and it looks as if the order of sets and the values of `hash()` were
settled. They are not. Where a program never depends on that order nothing is lost; where it does (see `hash-order`)
every run still differs. It works from outside: `PYTHONHASHSEED=0 python train.py`, `ENV PYTHONHASHSEED=0` in a
Dockerfile, or `tfguard run train.py`.

## Bad
    import os
    import tensorflow as tf

    os.environ["PYTHONHASHSEED"] = "0"
    tf.keras.utils.set_random_seed(0)

## Good
    import tensorflow as tf

    tf.keras.utils.set_random_seed(0)

## Good
    import os
    import sys

    if __name__ == "__main__" and os.environ.get("PYTHONHASHSEED") != "0":
        os.environ["PYTHONHASHSEED"] = "0"
        os.execv(sys.executable, sys.orig_argv)

    import tensorflow as tf

    tf.keras.utils.set_random_seed(0)

## Good
    import os
    import subprocess
    import sys
    import tensorflow as tf

    os.environ["PYTHONHASHSEED"] = "0"
    subprocess.run([sys.executable, "worker.py"], check=True)

## Fix safety
Unsafe: the script starts Python once more in its own place, with the variable set. What was started by a debugger or
profiler is not followed into the new process, and on Windows, where `os.execv` starts a second process and ends the
first, a shell does not wait for it and arguments with spaces are split.
"""

from __future__ import annotations

import ast
import itertools
import re
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from tfguard.rules.reproducibility.hash_loops import flow_table
from tfguard.rules.reproducibility.hash_seed import VARIABLE, is_guarded, sets_variable, starts_children

from tfguard.analysis.calls import CallSite, Expr, StoreSite
from tfguard.analysis.file_model import FileModel
from tfguard.analysis.preamble import Module, bind_modules
from tfguard.analysis.project import Program, ProjectFacts
from tfguard.analysis.rewrite import is_docstring, is_future
from tfguard.analysis.values import Known
from tfguard.model import Edit, Finding, Fix, Note, Safety, Severity, Span
from tfguard.rule import Rule

rule = Rule(__name__, id="TFG104", severity=Severity.HINT, since="0.1")

_MODULES = {"os": Module(("os",), "os", ("os",)), "sys": Module(("sys",), "sys", ("sys",))}
#: TensorFlow since this version needs a Python that has `sys.orig_argv`.
_HAS_ORIGINAL_ARGUMENTS = (2, 21)
_TESTS = re.compile(r"(?:^|/)(?:tests?|testing)/|(?:^|/)(?:test_[^/]*|[^/]*_test|conftest)\.py$")
_REMEDY = f"set it where the program is started: `{VARIABLE}=0 python …`, or `tfguard run`"


@rule.on_call(mentions=VARIABLE)
def note_call(call: CallSite) -> bool | None:
    """A call that sets the variable."""
    return sets_variable(call) or None


@rule.on_store(mentions=VARIABLE)
def note_store(store: StoreSite) -> bool | None:
    """A write that sets the variable."""
    return sets_variable(store) or None


@rule.facts(mentions=VARIABLE)
def note(file: FileModel) -> dict[str, Any] | None:
    """Where a file sets the variable, and to what."""
    if _TESTS.search(file.path):
        return None
    every: tuple[CallSite | StoreSite, ...] = (*file.calls, *file.stores)
    sites = [site for site in every if sets_variable(site)]
    found: dict[str, Any] = {"sites": [_site(site) for site in sites]}
    if is_guarded(file):
        found["guarded"] = True
    return found if sites or "guarded" in found else None


def _site(site: CallSite | StoreSite) -> list[Any]:
    """The place, and the value where it is a plain number."""
    statement = site.file.statement_of(site.node if isinstance(site, CallSite) else site.target)
    span = site.span if isinstance(site, CallSite) else site.file.span(statement)
    return [span.start, span.end, _number(site)]


def _number(site: CallSite | StoreSite) -> str:
    """The number that the variable is set to, "0" where it is not plain."""
    expr = _value(site) if isinstance(site, CallSite) else site.value
    inner = expr.call if expr is not None else None
    if inner is not None and inner.name == "builtins.str" and len(inner.arguments) == 1:
        expr = inner.arguments[0]
    value = expr.value if expr is not None else None
    text = str(value.value) if isinstance(value, Known) else ""
    return text if text.isdecimal() and int(text) < 2**32 else "0"


def _value(call: CallSite) -> Expr | None:
    """What a call sets the variable to."""
    if "os.environ.update" not in call.names:
        return call.argument("value", 1).expr
    items = [item for expr in call.arguments for item in expr.origin.items or ()]
    return next((value for key, value in items if key.value == Known(VARIABLE)), None)


@rule.on_project
def check(facts: ProjectFacts, own: Sequence[Finding]) -> Iterator[Finding]:
    """Settings in training programs that start no other process."""
    noted = facts.facts_of(rule.id)
    for path, found in noted.items():
        programs = facts.programs_with(path)
        file = facts.open(path) if found["sites"] else None
        if file is None or file.config.is_hash_seed_pinned or not _trains(facts, path, programs):
            continue
        if _is_guarded(noted, path, programs):
            continue
        for start, end, number in found["sites"]:
            if not _has_children(facts, path, programs, start):
                yield _finding(facts, file, programs, Span(start, end), number)


def _files(facts: ProjectFacts, path: str, programs: Sequence[Program]) -> list[FileModel]:
    paths = dict.fromkeys([path, *(other for program in programs for other in program.files)])
    return [facts.open(other) for other in paths if other in facts.files]


def _trains(facts: ProjectFacts, path: str, programs: Sequence[Program]) -> bool:
    roots = flow_table()["training"]["roots"]
    return any(file.references(roots) for file in _files(facts, path, programs))


def _is_guarded(noted: dict[str, Any], path: str, programs: Sequence[Program]) -> bool:
    paths = [path, *(other for program in programs for other in program.files)]
    return any("guarded" in noted.get(other, {}) for other in paths)


def _has_children(facts: ProjectFacts, path: str, programs: Sequence[Program], start: int) -> bool:
    """Does the program start a process that gets the variable (not surely before it is set)?"""
    for file in _files(facts, path, programs):
        for call in file.calls:
            before = file.path == path and call.function == file.module and call.span.start < start
            if starts_children(call) and not (before and _is_at_module_level(file, start)):
                return True
    return False


def _is_at_module_level(file: FileModel, offset: int) -> bool:
    statement = next((s for s in file.tree.body if file.span(s).start <= offset < file.span(s).end), None)
    return not isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))


# -- the finding ------------------------------------------------------------------------------------------------


def _finding(facts: ProjectFacts, file: FileModel, programs: Sequence[Program], span: Span, number: str) -> Finding:
    written = " ".join(file.text_of(span).split())
    message = (
        f"`{written}` has no effect on this process: Python read the variable when it started, "
        "and the order of sets still differs in every run"
    )
    return rule.finding((file, span), message, fix=_fix(facts, file, programs, span, number), notes=[Note(_REMEDY)])


def _fix(facts: ProjectFacts, file: FileModel, programs: Sequence[Program], span: Span, number: str) -> Fix | None:
    """A guard at the top of the script that starts Python again, once."""
    starts = [program for program in programs if program.summary.path == file.path]
    if not starts or file.source.is_notebook or file.path in facts.imported:
        return None
    is_module = any(line.level for line in file.index.imports if isinstance(line, ast.ImportFrom))
    is_new = file.target.tensorflow >= _HAS_ORIGINAL_ARGUMENTS
    if is_module and not is_new:  # started by `python -m`, which `sys.argv` does not tell
        return None
    guard = _guard(file, number, "{sys}.orig_argv" if is_new else "[{sys}.executable] + {sys}.argv")
    removed = _removal(file, span)
    edits = sorted([*(guard or ()), *([removed] if removed is not None else [])])
    if guard is None or any(a.span.end > b.span.start for a, b in itertools.pairwise(edits)):
        return None
    return Fix("Start Python again with the variable set", tuple(edits), Safety.UNSAFE)


def _guard(file: FileModel, number: str, arguments: str) -> tuple[Edit, ...] | None:
    """The guard below the imports of the standard library that open the file, above everything else."""
    lines = (
        f'if __name__ == "__main__" and {{os}}.environ.get("{VARIABLE}") != "{number}":',
        f'    {{os}}.environ["{VARIABLE}"] = "{number}"',
        f"    {{os}}.execv({{sys}}.executable, {arguments})",
    )
    body = [s for n, s in enumerate(file.tree.body) if not is_future(s) and not (n == 0 and is_docstring(s))]
    opening = [*itertools.takewhile(_imports_stdlib, body)]
    if len(opening) == len(body):
        return None
    anchor, first = opening[-1] if opening else None, body[len(opening)]
    bound = bind_modules(file, _MODULES, file.span(first).start)
    if bound is None:
        return None
    text = [*bound.stdlib, "", *(line.format(**bound.aliases) for line in lines)]
    if anchor is None:
        edit = file.rewrite.insert_before(first, "\n".join([*text[not bound.stdlib :], ""]))
    else:
        is_apart = first.lineno > (anchor.end_lineno or anchor.lineno) + 1
        edit = file.rewrite.insert_after(anchor, "\n".join(text if is_apart else [*text, ""]))
    return (edit,) if edit is not None else None


def _imports_stdlib(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.Import):
        return all(alias.name.split(".", 1)[0] in sys.stdlib_module_names for alias in statement.names)
    return (
        isinstance(statement, ast.ImportFrom) and (statement.module or "").split(".", 1)[0] in sys.stdlib_module_names
    )


def _removal(file: FileModel, span: Span) -> Edit | None:
    """Take the old line away where it is a line of the module's own body."""
    statement = next((s for s in file.tree.body if file.span(s).start == span.start), None)
    if statement is None or file.span(statement) != span:
        return None
    start = file.source.offset_of(statement.lineno, 0)
    end = file.rewrite.line_end(statement)
    if end is None or "#" in file.text_of(Span(span.end, end)) or file.text_of(Span(start, span.start)).strip():
        return None
    newline = re.compile(r"\r\n|\r|\n").match(file.source.text, end)
    return Edit(Span(start, newline.end() if newline is not None else end), "")
