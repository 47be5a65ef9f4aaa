"""The numbers of a run, counted once for every reporter and for the exit code."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from tfguard.model import Finding, RunReport, Safety, Severity


@dataclass(frozen=True, slots=True)
class Counts:
    """How much of what a report holds."""

    findings: int
    #: Findings that make `check` exit 1: all but hints.
    failing: int
    safe: int
    unsafe: int
    #: Files with at least one finding.
    files: int
    by_severity: tuple[tuple[str, int], ...]
    #: (rule, name, findings), the most frequent first.
    by_rule: tuple[tuple[str, str, int], ...]
    names_seen: int
    names_undecided: int


def count(report: RunReport) -> Counts:
    """Count the findings of a report."""
    findings = report.findings
    severities = Counter(finding.severity for finding in findings)
    rules = Counter((finding.rule, finding.name) for finding in findings)
    ranked = sorted(rules.items(), key=lambda item: (-item[1], item[0]))
    return Counts(
        findings=len(findings),
        failing=len(findings) - severities[Severity.HINT],
        safe=_fixable(findings, Safety.SAFE),
        unsafe=_fixable(findings, Safety.UNSAFE),
        files=len({finding.path for finding in findings}),
        by_severity=tuple((severity.value, severities[severity]) for severity in Severity),
        by_rule=tuple((rule, name, number) for (rule, name), number in ranked),
        names_seen=sum(file.names_seen for file in report.files),
        names_undecided=sum(file.names_undecided for file in report.files),
    )


def _fixable(findings: tuple[Finding, ...], safety: Safety) -> int:
    return sum(1 for finding in findings if finding.fix and finding.fix.safety is safety)
