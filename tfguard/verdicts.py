"""What becomes of raw findings: suppressions, settings for single files, severities; one report a file."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from tfguard.catalogue import Catalogue
from tfguard.model import FileReport, Finding, Severity
from tfguard.pipeline import Outcome, Project
from tfguard.source import SourceFile
from tfguard.suppressions import Suppression
from tfguard.worker import FileResult

_SUPPRESSION_RULE = "unused-suppression"
#: A file that cannot be parsed is said so whatever is selected; only `ignore` silences it.
_ALWAYS = frozenset({"syntax-error", "python2-source"})


@dataclass(frozen=True, slots=True)
class Verdict:
    """The reports of all files that were asked for, and how many findings comments suppressed."""

    files: tuple[FileReport, ...]
    suppressed: int


def judge(project: Project, outcome: Outcome) -> Verdict:
    """The findings that the user shall see."""
    by_path: dict[str, list[Finding]] = {}
    for finding in outcome.findings:
        by_path.setdefault(finding.path, []).append(finding)
    results = {result.path: result for result in outcome.results}
    reports: list[FileReport] = []
    suppressed = 0
    settings = _Settings(project)
    for path, file in sorted(project.files.items()):
        if not file.is_reported or (path not in results and path not in by_path):
            continue
        result = results.get(path) or FileResult(path)
        left, used = _apply_suppressions(by_path.get(path, []), result.suppressions)
        suppressed += sum(1 for finding in by_path.get(path, []) if finding not in left and settings.is_on(finding))
        left += _about_suppressions(project, settings, result, used)
        shown = [settings.graded(finding) for finding in left if settings.is_on(finding)]
        reports.append(_report(project, result, shown))
    return Verdict(tuple(reports), suppressed)


def _apply_suppressions(
    findings: Iterable[Finding], suppressions: Sequence[Suppression]
) -> tuple[list[Finding], set[tuple[int, str]]]:
    """The findings that no comment silences; and which words of which suppressions were of use."""
    left: list[Finding] = []
    used: set[tuple[int, str]] = set()
    for finding in findings:
        is_silenced = False
        for number, suppression in enumerate(suppressions):
            if suppression.covers(finding.rule, finding.name, finding.line):
                is_silenced = True
                used |= {(number, word) for word in (finding.rule, finding.name) if word in suppression.rules}
        if not is_silenced:
            left.append(finding)
    return left, used


class _Settings:
    """What the configuration says of rules and files."""

    def __init__(self, project: Project) -> None:
        self._config = project.config
        self.catalogue: Catalogue = project.setup.catalogue
        self.enabled = frozenset(rule.id for rule in self.catalogue.select(project.config))
        ignored = [rule.id for selector in project.config.ignore for rule in self.catalogue.matching(selector)]
        self._ignored = frozenset(ignored)
        self._per_file = [
            (glob, frozenset(rule.id for selector in selectors for rule in self.catalogue.matching(selector)))
            for glob, selectors in project.config.per_file_ignores
        ]
        self._severity = {
            rule.id: Severity(level)
            for selector, level in sorted(project.config.severity, key=lambda row: len(row[0]))
            for rule in self.catalogue.matching(selector)
        }

    def is_on(self, finding: Finding) -> bool:
        """Is the finding's rule enabled for its file?"""
        if finding.rule not in self.enabled and (finding.name not in _ALWAYS or finding.rule in self._ignored):
            return False
        return not any(finding.rule in rules and _matches(finding.path, glob) for glob, rules in self._per_file)

    def graded(self, finding: Finding) -> Finding:
        """The finding with the severity that the settings give to its rule."""
        severity = self._severity.get(finding.rule, finding.severity)
        return finding if severity is finding.severity else replace(finding, severity=severity)


def _matches(path: str, glob: str) -> bool:
    """As in ruff: a pattern is matched against the whole path and against the name; `dir/` and `dir` hold all below."""
    pattern = glob.rstrip("/")
    return (
        fnmatch.fnmatchcase(path, pattern)
        or fnmatch.fnmatchcase(path.rsplit("/", 1)[-1], pattern)
        or fnmatch.fnmatchcase(path, f"{pattern}/*")
        or (pattern.startswith("**/") and fnmatch.fnmatchcase(path, pattern[3:]))
    )


def _about_suppressions(
    project: Project, settings: _Settings, result: FileResult, used: set[tuple[int, str]]
) -> list[Finding]:
    """Findings on comments that suppress nothing, name no rule or give no reason."""
    rule = settings.catalogue.find(_SUPPRESSION_RULE)
    if rule is None or rule.id not in settings.enabled or not result.suppressions:
        return []
    source = project.source(result.path)
    found: list[Finding] = []
    for number, suppression in enumerate(result.suppressions):
        for message in _complaints(settings.catalogue, suppression, {word for n, word in used if n == number}):
            found.append(_finding(source, suppression, message, (rule.id, rule.name, rule.severity)))
    left, _ = _apply_suppressions(found, [s for s in result.suppressions if s.is_file_wide])
    return left


def _complaints(catalogue: Catalogue, suppression: Suppression, used: set[str]) -> list[str]:
    if not suppression.rules:
        return ["the comment suppresses nothing because it names no rule; write `# tfguard: ignore[TFG101] -- reason`"]
    unknown = [word for word in suppression.rules if catalogue.find(word) is None]
    unused = [word for word in suppression.rules if word not in used and word not in unknown]
    unused = [word for word in unused if not (suppression.is_file_wide and _is_about_itself(catalogue, word))]
    found: list[str] = []
    if unknown:
        found.append(f"no rule is called {_listed(unknown)}; `tfguard rules` lists them")
    if unused:
        found.append(f"{_listed(unused)} would be silent here without this comment")
    if not suppression.has_reason:
        found.append("the suppression gives no reason; end it with ` -- reason`")
    return found


def _is_about_itself(catalogue: Catalogue, word: str) -> bool:
    rule = catalogue.find(word)
    return rule is not None and rule.name == _SUPPRESSION_RULE


def _listed(words: Sequence[str]) -> str:
    return ", ".join(f"`{word}`" for word in words)


def _finding(source: SourceFile, suppression: Suppression, message: str, rule: tuple[str, str, Severity]) -> Finding:
    line, column = source.position(suppression.span.start)
    end_line, end_column = source.position(suppression.span.end)
    return Finding(*(*rule, source.path, suppression.span, line, column, end_line, end_column, message))


def _report(project: Project, result: FileResult, findings: Iterable[Finding]) -> FileReport:
    """The findings in order, and what a reporter must know of the text: it never reads a file."""
    report = FileReport(result.path, (), result.problems, result.names_seen, result.names_undecided)
    ordered = tuple(sorted(findings, key=lambda finding: finding.sort_key))
    if not ordered:
        return report
    source = project.source(result.path)
    numbers = sorted({finding.line for finding in ordered if finding.line <= len(source.line_starts)})
    spans = {edit.span for finding in ordered if finding.fix for edit in finding.fix.edits}
    offsets = sorted({span.start for span in spans} | {span.end for span in spans})
    cells = source.notebook.cells if source.notebook else ()
    return replace(
        report,
        findings=ordered,
        source_lines=tuple((number, source.line_text(number)) for number in numbers),
        positions=tuple((offset, *source.position(offset)) for offset in offsets),
        cells=tuple((source.position(cell.span.start)[0], cell.number) for cell in cells),
    )
