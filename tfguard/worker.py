"""One file through the analysis: bytes in, findings and summary out. What runs in the worker processes."""

from __future__ import annotations

import re
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TypeVar

from tfguard.analysis.file_model import FileModel
from tfguard.analysis.parse import PYTHON2_SOURCE, SYNTAX_ERROR, parse
from tfguard.analysis.summary import FileSummary
from tfguard.catalogue import Catalogue, load_catalogue
from tfguard.config import Config
from tfguard.errors import DecodeError, InternalError, ParseError, TableError
from tfguard.knowledge import TableKnowledge, load_knowledge
from tfguard.model import Finding, Note, Problem, Severity, Span
from tfguard.rule import Rule, evidence_screen, run_file_rules, screen, summary_of
from tfguard.source import SourceFile, decode
from tfguard.suppressions import Suppression
from tfguard.timing import OutOfTime, time_limit

#: Top-level packages whose mentions the summary counts.
_ROOTS = ("tensorflow", "keras", "tf_keras")
#: Text longer than this is not parsed: a file of code is never that long.
LARGEST_TEXT = 10_000_000
#: Seconds of processor time, the last resort: the analysis counts its steps. The slowest of 8,700 real files needs 2.
LONGEST = 120
T = TypeVar("T")

_REPORT_IT = "this is a bug of tfguard, not of your code: please report it"


@dataclass(frozen=True, slots=True)
class FileResult:
    """What came of analysing one file."""

    path: str
    findings: tuple[Finding, ...] = ()
    summary: FileSummary | None = None
    suppressions: tuple[Suppression, ...] = ()
    problems: tuple[Problem, ...] = ()
    names_seen: int = 0
    names_undecided: int = 0
    #: False where another run may well end otherwise (no memory, no time): nothing to keep in the cache.
    is_final: bool = True


@dataclass(frozen=True, slots=True)
class Setup:
    """The rules that run, and all that they need; made once a process."""

    config: Config
    catalogue: Catalogue
    rules: tuple[Rule, ...]
    pattern: re.Pattern[bytes]
    evidence: re.Pattern[bytes]
    knowledge: TableKnowledge

    @property
    def reads_syntax(self) -> bool:
        """Shall files that no rule has a word for be parsed, to say when they cannot be?"""
        return any(rule.id in (SYNTAX_ERROR, PYTHON2_SOURCE) for rule in self.rules)

    def mentions(self, raw: bytes) -> bool:
        """May a rule have something to say of a file with these bytes? Suppressions are looked at in any case."""
        return b"tfguard" in raw or self.pattern.search(raw) is not None

    def has_evidence(self, raw: bytes) -> bool:
        """The same, whatever stands in other files."""
        return b"tfguard" in raw or self.evidence.search(raw) is not None


@lru_cache(maxsize=2)
def load_setup(config: Config, extra: tuple[str, ...] = ()) -> Setup:
    """The enabled rules and those with the ids `extra`."""
    catalogue = load_catalogue()
    enabled = catalogue.select(config)
    rules = tuple(rule for rule in catalogue.rules if rule in enabled or rule.id in extra)
    return Setup(config, catalogue, rules, screen(rules), evidence_screen(rules), load_knowledge())


@dataclass
class Guard:
    """The one place where any exception becomes a problem of one file, so that the others go on."""

    #: What runs; it ends with the rule that is at work.
    at_work: list[str]
    problems: list[Problem] = field(default_factory=list)
    #: False when another run may well end otherwise. What fails for the code or for a bug of ours fails every time.
    is_final: bool = True

    def run(self, function: Callable[[], T], path: str) -> T | None:
        """What the function returns, or None and a problem."""
        try:
            with time_limit(LONGEST):
                return function()
        except OutOfTime:
            message = f"the analysis of {self.at_work[-1]} took more than {LONGEST} seconds"
            self._give_up(Problem(path, message, "leave the file out with `exclude`, and please report it"))
        except MemoryError:
            remedy = "use fewer workers: `--jobs 1`"
            self._give_up(Problem(path, "there is not enough memory to analyse the file", remedy))
        except RecursionError:
            remedy = "split the expression or statement, or exclude the file"
            self.problems.append(Problem(path, "the code is nested too deeply to be analysed", remedy))
        except TableError:
            raise  # nothing of any file: no run can go on with it
        except Exception as error:  # noqa: BLE001  (said to be our bug, and the other files go on)
            frame = traceback.extract_tb(error.__traceback__)[-1]
            place = f"{frame.filename.replace(chr(92), '/').rsplit('/tfguard/', 1)[-1]}:{frame.lineno}"
            bug = InternalError(path, self.at_work[-1], f"{type(error).__name__}: {error} ({place})")
            self.problems.append(Problem(path, f"internal error in {bug.rule}: {bug.cause}", _REPORT_IT))
        return None

    def _give_up(self, problem: Problem) -> None:
        self.problems.append(problem)
        self.is_final = False


