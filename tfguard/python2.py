"""Python 2 to Python 3, in memory: which files are Python 2, and their text converted by fissix."""

from __future__ import annotations

import ast
import io
import json
import logging
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from tfguard.analysis.parse import PYTHON2_SOURCE, deep_recursion, parse
from tfguard.encoding import Decoded, encode_text
from tfguard.errors import ConfigError, GateError, ParseError
from tfguard.gate import unbound_names
from tfguard.source import SourceFile, normalize_newlines

if TYPE_CHECKING:
    from fissix.refactor import RefactoringTool

#: Built in up to Python 2: a file that reads one and binds it nowhere is Python 2.
_BUILTINS = frozenset({"xrange", "raw_input", "unicode", "basestring", "unichr", "execfile", "long", "cmp", "reduce"})
#: Modules that Python 3 does not have.
_MODULES = frozenset({"cPickle", "ConfigParser", "Queue", "urllib2", "urlparse", "StringIO", "cStringIO", "Tkinter"})
#: What a file that runs on both asks, or who helps it.
_BOTH = re.compile(
    r"\bversion_info\b|\bPY[23]\b|\bpython_2_unicode_compatible\b|^\s*(?:from|import)\s+six\b", re.MULTILINE
)
_DIVISION = re.compile(r"^[ \t]*from[ \t]+__future__[ \t]+import\b[^#]*?\bdivision\b", re.MULTILINE)
#: What Python 2 cannot read.
_NEW_NODES = (ast.AnnAssign, ast.AsyncFunctionDef, ast.Await, ast.JoinedStr, ast.NamedExpr, ast.Nonlocal, ast.Starred)
_TABS = "tabs and spaces"


@dataclass(frozen=True, slots=True)
class Converted:
    """What a file is after its conversion."""

    raw: bytes
    #: Does `/` of whole numbers floor in it?
    floors: bool


def python2_evidence(source: SourceFile) -> tuple[str, int] | None:
    """What shows that a file is Python 2, and its line; None for what Python 3 reads and may run."""
    try:
        tree = parse(source)
    except ParseError as error:
        if error.rule != PYTHON2_SOURCE:
            return None
        return error.message.removeprefix("this is Python 2: "), error.line or 1
    if _BOTH.search(source.text) or is_python3(tree):
        return None
    return next(_iter_names(source.text, tree), None)


def is_python3(tree: ast.Module) -> bool:
    """Does it hold something that Python 2 cannot read?"""
    for node in ast.walk(tree):
        if isinstance(node, _NEW_NODES) and not (isinstance(node, ast.Starred) and isinstance(node.ctx, ast.Load)):
            return True
        if isinstance(node, ast.arguments) and (node.kwonlyargs or any(arg.annotation for arg in node.args)):
            return True
        if isinstance(node, ast.Raise) and node.cause is not None:
            return True
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print" and node.keywords:
            return not _imports_future(tree, "print_function")
    return False


def _imports_future(tree: ast.Module, feature: str) -> bool:
    imports = [node for node in tree.body if isinstance(node, ast.ImportFrom) and node.module == "__future__"]
    return any(alias.name == feature for node in imports for alias in node.names)


def _iter_names(text: str, tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Names that only Python 2 has, where nothing around them provides for Python 3."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        gone = _BUILTINS & unbound_names(text)
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Try):
            continue
        if isinstance(node, ast.Name) and node.id in gone:
            yield f"`{node.id}`", node.lineno
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names if alias.name in _MODULES]
            if names:
                yield f"`import {names[0]}`", node.lineno
        waiting.extend(reversed(list(ast.iter_child_nodes(node))))


def convert(source: SourceFile, absolute: str) -> Converted | None:
    """The file as Python 3; None where fissix cannot read it (then it may be no Python 2 either)."""
    raw = _convert_notebook(source, absolute) if source.is_notebook else _convert_file(source, absolute)
    return Converted(raw, _DIVISION.search(source.text) is None) if raw is not None else None


def _convert_file(source: SourceFile, absolute: str) -> bytes | None:
    text = convert_text(source.text, absolute)
    if text is None:
        return None
    try:
        return encode_text(text, Decoded(source.text, source.encoding, source.has_bom))
    except GateError:
        return None


def _convert_notebook(source: SourceFile, absolute: str) -> bytes | None:
    """Cell by cell; nothing where one of them cannot be read."""
    document = json.loads(source.raw.decode("utf-8-sig"))
    for part in source.parts:
        text = convert_text(source.text[part.start : part.end], absolute)
        number = source.cell_of(part.start)
        if text is None or number is None or "cells" not in document:
            return None
        document["cells"][number - 1]["source"] = text
    return json.dumps(document).encode()


def convert_text(text: str, absolute: str) -> str | None:
    """Code of Python 2 as Python 3, with newlines for line ends."""
    from fissix.pgen2.parse import ParseError as Unreadable
    from fissix.pgen2.tokenize import TokenError

    text = normalize_newlines(text if text.endswith(("\n", "\r")) else f"{text}\n")
    try:
        with deep_recursion():
            return str(_load_tool().refactor_string(_with_spaces(text), absolute))
    except (Unreadable, TokenError, RecursionError, IndentationError):
        return None


@lru_cache(maxsize=1)
def _load_tool() -> RefactoringTool:
    try:
        from fissix.refactor import RefactoringTool, get_fixers_from_package
    except ImportError as error:
        raise ConfigError("the program is Python 2, which is converted by fissix: `pip install fissix`") from error
    for name in ("RefactoringTool", "fissix.main", "fissix"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    return RefactoringTool(get_fixers_from_package("fissix.fixes"))


def _with_spaces(text: str) -> str:
    """Tabs in front of lines as the eight columns that they are in Python 2, where tabs and spaces are mixed."""
    if not re.search(r"^ *\t", text, re.MULTILINE) or not re.search(r"^\t* ", text, re.MULTILINE):
        return text
    inside = _lines_inside_strings(text)
    lines = text.splitlines(keepends=True)
    for number, line in enumerate(lines, 1):
        if number not in inside:
            rest = line.lstrip(" \t")
            lines[number - 1] = line[: len(line) - len(rest)].expandtabs(8) + rest
    return "".join(lines)


def _lines_inside_strings(text: str) -> frozenset[int]:
    from fissix.pgen2 import token, tokenize

    found: set[int] = set()
    for kind, _, start, end, _ in tokenize.generate_tokens(io.StringIO(text).readline):
        if kind == token.STRING:
            found.update(range(start[0] + 1, end[0] + 1))
    return frozenset(found)
