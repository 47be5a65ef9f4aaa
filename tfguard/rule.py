"""What a rule file imports: `Rule` and the decorators that subscribe its functions to questions."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from tfguard.analysis.calls import CallSite, Expr, Reference, StoreSite
from tfguard.analysis.file_model import FileModel
from tfguard.analysis.project import ProjectFacts
from tfguard.analysis.summarise import summarise
from tfguard.analysis.summary import FileSummary
from tfguard.model import Finding, Fix, Note, Severity, Span

FileCheck = Callable[[FileModel], Iterable[Finding]]
ProjectCheck = Callable[[ProjectFacts, Sequence[Finding]], Iterable[Finding]]
EffectCheck = Callable[[CallSite], Any]
StoreCheck = Callable[[StoreSite], Any]
FactCheck = Callable[[FileModel], Any]


class Recorder:
    """What is noted of files and their calls for the whole-program pass, under one key, for one rule or several.

    Rules that look at a program with the same eyes share one: `Rule(..., records=[recorder])`. It runs once a file,
    whichever of them are enabled, and `program.effects(recorder.key)` gives what it noted.

    A file that holds no word of `mentions` is nothing to it. Words that stand in code of every kind (`random`) need
    `evidence`, words that do not: a file with none of these is only looked at when another file of its program has one.
    """

    def __init__(self, key: str, *, evidence: Iterable[str] = ()) -> None:
        self.key = key
        self.evidence = frozenset(evidence)
        self.mentions: dict[str, frozenset[str]] = {}
        self.effect_check: EffectCheck | None = None
        self.store_check: StoreCheck | None = None
        self.fact_check: FactCheck | None = None

    def on_call(self, *, mentions: Iterable[str] | str) -> Callable[[EffectCheck], EffectCheck]:
        """Ask for every call; what the function returns (JSON values, or None) becomes an effect of the program."""

        def subscribe(function: EffectCheck) -> EffectCheck:
            self.mentions["call"] = _words(mentions)
            self.effect_check = function
            return function

        return subscribe

    def on_store(self, *, mentions: Iterable[str] | str) -> Callable[[StoreCheck], StoreCheck]:
        """Ask for every write to an attribute or item; what the function returns becomes an effect, as in `on_call`."""

        def subscribe(function: StoreCheck) -> StoreCheck:
            self.mentions["store"] = _words(mentions)
            self.store_check = function
            return function

        return subscribe

    def facts(self, *, mentions: Iterable[str] | str) -> Callable[[FactCheck], FactCheck]:
        """Note something of each file (JSON values, or None) for the project check."""

        def subscribe(function: FactCheck) -> FactCheck:
            self.mentions["facts"] = _words(mentions)
            self.fact_check = function
            return function

        return subscribe


class Rule:
    """One rule: its identity, its documentation (the docstring of its file) and the functions that subscribed."""

    def __init__(
        self,
        module: str,
        *,
        id: str,  # noqa: A002  (the field's own word)
        severity: Severity,
        since: str,
        default: bool = True,
        documentation: str = "",
        messages: tuple[str, ...] = (),
        records: Iterable[Recorder] = (),
        evidence: Iterable[str] = (),
    ) -> None:
        self.id = id
        self.module = module
        self.name = module.rsplit(".", 1)[-1].replace("_", "-")
        self.family = module.rsplit(".", 2)[-2] if module.count(".") else ""
        self.severity = severity
        self.since = since
        self.default = default
        self.documentation = documentation
        #: Texts of run-time errors that this rule explains.
        self.messages = messages
        own = Recorder(id, evidence=evidence)
        #: Its own recorder, whose key is the rule's id, and those that it shares.
        self.recorders: tuple[Recorder, ...] = (own, *records)
        self.on_call, self.on_store, self.facts = own.on_call, own.on_store, own.facts
        self.file_words: frozenset[str] = frozenset()
        self.file_check: FileCheck | None = None
        self.project_check: ProjectCheck | None = None

    @property
    def summary(self) -> str:
        """The first line of the documentation."""
        return self.documentation.strip().split("\n", 1)[0]

    @property
    def words(self) -> frozenset[str]:
        """A file that holds none of these words is nothing to this rule."""
        recorded = (words for recorder in self.recorders for words in recorder.mentions.values())
        return self.file_words.union(*recorded)

    @property
    def evidence(self) -> frozenset[str]:
        """A program none of whose files holds one of these words is nothing to this rule."""
        own, *shared = self.recorders
        words = [own.evidence or self.file_words.union(*own.mentions.values())]
        words += [recorder.evidence or frozenset().union(*recorder.mentions.values()) for recorder in shared]
        return frozenset().union(*words)

    # -- subscriptions (`on_call`, `on_store` and `facts` are those of its own recorder) ----------------

    def on_file(self, *, mentions: Iterable[str] | str) -> Callable[[FileCheck], FileCheck]:
        """Ask for every file that holds one of the words; the function yields findings."""

        def subscribe(function: FileCheck) -> FileCheck:
            self.file_words = _words(mentions)
            self.file_check = function
            return function

        return subscribe

    def on_project(self, function: ProjectCheck) -> ProjectCheck:
        """Ask for the whole project: gets this rule's own findings on files, yields all that shall stand."""
        self.project_check = function
        return function

    # -- findings -------------------------------------------------------------------------------------

    def finding(
        self,
        at: CallSite | Expr | Reference | tuple[FileModel, Span],
        message: str,
        *,
        fix: Fix | None = None,
        notes: Iterable[Note] = (),
    ) -> Finding:
        """A finding at a handle (or at a span of a file)."""
        file, span = at if isinstance(at, tuple) else (at.file, at.span)
        line, column = file.source.position(span.start)
        end_line, end_column = file.source.position(span.end)
        place = (file.path, span, line, column, end_line, end_column)
        return Finding(self.id, self.name, self.severity, *place, message, fix, tuple(notes))


