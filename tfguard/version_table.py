"""Rows of sorted text, found by bisection in the bytes, and what such a row says of versions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tfguard.errors import TableError

Version = tuple[int, int]


def parse_version(text: str) -> Version:
    """`2.15` -> (2, 15)."""
    major, minor = text.split(".")[:2]
    return int(major), int(minor)


class SortedRows:
    """A sorted text file whose first column is found by bisection."""

    def __init__(self, path: Path) -> None:
        try:
            self._data = path.read_bytes()
        except OSError as error:
            raise TableError(f"{path.name}: {error.strerror}") from error
        self._start = 0
        self.header: dict[str, str] = {}
        while self._data.startswith(b"#", self._start):
            end = self._data.index(b"\n", self._start)
            key, _, value = self._data[self._start + 2 : end].decode("ascii").partition(" ")
            self.header[key] = value
            self._start = end + 1

    def find(self, name: str) -> str | None:
        """What follows the name on its line, or None."""
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
        while self._data.startswith(key, at):
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


class VersionTable:
    """One table of the enumeration: rows of names and of what each is in which versions.

    Its axis is versions of TensorFlow; of Keras where the header says which TensorFlow came with which (`bundled`); or
    of TensorFlow up to a point and of Keras from there on (points like `k3.0`).
    """

    def __init__(self, path: Path) -> None:
        self.rows = SortedRows(path)
        self.axis = self.rows.header["axis"].split()
        self._index = {point: position for position, point in enumerate(self.axis)}
        self._plain = [parse_version(p) for p in self.axis if p[0] != "k"]
        self._keras = [parse_version(p[1:]) for p in self.axis if p[0] == "k"]
        pairs = (pair.split("=") for pair in self.rows.header.get("bundled", "").split())
        self._bundled = [(parse_version(first), parse_version(last)) for first, last in pairs]
        #: A first point of which only some names are known, so that an absent name means nothing.
        self._partial = self.rows.header.get("partial") == self.axis[0]
        self._points: dict[tuple[Version, Version | None], tuple[int, int] | None] = {}

    def points(self, version: Version, keras: Version | None) -> tuple[int, int] | None:
        """The positions on the axis on either side of a version, the same one twice when it is known itself."""
        key = (version, keras)
        if key not in self._points:
            self._points[key] = self._find_points(version, keras)
        return self._points[key]

    def _find_points(self, version: Version, keras: Version | None) -> tuple[int, int] | None:
        if self._bundled:
            return _locate(self._plain, keras or self._bundled_with(version))
        if self._keras and version > self._plain[-1]:
            if keras is not None and keras < self._keras[0]:
                return len(self._plain) - 1, len(self._plain) - 1
            found = _locate(self._keras, keras or self._keras[-1])
            return found and (found[0] + len(self._plain), found[1] + len(self._plain))
        return _locate(self._plain, version)

    def _bundled_with(self, version: Version) -> Version:
        """The Keras that came with a TensorFlow, or was current then; the newest one for the newest."""
        found = self._bundled[0][1]
        for first, keras in self._bundled:
            found = keras if first <= version else found
        return found

    def kind_at(self, row: str | None, points: tuple[int, int]) -> str:
        """The letter of what a row is at two neighbouring positions; "" for nothing, "?" when they disagree."""
        if self._partial and points[0] == 0 and (row is None or not self._kind(row, 0)):
            return "?"
        if row is None:
            return ""
        first = self._kind(row, points[0])
        last = first if points[0] == points[1] else self._kind(row, points[1])
        if bool(first) != bool(last):
            return "?"
        return last

    def _kind(self, row: str, position: int) -> str:
        for segment in row.split("\t"):
            for span in segment[2:].split(","):
                first, last = self._range(span)
                if first <= position <= last:
                    return segment[0]
        return ""

    def _range(self, span: str) -> tuple[int, int]:
        """`1.2-2.3`, `1.2-` or `1.2` as positions on the axis, both included."""
        first, dash, last = span.partition("-")
        start = self._index[first]
        return start, self._index[last] if last else len(self.axis) - 1 if dash else start

    def spans(self, row: str, without: str = "") -> str:
        """The versions in which a row is anything but the letters of `without`: `0.12-1.15,2.3`."""
        ranges = sorted(self._range(span) for part in row.split("\t") if part[0] not in without for span in part[2:].split(","))
        runs: list[list[int]] = []
        for first, last in ranges:
            if runs and first <= runs[-1][1] + 1:
                runs[-1][1] = max(runs[-1][1], last)
            else:
                runs.append([first, last])
        return ",".join(self.axis[a] if a == b else f"{self.axis[a]}-{self.axis[b]}" for a, b in runs)


def _locate(known: list[Version], version: Version) -> tuple[int, int] | None:
    """Neighbours of a version in a sorted list; the newest stands for all that come after it."""
    if version < known[0]:
        return None
    after = next((i for i, v in enumerate(known) if v >= version), len(known) - 1)
    exact = known[after] == version or version > known[-1]
    return (after, after) if exact else (after - 1, after)
