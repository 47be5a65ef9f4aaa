"""Where lines that set a program up belong: after docstring and imports, before the first thing that needs them."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tfguard.analysis.rewrite import holds_import, is_docstring, is_future
from tfguard.analysis.scopes import BindingKind
from tfguard.model import Edit, Span

if TYPE_CHECKING:
    from tfguard.analysis.file_model import FileModel


@dataclass(frozen=True, slots=True)
class Module:
    """A module that the inserted lines use: the names it goes by, and how to import it where it is not imported."""

    #: Qualified names, any of which will do when it is bound (`tensorflow`, `tensorflow.compat.v1`).
    accepted: tuple[str, ...]
    #: What to import otherwise, and the names to try for it (`numpy`, as `np`, else as `numpy`).
    module: str
    aliases: tuple[str, ...]

    @property
    def is_stdlib(self) -> bool:
        """Is it imported above the third-party imports?"""
        return self.module in ("random", "os", "sys")


def insert_preamble(
    file: FileModel,
    *,
    modules: Mapping[str, Module],
    lines: Callable[[Mapping[str, str]], Sequence[str]],
    before: int,
    inside_guard: bool = False,
) -> tuple[Edit, ...] | None:
    """Insert lines after the imports and before an offset; None where that cannot be done safely.

    `lines` gets the alias of each module and returns the lines, without indentation. `before` is an offset in the
    statement that must not run earlier. `inside_guard` puts them under `if __name__ == "__main__":` when that is
    where `before` lies, so that importing the file does nothing new.
    """
    limit = _top_statement_at(file, before)
    if limit is None:
        return None
    if inside_guard and limit is file.main_guard:
        return _insert(file, modules, lines, _First(file.main_guard.body[0]))
    leading = [s for s in file.rewrite.leading_imports() if s.lineno < limit.lineno]
    last = max((n for n, s in enumerate(leading) if holds_import(s) or is_docstring(s)), default=None)
    if last is None or (is_docstring(leading[last]) and not holds_import(leading[last])):
        return _insert(file, modules, lines, _First(_after_docstring(file, limit)))
    anchor = _last_setup_call(file, leading[last], limit)
    loop = _setup_loop_below(file, anchor, limit)
    if loop is not None:
        return _insert(file, modules, lines, _First(loop, leading[last], is_joined=True))
    return _insert(file, modules, lines, _After(anchor, leading[last]))


def _last_setup_call(file: FileModel, anchor: ast.stmt, limit: ast.stmt) -> ast.stmt:
    """The last of the calls that set something up right below the imports (`tf.disable_v2_behavior()`)."""
    following = file.tree.body[file.tree.body.index(anchor) + 1 :]
    for statement in following:
        if statement is limit or not is_setup_call(file, statement):
            break
        anchor = statement
    return anchor


def _setup_loop_below(file: FileModel, anchor: ast.stmt, limit: ast.stmt) -> ast.For | None:
    """A loop right below that only sets something up, for each of what a module knows (`for gpu in …`)."""
    below = file.tree.body[file.tree.body.index(anchor) + 1 :][:1]
    loop = below[0] if below and isinstance(below[0], ast.For) and below[0] is not limit else None
    if loop is None or loop.orelse or not all(is_setup_call(file, statement) for statement in loop.body):
        return None
    is_apart = not file.source.line_text(loop.lineno - 1).strip()
    return loop if is_apart and is_setup_call(file, ast.Expr(loop.iter)) else None


def is_setup_call(file: FileModel, statement: ast.stmt) -> bool:
    """Is it a bare call of a function of an imported module?"""
    if not (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call)):
        return False
    root: ast.expr = statement.value.func
    if not isinstance(root, ast.Attribute):
        return False
    while isinstance(root, ast.Attribute):
        root = root.value
    bindings = file.index.module.bindings.get(root.id, []) if isinstance(root, ast.Name) else []
    return bool(bindings) and all(binding.kind is BindingKind.IMPORT for binding in bindings)


@dataclass(frozen=True, slots=True)
class _After:
    """Below a statement; `last_import` is the last import above it."""

    statement: ast.stmt
    last_import: ast.stmt | None = None


@dataclass(frozen=True, slots=True)
class _First:
    """Above a statement, with a blank line between unless it is joined."""

    statement: ast.stmt
    last_import: ast.stmt | None = None
    is_joined: bool = False


def _top_statement_at(file: FileModel, offset: int) -> ast.stmt | None:
    """The statement of the module's body that holds an offset, or the first one behind it."""
    for statement in file.tree.body:
        if file.span(statement).end > offset:
            return statement
    return file.tree.body[-1] if file.tree.body else None


def _after_docstring(file: FileModel, limit: ast.stmt) -> ast.stmt:
    """The first statement that is neither docstring nor `__future__`, or the limit if that comes first."""
    for number, statement in enumerate(file.tree.body):
        if statement is limit or not ((number == 0 and is_docstring(statement)) or is_future(statement)):
            return statement
    return limit


def _insert(
    file: FileModel,
    modules: Mapping[str, Module],
    lines: Callable[[Mapping[str, str]], Sequence[str]],
    where: _After | _First,
) -> tuple[Edit, ...] | None:
    span = file.span(where.statement)
    offset = span.end if isinstance(where, _After) else span.start
    bound = bind_modules(file, modules, offset)
    if bound is None:
        return None
    return _edits(file, where, bound.stdlib, bound.other, list(lines(bound.aliases)))


