"""From loaded files to raw findings: screens, workers, the cache of single files, the whole-program rules."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from tfguard.analysis.file_model import FileModel, module_names, own_names
from tfguard.analysis.project import ProjectFacts, interesting
from tfguard.analysis.summary import FileSummary
from tfguard.cache import Cache, digest, key_of, package_fingerprint
from tfguard.config import Config
from tfguard.discovery import FoundFile, shown_path
from tfguard.errors import DecodeError
from tfguard.file_cache import result_from_json, result_to_json
from tfguard.garbage import collected_seldom
from tfguard.imports import ModuleFinder, imported_modules
from tfguard.model import Finding, Problem
from tfguard.pool import analyse_files
from tfguard.project_files import LoadedFile, Unreadable, load_file
from tfguard.reach import reached
from tfguard.rule import run_project_rules
from tfguard.source import SourceFile, decode
from tfguard.worker import FileResult, Guard, load_setup, open_model

_SUPPRESSED = re.compile(rb"tfguard[ \t]*:[ \t]*ignore(?:-file)?[ \t]*\[([^\]\r\n]*)\]")
#: Enough for every module of a large project; a loop would need more.
_MOST_CONTEXT = 5_000

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the rules said, before suppressions and settings have their say."""

    findings: tuple[Finding, ...]
    results: tuple[FileResult, ...]
    problems: tuple[Problem, ...]
    is_final: bool


