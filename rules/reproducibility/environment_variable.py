"""An environment variable that TensorFlow never reads: misspelt, of another release, of a wrong value, or set too late.

Nothing warns of a variable that nobody reads. Which names are read was taken from the wheels of 22 releases, and when
they are read was measured: `TF_ENABLE_ONEDNN_OPTS`, `KERAS_BACKEND` and `TF_CPP_MIN_LOG_LEVEL` while TensorFlow (or
Keras) is imported, `TF_USE_LEGACY_KERAS` with the first import of `tensorflow.keras`, and only later
`TF_DETERMINISTIC_OPS`, `TF_NUM_INTRAOP_THREADS`, `XLA_FLAGS` and `TF_XLA_FLAGS`.

## Why it matters
`TF_USE_CUDNN_AUTOTUNE=0` stands in recipes for reproducible training and is in no release: the variable is
`TF_CUDNN_USE_AUTOTUNE`. A value that is no string stops the program with "TypeError: str expected, not int".

## Bad
    import os

    os.environ["TF_USE_CUDNN_AUTOTUNE"] = "0"
    import tensorflow as tf

## Good
    import os

    os.environ["TF_CUDNN_USE_AUTOTUNE"] = "0"
    import tensorflow as tf

## Bad
    import os
    import tensorflow as tf

    os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"

## Good
    import os

    os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"
    import tensorflow as tf

## Good
    import os
    import tensorflow as tf

    os.environ["TF_DETERMINISTIC_OPS"] = "1"
    os.environ["TF_MODEL_DIR"] = "/tmp/model"

## Fix safety
Safe where only the log changes, and for a number that becomes a string, without which the program stops. Otherwise
unsafe: a variable that begins to be read may change results and speed.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, replace

from tfguard.rules.reproducibility.environment_names import Variable, load_environment
from tfguard.rules.reproducibility.hash_seed import starts_children

from tfguard.analysis.calls import Expr
from tfguard.analysis.file_model import FileModel
from tfguard.analysis.preamble import Module, bind_modules
from tfguard.analysis.rewrite import holds_import
from tfguard.analysis.values import Known
from tfguard.model import Edit, Finding, Fix, Note, Safety, Severity, Span
from tfguard.rule import Rule
from tfguard.targets import render_version

rule = Rule(
    __name__,
    id="TFG116",
    severity=Severity.WARNING,
    since="0.1",
    messages=("str expected, not int", "str expected, not bool", 'Valid values are "true" or "false"'),
)

_WORDS = ("TF_", "tf_cpp_", "tf_force_", "tf_determin", "tf_enable_", "CUDA_", "KERAS_BACK", "XLA_F", "TF2_B")
_FAMILIES = ("TF_", "tf_", "CUDA_", "KERAS_", "XLA_", "TF2_", "OMP_", "KMP_", "MKL_", "NVIDIA_")
_OS = {"os": Module(("os",), "os", ("os",))}
_BOOLEANS = {"boolean": ("0", "1", "true", "false"), "true or false": ("true", "false")}
#: They make TensorFlow read variables that it does not know itself.
_PATCHES = ("tfdeterminism", "fwd9m")


@dataclass(frozen=True, slots=True)
class _Setting:
    """A place that sets a variable."""

    name: str
    key: Expr
    value: Expr
    #: What stands there for the reader to see.
    at: ast.expr


@rule.on_file(mentions=_WORDS)
def check(file: FileModel) -> Iterator[Finding]:
    """Every variable that the file sets."""
    settings = [setting for setting in _settings(file) if setting.name.startswith(_FAMILIES)]
    asked = _asked(file) if settings else frozenset()
    for setting in settings:
        if setting.name not in asked:
            for judge in (_misspelt, _of_another_release, _no_text, _wrong_value, _late):
                finding = judge(file, setting, settings)
                if finding is not None:
                    yield finding
                    break


def _settings(file: FileModel) -> Iterator[_Setting]:
    for store in file.stores:
        if "os.environ" in store.names and store.value is not None and isinstance(store.target, ast.Subscript):
            yield from _setting(Expr(file, store.target.slice), store.value, store.target)
    for call in file.calls:
        if {"os.environ.setdefault", "os.putenv"}.intersection(call.names):
            key, value = call.argument("key", 0).expr, call.argument("value", 1).expr
            if key is not None and value is not None:
                yield from _setting(key, value, call.node)
        elif "os.environ.update" in call.names:
            for expr in call.arguments:
                for name, given in expr.items or ():
                    yield from _setting(name, given, name.node)


def _setting(key: Expr, value: Expr, at: ast.expr) -> Iterator[_Setting]:
    name = key.value
    if isinstance(name, Known) and isinstance(name.value, str):
        yield _Setting(name.value, key, value, at)


def _asked(file: FileModel) -> frozenset[str]:
    """Variables that the file reads itself: its own."""
    found: set[str] = set()
    for call in file.calls:
        if {"os.environ.get", "os.getenv", "os.environ.pop"}.intersection(call.names) and call.arguments:
            name = call.arguments[0].value
            if isinstance(name, Known):
                found.add(str(name.value))
    for node in file.index.places:
        if not isinstance(node, ast.Subscript) or not isinstance(node.ctx, ast.Load):
            continue
        if isinstance(node.slice, ast.Constant) and "os.environ" in file.resolver.resolve(node.value).names:
            found.add(str(node.slice.value))
    return frozenset(name for name in found if name not in load_environment().known)


# -- what may be wrong -----------------------------------------------------------------------------------------


def _misspelt(file: FileModel, setting: _Setting, _: list[_Setting]) -> Finding | None:
    meant = load_environment().meant(setting.name)
    if meant is None:
        return None
    message = f"nothing reads `{setting.name}`; the variable is `{meant}`"
    edit = _respelt(setting, meant)
    grade = Safety.SAFE if load_environment().row(meant, file.target.tensorflow).logs else Safety.UNSAFE
    fix = Fix(f"Set `{meant}`", (edit,), grade) if edit is not None else None
    return rule.finding(setting.key, message, fix=fix)


def _respelt(setting: _Setting, meant: str) -> Edit | None:
    text = setting.key.text
    if not isinstance(setting.key.node, ast.Constant) or text[1:-1] != setting.name:
        return None
    return setting.key.file.rewrite.replace(setting.key, f"{text[0]}{meant}{text[-1]}")


def _of_another_release(file: FileModel, setting: _Setting, every: list[_Setting]) -> Finding | None:
    target = file.target.tensorflow
    row = load_environment().row(setting.name, target)
    if any(other.name == row.instead for other in every) or any(word in file.source.text for word in _PATCHES):
        return None
    if row.since is not None and target < row.since:
        when = f"since TensorFlow {render_version(row.since)}"
    elif row.until is not None and target > row.until:
        when = f"up to TensorFlow {render_version(row.until)} only"
    else:
        return None
    message = f"`{setting.name}` is read {when}; TensorFlow {render_version(target)} does not know it"
    usable = load_environment().row(row.instead, target)
    known = row.instead and (usable.since is None or usable.since <= target)
    notes = [Note(f"TensorFlow {render_version(target)} reads `{row.instead}`")] if known else []
    return rule.finding(setting.key, message, notes=notes)


def _no_text(file: FileModel, setting: _Setting, _: list[_Setting]) -> Finding | None:
    value = setting.value.value
    known = value.value if isinstance(value, Known) else ""
    if isinstance(known, str):
        return None
    message = f"`{setting.name}` is set to `{setting.value.text}`: TypeError: str expected, not {type(known).__name__}"
    is_plain = isinstance(setting.value.node, ast.Constant) and isinstance(known, (int, float))
    if not is_plain:
        return rule.finding(setting.value, message)
    text = str(known).lower() if isinstance(known, bool) else str(known)
    edit = file.rewrite.replace(setting.value, f'"{text}"')
    return rule.finding(setting.value, message, fix=_one(f'Set it to `"{text}"`', edit, Safety.SAFE))


def _one(title: str, edit: Edit | None, safety: Safety) -> Fix | None:
    return Fix(title, (edit,), safety) if edit is not None else None


def _wrong_value(file: FileModel, setting: _Setting, _: list[_Setting]) -> Finding | None:
    """`"True"` where only `"true"` is understood."""
    row, value = load_environment().row(setting.name, file.target.tensorflow), setting.value.value
    allowed = _BOOLEANS.get(row.values)
    known = value.value if isinstance(value, Known) else None
    if allowed is None or not isinstance(known, str):
        return None
    if known in allowed or (row.values == "boolean" and known.lower() in allowed):
        return None
    words = " or ".join(f'"{word}"' for word in allowed)
    meant = {"1": "true", "yes": "true", "on": "true", "0": "false", "no": "false", "off": "false"}
    right = known.lower() if known.lower() in allowed else meant.get(known.lower())
    message = f'`{setting.name}` is set to "{known}", which is not understood and so ignored: it takes {words}'
    fix = None
    if right in allowed and isinstance(setting.value.node, ast.Constant):
        edit = file.rewrite.replace(setting.value, f'"{right}"')
        fix = _one(f'Set it to `"{right}"`', edit, Safety.UNSAFE)
    return rule.finding(setting.value, message, fix=fix)


# -- too late ------------------------------------------------------------------------------------------------------


def _late(file: FileModel, setting: _Setting, every: list[_Setting]) -> Finding | None:
    row = load_environment().row(setting.name, file.target.tensorflow)
    first = _first_import(file, row)
    if first is None or file.span(setting.at).start < file.span(first).start:
        return None
    if any(o.name == setting.name and file.span(o.at).start < file.span(first).start for o in every):
        return None
    if any(starts_children(call) for call in file.calls) or _may_run_before(file, setting, first):
        return None
    if _reloads(file) or any(package.split(".", 1)[0] in file.path.split("/")[:-1] for package in row.late_after):
        return None
    package = next(iter(_imported_of(first, row.late_after)), row.late_after[0])
    line, column = file.source.position(file.span(first).start)
    message = f"`{setting.name}` is set after the import of `{package}`, which has read it by then: it has no effect"
    notes = [Note("imported here", file.path, line, column)]
    safety = Safety.SAFE if row.logs else Safety.UNSAFE
    found = rule.finding(setting.key, message, fix=_moved(file, setting, first, safety), notes=notes)
    return replace(found, severity=Severity.HINT) if row.logs else found


def _reloads(file: FileModel) -> bool:
    """Does the file load modules anew, which then read their variables again?"""
    return "sys.modules" in file.source.text or any("reload" in call.written for call in file.calls)


def _first_import(file: FileModel, row: Variable) -> ast.stmt | None:
    """The first statement of the module's body that surely imports a package which reads the variable."""
    for statement in file.tree.body if row.late_after else ():
        if not isinstance(statement, (ast.Import, ast.ImportFrom, ast.Try)) or not holds_import(statement):
            continue
        inside = statement.body if isinstance(statement, ast.Try) else [statement]
        if any(_imported_of(line, row.late_after) for line in inside):
            return statement
    return None


