"""The edits of `--add-ignores`: a suppression comment behind every finding."""

from __future__ import annotations

from collections.abc import Iterable

from tfguard.model import Edit, Finding, Span
from tfguard.source import SourceFile
from tfguard.suppressions import Suppression


def suppress_findings(source: SourceFile, findings: Iterable[Finding], reason: str) -> SourceFile:
    """The source with comments that suppress the findings; those that no comment can suppress stay."""
    wanted: dict[int, set[str]] = {}
    for finding in findings:
        if not _is_covered(source, finding):
            _, last = source.layout.statement_at(finding.line)
            wanted.setdefault(last, set()).add(finding.rule)
    edits = [_edit(source, line, sorted(rules), reason) for line, rules in sorted(wanted.items())]
    return source.with_edits(edits)


def count_covered(source: SourceFile, findings: Iterable[Finding]) -> int:
    """How many of the findings the comments of the source suppress. Comments move no line."""
    return sum(1 for finding in findings if _is_covered(source, finding))


def _is_covered(source: SourceFile, finding: Finding) -> bool:
    return any(
        mark.has_reason and mark.covers(finding.rule, finding.name, finding.line) for mark in source.suppressions
    )


def _edit(source: SourceFile, line: int, rules: list[str], reason: str) -> Edit:
    mark = next((mark for mark in source.suppressions if mark.line == line and _can_grow(mark)), None)
    if mark:
        offset = source.text.index("]", mark.span.start)
        return Edit(Span(offset, offset), "".join(f", {rule}" for rule in rules))
    start = source.line_starts[line - 1]
    text = source.line_text(line)
    end = start + len(text)
    return Edit(Span(start + len(text.rstrip()), end), f"  # tfguard: ignore[{', '.join(rules)}] -- {reason}")


def _can_grow(mark: Suppression) -> bool:
    return bool(mark.rules) and mark.has_reason and not mark.is_file_wide and mark.last == mark.line
