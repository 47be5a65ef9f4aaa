"""Reads the tables of `tfguard.rules.tables`: which public name exists in which version, and what became of it.

The enumeration is sorted text (`tables/api/*.tsv`), looked up by bisection in its bytes: nothing is parsed at start-up,
no dictionary of 40,000 names is built, a table is read when a name first asks for it. To make the tables again:

    tests/era/collect_api.sh DIR                 install every version, write its names down (half an hour, 3 GB)
    python tests/era/build_tables.py DIR/dumps   fold them into rules/tables/api
    python tests/era/build_private.py            the private modules of the TensorFlow that is installed
    python tests/era/build_renames.py DIR/dumps  the renames that follow from names of one object

tests/era/check_tables.py and check_renames.py hold them against any TensorFlow, tests/test_tables.py against the one
that is installed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Literal

from tfguard.renames import Removed, Rename, RenameTable, load_removed
from tfguard.table_files import SortedRows, Version, load_toml, parse_version, tables_path
from tfguard.table_index import TableIndex, respell
from tfguard.version_table import VersionTable

__all__ = ["ApiTable", "Kind", "Removed", "Rename", "Status", "Version", "load_api_table", "load_toml", "parse_version"]

Kind = Literal["exists", "missing", "never", "unavailable", "unknown"]
Statement = Literal["from", "import"]

#: What the letters of a row mean; tests/era/enumerate_api.py explains them.
_ELEMENTS = {"m": "module", "o": "module", "i": "module", "d": "module", "c": "class", "C": "class"}
_ELEMENTS |= {"n": "module", "N": "module", "I": "module", "K": "class", "U": "class", "f": "function", "F": "function"}
_ELEMENTS |= {"v": "value", "V": "value", "a": "member", "A": "member", "g": "function", "k": "class", "w": "value"}
_NEWEST: Version = (99, 0)
_BY_ATTRIBUTE = "mnNocCfvaAgkw"
_LEAVES = "cfvaAKFVUgkw"
_ATTRIBUTE_ONLY = "gkwN"
_NEEDS_IMPORT = "iIKFV"
_PACKAGES = "oid"
_PUBLIC = "mnNcCfvgkw"
#: Names that `from __future__ import` leaves in every module; the enumeration leaves them out, and tests too.
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


@lru_cache(maxsize=1)
def load_api_table() -> ApiTable:
    """The table of the installed package, once a process."""
    return ApiTable(tables_path() / "api")


class ApiTable:
    """Every public name of TensorFlow and Keras, by version. Names are canonical, as in `tensorflow.nn.relu`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._tables: dict[str, VersionTable] = {}
        self._renames = RenameTable(folder)
        self._statuses: dict[tuple[str, Version, Version | None, bool, Statement | None], Status] = {}
        self.index = TableIndex(folder / "index.tsv")

    # -- the questions --------------------------------------------------------------------------------

    def status(
        self,
        name: str,
        version: Version,
        keras: Version | None = None,
        *,
        imported: bool = False,
        statement: Statement | None = None,
    ) -> Status:
        """What a name is in a version of TensorFlow (and of Keras).

        `imported`: the modules on the way may have been imported by their full names. `statement`: it is the very name
        that an import statement gives: `from a.b import c` ("from"), or `import a.b.c` ("import"), which finds modules.
        """
        key = (name, version, keras, imported, statement)
        found = self._statuses.get(key)
        if found is None:
            walk = _Walk(self, version, keras, imported=imported or statement is not None, statement=statement)
            found = self._statuses[key] = walk.status(name)
        return found

    def is_class(self, name: str) -> bool:
        """Is the name a class in any version?"""
        name, _, _ = self.index.canonical(name, _NEWEST, None)
        row = self.row(name)
        return row is not None and any(segment[0] in "cCKk" for segment in row.split("\t"))

    def note(self, name: str, version: Version = _NEWEST, keras: Version | None = None) -> str | None:
        """What is known of a removed name or prefix, with the remedy."""
        found = self.removed(name, version, keras)
        return f"{found.message} {found.remedy}".rstrip() if found is not None else None

    def removed(self, name: str, version: Version = _NEWEST, keras: Version | None = None) -> Removed | None:
        """The row of removed.toml with the longest prefix of the name that is true for a version."""
        at, prefix = self._counted(name, version, keras), name
        while prefix:
            row = self._removed.get(prefix)
            if row is not None and row.since <= at and (row.had is None or self.kind_at(name, row.had, row.had)):
                return row
            prefix = prefix.rpartition(".")[0]
        return None

    def rename(self, name: str, version: Version = _NEWEST, keras: Version | None = None) -> Rename | None:
        """The rename that holds for a name in a version (the newest when none is given)."""
        at = self._counted(name, version, keras)
        for row in self._renames.rows_of(name):
            if row.since <= at and (row.until is None or at <= row.until):
                return row
        return self._rename_in_edition(name, version, keras)

    def renames(self) -> Iterator[Rename]:
        """All rows, those of renames.toml first."""
        return iter(self._renames)

    def _rename_in_edition(self, name: str, version: Version, keras: Version | None) -> Rename | None:
        """`compat.v1.mul`, which never was: what `mul` was renamed to, below `compat.v1`."""
        found = self.index.plain_of(name)
        if found is None or self.status(name, version, keras).kind == "exists":
            return None
        edition, root, plain = found
        for row in self._renames.rows_of(plain):
            new = respell(row.new, root, edition) if self.index.plain_of(row.new) is None else None
            if new is not None and self.status(new, version, keras).kind == "exists":
                before, after = (name.removeprefix(f"{root}.") for name in (row.new, new))
                after = row.after.replace(before, after, 1)
                return replace(row, old=name, new=new, after=after, until=None, graph_mode=False)
        return None

    def _counted(self, name: str, version: Version, keras: Version | None) -> Version:
        """The version that counts for a name: of Keras for the package `keras`, of TensorFlow for the rest."""
        table = self.table(name)
        return table.own_version(version, keras) if table is not None else version

    def suggestions(
        self, name: str, version: Version, keras: Version | None = None, *, imported: bool = False
    ) -> tuple[str, ...]:
        """Did you mean: at most three names that exist in the version, the nearest first."""
        from tfguard.suggest import suggest

        return suggest(self, self.status(name, version, keras, imported=imported), version, keras)

    # -- what the questions are made of -----------------------------------------------------------------

    def table(self, name: str) -> VersionTable | None:
        """The table that a name stands in."""
        file = self.index.file_of(name)
        if file is not None and file not in self._tables:
            self._tables[file] = VersionTable(self._folder / file)
        return self._tables[file] if file is not None else None

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
        if (
            kind in ("u", "U") and row and keras is not None and keras < self.index.refused_from
        ):  # what only Keras 2 has, with Keras 2
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
        return load_removed()


