"""A baseline: findings that are known and accepted, so that only new ones are reported.

A finding is recognised by its rule, path, message and the text of its line, not by its number, so that a baseline
survives lines that move. Of several alike as many are accepted as were listed.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from tfguard.errors import ConfigError
from tfguard.model import FileReport, Finding, RunReport

_VERSION = 1

Baseline = Mapping[str, int]


def render_baseline(report: RunReport) -> str:
    """The text of a baseline file that lists all findings of a report, sorted, one entry a line."""
    entries: Counter[tuple[str, str, str, str]] = Counter()
    for file in report.files:
        entries.update((f.path, f.rule, f.message, key) for f, key in _keys(file))
    rows = [
        json.dumps({"path": path, "rule": rule, "message": message, "count": count, "fingerprint": key})
        for (path, rule, message, key), count in sorted(entries.items())
    ]
    body = ",\n    ".join(rows)
    return f'{{\n  "version": {_VERSION},\n  "findings": [\n    {body}\n  ]\n}}\n' if rows else _EMPTY


_EMPTY = f'{{\n  "version": {_VERSION},\n  "findings": []\n}}\n'


def load_baseline(path: Path) -> Baseline:
    """How many findings of each fingerprint are accepted; raises ConfigError for what is no baseline."""
    try:
        document = json.loads(path.read_bytes())
        rows = list(_rows(document))
    except OSError as error:
        raise ConfigError(f"{path}: the baseline cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        remedy = "make it anew with `tfguard check --add-baseline FILE`"
        raise ConfigError(f"{path}: this is not a baseline of tfguard; {remedy}") from error
    accepted: Counter[str] = Counter()
    for key, count in rows:
        accepted[key] += count
    return dict(accepted)


def apply_baseline(files: tuple[FileReport, ...], baseline: Baseline) -> tuple[tuple[FileReport, ...], int]:
    """The reports without the accepted findings, and how many those were."""
    left = Counter(baseline)
    reports: list[FileReport] = []
    accepted = 0
    for file in files:
        kept: list[Finding] = []
        for finding, key in _keys(file):
            if left[key] > 0:
                left[key] -= 1
                accepted += 1
            else:
                kept.append(finding)
        reports.append(replace(file, findings=tuple(kept)))
    return tuple(reports), accepted


def _rows(document: Any) -> Iterator[tuple[str, int]]:
    if document["version"] != _VERSION:
        raise ValueError(document["version"])
    for row in document["findings"]:
        key, count = row["fingerprint"], row["count"]
        if not isinstance(key, str) or not isinstance(count, int):
            raise TypeError(row)
        yield key, count


def _keys(file: FileReport) -> Iterator[tuple[Finding, str]]:
    lines = dict(file.source_lines)
    for finding in file.findings:
        text = " ".join(lines.get(finding.line, "").split())
        parts = "\0".join((finding.rule, finding.path, finding.message, text))
        yield finding, hashlib.blake2b(parts.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()
