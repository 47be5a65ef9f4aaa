"""Reads the tables of `tfguard.rules.tables`: which public name exists in which version, and what became of it.

The enumeration is sorted text (`tables/api/*.tsv`), looked up by bisection in its bytes: nothing is parsed at start-up, no
dictionary of 40,000 names is built. A table is read when a name first asks for it. How the tables are made again:

    tests/era/collect_api.sh DIR                 install every version, write its names down (half an hour, 3 GB)
    python tests/era/build_tables.py DIR/dumps   fold them into rules/tables/api
    python tests/era/build_private.py            the private modules of the TensorFlow that is installed
    python tests/era/build_renames.py DIR/dumps  the generated rows of renames.toml

`tests/test_tables.py` holds the tables against the TensorFlow that is installed.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Literal

from tfguard.errors import TableError
from tfguard.version_table import SortedRows, Version, VersionTable, parse_version

Kind = Literal["exists", "missing", "never", "unavailable", "unknown"]

#: What the letters of a row mean; tests/era/enumerate_api.py explains them.
_ELEMENTS = {"m": "module", "o": "module", "i": "module", "d": "module", "c": "class", "C": "class"}
_ELEMENTS |= {"f": "function", "v": "value", "a": "member", "A": "member"}
_BY_ATTRIBUTE = "mocCfvaA"
_PACKAGES = "oid"
_PUBLIC = "mcCfv"
#: Names that `from __future__ import` leaves in every module; the enumeration leaves them out.
_FUTURE = ("absolute_import", "division", "print_function", "unicode_literals")


@dataclass(frozen=True, slots=True)
class Status:
    """What the tables know of one name in one version."""

    #: exists | missing (another version has it) | never (no version has it) | unavailable (raises when used) | unknown
    kind: Kind
    #: The name in its canonical spelling.
    name: str
    #: module | class | function | value | member, when it exists
    element: str | None = None
    #: The shortest prefix that does not exist.
    broken_at: str | None = None
    #: The versions that have the broken name, e.g. `0.12-1.15`; `k3.0` is Keras 3.0.
    versions: str = ""
    #: What is known of a name that cannot be used, with the remedy.
    reason: str | None = None
    #: True for a module that is no attribute of its parent unless somebody imported it.
    import_only: bool = False


@dataclass(frozen=True, slots=True)
class Rename:
    """One row of renames.toml: from `since` on, `new` is what `old` was."""

    old: str
    new: str
    since: Version
    safety: str
    source: str
    before: str
    after: str
    reason: str = ""
    #: The last version for which the row holds; None: the newest.
    until: Version | None = None
    #: True when `new` means what `old` meant only with the graph mode of TF 1 on.
    graph_mode: bool = False


@dataclass(frozen=True, slots=True)
class Removed:
    """One row of removed.toml: what is known of a prefix that is gone or cannot be used."""

    prefix: str
    since: str
    message: str
    remedy: str


def tables_path() -> Path:
    """The folder of the tables, in a wheel and in an editable installation alike."""
    import tfguard.rules

    return Path(next(iter(tfguard.rules.__path__))) / "tables"


def load_toml(name: str) -> dict[str, Any]:
    """One TOML table of `tfguard.rules.tables`."""
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        with (tables_path() / name).open("rb") as file:
            return tomllib.load(file)
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise TableError(f"{name}: {error}") from error


@lru_cache(maxsize=1)
def load_api_table() -> ApiTable:
    """The table of the installed package, once a process."""
    return ApiTable(tables_path() / "api")


def _respell(name: str, prefix: str, target: str) -> str | None:
    """The name with another prefix, or None when it is not below the prefix."""
    if name == prefix:
        return target
    return target + name[len(prefix) :] if name.startswith(f"{prefix}.") else None


class ApiTable:
    """Every public name of TensorFlow and Keras, by version. Names are canonical: `tensorflow.nn.relu`, `keras.Model`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._tables: dict[str, VersionTable] = {}
        self._statuses: dict[tuple[str, Version, Version | None, bool], Status] = {}
        self._index: dict[str, list[list[str]]] = {"table": [], "alias": [], "fixed": []}
        for line in (folder / "index.tsv").read_text(encoding="ascii").splitlines():
            if not line.startswith("#"):
                kind, *row = line.split("\t")
                self._index[kind].append(row)
        for rows in self._index.values():
            rows.sort(key=lambda row: (-len(row[0]), row))
        respelled = (*self._index["alias"], *self._index["fixed"])
        #: The first two components of every name that has another spelling; all others need no look.
        self._heads = frozenset(".".join(row[0].split(".")[:2]) for row in respelled)
        self._files = {row[0]: row[1] for row in self._index["table"]}
        self._deepest = max(prefix.count(".") for prefix in self._files) + 1

    # -- the questions --------------------------------------------------------------------------------

    def status(self, name: str, version: Version, keras: Version | None = None, *, imported: bool = False) -> Status:
        """What a name is in a version of TensorFlow (and of Keras); `imported`: an import statement names it."""
        key = (name, version, keras, imported)
        found = self._statuses.get(key)
        if found is None:
            found = self._statuses[key] = _Walk(self, version, keras, imported).status(name)
        return found

    def is_class(self, name: str) -> bool:
        """Is the name a class in any version?"""
        name, _, _ = self.canonical(name, (99, 0), None)
        row = self.row(name)
        return row is not None and any(segment[0] in "cC" for segment in row.split("\t"))

    def note(self, name: str) -> str | None:
        """What is known of a removed name or prefix, with the remedy."""
        found = self.removed(name)
        return f"{found.message} {found.remedy}".rstrip() if found is not None else None

    def removed(self, name: str) -> Removed | None:
        """The row of removed.toml with the longest prefix of the name."""
        while name:
            if name in self._removed:
                return self._removed[name]
            name = name.rpartition(".")[0]
        return None

    def rename(self, name: str, version: Version = (99, 0)) -> Rename | None:
        """The rename that holds for a name in a version (the newest when none is given)."""
        rows = self._renames.get(name, ())
        return next((r for r in reversed(rows) if r.since <= version and (r.until is None or version <= r.until)), None)

    def renames(self) -> Iterator[Rename]:
        """All rows, in the order of the table."""
        for rows in self._renames.values():
            yield from rows

    def suggestions(
        self, name: str, version: Version, keras: Version | None = None, *, imported: bool = False
    ) -> tuple[str, ...]:
        """Did you mean: at most three names that exist in the version, the nearest first."""
        from tfguard.suggest import suggest

        return suggest(self, self.status(name, version, keras, imported=imported), version, keras)

    # -- what the questions are made of -----------------------------------------------------------------

    def canonical(self, name: str, version: Version, keras: Version | None) -> tuple[str, Version, Version | None]:
        """The spelling that the tables use, and the versions to look it up in."""
        parts = name.split(".", 2)
        if parts[0] not in self._heads and ".".join(parts[:2]) not in self._heads:
            return name, version, keras
        for prefix, target, point in self._index["fixed"]:
            if (found := _respell(name, prefix, target)) is not None:
                return found, parse_version(point), None
        while (found := self._follow_alias(name, version)) is not None:
            name = found
        return name, version, keras

    def _follow_alias(self, name: str, version: Version) -> str | None:
        for prefix, target, *since in self._index["alias"]:
            if name.startswith(prefix) and (not since or version >= parse_version(since[0])):
                found = _respell(name, prefix, target)
                if found is not None:
                    return found
        return None

    def table(self, name: str) -> VersionTable | None:
        """The table that a name stands in."""
        parts = name.split(".", self._deepest)
        for end in range(min(self._deepest, len(parts)), 0, -1):
            file = self._files.get(".".join(parts[:end]))
            if file is not None:
                if file not in self._tables:
                    self._tables[file] = VersionTable(self._folder / file)
                return self._tables[file]
        return None

    def row(self, name: str) -> str | None:
        """The row of a canonical name."""
        table = self.table(name)
        return table.rows.find(name) if table is not None else None

    def kind_at(self, name: str, version: Version, keras: Version | None) -> str:
        """The letter of what a canonical name is in a version; "" for nothing, "?" for cannot tell."""
        table = self.table(name)
        if table is None:
            return "?"
        points = table.points(version, keras)
        row = table.rows.find(name)
        kind = table.kind_at(row, points) if points is not None else "?"
        if kind == "u" and row and keras is not None and keras < (3, 0):        # what only Keras 2 has, with Keras 2
            return row[0]
        return kind

    def iter_public(self, prefix: str, version: Version, keras: Version | None) -> Iterator[str]:
        """The members of a module in a version, in order."""
        table = self.table(prefix)
        points = table.points(version, keras) if table is not None else None
        if table is None or points is None:
            return
        for name, row in table.rows.iter_below(f"{prefix}."):
            if "." not in name[len(prefix) + 1 :] and table.kind_at(row, points) in _PUBLIC:
                yield name

    def iter_named(self, root: str, last: str, version: Version, keras: Version | None) -> Iterator[str]:
        """The names of the table of `root` that end with a component and exist in a version, in order."""
        table = self.table(root)
        points = table.points(version, keras) if table is not None else None
        if table is None or points is None:
            return
        for name, row in table.rows.iter_ending(f".{last}"):
            if (kind := table.kind_at(row, points)) and kind in _PUBLIC:
                yield name

    @cached_property
    def private(self) -> SortedRows:
        """The names that the private modules of the newest TensorFlow define."""
        return SortedRows(self._folder / "private.tsv")

    @cached_property
    def _removed(self) -> dict[str, Removed]:
        try:
            return {row["prefix"]: Removed(**row) for row in load_toml("removed.toml")["removed"]}
        except (KeyError, TypeError) as error:
            raise TableError(f"removed.toml: {error}") from error

    @cached_property
    def _renames(self) -> dict[str, tuple[Rename, ...]]:
        found: dict[str, list[Rename]] = {}
        try:
            for row in load_toml("renames.toml")["rename"]:
                row["since"] = parse_version(row["since"])
                if "until" in row:
                    row["until"] = parse_version(row["until"])
                found.setdefault(row["old"], []).append(Rename(**row))
        except (KeyError, TypeError, ValueError) as error:
            raise TableError(f"renames.toml: {error}") from error
        return {old: tuple(sorted(rows, key=lambda r: r.since)) for old, rows in found.items()}