def _imported_of(statement: ast.stmt, packages: tuple[str, ...]) -> list[str]:
    """The packages that a statement imports."""
    names: list[str] = []
    for line in statement.body if isinstance(statement, ast.Try) else [statement]:
        if isinstance(line, ast.Import):
            names.extend(alias.name for alias in line.names)
        elif isinstance(line, ast.ImportFrom) and line.level == 0:
            names.append(line.module or "")
    return [package for package in packages if any(f"{name}.".startswith(f"{package}.") for name in names)]


def _may_run_before(file: FileModel, setting: _Setting, first: ast.stmt) -> bool:
    """Does it stand in a function that something above the import may call?"""
    function = file.enclosing(setting.at)
    if function == file.module:
        return False
    start = file.span(first).start
    return any(call.span.start < start and call.function == file.module for call in file.calls)


def _moved(file: FileModel, setting: _Setting, first: ast.stmt, safety: Safety) -> Fix | None:
    """The line, its comment too, moved above the import, where it depends on nothing."""
    statement = file.statement_of(setting.at)
    if statement not in file.tree.body or file.source.is_notebook or not isinstance(statement, ast.Assign):
        return None
    if not isinstance(setting.value.node, ast.Constant) or not isinstance(setting.key.node, ast.Constant):
        return None
    end = file.rewrite.line_end(statement)
    start = file.source.offset_of(statement.lineno, 0)
    if end is None or file.text_of(Span(start, file.span(statement).start)).strip():
        return None
    text = file.text_of(Span(start, end))
    if not text.startswith("os.environ") or "\n" in text:
        return None
    bound = bind_modules(file, _OS, file.span(first).start)
    is_below = first.lineno > 1 and bool(file.source.line_text(first.lineno - 1).strip())
    above = [*bound.stdlib, ""] if bound is not None and bound.stdlib else [""] if is_below else []
    placed = file.rewrite.insert_before(first, "\n".join([*above, text]))
    if placed is None or bound is None:
        return None
    newline = 2 if file.source.text[end : end + 2] == "\r\n" else min(1, len(file.source.text) - end)
    edits = sorted([placed, Edit(Span(start, end + newline), "")])
    return Fix("Set it above the import", tuple(edits), safety)
