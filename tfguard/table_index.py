"""The index of the enumeration: which table a name stands in, and how else it may be spelled (tables/api/index.tsv)."""

from __future__ import annotations

from pathlib import Path

from tfguard.errors import TableError
from tfguard.table_files import Version, parse_version


def respell(name: str, prefix: str, target: str) -> str | None:
    """The name with another prefix, or None when it is not below the prefix."""
    if name == prefix:
        return target
    return target + name[len(prefix) :] if name.startswith(f"{prefix}.") else None


class TableIndex:
    """Reads index.tsv; a row is a word that says what it is about, and its columns."""

    def __init__(self, path: Path) -> None:
        rows: dict[str, list[list[str]]] = {}
        try:
            text = path.read_text(encoding="ascii")
        except OSError as error:
            raise TableError(f"{path.name}: {error.strerror}") from error
        for line in text.splitlines():
            if not line.startswith("#"):
                kind, *row = line.split("\t")
                rows.setdefault(kind, []).append(row)
        self._files = {row[0]: row[1] for row in rows["table"]}
        self._deepest = max(prefix.count(".") for prefix in self._files) + 1
        self._aliases = sorted(rows["alias"], key=lambda row: (-len(row[0]), row))
        self._fixed = rows["fixed"]
        self._editions = rows["edition"]
        self._search = {root: tuple(places) for root, *places in rows["search"]}
        #: The Keras from which on names of kind `u` raise.
        self.refused_from: Version = parse_version(rows["refused_from"][0][0])
        #: The first two components of every name that has another spelling; all others need no look.
        self._heads = frozenset(".".join(row[0].split(".")[:2]) for row in (*self._aliases, *self._fixed))

    def file_of(self, name: str) -> str | None:
        """The table that a name stands in: that of the longest prefix."""
        parts = name.split(".", self._deepest)
        for end in range(min(self._deepest, len(parts)), 0, -1):
            file = self._files.get(".".join(parts[:end]))
            if file is not None:
                return file
        return None

    def canonical(self, name: str, version: Version, keras: Version | None) -> tuple[str, Version, Version | None]:
        """The spelling that the tables use, and the versions to look it up in."""
        parts = name.split(".", 2)
        if parts[0] not in self._heads and ".".join(parts[:2]) not in self._heads:
            return name, version, keras
        for prefix, target, point in self._fixed:
            if (found := respell(name, prefix, target)) is not None:
                return found, parse_version(point), None
        while (found := self._follow_alias(name, version)) is not None:
            name = found
        return name, version, keras

    def _follow_alias(self, name: str, version: Version) -> str | None:
        for prefix, target, *since in self._aliases:
            if name.startswith(prefix) and (not since or version >= parse_version(since[0])):
                found = respell(name, prefix, target)
                if found is not None:
                    return found
        return None

    def plain_of(self, name: str) -> tuple[str, str, str] | None:
        """(edition, plain prefix, plain name) of a name that is spelled in an older edition of its package."""
        for edition, plain in self._editions:
            if (found := respell(name, edition, plain)) is not None:
                return edition, plain, found
        return None

    def editions_of(self, name: str) -> tuple[str, ...]:
        """The name itself, and what it is called in older editions of its package."""
        if self.plain_of(name) is not None:
            return (name,)
        found = (respell(name, plain, edition) for edition, plain in self._editions)
        return (name, *(other for other in found if other is not None))

    def places_of(self, name: str) -> tuple[str, ...]:
        """The tables in which a misspelled name is looked for, the nearest first."""
        return self._search.get(name.split(".")[0], ())