class _Walk:
    """One look at a name: from its root down to where it breaks."""

    def __init__(self, table: ApiTable, version: Version, keras: Version | None, imported: bool) -> None:
        self._table = table
        self._version = version
        self._keras = keras
        self._imported = imported

    def status(self, name: str) -> Status:
        """The status of the name."""
        name, self._version, self._keras = self._table.canonical(name, self._version, self._keras)
        kind = self._kind(name)
        if kind and kind in _BY_ATTRIBUTE:
            return Status("exists", name, element=_ELEMENTS[kind])
        parts, parent = name.split("."), "m"
        for end in range(1, len(parts) + 1):
            prefix = ".".join(parts[:end])
            found = self._step(name, prefix, parent)
            if isinstance(found, Status):
                return found
            parent = found
        return Status("exists", name, element=_ELEMENTS[parent], import_only=parent in "id")

    def _kind(self, name: str) -> str:
        return self._table.kind_at(name, self._version, self._keras)

    def _step(self, name: str, prefix: str, parent: str) -> Status | str:
        """The letter of the prefix when the walk may go on below it, else the answer."""
        kind = self._kind(prefix)
        if parent in "cfvaA" or kind == "?" or (kind != "" and prefix.rpartition(".")[2].startswith("_")):
            return Status("unknown", name)
        if kind == "":
            return self._broken(name, prefix, parent)
        if kind == "u":
            return Status("unavailable", name, broken_at=prefix, reason=self._table.note(prefix))
        if kind == "d" and not self._imported:
            return self._missing(name, prefix)
        if kind == "i" and not self._imported:
            return Status("unknown", name, import_only=True)
        return kind

    def _missing(self, name: str, prefix: str) -> Status:
        table, row = self._table.table(prefix), self._table.row(prefix)
        versions = table.spans(row, "u" if self._imported else "udi") if table is not None and row is not None else ""
        return Status("missing", name, broken_at=prefix, versions=versions, reason=self._table.note(name))

    def _broken(self, name: str, prefix: str, parent: str) -> Status:
        """A prefix that is not there: missing, never there, or beyond what the tables can tell."""
        owner, _, last = prefix.rpartition(".")
        if not owner or last.startswith("_") or last in _FUTURE:
            return Status("unknown", name)
        if parent in _PACKAGES:
            return self._broken_in_package(name, prefix)
        if self._table.row(prefix) is not None:
            return self._missing(name, prefix)
        return Status("unknown", name) if parent == "C" else Status("never", name, broken_at=prefix)

    def _broken_in_package(self, name: str, prefix: str) -> Status:
        """Below a package whose members only the newest version's sources tell."""
        owner, _, last = prefix.rpartition(".")
        private = self._table.private
        if not self._imported or self._version < parse_version(private.header["version"]):
            return Status("unknown", name)
        row = private.find(owner)
        if row is None or row.startswith("*"):
            return Status("unknown", name)
        if last in row[2:].split(" "):
            return Status("exists" if prefix == name else "unknown", name)
        return self._missing(name, prefix)
