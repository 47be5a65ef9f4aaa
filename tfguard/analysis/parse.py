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

#: What Python 2 allows and Python 3 refuses, by the words of the error.
_PYTHON2_ERRORS: tuple[tuple[str, str], ...] = (
    ("Missing parentheses in call to 'print'", "print statement"),
    ("Missing parentheses in call to 'exec'", "exec statement"),
    ("leading zeros in decimal integer literals", "octal literal"),
    ("parameters cannot be parenthesized", "tuple parameter"),
    ("inconsistent use of tabs and spaces", "tabs and spaces mixed in the indentation"),
)

#: The same by what stands in the line of the error.
_PYTHON2_CONSTRUCTS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("print statement", re.compile(r"(?:^|[:;])\s*print\s+(?![=.(,:\[]|in\b|is\b|and\b|or\b|if\b|not\s+in\b)\S")),
    ("print statement", re.compile(r"(?:^|[:;])\s*print\s*>>")),
    ("exec statement", re.compile(r"(?:^|[:;])\s*exec\s+[^=.(,\s]")),
    ("`except X, name:`", re.compile(r"^\s*except\s+[\w.]+\s*,\s*(?:[a-z_]\w*|\(.*\))\s*:")),
    ("`except X, name:`", re.compile(r"^\s*except\s*\(.*\)\s*,\s*\w+\s*:")),
    ("`raise X, value`", re.compile(r"(?:^|[:;])\s*raise\s+[\w.\[\]]+(?:\(.*\))?\s*,")),
    ("`<>` operator", re.compile(r"<>")),
    ("backtick repr", re.compile(r"`[^`]+`")),
    ("`ur''` string", re.compile(r"\b[uU][rR]['\"]")),
    ("octal literal", re.compile(r"(?<![\w.])0+[1-7][0-7]*(?![\w.])")),
    ("long literal", re.compile(r"(?<![\w.])(?:\d+|0[xX][0-9a-fA-F]+)[lL]\b")),
    ("tuple parameter", re.compile(r"\bdef\s+\w+\s*\((?:.*,)?\s*\(\s*\w+\s*(?:,\s*\w+\s*)*,?\s*\)\s*[,)=]")),
    ("tuple parameter", re.compile(r"\blambda\s*\(\s*\w+\s*,.*\)\s*:")),
)

#: What newer Pythons allow: the first that does, what it is, and how the line of the error shows it.
_NEWER_CONSTRUCTS: tuple[tuple[tuple[int, int], str, re.Pattern[str]], ...] = (
    ((3, 11), "`except*`", re.compile(r"^\s*except\s*\*")),
    ((3, 12), "a `type` statement", re.compile(r"^\s*type\s+\w+\s*(?:\[.*\])?\s*=[^=]")),
    ((3, 12), "type parameters", re.compile(r"^\s*(?:async\s+)?(?:def|class)\s+\w+\s*\[")),
    ((3, 14), "`except` without parentheses", re.compile(r"^\s*except\s+[\w.]+(?:\s*,\s*[\w.]+)+\s*:")),
    ((3, 14), "a t-string", re.compile(r"(?<!\w)(?:[tT][rR]?|[rR][tT])['\"]")),
)

