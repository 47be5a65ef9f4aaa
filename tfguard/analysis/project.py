"""The whole project: which files import which, where programs start, and what is known of each file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from tfguard.analysis.modules import Body, Modules
from tfguard.analysis.program import Event as Event
from tfguard.analysis.program import Program as Program
from tfguard.analysis.program import Run
from tfguard.analysis.summary import Entry, FileSummary
from tfguard.errors import SourceError

if TYPE_CHECKING:
    from tfguard.analysis.file_model import FileModel


class ProjectFacts:
    """Everything known of a set of files; the same whatever order the summaries come in."""

    def __init__(
        self,
        summaries: Iterable[FileSummary],
        open_file: Callable[[str], FileModel],
        *,
        scripts: Iterable[str] = (),
        others: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.files: dict[str, FileSummary] = {s.path: s for s in sorted(summaries, key=lambda s: s.path)}
        self._open = open_file
        self._opened: dict[str, FileModel] = {}
        self._kept: dict[object, Any] = {}
        self._modules = Modules(self.files, others)
        self._scripts = tuple(scripts)

    def open(self, path: str) -> FileModel:
        """The model of a file, parsed again when a rule needs more than its summary."""
        if path not in self._opened:
            self._opened[path] = self._open(path)
        return self._opened[path]

    def open_readable(self, path: str) -> FileModel | None:
        """As `open`, of a file that no rule may have asked for; None where it is not this Python."""
        try:
            return self.open(path)
        except SourceError:
            return None

    def facts_of(self, recorder: str) -> dict[str, Any]:
        """What a recorder noted of each file, by path in sorted order."""
        return {path: s.facts[recorder] for path, s in self.files.items() if recorder in s.facts}

    def once(self, key: object, make: Callable[[], Any]) -> Any:
        """What `make` returns, made when it is first asked for: for what several rules want to know."""
        if key not in self._kept:
            self._kept[key] = make()
        return self._kept[key]

    # -- modules and names --------------------------------------------------------------------------

    def find_module(self, importer: FileSummary, dotted: str) -> FileSummary | None:
        """The project's file that an import loads."""
        return self._modules.find_module(importer, dotted)

    def find_body(self, summary: FileSummary, name: str) -> Body | None:
        """The body that calling a qualified name runs: a function, a method, or a class's `__init__`."""
        return self._modules.find_body(summary, name)

    @cached_property
    def imported(self) -> frozenset[str]:
        """Paths of files that another file of the project imports."""
        found: set[str] = set()
        for summary in self.files.values():
            found.update(module.path for module in self._modules.loads(summary) if module is not summary)
        return frozenset(found)

    def loaded_from(self, summary: FileSummary) -> tuple[str, ...]:
        """The paths of a file and all that it imports, directly or not, in order of first mention."""
        return self._modules.loaded_from(summary)

    def programs_with(self, path: str) -> tuple[Program, ...]:
        """The programs that load a file, in path order."""
        return self._programs_by_file.get(path, ())

    @cached_property
    def _programs_by_file(self) -> dict[str, tuple[Program, ...]]:
        found: dict[str, list[Program]] = {}
        for program in self.programs:
            for path in program.files:
                found.setdefault(path, []).append(program)
        return {path: tuple(programs) for path, programs in found.items()}

    # -- programs -------------------------------------------------------------------------------------

    @cached_property
    def programs(self) -> tuple[Program, ...]:
        """Every program of the project, in path order; a file that others import starts none unless it says so."""
        found: list[Program] = []
        for summary in self.files.values():
            known: set[str] = set()
            for entry in (*summary.entries, *self._commands.get(summary.path, ())):
                if entry.body in known or (entry.kind == "script" and summary.path in self.imported):
                    continue
                run = Run(self._modules, summary, entry)
                found.append(Program(summary, entry, tuple(run.events()), self._modules))
                known.update(name for path, name, _ in run.rounds if path == summary.path)
        return tuple(found)

    @cached_property
    def _commands(self) -> dict[str, list[Entry]]:
        """The functions that are installed as commands, by the path of the file that defines them."""
        found: dict[str, list[Entry]] = {}
        for script in self._scripts:
            module, _, function = script.partition(":")
            body = self._modules.find_script(module, function)
            if body is None:
                continue
            known = {entry.body for entry in (*body.summary.entries, *found.get(body.summary.path, ()))}
            node = self.open(body.summary.path).resolver.functions.get(body.name)
            if node is not None and body.name not in known:
                entry = Entry("console script", node.lineno, body.name)
                found.setdefault(body.summary.path, []).append(entry)
        return found


def interesting(summaries: Mapping[str, FileSummary]) -> tuple[str, ...]:
    """Last components of the modules that hold something for a whole-program rule, sorted."""
    return tuple(sorted({s.module.rsplit(".", 1)[-1] for s in summaries.values() if s.is_interesting}))
