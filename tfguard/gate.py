"""The proofs that are demanded of a changed file before it is written.

It parses and compiles, its comments survive, and every name that it uses is bound as before. That a further pass
changes nothing is proved by `fixing`, that the file on disk is still the one that was read by `atomic`.
"""

from __future__ import annotations

import ast
import builtins
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence

from tfguard.analysis.parse import deep_recursion
from tfguard.errors import GateError
from tfguard.model import Edit, Span
from tfguard.source import SourceFile

_ALWAYS_BOUND = frozenset(dir(builtins)) | {
    *("__file__", "__name__", "__doc__", "__package__", "__spec__", "__loader__", "__path__", "__builtins__"),
    *("__annotations__", "__class__", "__module__", "__qualname__", "__debug__", "__dict__"),
    *("WindowsError", "reveal_type"),
}


def prove(before: SourceFile, after: SourceFile, edits: Sequence[Edit], *, unsafe: bool = False) -> None:
    """Raise GateError, with the reason in words, unless `after` may replace `before`."""
    for part in before.parts:
        _compile(before, part, "before the fix already, ")
    for part in after.parts:
        _compile(after, part, "after the fix ")
    _require_comments(before, after, edits, unsafe=unsafe)
    unbound = sorted(unbound_names(after.text) - unbound_names(before.text))
    if unbound:
        raise GateError(f"after the fix nothing binds the name {', '.join(unbound)}")


def _compile(source: SourceFile, part: Span, when: str) -> None:
    """`compile()` refuses what `ast.parse` lets pass, for example the same keyword twice."""
    flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT if source.is_notebook else 0
    text = source.text[part.start : part.end]
    try:
        with warnings.catch_warnings(), deep_recursion():
            warnings.simplefilter("ignore")
            compile(text, source.path, "exec", flags=flags, dont_inherit=True)
    except SyntaxError as error:
        line = source.position(part.start)[0] + (error.lineno or 1) - 1
        raise GateError(f"{when}the file does not compile: {error.msg} (line {line})") from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise GateError(f"{when}the file does not compile: {type(error).__name__}") from None


def _require_comments(before: SourceFile, after: SourceFile, edits: Sequence[Edit], *, unsafe: bool) -> None:
    """Every comment is still there; an unsafe fix may drop those inside the text that it replaces."""
    kept = Counter(text for _, text in _comments(after))
    for offset, text in _comments(before):
        if unsafe and any(edit.span.start <= offset < edit.span.end for edit in edits):
            continue
        if not kept[text]:
            raise GateError(f"the fix would lose the comment `{text}`")
        kept[text] -= 1


def _comments(source: SourceFile) -> Iterator[tuple[int, str]]:
    for line, column, text in source.layout.comments:
        yield source.line_starts[line - 1] + column, text


def unbound_names(text: str) -> frozenset[str]:
    """The names that a file reads but binds in none of its scopes, and Python does not either."""
    with warnings.catch_warnings(), deep_recursion():
        warnings.simplefilter("ignore")
        tree = ast.parse(text)
    read: set[str] = set()
    bound: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            read.add(node.id)
        else:
            bound.update(_bound_by(node))
    return frozenset(read - bound - _ALWAYS_BOUND)


def _bound_by(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Name(id=name) | ast.arg(arg=name):
            yield name
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
        case ast.alias(name=name, asname=asname):
            yield asname or name.split(".", 1)[0]
        case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
            yield name
        case ast.MatchMapping(rest=str(name)):
            yield name
        case ast.Global(names=names) | ast.Nonlocal(names=names):
            yield from names
        case _ if type(node).__name__ in ("TypeVar", "ParamSpec", "TypeVarTuple"):
            yield str(getattr(node, "name", ""))