#: Strings and comments, whose insides are no code.
_NO_CODE = re.compile(
    r'''"""(?:\\.|[^\\])*?"""|\'\'\'(?:\\.|[^\\])*?\'\'\'|"(?:\\.|[^"\\\r\n])*"|'(?:\\.|[^'\\\r\n])*'|\#[^\r\n]*''',
    re.DOTALL,
)
_PRINT_LINE = re.compile(r"^[ \t]*print[ \t]+(?:\w+[ \t]*(?:$|[,%\r\n])|[\"'])", re.MULTILINE)
_KEYWORD_AS_NAME = re.compile(r"\b(?P<name>async|await)\b(?=\s*(?:[=,).:\[]|$|import\b))")
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
    line = min(max(error.lineno or 1, 1), len(source.line_starts))
    column = min(max(error.offset or 1, 1), len(source.line_text(line)) + 1)
    message = str(error.msg)
    if "too many nested parentheses" in message or "too many statically nested" in message:
        return ParseError(_TOO_DEEP, _SPLIT_IT, rule=SYNTAX_ERROR, line=line, column=column)
    code = _NO_CODE.sub(_blank, source.text)
    construct = _python2_construct(code, line, message)
    if construct is not None:
        what, at = construct
        return ParseError(f"this is Python 2: {what}", _CONVERT, rule=PYTHON2_SOURCE, line=at, column=1)
    newer = _newer_construct(source, _line_of(code, line), message)
    if newer is not None:
        running = ".".join(map(str, sys.version_info[:2]))
        words = f"the syntax is newer than Python {running}, which runs tfguard: {newer}"
        return ParseError(words, "run tfguard with a newer Python", rule=SYNTAX_ERROR, line=line, column=column)
    keyword = _KEYWORD_AS_NAME.search(_line_of(code, line)) if message == "invalid syntax" else None
    if keyword is not None:
        message = f"`{keyword['name']}` is a keyword since Python 3.7"
    return ParseError(f"not valid Python: {message}", "mend the syntax", rule=SYNTAX_ERROR, line=line, column=column)


def _blank(match: re.Match[str]) -> str:
    """A string with `_` for its inside (line ends kept), nothing of a comment."""
    text = match[0]
    if text.startswith("#"):
        return ""
    quotes = 3 if text[:3] in ('"""', "'''") else 1
    return text[:quotes] + re.sub(r"[^\r\n]", "_", text[quotes:-quotes]) + text[-quotes:]


def _line_of(code: str, line: int) -> str:
    lines = re.split(r"\r\n|\r|\n", code)
    return lines[line - 1].rstrip() if 1 <= line <= len(lines) else ""


def _python2_construct(code: str, line: int, message: str) -> tuple[str, int] | None:
    """The Python 2 construct that the error is about, or that stands elsewhere in the file, and its line."""
    for words, what in _PYTHON2_ERRORS:
        if words in message:
            return what, line
    text = _line_of(code, line)
    found = next((what for what, pattern in _PYTHON2_CONSTRUCTS if pattern.search(text)), None)
    if found is not None:
        return found, line
    elsewhere = _PRINT_LINE.search(code) if "unterminated" not in message else None
    if elsewhere is not None:
        return "print statement", len(re.findall(r"\r\n|\r|\n", code[: elsewhere.start()])) + 1
    return None


def _newer_construct(source: SourceFile, line: str, message: str) -> str | None:
    """The construct of a newer Python that the error is about."""
    for version, what, pattern in _NEWER_CONSTRUCTS:
        if sys.version_info < version and pattern.search(line):
            return f"{what} (Python {version[0]}.{version[1]})"
    if sys.version_info < (3, 12) and message.startswith("f-string") and _libcst_reads(source):
        return "an f-string (Python 3.12)"
    return None


def _libcst_reads(source: SourceFile) -> bool:
    """Does libcst, whose grammar is newer than the running Python's, read the text?"""
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
    nodes = list(ast.walk(tree))
    if any(_binds_print(node) for node in nodes):
        return
    for node in nodes:
        if not isinstance(node, ast.Expr):
            continue
        value = node.value.elts[0] if isinstance(node.value, ast.Tuple) and node.value.elts else node.value
        if not (isinstance(value, ast.BinOp) and isinstance(value.op, ast.RShift)):
            continue
        if isinstance(value.left, ast.Name) and value.left.id == "print":
            what = "this is Python 2: print statement"
            raise ParseError(what, _CONVERT, rule=PYTHON2_SOURCE, line=node.lineno, column=node.col_offset + 1)


def _binds_print(node: ast.AST) -> bool:
    """Does the program give `print` a meaning of its own?"""
    if isinstance(node, ast.Name):
        return node.id == "print" and not isinstance(node.ctx, ast.Load)
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        return node.name == "print"
    return isinstance(node, ast.alias) and node.asname == "print"
