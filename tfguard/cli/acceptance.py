"""The two ways to accept today's findings: a baseline file, or comments behind them."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

from tfguard.cli.ignores import count_covered, suppress_findings
from tfguard.cli.output import write_file, write_remarks
from tfguard.cli.publish import print_problems
from tfguard.errors import EXIT_CLEAN, EXIT_FAILURE, DecodeError, GateError
from tfguard.model import Finding, RunReport
from tfguard.report.styled import line_of
from tfguard.report.summary import plural

if TYPE_CHECKING:
    from tfguard.config import Config


def write_baseline(report: RunReport, path: str) -> int:
    """List the findings in a file for `--baseline`; returns the exit code."""
    from tfguard.baseline import render_baseline

    write_file(render_baseline(report), path)
    print_problems(report)
    number = plural(len(report.findings), "finding")
    write_remarks([line_of(f"Wrote {number} to {path}; leave them out with `--baseline {path}`.")])
    return EXIT_FAILURE if report.all_problems else EXIT_CLEAN


def write_ignores(report: RunReport, config: Config, reason: str) -> int:
    """Write a suppression comment behind every finding; returns the exit code."""
    by_path: dict[str, list[Finding]] = defaultdict(list)
    for finding in report.findings:
        by_path[finding.path].append(finding)
    from tfguard.discovery import absolute_path

    print_problems(report)
    written = sum(
        _write_file(absolute_path(path, config.root), found, reason) for path, found in sorted(by_path.items())
    )
    left = len(report.findings) - written
    write_remarks([line_of(f"Suppressed {plural(written, 'finding')} with comments, {left} not.")])
    return EXIT_FAILURE if left or report.all_problems else EXIT_CLEAN


def _write_file(path: str, findings: list[Finding], reason: str) -> int:
    """Write the comments of one file; how many findings they suppress, 0 if the file stays as it was."""
    from tfguard.atomic import write_atomically
    from tfguard.source import decode

    try:
        source = decode(findings[0].path, Path(path).read_bytes())
        changed = suppress_findings(source, findings, reason)
        if count_covered(changed, findings) < len(findings):
            raise GateError("no comment can suppress all its findings")
        write_atomically(path, changed.raw, expected=source.raw)
    except (DecodeError, GateError, OSError) as error:
        write_remarks([line_of(f"{findings[0].path}: not changed: {error}", "warning")])
        return 0
    return len(findings)
