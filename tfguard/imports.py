"""Which of the project's own files a file imports, read from its bytes: no parse, and no file is opened here.

A quick over-approximation: text that looks like an import inside a string counts too, and costs one more file.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping

#: A line that ends before `import`, or from there on.
_STATEMENT = re.compile(
    rb"from[ \t]+(?P<origin>\.*[\w.]*)[ \t]+import[ \t]*(?P<names>\([^)]*\)|[^\r\n;#]*)"
    rb"|import[ \t]+(?P<modules>[^\r\n;#]+)"
)
_NAME = re.compile(rb"([A-Za-z_][\w.]*)(?:[ \t]+as[ \t]+\w+)?")
_CONTINUED = re.compile(rb"\\\r?\n")


def imported_modules(raw: bytes) -> tuple[str, ...]:
    """The modules that the bytes of a Python file may import, as written (`..a.b`), in order of first mention."""
    if b"\\\n" in raw or b"\\\r\n" in raw:
        raw = _CONTINUED.sub(b" ", raw)
    found: dict[str, None] = {}
    position = raw.find(b"import")
    while position >= 0:
        start = max(raw.rfind(b"\n", 0, position), position - 400, 0)
        start = max(start, raw.rfind(b"\r", start, position), raw.rfind(b";", start, position))
        match = _STATEMENT.match(raw[start : position + 4000].lstrip(b"\r\n\t\f ;"))
        if match is not None:
            found.update(dict.fromkeys(_modules(match)))
        position = raw.find(b"import", position + 6)
    return tuple(found)


def _modules(match: re.Match[bytes]) -> Iterator[str]:
    if match["modules"] is not None:
        for part in match["modules"].split(b","):
            name = _NAME.match(part.strip())
            if name is not None:
                yield name[1].decode("ascii", "replace")
        return
    origin = match["origin"].decode("ascii", "replace")
    yield origin
    for part in re.sub(rb"#[^\r\n]*", b"", match["names"].strip(b"()")).split(b","):
        name = _NAME.match(part.strip())
        if name is not None:
            yield f"{origin}{'' if origin.endswith('.') or not origin else '.'}{name[1].decode('ascii', 'replace')}"


#: directory -> name -> what is there (see ModuleFinder)
Answers = Mapping[str, Mapping[str, str]]


class ModuleFinder:
    """Finds the files of modules on disk, and remembers every question with its answer.

    The answers are what a cached result rests on besides the content of files: `still_true` asks them again.
    """

    def __init__(self, root: str) -> None:
        self._root = root
        #: directory -> name -> "" (nothing), "m" (name.py), "p" (a package or a folder), "mp" (both)
        self._answers: dict[str, dict[str, str]] = {}
        self._listings: dict[str, frozenset[str]] = {}

    def files_of(self, importer: str, modules: Iterable[str]) -> list[str]:
        """The absolute paths of project files that the imports of a file (an absolute path) may load."""
        found: dict[str, None] = {}
        for module in modules:
            dots = len(module) - len(module.lstrip("."))
            parts = [part for part in module[dots:].split(".") if part]
            if not dots and parts and parts[0] in sys.stdlib_module_names:
                continue
            for base in self._bases(importer, dots):
                files = self._below(base, parts)
                found.update(dict.fromkeys(files))
                if files:
                    break
        return list(found)

    @property
    def answers(self) -> Answers:
        """Every name that was asked for in each directory, with the answer, sorted."""
        return {directory: dict(sorted(names.items())) for directory, names in sorted(self._answers.items())}

    def still_true(self, answers: Answers) -> bool:
        """Would the disk give the same answers today?"""
        for directory, names in answers.items():
            listing = self._listing(directory)
            for name, answer in names.items():
                is_there = name in listing or f"{name}.py" in listing
                if (self._ask(directory, name) if is_there else "") != answer:
                    return False
        return True

    def _bases(self, importer: str, dots: int) -> Iterator[str]:
        """Where the first part of a module may lie: for a relative import one folder, else each up to the root."""
        directory = os.path.dirname(importer)
        if dots:
            for _ in range(dots - 1):
                directory = os.path.dirname(directory)
            yield directory
            return
        yield directory
        inside = directory.startswith(self._root.rstrip("/") + "/")
        while inside and directory != self._root:
            directory = os.path.dirname(directory)
            yield directory
        if inside or directory == self._root:
            yield os.path.join(self._root, "src")

    def _below(self, directory: str, parts: list[str]) -> list[str]:
        """The files that importing `parts` from a directory loads: the packages on the way and the module."""
        files: list[str] = []
        if not parts:
            return self._init(directory)
        for part in parts:
            answer = self._ask(directory, part)
            package = os.path.join(directory, part)
            init = self._init(package) if "p" in answer else []
            if "m" in answer and not init:  # a module beats a folder that is no package
                return [*files, f"{package}.py"]
            if "p" not in answer:
                break
            directory = package
            files += init
        return files

    def _init(self, directory: str) -> list[str]:
        return [os.path.join(directory, "__init__.py")] if "m" in self._ask(directory, "__init__") else []

    def _ask(self, directory: str, name: str) -> str:
        names = self._answers.setdefault(directory, {})
        answer = names.get(name)
        if answer is None:
            listing = self._listing(directory)
            path = os.path.join(directory, name)
            answer = "m" if f"{name}.py" in listing and os.path.isfile(f"{path}.py") else ""
            answer += "p" if name in listing and os.path.isdir(path) else ""
            names[name] = answer
        return answer

    def _listing(self, directory: str) -> frozenset[str]:
        """The names in a directory; none in one that is not there."""
        if directory not in self._listings:
            try:
                self._listings[directory] = frozenset(os.listdir(directory))
            except OSError:
                self._listings[directory] = frozenset()
        return self._listings[directory]