class Project:
    """The files of a run and what is known of them; `change` replaces the bytes of one."""

    def __init__(
        self, files: dict[str, LoadedFile], config: Config, cache: Cache, progress: Progress | None = None
    ) -> None:
        self.files = dict(sorted(files.items()))
        self.config = config
        self.finder = ModuleFinder(config.root)
        self._extra = _extra_rules(config, files.values())
        self.setup = load_setup(config, self._extra)
        self._listed = len(files)
        self._cache = cache
        self._fingerprint = key_of(package_fingerprint(), config.fingerprint(), [rule.id for rule in self.setup.rules])
        self._progress = progress
        self._results: dict[str, FileResult] = {}
        self._expanded: set[str] = set()
        self._imported: dict[str, tuple[str, ...]] = {}
        self._evidence: dict[str, bool] = {}
        self._near: frozenset[str] | None = None
        self._links: set[str] = set()
        self._models: dict[str, FileModel] = {}

    def change(self, path: str, raw: bytes) -> None:
        """Let a file have other bytes from now on."""
        self.files[path] = replace(self.files[path], raw=raw, digest=digest(raw))
        self._expanded.discard(path)
        self._imported.pop(path, None)
        self._evidence.pop(path, None)
        self._near = None
        self._results.pop(path, None)
        self._models.pop(path, None)

    def source(self, path: str) -> SourceFile:
        """The decoded text of a file."""
        return decode(path, self.files[path].raw)

    def run(self) -> Outcome:
        """Analyse what has not been analysed yet and judge the whole."""
        self.load_context()
        self._analyse(self._wanted())
        while self._analyse(self._linked()):
            pass
        self._analyse(self._unread(), syntax_only=True)
        results = tuple(self._results[path] for path in sorted(self._results))
        findings, guard = self._judge(results)
        is_final = guard.is_final and all(result.is_final for result in results)
        return Outcome(findings, results, tuple(guard.problems), is_final)

    def _wanted(self) -> list[str]:
        """Files that hold a word of a rule which is evidence, or another word in a program with evidence."""
        left = [path for path in self.files if path not in self._results]
        mentioned = [path for path in left if self.setup.mentions(self.files[path].raw)]
        return [path for path in mentioned if self._has_evidence(path) or path in self._reached()]

    def _reached(self) -> frozenset[str]:
        """The files of programs in which some file has evidence."""
        if self._near is None:
            imports = {path: self._imports(path) for path in self.files}
            evidence = [path for path in self.files if self._has_evidence(path)]
            self._near = reached(imports, evidence, self.setup.knowledge)
        return self._near

    def _has_evidence(self, path: str) -> bool:
        if path not in self._evidence:
            self._evidence[path] = self.setup.has_evidence(self.files[path].raw)
        return self._evidence[path]

    def _unread(self) -> list[str]:
        """Files that no rule has a word for, and whose syntax shall be read all the same."""
        if not self.setup.reads_syntax:
            return []
        return [path for path, file in self.files.items() if path not in self._results and file.is_reported]

    def _analyse(self, paths: Iterable[str], *, syntax_only: bool = False) -> bool:
        """Analyse files (or take what the cache knows); True if there were any."""
        wanted = sorted(paths)
        missing: list[str] = []
        for path in wanted:
            known = result_from_json(path, self._cache.get(self._key(path, syntax_only)))
            if known is None:
                missing.append(path)
            else:
                self._results[path] = known
        done = len(wanted) - len(missing)

        def count(files: int) -> None:
            nonlocal done
            done += files
            if self._progress is not None:
                self._progress(done, len(wanted))

        tasks = [(path, self.files[path].raw, syntax_only) for path in missing]
        for result in analyse_files(self.config, self._extra, tasks, count):
            self._results[result.path] = result
            if result.is_final:
                self._cache.put(self._key(result.path, syntax_only), result_to_json(result))
        return bool(wanted)

    def _key(self, path: str, syntax_only: bool) -> str:
        return key_of("syntax" if syntax_only else "file", self._fingerprint, path, self.files[path].digest)

    # -- files that are not named, or hold no word that a rule asks for ---------------------------------

    def load_context(self) -> None:
        """Read all of the project's own modules that the files may load."""
        while self._add_context():
            pass

    def _add_context(self) -> bool:
        """Read the project's own modules that the files import; True if there were new ones."""
        added: list[str] = []
        for path in [path for path in self.files if path not in self._expanded]:
            self._expanded.add(path)
            for absolute in self.finder.files_of(self.files[path].absolute, self._imports(path)):
                shown = shown_path(absolute, self.config.root)
                if shown in self.files or len(self.files) - self._listed >= _MOST_CONTEXT:
                    continue
                try:
                    self.files[shown] = load_file(FoundFile(shown, absolute), is_reported=False)
                except Unreadable:
                    continue  # who names it is told
                added.append(shown)
                self._near = None
        return bool(added)

    def _imports(self, path: str) -> tuple[str, ...]:
        if path not in self._imported:
            self._imported[path] = self._read_imports(path)
        return self._imported[path]

    def _read_imports(self, path: str) -> tuple[str, ...]:
        raw = self.files[path].raw
        if path.endswith(".ipynb"):
            try:
                raw = self.source(path).text.encode("utf-8", "replace") if b"import" in raw else b""
            except DecodeError:
                return ()
        return imported_modules(raw)

    def _linked(self) -> list[str]:
        """Files without a word of their own that import a module which matters to the whole program."""
        unread = [path for path in sorted(self._reached()) if path not in self._results]
        names = self._links.union(interesting(self._summaries()))
        linked = [path for path in unread if any(names.intersection(m.split(".")) for m in self._imports(path))]
        self._links.update(module_names(path)[0].rsplit(".", 1)[-1] for path in linked)
        return linked

    def _summaries(self) -> dict[str, FileSummary]:
        return {path: r.summary for path, r in sorted(self._results.items()) if r.summary is not None}

    # -- the whole program --------------------------------------------------------------------------------

    def _judge(self, results: Sequence[FileResult]) -> tuple[tuple[Finding, ...], Guard]:
        """The findings that stand when every rule has seen the whole project, and what went wrong."""
        summaries = self._summaries()
        others = {path: own_names(path, self.setup.knowledge)[0] for path in self.files if path not in summaries}
        facts = ProjectFacts(summaries.values(), self._open, scripts=self.config.scripts, others=others)
        guard = Guard([])
        standing: list[Finding] = []
        own: dict[str, list[Finding]] = {}
        for result in results:
            for finding in result.findings:
                own.setdefault(finding.rule, []).append(finding)
        for rule in self.setup.rules:
            mine = own.pop(rule.id, [])

            def judge(mine: list[Finding] = mine, rule_here=rule) -> list[Finding]:  # type: ignore[no-untyped-def]
                return list(run_project_rules([rule_here], facts, mine))

            guard.at_work.append(rule.id)
            with collected_seldom():
                standing += guard.run(judge, ".") or []
        for rest in own.values():
            standing += rest
        return tuple(sorted(set(standing), key=_order)), guard

    def _open(self, path: str) -> FileModel:
        if path not in self._models:
            self._models[path] = open_model(self.setup, self.source(path))
        return self._models[path]


def _order(finding: Finding) -> tuple[object, ...]:
    fix = finding.fix
    edits = fix.edits if fix is not None else ()
    notes = tuple((note.path or "", note.line or 0, note.message) for note in finding.notes)
    return (*finding.sort_key, finding.span, edits, notes)


def _extra_rules(config: Config, files: Iterable[LoadedFile]) -> tuple[str, ...]:
    """Rules that run only to tell whether the suppressions that name them are used."""
    setup = load_setup(config)
    if all(rule.name != "unused-suppression" for rule in setup.rules):
        return ()
    words: set[str] = set()
    for file in files:
        if b"tfguard" in file.raw:
            for match in _SUPPRESSED.finditer(file.raw):
                words.update(word.strip() for word in match[1].decode("ascii", "replace").split(","))
    enabled = {rule.id for rule in setup.rules}
    named = (setup.catalogue.find(word) for word in sorted(words) if word)
    return tuple(sorted({rule.id for rule in named if rule is not None} - enabled))