@dataclass(frozen=True, slots=True)
class Bound:
    """The names that modules go by at a place of a file, and the import lines that are missing for them."""

    aliases: dict[str, str]
    stdlib: list[str]
    other: list[str]


def bind_modules(file: FileModel, modules: Mapping[str, Module], before: int) -> Bound | None:
    """The alias of each module before an offset; None where every alias for one is taken."""
    found = Bound({}, [], [])
    for key, module in modules.items():
        alias = file.rewrite.module_alias(*module.accepted, before=before) or _alternative_alias(file, module, before)
        if alias is None:
            alias = _free_alias(file, module)
            if alias is None:
                return None
            line = f"import {module.module}" if alias == module.module else f"import {module.module} as {alias}"
            (found.stdlib if module.is_stdlib else found.other).append(line)
        found.aliases[key] = alias
    return found


def _alternative_alias(file: FileModel, module: Module, before: int) -> str | None:
    """An alias that both arms of a `try` or an `if` bind to something that will do."""
    for name, bindings in file.index.module.bindings.items():
        targets = {binding.target for binding in bindings}
        arms = {binding.branch for binding in bindings}
        if len(arms) < 2 or not targets <= set(module.accepted) or any(b.from_inside for b in bindings):
            continue
        if max(file.span(binding.node).start for binding in bindings) < before:
            return name
    return None


def _free_alias(file: FileModel, module: Module) -> str | None:
    """The first alias that the file does not use for anything else."""
    taken = file.index.module.bindings
    return next((alias for alias in module.aliases if alias not in taken or _means(file, alias, module)), None)


def _means(file: FileModel, alias: str, module: Module) -> bool:
    return {binding.target for binding in file.index.module.bindings[alias]} == {module.module}


def _edits(
    file: FileModel, where: _After | _First, stdlib: list[str], other: list[str], lines: list[str]
) -> tuple[Edit, ...] | None:
    rewrite = file.rewrite
    at_top = where.last_import is not None and bool(stdlib) and not is_future(where.last_import)
    imports = other if at_top else [*stdlib, *([""] if stdlib and other else []), *other]
    below: Edit | None = None
    if imports and where.last_import not in (None, where.statement) and not is_future(where.last_import):
        below, imports = rewrite.insert_after(where.last_import, "\n".join(imports)), []
        if below is None:
            return None
    if isinstance(where, _After):
        imports = ["", *imports] if imports and is_future(where.statement) else imports
        blank_below = _is_blank_below(file, where.statement)
        blank_above = [] if not imports and not holds_import(where.statement) else [""]
        written = [*imports, *blank_above, *lines, *([] if blank_below else [""])]
        block = rewrite.insert_after(where.statement, "\n".join(written))
    else:
        written = [*imports, *([""] if imports else []), *lines, *([] if where.is_joined else [""])]
        block = rewrite.insert_before(where.statement, "\n".join(written))
    top = _import_at_top(file, stdlib, []) if at_top else None
    if block is None or (at_top and top is None):
        return None
    edits = tuple(sorted(edit for edit in (top, below, block) if edit is not None))
    return edits if len({edit.span for edit in edits}) == len(edits) else None


def _import_at_top(file: FileModel, stdlib: list[str], other: list[str]) -> Edit | None:
    """Import lines above the first import; a blank line between the standard library and the rest."""
    first = next((s for s in file.rewrite.leading_imports() if not is_docstring(s) and not is_future(s)), None)
    is_apart = bool(stdlib) and (bool(other) or not _imports_stdlib(first))
    return file.rewrite.insert_import("\n".join([*stdlib, *([""] if is_apart else []), *other]))


def _imports_stdlib(statement: ast.stmt | None) -> bool:
    if isinstance(statement, ast.Import):
        return statement.names[0].name.split(".", 1)[0] in sys.stdlib_module_names
    if isinstance(statement, ast.ImportFrom) and statement.level == 0:
        return (statement.module or "").split(".", 1)[0] in sys.stdlib_module_names
    return False


def place_lines(
    file: FileModel,
    statement: ast.stmt,
    *,
    modules: Mapping[str, Module],
    lines: Callable[[Mapping[str, str]], Sequence[str]],
    below: bool,
    above_comments: bool = False,
) -> tuple[Edit, ...] | None:
    """Insert lines right below or above any statement, in its block; what they need is imported at the top."""
    span = file.span(statement)
    bound = bind_modules(file, modules, span.end if below else span.start)
    if bound is None:
        return None
    text = "\n".join(lines(bound.aliases))
    block = file.rewrite.insert_after(statement, text) if below else file.rewrite.insert_before(statement, text)
    if block is not None and above_comments:
        block = _above_comments(file, block)
    missing = bool(bound.stdlib or bound.other)
    top = _import_at_top(file, bound.stdlib, bound.other) if missing else None
    if block is None or (missing and (top is None or top.span == block.span)):
        return None
    return tuple(sorted((block, *([top] if top is not None else []))))


def _above_comments(file: FileModel, block: Edit) -> Edit:
    """Insert whole lines above the comments that stand right above them."""
    line, _ = file.source.position(block.span.start)
    while line > 1 and file.source.line_text(line - 1).lstrip().startswith("#"):
        line -= 1
    start = file.source.offset_of(line, 0)
    return Edit(Span(start, start), block.text)


def _is_blank_below(file: FileModel, statement: ast.stmt) -> bool:
    """Is the line below the statement blank, or is there none?"""
    line = (statement.end_lineno or statement.lineno) + 1
    if line > len(file.source.line_starts):
        return True
    return not file.source.line_text(line).strip()
