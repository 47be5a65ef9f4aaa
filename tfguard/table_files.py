"""Reads the files of `tfguard.rules.tables`: TOML, and sorted text whose rows are found by bisection in its bytes."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from tfguard.errors import TableError

Version = tuple[int, int]


def parse_version(text: str) -> Version:
    """`2.15` -> (2, 15)."""
    major, minor = text.split(".")[:2]
    return int(major), int(minor)


def tables_path() -> Path:
    """The folder of the tables, in a wheel and in an editable installation alike."""
    return Path(next(iter(importlib.import_module("tfguard.rules").__path__))) / "tables"


def load_toml(name: str) -> dict[str, Any]:
    """One TOML table of `tfguard.rules.tables`; rules ask for it at every call, so it is read once a process."""
    return _read_toml(tables_path() / name)


@lru_cache(maxsize=64)
def _read_toml(path: Path) -> dict[str, Any]:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        with path.open("rb") as file:
            return tomllib.load(file)
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise TableError(f"{path.name}: {error}") from error


class SortedRows:
    """A sorted text file whose first column is found by bisection."""

    def __init__(self, path: Path) -> None:
        try:
            self._data = path.read_bytes()
        except OSError as error:
            raise TableError(f"{path.name}: {error.strerror}") from error
        self._start = 0
        self._found: dict[str, str | None] = {}
        self.header: dict[str, str] = {}
        while self._data.startswith(b"#", self._start):
            end = self._data.index(b"\n", self._start)
            key, _, value = self._data[self._start + 2 : end].decode("ascii").partition(" ")
            self.header[key] = value
            self._start = end + 1

    def find(self, name: str) -> str | None:
        """What follows the name on its line, or None."""
        if name not in self._found:
            self._found[name] = self._bisect(name)
        return self._found[name]

    def _bisect(self, name: str) -> str | None:
        data, key = self._data, name.encode("utf-8")
        at = self._position(key)
        end = at + len(key)
        if data[at:end] == key and data[end : end + 1] == b"\t":
            return data[end + 1 : data.index(b"\n", end)].decode("ascii")
        return None

    def iter_below(self, prefix: str) -> Iterator[tuple[str, str]]:
        """All rows whose name starts with the text, in order."""
        key = prefix.encode("utf-8")
        at = self._position(key)
        while at < len(self._data) and self._data.startswith(key, at):
            end = self._data.index(b"\n", at)
            name, _, rest = self._data[at:end].decode("ascii").partition("\t")
            yield name, rest
            at = end + 1

    def iter_ending(self, suffix: str) -> Iterator[tuple[str, str]]:
        """All rows whose name ends with the text, in order."""
        key, at = suffix.encode("utf-8") + b"\t", self._start
        while (found := self._data.find(key, at)) >= 0:
            start, at = self._data.rfind(b"\n", 0, found) + 1, self._data.index(b"\n", found)
            name, _, rest = self._data[start:at].decode("ascii").partition("\t")
            if len(name) == found - start + len(suffix):
                yield name, rest

    def _position(self, key: bytes) -> int:
        """Where the first line starts whose name is not less than the key."""
        data, low, high = self._data, self._start, len(self._data)
        while low < high:
            line = data.rfind(b"\n", low, (low + high) // 2) + 1 or low
            tab = data.index(b"\t", line)
            if data[line:tab] < key:
                low = data.index(b"\n", tab) + 1
            else:
                high = line
        return low
