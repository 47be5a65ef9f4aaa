"""JUnit XML: a suite for each file, a failed case for each finding, an error for each problem."""

from __future__ import annotations

from collections import defaultdict
from xml.sax.saxutils import quoteattr

from tfguard.model import Finding, Problem, RunReport
from tfguard.report.options import ReportOptions
from tfguard.report.places import Places, is_notebook
from tfguard.report.text import remedy_of


def render(report: RunReport, options: ReportOptions) -> str:
    """A `testsuites` document; a run without findings has one case, which passes."""
    cases: dict[str, list[str]] = defaultdict(list)
    places = Places(report)
    for finding in report.findings:
        cases[finding.path].append(_failure(finding, places))
    for problem in report.all_problems:
        cases[problem.path].append(_error(problem))
    failures, errors = len(report.findings), len(report.all_problems)
    lines = ['<?xml version="1.0" encoding="utf-8"?>']
    lines.append(f'<testsuites name="tfguard"{_numbers(max(failures + errors, 1), failures, errors)}>')
    for path in sorted(cases):
        lines += _suite(path, cases[path])
    if not cases:
        lines += _suite("tfguard", ['    <testcase name="no findings" classname="tfguard"/>'])
    return "\n".join([*lines, "</testsuites>", ""])


def _suite(name: str, cases: list[str]) -> list[str]:
    failures = sum("<failure" in case for case in cases)
    errors = sum("<error" in case for case in cases)
    return [f"  <testsuite name={_attribute(name)}{_numbers(len(cases), failures, errors)}>", *cases, "  </testsuite>"]


def _numbers(tests: int, failures: int, errors: int) -> str:
    return f' tests="{tests}" failures="{failures}" errors="{errors}"'


def _failure(finding: Finding, places: Places) -> str:
    remedy = remedy_of(finding)
    details = [f"note: {places.describe_note(note)}" for note in finding.notes] + (
        [f"help: {remedy}"] if remedy else []
    )
    place = places.of(finding)
    element = f"<failure type={_attribute(finding.rule)} message={_attribute(finding.message)}>"
    text = _text("\n".join([f"{place}: {finding.rule} {finding.message}", *details]))
    return _case(
        f"{finding.rule} {finding.name} at {place}", finding.path, _line(finding), f"{element}{text}</failure>"
    )


def _line(item: Finding | Problem) -> int | None:
    return None if is_notebook(item.path) else item.line


def _error(problem: Problem) -> str:
    element = f'<error type="tfguard-error" message={_attribute(problem.message)}>{_text(problem.remedy)}</error>'
    return _case(f"could not check {problem.path}", problem.path, _line(problem), element)


def _case(name: str, path: str, line: int | None, body: str) -> str:
    where = f" line={_attribute(str(line))}" if line else ""
    head = f"<testcase name={_attribute(name)} classname={_attribute(path)} file={_attribute(path)}{where}>"
    return f"    {head}\n      {body}\n    </testcase>"


def _attribute(text: str) -> str:
    return quoteattr(_allowed(text))


def _text(text: str) -> str:
    return _allowed(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _allowed(text: str) -> str:
    """The text with the characters that XML 1.0 cannot hold replaced."""
    return "".join(character if _is_allowed(ord(character)) else "\ufffd" for character in text)


def _is_allowed(code: int) -> bool:
    return code in (9, 10, 13) or 0x20 <= code < 0xD800 or 0xE000 <= code < 0xFFFE or code >= 0x10000
