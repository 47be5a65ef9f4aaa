"""The whole project: which files import which, where programs start, and what is known of each file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from tfguard.analysis.modules import Body, Modules
from tfguard.analysis.program import Event as Event
from tfguard.analysis.program import Program as Program
from tfguard.analysis.program import Run
from tfguard.analysis.summary import Entry, FileSummary

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
    ) -> None:
        self.files: dict[str, FileSummary] = {s.path: s for s in sorted(summaries, key=lambda s: s.path)}
        self._open = open_file
        self._opened: dict[str, FileModel] = {}
        self._kept: dict[object, Any] = {}
        self._modules = Modules(self.files)
        self._scripts = tuple(scripts)

    def open(self, path: str) -> FileModel:
        """The model of a file, parsed again when a rule needs more than its summary."""
        if path not in self._opened:
            self._opened[path] = self._open(path)
        return self._opened[path]

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
            for name in summary.imports:
                found.update(m.path for m in self._modules.loaded_by(summary, name) if m is not summary)
        return frozenset(found)

    def loaded_from(self, summary: FileSummary) -> tuple[str, ...]:
        """The paths of a file and all that it imports, directly or not, in order of first mention."""
        found: dict[str, None] = {summary.path: None}
        waiting = [summary]
        while waiting:
            here = waiting.pop(0)
            for name in here.imports:
                for module in self._modules.loaded_by(here, name):
                    if module.path not in found:
                        found[module.path] = None
                        waiting.append(module)
        return tuple(found)

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
                found.append(Program(summary, entry, tuple(run.events()), self.loaded_from(summary)))
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
