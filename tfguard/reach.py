"""Which files belong to a program with evidence: they load a file that has some, or a file that loads one loads them.

Judged by the imports in the bytes, before anything is parsed; where an import may mean several files, it means all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from tfguard.analysis.file_model import own_names
from tfguard.analysis.names import is_foreign
from tfguard.analysis.resolution import Knowledge


def reached(imports: Mapping[str, tuple[str, ...]], evidence: Iterable[str], knowledge: Knowledge) -> frozenset[str]:
    """The paths of files (given with what they import, as written) that programs with evidence may load."""
    loads = {path: frozenset(found) for path, found in _Graph(imports, knowledge).edges()}
    loaded_by: dict[str, list[str]] = {}
    for path, targets in loads.items():
        for target in targets:
            loaded_by.setdefault(target, []).append(path)
    programs = _closure(evidence, loaded_by)
    return frozenset(_closure(programs, loads))


def _closure(start: Iterable[str], edges: Mapping[str, Iterable[str]]) -> set[str]:
    found = set(start)
    waiting = list(found)
    while waiting:
        for target in edges.get(waiting.pop(), ()):
            if target not in found:
                found.add(target)
                waiting.append(target)
    return found


class _Graph:
    """What every file may load."""

    def __init__(self, imports: Mapping[str, tuple[str, ...]], knowledge: Knowledge) -> None:
        self._imports = imports
        self._knowledge = knowledge
        self._names = {path: own_names(path, knowledge) for path in imports}
        #: Module names, and what is left of them without their first parts, to the paths that they may mean.
        self._modules: dict[str, list[str]] = {}
        self._suffixes: dict[str, list[str]] = {}
        for path, (module, _) in self._names.items():
            self._modules.setdefault(module, []).append(path)
            parts = module.removeprefix(".").split(".")
            for start in range(len(parts)):
                self._suffixes.setdefault(".".join(parts[start:]), []).append(path)
        self._known: dict[str, tuple[str, ...]] = {}

    def edges(self) -> Iterator[tuple[str, Iterator[str]]]:
        """Every path with those of the files that it may load."""
        for path, names in self._imports.items():
            yield path, self._targets(path, names)

    def _targets(self, path: str, names: Iterable[str]) -> Iterator[str]:
        module, package = self._names[path]
        for name in names:
            if name.startswith("."):
                yield from self._find(_absolute(package, name))
            elif not is_foreign(name, module, self._knowledge):
                yield from self._find(name)

    def _find(self, name: str) -> tuple[str, ...]:
        if name not in self._known:
            paths = self._suffixes.get(name, ())
            self._known[name] = tuple(other for path in paths for other in (path, *self._packages_around(path)))
        return self._known[name]

    def _packages_around(self, path: str) -> Iterator[str]:
        parts = self._names[path][0].split(".")
        for length in range(1, len(parts)):
            yield from self._modules.get(".".join(parts[:length]), ())


def _absolute(package: str, name: str) -> str:
    """A relative import, spelled without the dots in front."""
    level = len(name) - len(name.lstrip("."))
    parts = package.removeprefix(".").split(".") if package else []
    return ".".join([*parts[: max(len(parts) - (level - 1), 0)], *filter(None, [name[level:]])])
