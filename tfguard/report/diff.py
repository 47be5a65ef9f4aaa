"""Unified diffs of what `fix` would write: exact to the byte, for `git apply` and `patch -p1`.

The text is UTF-8 decoded with surrogateescape: encoded the same way it gives back the bytes of the files,
whatever their encoding.
"""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterator

from tfguard.model import FileChange, RunReport
from tfguard.report.options import ReportOptions
from tfguard.report.styled import Line, plain, visible

_NO_NEWLINE = "\\ No newline at end of file"
_STYLE = {"+": "added", "-": "removed", "@": "hunk"}
_ESCAPES = {"\a": "\\a", "\b": "\\b", "\t": "\\t", "\n": "\\n", "\v": "\\v", "\f": "\\f", "\r": "\\r"}


def render(report: RunReport, options: ReportOptions) -> str:
    """The diffs of all changed files, one after another."""
    return plain(iter_lines(report, options))


def iter_lines(report: RunReport, options: ReportOptions) -> Iterator[Line]:
    """The lines of `render` with styles; above each diff the fixes, with their grades."""
    for change in report.changes:
        before, after = _texts(change)
        if before != after:
            yield from _iter_titles(change)
            yield ((f"--- {_name('a', change.path)}", "title"),)
            yield ((f"+++ {_name('b', change.path)}", "title"),)
            for text in _iter_hunks(before, after):
                yield ((text, _STYLE.get(text[:1], "")),)


def _iter_titles(change: FileChange) -> Iterator[Line]:
    fixes = [(finding.rule, finding.fix.safety.value, finding.fix.title) for finding in change.applied if finding.fix]
    for (rule, safety, title), number in Counter(fixes).items():
        times = f" x {number}" if number > 1 else ""
        yield ((visible(f"# {rule} ({safety}){times}: {title}"), "faint"),)


def _texts(change: FileChange) -> tuple[str, str]:
    if not change.raw_before and not change.raw_after:
        return change.before, change.after
    return _decode(change.raw_before), _decode(change.raw_after)


def _decode(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


def _iter_hunks(before: str, after: str) -> Iterator[str]:
    lines = difflib.unified_diff(_lines(before), _lines(after), lineterm="\n")
    for number, line in enumerate(lines):
        if number < 2:  # difflib's own header
            continue
        yield line.removesuffix("\n")
        if not line.endswith("\n"):
            yield _NO_NEWLINE


def _lines(text: str) -> list[str]:
    """Lines as git and patch see them: they end at a newline and nowhere else."""
    lines = text.split("\n")
    return [f"{line}\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])


def _name(prefix: str, path: str) -> str:
    """The path in a diff header, quoted like git's where it has characters that need it."""
    name = f"{prefix}/{path}"
    if any(character in '"\\' or ord(character) < 32 or ord(character) == 127 for character in name):
        return '"' + "".join(_quoted(character) for character in name) + '"'
    return f"{name}\t" if " " in name else name


def _quoted(character: str) -> str:
    if character in '"\\':
        return f"\\{character}"
    if ord(character) < 32 or ord(character) == 127:
        return _ESCAPES.get(character, f"\\{ord(character):03o}")
    return character
