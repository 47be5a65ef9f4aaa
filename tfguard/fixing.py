"""`fix`: apply fixes and analyse again until nothing changes, prove every new text, then write each file once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from tfguard.apply import apply, choose_fixes, merge_edits, write_atomically
from tfguard.errors import GateError
from tfguard.gate import prove
from tfguard.model import FileChange, FileReport, Finding, Note, Problem, RunReport, Safety
from tfguard.pipeline import Project
from tfguard.source import SourceFile

#: Fixes that have not settled by then never will.
MOST_PASSES = 10


@dataclass(slots=True)
class _History:
    """What happened to one file so far."""

    before: SourceFile
    applied: list[Finding] = field(default_factory=list)
    refused: list[Note] = field(default_factory=list)


class Fixer:
    """The fix-point over all files of a project; `check` judges the texts as they are now."""

    def __init__(self, project: Project, check: Callable[[], RunReport]) -> None:
        self._project = project
        self._check = check
        self._unsafe = project.config.unsafe_fixes
        self._histories: dict[str, _History] = {}
        self._refused: set[tuple[object, ...]] = set()

    def run(self) -> RunReport:
        """Apply all that can be applied; the report on the final texts."""
        for _ in range(MOST_PASSES):
            report = self._check()
            changed = [file.path for file in report.files if self._fix(file)]
            if not changed:
                return report
        return self._take_back(changed)

    def changes(self) -> tuple[FileChange, ...]:
        """What became of each file that was touched or refused, in order of path."""
        found: list[FileChange] = []
        for path, history in sorted(self._histories.items()):
            after = self._project.source(path)
            if after.raw != history.before.raw or history.refused:
                found.append(
                    FileChange(
                        path,
                        history.before.text,
                        after.text,
                        tuple(history.applied),
                        tuple(history.refused),
                        raw_before=history.before.raw,
                        raw_after=after.raw,
                    )
                )
        return tuple(found)

    def _fix(self, report: FileReport) -> bool:
        """One pass over one file; True if its text changed."""
        chosen = choose_fixes(report.findings, unsafe=self._unsafe, is_refused=self._is_refused)
        if not chosen:
            return False
        path = report.path
        source = self._project.source(path)
        history = self._histories.setdefault(path, _History(source))
        applied = self._provable(source, (), chosen)
        after = apply(source, applied)
        if after.raw == source.raw:
            self._refused.update(_identity(finding, source) for finding in applied)
            return False
        history.applied += applied
        self._project.change(path, after.raw)
        return True

    def _is_refused(self, finding: Finding) -> bool:
        return bool(self._refused) and _identity(finding, self._project.source(finding.path)) in self._refused

    def _provable(
        self, source: SourceFile, kept: tuple[Finding, ...], group: tuple[Finding, ...]
    ) -> tuple[Finding, ...]:
        """`kept` and as many of the group as pass the gates together with it; the others are refused by name."""
        together = (*kept, *group)
        try:
            edits = merge_edits(together)
            unsafe = any(f.fix is not None and f.fix.safety is Safety.UNSAFE for f in together)
            prove(source, source.with_edits(edits), edits, unsafe=unsafe)
        except GateError as error:
            if len(group) > 1:
                half = len(group) // 2
                return self._provable(source, self._provable(source, kept, group[:half]), group[half:])
            self._refuse(source, group[0], str(error))
            return kept
        return together

    def _refuse(self, source: SourceFile, finding: Finding, reason: str) -> None:
        self._refused.add(_identity(finding, source))
        note = Note(f"{finding.rule}: {reason}", finding.path, finding.line, finding.column)
        self._histories.setdefault(source.path, _History(source)).refused.append(note)

    def _take_back(self, paths: Sequence[str]) -> RunReport:
        """Files whose fixes do not settle get their old text back."""
        for path in paths:
            history = self._histories[path]
            rules = ", ".join(sorted({finding.rule for finding in history.applied}))
            history.refused.append(Note(f"{rules}: after {MOST_PASSES} passes the fixes still change the file", path))
            history.applied.clear()
            self._project.change(path, history.before.raw)
        return self._check()


def write_changes(project: Project, changes: Sequence[FileChange]) -> tuple[tuple[FileChange, ...], list[Problem]]:
    """Write every changed file, whole or not at all; what was written, and what could not be."""
    done: list[FileChange] = []
    problems: list[Problem] = []
    for change in changes:
        if change.raw_after == change.raw_before:
            done.append(change)
            continue
        try:
            write_atomically(project.files[change.path].absolute, change.raw_after, expected=change.raw_before)
            done.append(replace(change, written=True))
        except GateError as error:
            done.append(change)
            problems.append(Problem(change.path, str(error), "run `tfguard fix` again"))
        except OSError as error:
            done.append(change)
            message = f"the file cannot be written: {error.strerror or error}"
            problems.append(Problem(change.path, message, "check the permissions of the file and its directory"))
    return tuple(done), problems


def _identity(finding: Finding, source: SourceFile) -> tuple[object, ...]:
    """What a fix is known by when the text around it has moved."""
    assert finding.fix is not None
    line = source.line_text(finding.line).strip() if finding.line <= len(source.line_starts) else ""
    texts = tuple(edit.text for edit in finding.fix.edits)
    return finding.path, finding.rule, finding.message, finding.fix.title, texts, line
