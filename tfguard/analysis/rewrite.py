"""The only makers of edits: small spans, the user's own spelling, indentation and layout kept."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tfguard.analysis.calls import CallSite, Expr
from tfguard.analysis.guards import is_main_test
from tfguard.analysis.scopes import BindingKind
from tfguard.model import Edit, Span

if TYPE_CHECKING:
    from tfguard.analysis.file_model import FileModel

#: What may stand between the last argument and the closing parenthesis.
_TAIL = re.compile(r"\s+|#[^\r\n]*|\\\r?\n|[),]")


class Rewrite:
    """Makes edits for one file; an edit that cannot be made safely is None."""

    def __init__(self, file: FileModel) -> None:
        self._file = file

    # -- expressions ----------------------------------------------------------------------------------

    def replace(self, expr: Expr, text: str) -> Edit | None:
        """Put other text in the place of an expression."""
        return Edit(expr.span, text) if self._file.is_placed(expr.node) else None

    def set_argument(self, call: CallSite, keyword: str, text: str, position: int | None = None) -> Edit | None:
        """Give an argument: its value is replaced when present, else the keyword is added at the end."""
        given = call.argument(keyword, position)
        if given.expr is None:
            return self.add_argument(call, f"{keyword}={text}")
        return self.replace(given.expr, text) if given.expr.span.end < call.span.end else None

    def add_argument(self, call: CallSite, text: str) -> Edit | None:
        """Add an argument after the last one, in the layout of the call; comments stay with their arguments."""
        close = call.span.end - 1
        source = self._file.source.text
        if source[close : close + 1] != ")" or not self._file.is_placed(call.node):
            return None
        arguments: list[ast.AST] = [*call.node.args, *call.node.keywords]
        if not arguments:
            return Edit(Span(close, close), text)
        last = max((self._file.span(a) for a in arguments), key=lambda s: s.end)
        if last.end > close or (len(arguments) == 1 and isinstance(arguments[0], ast.GeneratorExp)):
            return None
        end, comma = self._tail(last.end, close)
        if end is None:
            return None
        if not comma:
            return Edit(Span(end, end), f", {text}")
        if self.end_of_line(end) < close:
            end = self.end_of_line(end)
            return Edit(Span(end, end), f"\n{self._indent_at(last.start)}{text},")
        return Edit(Span(end, end), f" {text}")

    def _tail(self, start: int, close: int) -> tuple[int | None, bool]:
        """Where the last argument really ends (closing brackets included) and whether a comma follows."""
        source = self._file.source.text
        at, end, comma = start, start, False
        while at < close:
            match = _TAIL.match(source, at, close)
            if match is None:
                return None, False
            at = match.end()
            if match[0] in "),":
                end, comma = at, match[0] == ","
        return end, comma

    def _indent_at(self, offset: int) -> str:
        """The white space at the beginning of the line of an offset, without form feeds."""
        line, _ = self._file.source.position(offset)
        text = self._file.source.line_text(line)
        return text[: len(text) - len(text.lstrip())].replace("\f", "")

    # -- statements -----------------------------------------------------------------------------------

    def insert_before(self, statement: ast.stmt, lines: str) -> Edit | None:
        """Insert whole lines (written without indentation) before a statement that begins its line."""
        line = min([statement.lineno, *(d.lineno for d in getattr(statement, "decorator_list", []))])
        at = self._file.source.offset_of(line, 0)
        if not self._begins_line(statement) or self._is_continued(line - 1):
            return None
        indent = self._indent_at(at)
        return Edit(Span(at, at), "".join(f"{indent}{line}\n" if line else "\n" for line in lines.split("\n")))

    def insert_after(self, statement: ast.stmt, lines: str) -> Edit | None:
        """Insert whole lines (written without indentation) after a statement that ends its line."""
        first = self._first_on_line(statement)
        end = self.line_end(statement)
        if end is None or not self._begins_line(first):
            return None
        indent = self._indent_at(self._file.source.offset_of(first.lineno, 0))
        return Edit(Span(end, end), "".join(f"\n{indent}{line}" if line else "\n" for line in lines.split("\n")))

    def _begins_line(self, statement: ast.stmt) -> bool:
        """Does nothing but white space stand before the statement in its line?"""
        start = self._file.source.offset_of(statement.lineno, 0)
        return not self._file.source.text[start : self._file.span(statement).start].strip()

    def _is_continued(self, line: int) -> bool:
        """Does a line end in a backslash that joins it to the next?"""
        text = self._file.source.line_text(line).strip() if line > 0 else ""
        return text.endswith("\\") and not text.startswith("#")

    def _first_on_line(self, statement: ast.stmt) -> ast.stmt:
        """The first statement of the same block that stands in the line that the statement begins in."""
        parent = self._file.index.places[statement].parent
        blocks = [value for _, value in ast.iter_fields(parent) if isinstance(value, list) and statement in value]
        siblings: list[ast.stmt] = blocks[0] if blocks else [statement]
        return next(s for s in siblings if (s.end_lineno or s.lineno) >= statement.lineno)

    def line_end(self, statement: ast.stmt) -> int | None:
        """The end of the line that the statement ends, None when another statement follows on it."""
        end = self._file.span(statement).end
        tail = self._file.source.text[end : self.end_of_line(end)]
        return end + len(tail) if re.fullmatch(r"\s*;?\s*(?:#.*)?", tail) else None

    def end_of_line(self, offset: int) -> int:
        """The end of the line of an offset, its line end left out."""
        found = re.compile(r"[^\r\n]*").match(self._file.source.text, offset)
        return found.end() if found is not None else offset

    # -- imports --------------------------------------------------------------------------------------

    def module_alias(self, *modules: str, before: int | None = None) -> str | None:
        """The name under which one of the modules is bound, surely, in the module's own body (before an offset)."""
        found: str | None = None
        for name, bindings in self._file.index.module.bindings.items():
            kinds = {binding.kind for binding in bindings}
            targets = {self._file.resolver.absolute(binding.target) for binding in bindings}
            if kinds != {BindingKind.IMPORT} or not targets <= set(modules) or len(targets) != 1:
                continue
            places = [binding for binding in bindings if not binding.branch and not binding.from_inside]
            if not places:
                continue
            if before is not None and min(self._file.span(b.node).start for b in places) >= before:
                continue
            if found is None or len(name) < len(found):
                found = name
        return found

    def leading_imports(self) -> tuple[ast.stmt, ...]:
        """The docstring, `__future__` and import statements that open the file, with what may stand among them."""
        taken: list[ast.stmt] = []
        last = 0
        for number, statement in enumerate(self._file.tree.body):
            if not _may_open_a_file(statement):
                break
            taken.append(statement)
            if holds_import(statement) or (number == 0 and is_docstring(statement)):
                last = len(taken)
        return tuple(taken[:last])

    def insert_import(self, line: str) -> Edit | None:
        """Insert an import line before the file's first import (after docstring and `__future__`)."""
        body = self._file.tree.body
        for number, statement in enumerate(body):
            if (number == 0 and is_docstring(statement)) or is_future(statement):
                continue
            return self.insert_before(statement, line)
        return self.insert_after(body[-1], line) if body else Edit(Span(0, 0), f"{line}\n")

    def add_imported(self, statement: ast.ImportFrom, names: Sequence[str]) -> Edit | None:
        """Import more names by a `from … import` statement that is there."""
        last = statement.names[-1]
        if last.name == "*" or last.end_lineno is None or last.end_col_offset is None:
            return None
        end = self._file.source.offset_of(last.end_lineno, last.end_col_offset)
        return Edit(Span(end, end), "".join(f", {name}" for name in names))


def is_docstring(statement: ast.stmt) -> bool:
    """A bare string."""
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )


def is_future(statement: ast.stmt) -> bool:
    """A `from __future__ import …`."""
    return isinstance(statement, ast.ImportFrom) and statement.module == "__future__" and statement.level == 0


def holds_import(statement: ast.stmt) -> bool:
    """An import, or a conditional block whose body is one."""
    if isinstance(statement, (ast.Import, ast.ImportFrom)):
        return True
    if not isinstance(statement, (ast.If, ast.Try)) or (isinstance(statement, ast.If) and is_main_test(statement.test)):
        return False
    return any(holds_import(inner) for inner in statement.body)


def _may_open_a_file(statement: ast.stmt) -> bool:
    """May the statement stand among the imports at the top: imports, constants, calls that set something up?"""
    if isinstance(statement, (ast.Import, ast.ImportFrom, ast.Assign, ast.AnnAssign, ast.Expr)):
        return True
    if isinstance(statement, (ast.If, ast.Try)):
        defines = any(isinstance(inner, (ast.FunctionDef, ast.ClassDef)) for inner in statement.body)
        return holds_import(statement) and not defines
    return False
