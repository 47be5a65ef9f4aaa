"""What a row of the enumeration says of versions."""

from __future__ import annotations

from pathlib import Path

from tfguard.table_files import SortedRows, Version, parse_version


class VersionTable:
    """One table of the enumeration: rows of names and of what each is in which versions.

    Its axis is versions of TensorFlow; of Keras where the header says which TensorFlow came with which (`bundled`); or
    of TensorFlow up to a point and of Keras from there on (points like `k3.0`).
    """

    def __init__(self, path: Path) -> None:
        self.rows = SortedRows(path)
        self.axis = self.rows.header["axis"].split()
        self._index = {point: position for position, point in enumerate(self.axis)}
        self.plain = [parse_version(p) for p in self.axis if p[0] != "k"]
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
            return _locate(self.plain, self.own_version(version, keras))
        if self._keras and version > self.plain[-1]:
            if keras is not None and keras < self._keras[0]:
                return len(self.plain) - 1, len(self.plain) - 1
            found = _locate(self._keras, keras or self._keras[-1])
            return found and (found[0] + len(self.plain), found[1] + len(self.plain))
        return _locate(self.plain, version)

    def own_version(self, version: Version, keras: Version | None) -> Version:
        """The version that this table counts: of Keras where it knows which came with which TensorFlow."""
        return version if not self._bundled else keras or self.bundled_with(version)

    def bundled_with(self, version: Version) -> Version:
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
        ranges = sorted(
            self._range(span) for part in row.split("\t") if part[0] not in without for span in part[2:].split(",")
        )
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
