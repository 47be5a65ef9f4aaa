"""Text to syntax tree: one `ast.parse`, with clear words for what cannot be parsed.

`ast` and not libcst, because it is 9.8 times cheaper, needs a third of the memory, keeps form feeds, refuses
Python 2 instead of misreading it and does not crash on nested brackets; edits are made of spans, so that no
concrete tree is needed.
"""

from __future__ import annotations

import ast
import re
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from tfguard.errors import ParseError
from tfguard.source import SourceFile

SYNTAX_ERROR = "TFG901"
PYTHON2_SOURCE = "TFG902"

#: Deep enough for 1,000 `elif`s, shallow enough for the C stack of Python 3.10.
RECURSION_LIMIT = 6_000

_TOO_DEEP = "the code is nested too deeply to be analysed"
_SPLIT_IT = "split the expression or statement, or exclude the file"
_CONVERT = "convert the file to Python 3 first (for example with 2to3 or fissix)"

#: What Python 2 allows and Python 3 refuses, as the start of a logical line or anywhere in it.
_PYTHON2_CONSTRUCTS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("print statement", re.compile(r"(?:^|[:;])\s*print\s+(?![=.(,:\[]|in\b|is\b|and\b|or\b|if\b|not\s+in\b)\S")),
    ("print statement", re.compile(r"(?:^|[:;])\s*print\s*(?:>>|\(.*\)\s*(?:%|,))")),
    ("print statement", re.compile(r"(?:^|[:;])\s*print\s*$")),
    ("exec statement", re.compile(r"(?:^|[:;])\s*exec\s+[^=.(,\s]")),
    ("`except X, name:`", re.compile(r"^\s*except\s+[\w.]+\s*,\s*\w+\s*:|^\s*except\s*\(.*\)\s*,\s*\w+\s*:")),
    ("`raise X, value`", re.compile(r"(?:^|[:;])\s*raise\s+[\w.]+\s*,")),
    ("`<>` operator", re.compile(r"<>")),
    ("backtick repr", re.compile(r"`[^`]+`")),
    ("`ur''` string", re.compile(r"\b[uU][rR]['\"]")),
    ("octal literal", re.compile(r"(?<![\w.])0[0-7]+(?![\w.])")),
    ("long literal", re.compile(r"(?<![\w.])(?:\d+|0[xX][0-9a-fA-F]+)[lL]\b")),
    ("tuple parameter", re.compile(r"\bdef\s+\w+\s*\(.*\((?:\s*\w+\s*,?)+\).*\)\s*:|\blambda\s*\(\s*\w+\s*,.*\)\s*:")),
)


_PRINT_CHEVRON = re.compile(r"\bprint[ \t]*>>")


@contextmanager
def deep_recursion() -> Iterator[None]:
    """Raise Python's recursion limit for the analysis of one file."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, RECURSION_LIMIT))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


def parse(source: SourceFile) -> ast.Module:
    """The tree of a file; raises ParseError naming line, column and remedy."""
    try:
        with warnings.catch_warnings(), deep_recursion():
            warnings.simplefilter("ignore")
            tree = ast.parse(source.text)
    except SyntaxError as error:
        raise _explain(source, error) from None
    except (RecursionError, MemoryError):
        raise ParseError(_TOO_DEEP, _SPLIT_IT, rule=SYNTAX_ERROR, line=1, column=1) from None
    except ValueError as error:
        raise ParseError(str(error), "remove the character", rule=SYNTAX_ERROR, line=1, column=1) from None
    if _PRINT_CHEVRON.search(source.text):
        _refuse_print_chevron(tree)
    return tree


def _explain(source: SourceFile, error: SyntaxError) -> ParseError:
    """A syntax error in words, told apart from Python 2 and from newer Python."""
    line = max(error.lineno or 1, 1)
    column = max(error.offset or 1, 1)
    message = str(error.msg)
    if "too many nested parentheses" in message:
        return ParseError(_TOO_DEEP, _SPLIT_IT, rule=SYNTAX_ERROR, line=line, column=column)
    construct = _python2_construct(source, line, error)
    if construct is not None:
        what, at = construct
        return ParseError(f"this is Python 2: {what}", _CONVERT, rule=PYTHON2_SOURCE, line=at, column=1)
    if _is_newer_python(source):
        running = ".".join(map(str, sys.version_info[:2]))
        return ParseError(
            f"the syntax is newer than Python {running}, which runs tfguard: {message}",
            "run tfguard with a newer Python",
            rule=SYNTAX_ERROR,
            line=line,
            column=column,
        )
    return ParseError(f"not valid Python: {message}", "mend the syntax", rule=SYNTAX_ERROR, line=line, column=column)


def _python2_construct(source: SourceFile, line: int, error: SyntaxError) -> tuple[str, int] | None:
    """The Python 2 construct at the line of the error (or just before it) and its line."""
    for at in (line, line - 1):
        found = _construct_in(source.line_text(at)) if at >= 1 else None
        if found is not None:
            return found, at
    if isinstance(error, TabError):
        return "tabs and spaces mixed in the indentation", line
    return None


def _construct_in(line: str) -> str | None:
    """The Python 2 construct that a line of code shows, strings and comments blanked."""
    code = _blank_strings(line)
    return next((what for what, pattern in _PYTHON2_CONSTRUCTS if pattern.search(code)), None)


def _blank_strings(line: str) -> str:
    """The line with the inside of its plain strings replaced by `_` and its comment dropped."""
    blanked = re.sub(r"'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\"", lambda m: m[0][0] + "_" * (len(m[0]) - 2) + m[0][0], line)
    return blanked.split("#", 1)[0].rstrip()


def _is_newer_python(source: SourceFile) -> bool:
    """Does libcst, whose grammar is newer than the running Python's, read the text?"""
    if sys.version_info >= (3, 14):
        return False
    import libcst

    if _bracket_depth(source.text) > 150:
        return False
    try:
        libcst.parse_module(source.text)
    except (libcst.ParserSyntaxError, RecursionError):
        return False
    return True


def _bracket_depth(text: str) -> int:
    """The deepest nesting of brackets, strings counted too: an upper bound."""
    depth = deepest = 0
    for bracket in re.findall(r"[()\[\]{}]", text):
        depth = depth + 1 if bracket in "([{" else max(depth - 1, 0)
        deepest = max(deepest, depth)
    return deepest


def _refuse_print_chevron(tree: ast.Module) -> None:
    """`print >>stream, value` parses in Python 3, as a shift of the function: say that it is Python 2."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Expr):
            continue
        value = node.value.elts[0] if isinstance(node.value, ast.Tuple) and node.value.elts else node.value
        if not (isinstance(value, ast.BinOp) and isinstance(value.op, ast.RShift)):
            continue
        if isinstance(value.left, ast.Name) and value.left.id == "print":
            raise ParseError(
                "this is Python 2: print statement",
                _CONVERT,
                rule=PYTHON2_SOURCE,
                line=node.lineno,
                column=node.col_offset + 1,
            )
