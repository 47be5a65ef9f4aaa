"""What a fix run did: files, fixes, refusals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from tfguard.model import FileChange, RunReport
from tfguard.report.options import ReportOptions
from tfguard.report.styled import Line, plain, visible
from tfguard.report.summary import plural


def render(report: RunReport, options: ReportOptions) -> str:
    """A line for each changed file; with verbose options one for each fix too."""
    return plain(iter_lines(report, options))


def iter_lines(report: RunReport, options: ReportOptions) -> Iterator[Line]:
    """The lines of `render` with styles."""
    for change in report.changes:
        if change.applied:
            yield from _iter_change(change, options)


def iter_refusals(report: RunReport) -> Iterator[Line]:
    """The fixes that did not pass the gates, and why."""
    for change in report.changes:
        for note in change.refused:
            place = change.path if note.line is None else f"{change.path}:{note.line}"
            yield ((visible(place), "path"), (": ", ""), ("not fixed:", "warning"), (f" {visible(note.message)}", ""))


def _iter_change(change: FileChange, options: ReportOptions) -> Iterator[Line]:
    rules = Counter((finding.rule, finding.name) for finding in change.applied)
    done = ", ".join(f"{number} x {rule} {name}" for (rule, name), number in sorted(rules.items()))
    verb = "fixed" if change.written else "would fix"
    yield ((f"{verb} ", "help"), (visible(change.path), "path"), (f": {done}", ""))
    if options.verbose:
        for finding in change.applied:
            if finding.fix:
                grade = finding.fix.safety.value
                text = f"  {finding.line}:{finding.column}: {finding.rule} ({grade}) {finding.fix.title}"
                yield ((visible(text), ""),)


def describe(report: RunReport) -> str:
    """One sentence: how much was fixed, or would be."""
    changed = [change for change in report.changes if change.applied]
    if not changed:
        return "Nothing to fix."
    verb = "Would fix" if is_pending(report) else "Fixed"
    fixed = sum(len(change.applied) for change in changed)
    return f"{verb} {plural(fixed, 'finding')} in {plural(len(changed), 'file')}."


def is_pending(report: RunReport) -> bool:
    """True if a file would change that was not written."""
    return any(_differs(change) for change in report.changes if not change.written)


def _differs(change: FileChange) -> bool:
    return change.before != change.after or change.raw_before != change.raw_after
