"""How many findings each rule has."""

from __future__ import annotations

from collections.abc import Iterator

from tfguard.model import RunReport, Safety
from tfguard.report.counts import count
from tfguard.report.options import ReportOptions
from tfguard.report.styled import Line, plain


def render(report: RunReport, options: ReportOptions) -> str:
    """One line a rule: count, id, `[*]` where all its findings have a safe fix (`[-]`: some), name."""
    return plain(iter_lines(report, options))


def iter_lines(report: RunReport, options: ReportOptions) -> Iterator[Line]:
    """The lines of `render` with styles."""
    rows = count(report).by_rule
    width = max((len(str(number)) for _, _, number in rows), default=0)
    safe = _safe_fixes(report)
    for rule, name, number in rows:
        mark = "[*]" if safe.get(rule, 0) == number else "[-]" if rule in safe else "[ ]"
        yield ((f"{number:>{width}}", "title"), (f"  {rule}  ", ""), (mark, "fixable"), (f" {name}", ""))


def _safe_fixes(report: RunReport) -> dict[str, int]:
    numbers: dict[str, int] = {}
    for finding in report.findings:
        if finding.fix and finding.fix.safety is Safety.SAFE:
            numbers[finding.rule] = numbers.get(finding.rule, 0) + 1
    return numbers
