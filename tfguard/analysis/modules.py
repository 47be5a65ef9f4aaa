"""Where the names of a project are defined: modules, functions, classes and methods over all files."""

from __future__ import annotations

from collections import deque
from collections.abc import Container, Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from tfguard.analysis.summary import FileSummary

#: A class by the path of its file and its qualified name.
ClassKey = tuple[str, str]

#: A method of an unknown object is followed only when at most this many classes define it.
_CANDIDATES = 5
#: Places where one name is looked for, through re-exports and star imports.
_PLACES = 100


class Body(NamedTuple):
    """The body that a call runs, and for a method the class whose instance it is called on."""

    summary: FileSummary
    name: str
    receiver: ClassKey | None = None


class Modules:
    """The definitions of all files, given by path, beside others of which only the name of the module is known."""

    def __init__(self, files: Mapping[str, FileSummary], others: Mapping[str, str] = MappingProxyType({})) -> None:
        self._files = files
        self._modules: dict[str, FileSummary] = {}
        self._suffixes: dict[str, list[FileSummary]] = {}
        self._found: dict[tuple[str, str], FileSummary | None] = {}
        self._methods: dict[str, list[Body]] = {}
        self._bodies: dict[tuple[str, str], Body | None] = {}
        self._ancestors: dict[ClassKey, frozenset[ClassKey]] = {}
        self._loaded: dict[tuple[str, str], tuple[FileSummary, ...]] = {}
        self._loads: dict[str, tuple[FileSummary, ...]] = {}
        self._stars: dict[str, tuple[FileSummary, ...]] = {}
        blank = [FileSummary(path, module, "", (), {}, {}, {}, ()) for path, module in others.items()]
        for summary in sorted([*files.values(), *blank], key=lambda summary: summary.path):
            self._modules.setdefault(summary.module, summary)
            parts = summary.module.split(".")
            for start in range(len(parts)):
                self._suffixes.setdefault(".".join(parts[start:]), []).append(summary)
        for summary in files.values():
            for name, cls in summary.classes.items():
                for method in cls.methods:
                    found = Body(summary, f"{name}.{method}", (summary.path, name))
                    self._methods.setdefault(method, []).append(found)

    # -- modules ------------------------------------------------------------------------------------

    def find_module(self, importer: FileSummary, dotted: str) -> FileSummary | None:
        """The project's file that an import loads: beside the importer, above it, or anywhere if unique."""
        key = (importer.package, dotted)
        if key not in self._found:
            self._found[key] = self._find_module(importer, dotted)
        return self._found[key]

    def _find_module(self, importer: FileSummary, dotted: str) -> FileSummary | None:
        parts = importer.package.split(".") if importer.package else []
        for length in range(len(parts), -1, -1):
            found = self._modules.get(".".join([*parts[:length], dotted]))
            if found is not None:
                return found
        candidates = self._suffixes.get(dotted, [])
        return candidates[0] if len(candidates) == 1 else None

    def loaded_by(self, importer: FileSummary, dotted: str) -> tuple[FileSummary, ...]:
        """All files that an import loads, in order: the `__init__` of the packages around it, then the module."""
        key = (importer.package, dotted)
        if key not in self._loaded:
            self._loaded[key] = self._with_packages(self.find_module(importer, dotted))
        return self._loaded[key]

    def _with_packages(self, module: FileSummary | None) -> tuple[FileSummary, ...]:
        if module is None:
            return ()
        parts = module.module.split(".")
        around = (self._modules.get(".".join(parts[:length])) for length in range(1, len(parts)))
        packages = [package for package in around if package is not None and package.path.endswith("__init__.py")]
        return tuple(found for found in (*packages, module) if found.path in self._files)

    def find_script(self, dotted: str, function: str) -> Body | None:
        """The body that a command runs which is installed as `dotted:function`; `src/` may stand before it."""
        candidates = [s for s in (self._modules.get(dotted), *self._suffixes.get(dotted, [])) if s is not None]
        for summary in candidates:
            found = self.find_body(summary, f"{summary.module}.{function}")
            if found is not None:
                return found
        return None

    def loads(self, summary: FileSummary) -> tuple[FileSummary, ...]:
        """The files that the imports of a file load, each once, in order of first mention."""
        known = self._loads.get(summary.path)
        if known is None:
            found = {module.path: module for name in summary.imports for module in self.loaded_by(summary, name)}
            known = self._loads[summary.path] = tuple(found.values())
        return known

    def loaded_from(self, summary: FileSummary) -> tuple[str, ...]:
        """The paths of a file and all that it imports, directly or not, in order of first mention."""
        found: dict[str, None] = {summary.path: None}
        waiting = deque([summary])
        while waiting:
            for module in self.loads(waiting.popleft()):
                if module.path not in found:
                    found[module.path] = None
                    waiting.append(module)
        return tuple(found)

    # -- names --------------------------------------------------------------------------------------

    def find_body(self, summary: FileSummary, name: str) -> Body | None:
        """The body that calling a qualified name runs: a function, a method, or a class's `__init__`."""
        key = (summary.path, name)
        if key not in self._bodies:
            self._bodies[key] = self._find_body(summary, name)
        return self._bodies[key]

    def _find_body(self, summary: FileSummary, name: str) -> Body | None:
        located = self._locate(summary, name, set())
        if located is None:
            return None
        where, name = located
        if name in where.classes:
            return self.find_method((where.path, name), "__init__")
        owner, _, last = name.rpartition(".")
        if owner in where.classes:
            return self.find_method((where.path, owner), last)
        return Body(where, name) if name in where.bodies else None

    def find_method(self, receiver: ClassKey, method: str) -> Body | None:
        """The method that an instance of a class runs, its own or that of a base in the project."""
        names = ("__call__", "call") if method == "__call__" else (method,)
        for path, cls in self._lineage(receiver):
            summary = self._files[path]
            own = next((name for name in names if name in summary.classes[cls].methods), None)
            if own is not None:
                return Body(summary, f"{cls}.{own}", receiver)
        return None

    def ancestors(self, cls: ClassKey) -> frozenset[ClassKey]:
        """A class and its bases in the project."""
        if cls not in self._ancestors:
            self._ancestors[cls] = frozenset(self._lineage(cls))
        return self._ancestors[cls]

    def _lineage(self, cls: ClassKey) -> list[ClassKey]:
        """A class and its bases in the project, depth first from left to right."""
        found: dict[ClassKey, None] = {}
        waiting = [cls]
        while waiting:
            here = waiting.pop()
            if here in found:
                continue
            found[here] = None
            summary = self._files[here[0]]
            bases = [self._locate(summary, base, set()) for base in summary.classes[here[1]].bases]
            waiting.extend((b[0].path, b[1]) for b in reversed(bases) if b is not None and b[1] in b[0].classes)
        return list(found)

    def _locate(self, summary: FileSummary, name: str, seen: set[tuple[str, str]]) -> tuple[FileSummary, str] | None:
        """The file that defines a name (or the class of a method), and the name there."""
        if name in summary.classes or name in summary.bodies or name.rpartition(".")[0] in summary.classes:
            return summary, name
        if (summary.path, name) in seen or len(seen) > _PLACES:
            return None
        seen.add((summary.path, name))
        above = 0
        if name.startswith(f"{summary.module}."):
            found = self._exported(summary, name[len(summary.module) + 1 :], seen)
            if found is not None:
                return found
            above = summary.module.count(".") + 1  # what a module lacks is in no package around it, but may be below it
        parts = name.split(".")
        for length in range(len(parts) - 1, above, -1):
            module = self.find_module(summary, ".".join(parts[:length]))
            if module is not None and module is not summary:
                return self._locate(module, ".".join([module.module, *parts[length:]]), seen)
        return None

    def _exported(self, summary: FileSummary, rest: str, seen: set[tuple[str, str]]) -> tuple[FileSummary, str] | None:
        first, _, below = rest.partition(".")
        target = summary.exports.get(first)
        if target is not None:
            return self._locate(summary, f"{target}.{below}" if below else target, seen)
        for module in self._star_imported(summary):
            found = self._locate(module, f"{module.module}.{rest}", seen)
            if found is not None:
                return found
        return None

    def _star_imported(self, summary: FileSummary) -> tuple[FileSummary, ...]:
        """The files that a file star-imports, the last one first."""
        known = self._stars.get(summary.path)
        if known is None:
            origins = [origin for name, origin in summary.exports.items() if name.startswith("*")]
            modules = (self.find_module(summary, origin) for origin in reversed(origins))
            known = tuple(module for module in modules if module is not None and module is not summary)
            self._stars[summary.path] = known
        return known

    def methods_named(self, name: str, loaded: Container[str]) -> Iterable[Body]:
        """The methods of this name in the files that are loaded, when they are few enough to be meant."""
        found = [body for body in self._methods.get(name, []) if body.summary.path in loaded]
        return found if len(found) <= _CANDIDATES else ()
