"""Where lines that set a program up belong: after docstring and imports, before the first thing that needs them."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tfguard.analysis.rewrite import holds_import, is_docstring, is_future
from tfguard.model import Edit

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
    return _insert(file, modules, lines, _After(leading[last]))


@dataclass(frozen=True, slots=True)
class _After:
    statement: ast.stmt


@dataclass(frozen=True, slots=True)
class _First:
    statement: ast.stmt


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
    aliases: dict[str, str] = {}
    stdlib: list[str] = []
    other: list[str] = []
    for key, module in modules.items():
        bound = file.rewrite.module_alias(*module.accepted, before=offset)
        if bound is None:
            bound = _free_alias(file, module)
            if bound is None:
                return None
            line = f"import {module.module}" if bound == module.module else f"import {module.module} as {bound}"
            (stdlib if module.is_stdlib else other).append(line)
        aliases[key] = bound
    return _edits(file, where, stdlib, other, list(lines(aliases)))


def _free_alias(file: FileModel, module: Module) -> str | None:
    """The first alias that the file does not use for anything else."""
    taken = file.index.module.bindings
    return next((alias for alias in module.aliases if alias not in taken or _means(file, alias, module)), None)


def _means(file: FileModel, alias: str, module: Module) -> bool:
    targets = {binding.target for binding in file.index.module.bindings[alias]}
    return targets <= set(module.accepted)


def _edits(
    file: FileModel, where: _After | _First, stdlib: list[str], other: list[str], lines: list[str]
) -> tuple[Edit, ...] | None:
    rewrite = file.rewrite
    at_top = isinstance(where, _After) and bool(stdlib)
    imports = other if at_top else [*stdlib, *other]
    if isinstance(where, _After):
        blank_below = _is_blank_below(file, where.statement)
        block = rewrite.insert_after(where.statement, "\n".join([*imports, "", *lines, *([] if blank_below else [""])]))
    else:
        block = rewrite.insert_before(where.statement, "\n".join([*imports, *([""] if imports else []), *lines, ""]))
    if block is None:
        return None
    if not at_top:
        return (block,)
    top = rewrite.insert_import("\n".join(stdlib))
    if top is None or top.span == block.span:
        return None
    return tuple(sorted((top, block)))


def _is_blank_below(file: FileModel, statement: ast.stmt) -> bool:
    """Is the line below the statement blank, or is there none?"""
    line = (statement.end_lineno or statement.lineno) + 1
    if line > len(file.source.line_starts):
        return True
    return not file.source.line_text(line).strip()


