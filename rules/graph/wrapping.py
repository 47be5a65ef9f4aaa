"""Puts a statement into a block of its own (part of the TFG3xx rules)."""

from __future__ import annotations

import ast

from tfguard.analysis.calls import CallSite
from tfguard.model import Edit, Span

_SIMPLE = (ast.Assign, ast.AnnAssign, ast.Expr, ast.Return)
_STEP = "    "


def wrap_in(site: CallSite, header: str) -> tuple[Edit, ...] | None:
    """The edits that put the statement of a call under a header; None where it does not stand alone on its lines."""
    file = site.file
    statement = file.statement_of(site.node)
    above = file.rewrite.insert_before(statement, header)
    end = file.rewrite.line_end(statement)
    last = file.span(statement).end
    if not isinstance(statement, _SIMPLE) or above is None or end is None or ";" in file.source.text[last:end]:
        return None
    if any(isinstance(node, (ast.Constant, ast.JoinedStr)) and _is_long(node) for node in ast.walk(statement)):
        return None
    lines = range(statement.lineno, (statement.end_lineno or statement.lineno) + 1)
    starts = [file.source.offset_of(line, 0) for line in lines if file.source.line_text(line).strip()]
    first, *rest = starts
    tab = "\t" if file.source.text[first : first + 1] == "\t" else _STEP
    return (Edit(Span(first, first), above.text + tab), *(Edit(Span(start, start), tab) for start in rest))


def _is_long(node: ast.Constant | ast.JoinedStr) -> bool:
    """Does a text go over several lines?"""
    return node.lineno != node.end_lineno