class _Walk:
    """One look at a name: from its root down to where it breaks."""

    def __init__(
        self, table: ApiTable, version: Version, keras: Version | None, *, imported: bool, statement: Statement | None
    ) -> None:
        self._table = table
        self._version = version
        self._keras = keras
        self._imported = imported
        self._statement = statement

    def status(self, name: str) -> Status:
        """The status of the name."""
        written = name
        name, self._version, self._keras = self._table.index.canonical(name, self._version, self._keras)
        if name != written:  # another spelling: what an import statement finds there is not in the tables
            self._statement = None
        kind = self._kind(name)
        if kind and kind in _BY_ATTRIBUTE and not self._imported:
            return Status("exists", name, element=_ELEMENTS[kind])
        parts, parent = name.split("."), "m"
        for end in range(1, len(parts) + 1):
            prefix = ".".join(parts[:end])
            found = self._step(name, prefix, parent)
            if isinstance(found, Status):
                return found
            parent = found
        return Status("exists", name, element=_ELEMENTS[parent], import_only=parent in "idI")

    def _kind(self, name: str) -> str:
        return self._table.kind_at(name, self._version, self._keras)

    def _step(self, name: str, prefix: str, parent: str) -> Status | str:
        """The letter of the prefix when the walk may go on below it, else the answer."""
        kind = self._kind(prefix)
        if parent in ("n", "N") and self._statement and kind not in ("i", "d", "I"):
            return self._no_module(name, prefix.rpartition(".")[0])
        if parent in _LEAVES or kind == "?" or (kind != "" and prefix.rpartition(".")[2].startswith("_")):
            return Status("unknown", name)
        if kind == "":
            return self._broken(name, prefix, parent)
        if kind == "U" and self._imported and not self._statement:
            return Status("unknown", name)
        if kind == "u" or (kind == "U" and not self._statement):
            return Status(
                "unavailable", name, broken_at=prefix, reason=self._table.note(name, self._version, self._keras)
            )
        if kind == "d" and not self._imported:
            return self._missing(name, prefix)
        if kind in _NEEDS_IMPORT and not self._imported:
            return Status("unknown", name, import_only=True)
        if (
            self._statement
            and prefix == name
            and kind in _ATTRIBUTE_ONLY + ("n" if self._statement == "import" else "")
        ):
            return self._no_module(name, prefix)
        return kind

    def _no_module(self, name: str, prefix: str) -> Status:
        """An attribute that an import statement takes for a module."""
        table, row = self._table.table(prefix), self._table.row(prefix)
        versions = table.spans(row, "nNudgkw") if table is not None and row is not None else ""
        reason = f"`{prefix}` is an attribute of its package, and an import statement does not find it."
        return Status("missing", name, broken_at=prefix, versions=versions, reason=reason)

    def _missing(self, name: str, prefix: str, of: str | None = None) -> Status:
        table, row = self._table.table(of or prefix), self._table.row(of or prefix)
        without = "u" if self._imported else "uUd" + _NEEDS_IMPORT
        versions = table.spans(row, without) if table is not None and row is not None else ""
        note = self._table.note(name, self._version, self._keras)
        return Status("missing", name, broken_at=prefix, versions=versions, reason=note)

    def _broken(self, name: str, prefix: str, parent: str) -> Status:
        """A prefix that is not there: missing, never there, or beyond what the tables can tell."""
        owner, _, last = prefix.rpartition(".")
        if not owner or last.startswith("_") or last.endswith("_test") or last in _FUTURE:
            return Status("unknown", name)
        if parent in _PACKAGES:
            return self._broken_in_package(name, prefix)
        row = self._table.row(prefix)
        if row is not None and all(segment[0] == "A" for segment in row.split("\t")):  # instances may have it
            return Status("unknown", name)
        if row is not None:
            return self._missing(name, prefix)
        if parent == "C":
            return Status("unknown", name)
        plain = self._table.index.plain_of(prefix)
        if plain is not None and self._table.row(plain[2]) is not None:  # the older edition lacks what its package had
            return self._missing(name, prefix, of=plain[2])
        return Status("never", name, broken_at=prefix)

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


@lru_cache(maxsize=1)
def load_evidence() -> frozenset[str]:
    """The words of which every program that trains mentions one (for `Rule(..., evidence=...)`)."""
    return frozenset(load_toml("libraries.toml")["evidence"])