def analyse_file(setup: Setup, path: str, raw: bytes, *, syntax_only: bool = False) -> FileResult:
    """Everything that can be said of one file alone; with `syntax_only` whether it is Python."""
    guard = Guard(["the analysis"])
    analyse = _parse_only if syntax_only else _analyse
    result = guard.run(lambda: _read_and_analyse(setup, path, raw, guard.at_work, analyse), path)
    return result or FileResult(path, problems=tuple(guard.problems), is_final=guard.is_final)


def _read_and_analyse(
    setup: Setup,
    path: str,
    raw: bytes,
    at_work: list[str],
    analyse: Callable[[Setup, SourceFile, list[str]], FileResult],
) -> FileResult:
    try:
        source = decode(path, raw)
    except DecodeError as error:
        return FileResult(path, problems=(Problem(path, error.message, error.remedy, error.line, error.column),))
    if len(source.text) > LARGEST_TEXT:
        return FileResult(path, problems=(_too_long(source),))
    return analyse(setup, source, at_work)


def _parse_only(setup: Setup, source: SourceFile, at_work: list[str]) -> FileResult:
    at_work.append("the parser")
    try:
        parse(source)
    except ParseError as error:
        return FileResult(source.path, (_parse_finding(setup.catalogue, source, error),))
    return FileResult(source.path)


def _analyse(setup: Setup, source: SourceFile, at_work: list[str]) -> FileResult:
    suppressions = source.suppressions
    try:
        model = open_model(setup, source)
    except ParseError as error:
        finding = _parse_finding(setup.catalogue, source, error)
        return FileResult(source.path, (finding,), suppressions=suppressions)
    try:
        return _run_rules(setup, model, suppressions, at_work)
    finally:
        model.release()


def _run_rules(setup: Setup, model: FileModel, suppressions: tuple[Suppression, ...], at_work: list[str]) -> FileResult:
    findings: list[Finding] = []
    for rule in setup.rules:
        at_work.append(rule.id)
        findings += run_file_rules([rule], model)
    at_work.append("the summary")
    summary = summary_of(setup.rules, model)
    names = len(model.references(_ROOTS))
    undecided = len(model.undecided) if any(root in model.source.text for root in _ROOTS) else 0
    return FileResult(model.path, tuple(findings), summary, suppressions, (), names, undecided)


def open_model(setup: Setup, source: SourceFile) -> FileModel:
    """The model of a file; raises ParseError."""
    return FileModel(source, setup.knowledge, setup.config)


def _parse_finding(catalogue: Catalogue, source: SourceFile, error: ParseError) -> Finding:
    rule = catalogue.find(error.rule)
    line = min(error.line or 1, len(source.line_starts))
    column = min(error.column or 1, len(source.line_text(line)) + 1)
    start = source.line_starts[line - 1] + column - 1
    end = start if column > len(source.line_text(line)) else start + 1
    return Finding(
        rule=error.rule,
        name=rule.name if rule is not None else "syntax-error",
        severity=rule.severity if rule is not None else Severity.ERROR,
        path=source.path,
        span=Span(start, end),
        line=line,
        column=column,
        end_line=line,
        end_column=column + end - start,
        message=error.message,
        notes=(Note(error.remedy),),
    )


def _too_long(source: SourceFile) -> Problem:
    size = f"{len(source.text) / 1e6:.1f} million characters"
    limit = f"{LARGEST_TEXT // 1_000_000} million"
    return Problem(source.path, f"the file has {size}, tfguard reads up to {limit}", "leave it out with `exclude`")
