"""Runs the real engine on files that a test writes: no fakes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from tfguard.config import load_config
from tfguard.engine import check, fix
from tfguard.model import FileChange, RunReport

_TARGET = re.compile(r"#\s*target:\s*(\S+)")
_EXPECT = re.compile(r"#\s*expect:\s*([A-Z0-9, ]+)")


def write_files(folder: Path, files: Mapping[str, str | bytes]) -> None:
    """Write files below a folder, text as UTF-8 with the newlines that it has."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())


def run_check(folder: Path, *, select: Sequence[str] = (), target: str | None = None, **options: object) -> RunReport:
    """`tfguard check` on a folder, without cache and with one worker."""
    return check([str(folder)], load_config(folder, _options(select, target, options)))


def run_fix(folder: Path, *, select: Sequence[str] = (), target: str | None = None, **options: object) -> RunReport:
    """`tfguard fix` on a folder: files are written."""
    return fix([str(folder)], load_config(folder, _options(select, target, options)), write=True)


def preview_fix(folder: Path, *, select: Sequence[str] = (), target: str | None = None, **options: object) -> RunReport:
    """`tfguard fix --diff` on a folder."""
    return fix([str(folder)], load_config(folder, _options(select, target, options)), write=False)


def _options(select: Sequence[str], target: str | None, options: Mapping[str, object]) -> dict[str, object]:
    return {"select": tuple(select) or None, "target": target, "cache": False, "jobs": 1, **options}


def target_of(text: str) -> str | None:
    """The version that a fixture's `# target:` line asks for."""
    found = _TARGET.search(text.split("\n\n", 1)[0])
    return found[1] if found else None


def expected_in(text: str) -> list[tuple[int, str]]:
    """The (line, rule) pairs that `# expect:` comments mark."""
    return [
        (number, rule.strip())
        for number, line in enumerate(text.splitlines(), 1)
        for found in [_EXPECT.search(line)]
        if found
        for rule in found[1].split(",")
    ]


def found_in(report: RunReport) -> dict[str, list[tuple[int, str]]]:
    """The (line, rule) pairs of all findings, by path."""
    found: dict[str, list[tuple[int, str]]] = {}
    for finding in report.findings:
        found.setdefault(finding.path, []).append((finding.line, finding.rule))
    return found


def change_of(report: RunReport, path: str) -> FileChange | None:
    """What a run changed in one file."""
    return next((change for change in report.changes if change.path == path), None)
