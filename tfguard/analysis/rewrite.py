"""The only makers of edits: small spans, the user's own spelling, indentation and layout kept."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tfguard.analysis.calls import CallSite, Expr, Reference
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

    def replace(self, expr: Expr, text: str) -> Edit:
        """Put other text in the place of an expression."""
        return Edit(expr.span, text)

    def rename(self, reference: Reference, components: int, text: str) -> Edit | None:
        """Replace the last `components` dotted components of a reference by `text`."""
        if not reference.is_exact:
            return None
        written = reference.written
        tail = re.search(r"(?:\.?\s*\w+\s*){%d}$" % components, written)
        if tail is None:
            return None
        start = reference.span.end - len(tail[0].lstrip(". \t\r\n\\"))
        return Edit(Span(start, reference.span.end), text)

    def set_argument(self, call: CallSite, keyword: str, text: str, position: int | None = None) -> Edit | None:
        """Give an argument: its value is replaced when present, else the keyword is added at the end."""
        given = call.argument(keyword, position)
        if given.expr is not None:
            return Edit(given.expr.span, text)
        return self.add_argument(call, f"{keyword}={text}")

    def add_argument(self, call: CallSite, text: str) -> Edit | None:
        """Add an argument after the last one, before a trailing comment, in the layout of the call."""
        close = call.span.end - 1
        source = self._file.source.text
        if source[close : close + 1] != ")":
            return None
        arguments: list[ast.AST] = [*call.node.args, *call.node.keywords]
        if not arguments:
            return Edit(Span(close, close), text)
        last = max((self._file.span(a) for a in arguments), key=lambda s: s.end)
        if last.end > close or any(isinstance(a, ast.GeneratorExp) for a in call.node.args) and len(arguments) == 1:
            return None
        end, comma = self._tail(last.end, close)
        if end is None:
            return None
        if not comma:
            return Edit(Span(end, end), f", {text}")
        newline = "\n" in source[end:close] or "\r" in source[end:close]
        if newline:
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
        """The white space at the beginning of the line of an offset."""
        line, _ = self._file.source.position(offset)
        text = self._file.source.line_text(line)
        return text[: len(text) - len(text.lstrip())]

    # -- statements -----------------------------------------------------------------------------------

    def insert_before(self, statement: ast.stmt, lines: str) -> Edit | None:
        """Insert whole lines (written without indentation) before a statement that begins its line."""
        at = self._line_start(statement)
        if at is None:
            return None
        indent = self._indent_at(at)
        return Edit(Span(at, at), "".join(f"{indent}{line}\n" if line else "\n" for line in lines.split("\n")))

    def insert_after(self, statement: ast.stmt, lines: str) -> Edit | None:
        """Insert whole lines (written without indentation) after a statement that ends its line."""
        start = self._line_start(statement)
        end = self.line_end(statement)
        if start is None or end is None:
            return None
        indent = self._indent_at(start)
        return Edit(Span(end, end), "".join(f"\n{indent}{line}" if line else "\n" for line in lines.split("\n")))

    def _line_start(self, statement: ast.stmt) -> int | None:
        """The offset of the line that the statement begins, None when something stands before it."""
        first: ast.AST = statement
        decorators = getattr(statement, "decorator_list", [])
        span = self._file.span(statement)
        line = min([statement.lineno, *(d.lineno for d in decorators)])
        start = self._file.source.offset_of(line, 0)
        before = self._file.source.text[start : span.start] if first is statement and not decorators else ""
        return start if not before.strip() else None

    def line_end(self, statement: ast.stmt) -> int | None:
        """The end of the line that the statement ends, None when another statement follows on it."""
        end = self._file.span(statement).end
        tail = self._file.source.text[end : self.end_of_line(end)]
        if tail.strip() and not tail.lstrip().startswith("#"):
            return None
        return end + len(tail)

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
    return isinstance(statement, (ast.If, ast.Try)) and any(holds_import(inner) for inner in statement.body)


def _may_open_a_file(statement: ast.stmt) -> bool:
    """May the statement stand among the imports at the top: imports, constants, calls that set something up?"""
    if isinstance(statement, (ast.Import, ast.ImportFrom, ast.Assign, ast.AnnAssign, ast.Expr)):
        return True
    if isinstance(statement, (ast.If, ast.Try)):
        return holds_import(statement) and not any(isinstance(s, (ast.FunctionDef, ast.ClassDef)) for s in statement.body)
    return False