def _words(mentions: Iterable[str] | str) -> frozenset[str]:
    return frozenset([mentions] if isinstance(mentions, str) else mentions)


def screen(rules: Iterable[Rule]) -> re.Pattern[bytes]:
    """A pattern that matches the bytes of every file that one of the rules may have something to say of."""
    return _pattern(word for rule in rules for word in rule.words)


def evidence_screen(rules: Iterable[Rule]) -> re.Pattern[bytes]:
    """A pattern that matches the bytes of every file that may make a rule speak, of itself or of its program."""
    return _pattern(word for rule in rules for word in rule.evidence)


def _pattern(words: Iterable[str]) -> re.Pattern[bytes]:
    """A pattern for any of the words, without those that begin with another."""
    kept: list[str] = []
    for word in sorted(words):
        if not kept or not word.startswith(kept[-1]):
            kept.append(word)
    return re.compile("|".join(map(re.escape, kept)).encode() if kept else rb"(?!)")


def run_file_rules(rules: Iterable[Rule], file: FileModel) -> Iterator[Finding]:
    """The findings of every rule that asks for this file, in rule order."""
    for rule in rules:
        if rule.file_check is not None and _mentioned(rule.file_words, file):
            yield from rule.file_check(file)


def recorders_of(rules: Iterable[Rule]) -> tuple[Recorder, ...]:
    """The recorders of the rules, a shared one once."""
    return tuple(dict.fromkeys(recorder for rule in rules for recorder in rule.recorders))


def run_fact_rules(rules: Iterable[Rule], file: FileModel) -> dict[str, Any]:
    """What is noted of this file, by the recorder's key."""
    found: dict[str, Any] = {}
    for recorder in recorders_of(rules):
        if recorder.fact_check is not None and _mentioned(recorder.mentions["facts"], file):
            value = recorder.fact_check(file)
            if value is not None:
                found[recorder.key] = value
    return found


def effect_functions(rules: Iterable[Rule], file: FileModel) -> dict[str, EffectCheck]:
    """The functions that look at the calls of this file, by the recorder's key."""
    return {
        recorder.key: recorder.effect_check
        for recorder in recorders_of(rules)
        if recorder.effect_check is not None and _mentioned(recorder.mentions["call"], file)
    }


def store_functions(rules: Iterable[Rule], file: FileModel) -> dict[str, StoreCheck]:
    """The functions that look at the writes of this file, by the recorder's key."""
    return {
        recorder.key: recorder.store_check
        for recorder in recorders_of(rules)
        if recorder.store_check is not None and _mentioned(recorder.mentions["store"], file)
    }


def summary_of(rules: Sequence[Rule], file: FileModel) -> FileSummary:
    """The file's summary with the effects and facts of all rules."""
    return summarise(
        file, effect_functions(rules, file), run_fact_rules(rules, file), stores=store_functions(rules, file)
    )


def _mentioned(words: frozenset[str], file: FileModel) -> bool:
    return bool(file.once(words, lambda: any(word in file.source.text for word in words)))


def run_project_rules(rules: Iterable[Rule], facts: ProjectFacts, findings: Iterable[Finding]) -> Iterator[Finding]:
    """All findings: those of rules with a project check as it yields them, those of the others as they are."""
    by_rule: dict[str, list[Finding]] = {}
    for finding in findings:
        by_rule.setdefault(finding.rule, []).append(finding)
    for rule in rules:
        own = sorted(by_rule.pop(rule.id, []), key=lambda f: f.sort_key)
        if rule.project_check is None:
            yield from own
        else:
            yield from rule.project_check(facts, own)
    for rest in by_rule.values():
        yield from rest
