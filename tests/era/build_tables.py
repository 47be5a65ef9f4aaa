"""Folds the enumerations of `collect_api.sh` into the tables of rules/tables/api.

usage: python build_tables.py DUMPS [OUT]        OUT defaults to rules/tables/api of this repository

Each table is sorted text. Its header says what its versions are (`# axis`), a row is a dotted name and, separated by
tabs, what it is in which versions: `f 1.2-2.3,2.5` is a function in 1.2 to 2.3 and in 2.5, `f 1.4-` one until the
newest. Kinds as in `enumerate_api.py`, and `u`: the name is there, but using it raises (removed.toml says why).
`k3.0` is Keras 3.0.

`tensorflow.keras` follows TensorFlow up to 2.15 and Keras from 3.0 on, so its axis joins both.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

Version = tuple[int, int]
Dump = dict[str, str]
PRIVATE = ("python", "core", "compiler", "tools", "examples", "models", "user_ops", "include", "tsl", "security", "xla")
#: The point of the axis for what came before the oldest enumeration; only some of its names are known.
OLDER = "0.11"
#: The last TensorFlow whose tf.keras is its own: from the next one on it is the package keras, version 3.
LAST_WITH_KERAS_2: Version = (2, 15)
#: The Keras that a TensorFlow depends on, or the one of its months where it depends on none; the newest for the newest.
BUNDLED = {(0, 12): (1, 0), (1, 2): (2, 0), (1, 4): (2, 1), (1, 12): (2, 2), (1, 15): (2, 3), (2, 4): (2, 4)}
BUNDLED |= {(2, minor): (2, minor) for minor in range(6, 16)}


def version_of(text: str) -> Version:
    """`2.15.1` -> (2, 15)."""
    major, minor = text.split(".")[:2]
    return int(major), int(minor)


def read_dump(path: Path) -> tuple[Version | None, Version | None, Dump]:
    """The versions and the names of one enumeration."""
    lines = path.read_text(encoding="utf-8").splitlines()
    found = dict(re.findall(r"(\w+)=([\d.]+)", lines[0]))
    rows = (line.split("\t") for line in lines[1:])
    names = {row[0]: "d" if row[1] == "x" and row[2] == "importable" else row[1] for row in rows}
    tensorflow = version_of(found["tensorflow"]) if "tensorflow" in found else None
    return tensorflow, version_of(found["keras"]) if "keras" in found else None, names


def below(name: str, prefix: str) -> bool:
    """Is the name the prefix or below it?"""
    return name == prefix or name.startswith(prefix + ".")


def is_keras_of_tensorflow(name: str) -> bool:
    """Does the name belong to tf.keras or to compat.v1.keras?"""
    return below(name, "tensorflow.keras") or below(name, "tensorflow.compat.v1.keras")


def collect(dumps: Iterable[Path]) -> tuple[dict[Version, Dump], dict[Version, Dump], dict[Version, Dump]]:
    """The names of TensorFlow, of the package keras, and of tf.keras by the version of Keras from 3.0 on."""
    tensorflow: dict[Version, Dump] = {}
    keras: dict[Version, Dump] = {}
    third: dict[Version, Dump] = {}

    def of_keras(names: Dump) -> Dump:
        """What is below `keras`, whose sources (`keras.src`) are private."""
        found = {n: k for n, k in names.items() if below(n, "keras") and not below(n, "keras.src")}
        return {**found, "keras.src": "o"} if keras_version is not None and keras_version >= (2, 13) else found

    for path in sorted(dumps):
        tf_version, keras_version, names = read_dump(path)
        modern = keras_version is not None and keras_version >= (3, 0)
        alone = path.name.startswith("keras-")
        own = {n: k for n, k in names.items() if below(n, "tensorflow") and not (modern and is_keras_of_tensorflow(n))}
        if tf_version is not None and not alone:
            tensorflow[tf_version] = own
        if keras_version is not None:
            keras.setdefault(keras_version, {}).update(of_keras(names))
        if keras_version is not None and modern:
            found = third.setdefault(keras_version, {})
            found.update({n: k for n, k in names.items() if below(n, "tensorflow.keras")})
            found.update(
                {
                    "tensorflow.compat.v1" + name[10:]: "n" if kind == "m" else kind
                    for name, kind in list(found.items())
                    if below(name, "tensorflow.keras") and kind in "mncCfvaA"
                }
            )
    return tensorflow, keras, third


def clean(name: str, kind: str, version: Version) -> str | None:
    """The kind that enters the table, None for a name that another spelling stands for."""
    if below(name, "tensorflow.compat.v2") and version >= (2, 0) and name not in ("tensorflow.compat.v2",):
        return None
    if re.match(r"tensorflow\.compat\.v[12]\.compat\b", name):
        return None
    if below(name, "tensorflow.contrib") and version >= (2, 0):  # 2.0 has an empty folder of this name
        return None
    if kind == "x":
        return "u"
    return kind


def merge(by_point: dict[str, Dump], axis: list[str]) -> dict[str, dict[str, list[int]]]:
    """For every name the positions on the axis at which it has each kind."""
    merged: dict[str, dict[str, list[int]]] = {}
    for position, point in enumerate(axis):
        for name, kind in by_point[point].items():
            merged.setdefault(name, {}).setdefault(kind, []).append(position)
    return merged


def intervals(positions: list[int], axis: list[str]) -> str:
    """[0, 1, 2, 5] -> `1.2-1.10,2.0`."""
    runs: list[list[int]] = []
    for position in positions:
        if runs and runs[-1][1] == position - 1:
            runs[-1][1] = position
        else:
            runs.append([position, position])
    return ",".join(_interval(first, last, axis) for first, last in runs)


def _interval(first: int, last: int, axis: list[str]) -> str:
    if last == len(axis) - 1:
        return f"{axis[first]}-"
    return axis[first] if first == last else f"{axis[first]}-{axis[last]}"


def write(path: Path, merged: dict[str, dict[str, list[int]]], axis: list[str], header: Iterable[str] = ()) -> None:
    """One table. Sorted by bytes, as the reader bisects it."""
    lines = ["# generated by tests/era/build_tables.py; do not edit", "# axis " + " ".join(axis), *header]
    for name in sorted(merged):
        kinds = sorted(merged[name].items(), key=lambda pair: pair[1])
        segments = [f"{kind} {intervals(positions, axis)}" for kind, positions in kinds]
        lines.append("\t".join([name, *segments]))
    path.write_text("\n".join(lines) + "\n", encoding="ascii", newline="\n")
    print(f"{path.name}: {len(merged)} names, {path.stat().st_size / 1e6:.2f} MB")


def mark_unavailable(by_point: dict[str, Dump], axis: list[str], roots: tuple[str, ...], first: str) -> None:
    """Names of Keras 2 below lazy modules that refuse them with Keras 3: kind `u` from the point `first` on."""
    start = axis.index(first)
    before = by_point[axis[start - 1]]
    wanted = [name for name in before if any(name.startswith(root + ".") for root in roots)]
    for point in axis[start:]:
        for root in roots:
            if by_point[point].get(root) == "o":
                by_point[point][root] = "m"
        for name in wanted:
            by_point[point].setdefault(name, "u")


def spell(version: Version, prefix: str = "") -> str:
    """(2, 15) -> `2.15`."""
    return f"{prefix}{version[0]}.{version[1]}"


def build(dumps: Path, out: Path) -> None:
    """Writes all tables."""
    tensorflow, keras, third = collect(dumps.glob("*.tsv"))
    axis = [spell(v) for v in sorted(tensorflow)]
    by_point = {
        spell(v): {n: k for n, kind in names.items() if (k := clean(n, kind, v))} for v, names in tensorflow.items()
    }
    mark_unavailable(
        by_point, axis, ("tensorflow.compat.v1.layers", "tensorflow.compat.v1.nn.rnn_cell"), first_after(axis)
    )
    axis, by_point = [OLDER, *axis], {OLDER: read_older(out / "older.tsv"), **by_point}
    parts: dict[str, dict[str, Dump]] = {}
    for point, names in by_point.items():
        for name, kind in names.items():
            parts.setdefault(part_of(name), {}).setdefault(point, {})[name] = kind
    for part in ("tensorflow", "contrib", "compat", "modules"):
        write(out / f"{part}.tsv", merge({p: parts[part].get(p, {}) for p in axis}, axis), axis, [f"# partial {OLDER}"])
    joined = [p for p in axis[1:] if version_of(p) <= LAST_WITH_KERAS_2] + [spell(v, "k") for v in sorted(third)]
    both = {p: {n: k for n, k in by_point.get(p, {}).items() if is_keras_of_tensorflow(n)} for p in joined}
    both.update({spell(v, "k"): dict(names) for v, names in third.items()})
    mark_unavailable(both, joined, ("tensorflow.compat.v1.keras",), spell(min(third), "k"))
    for part, root in (("tensorflow_keras", "tensorflow.keras"), ("compat_keras", "tensorflow.compat.v1.keras")):
        names = {p: {n: k for n, k in both[p].items() if below(n, root)} for p in joined}
        write(out / f"{part}.tsv", merge(names, joined), joined)
    own_axis = [spell(v) for v in sorted(keras)]
    own = merge({spell(v): names for v, names in keras.items()}, own_axis)
    write(out / "keras.tsv", own, own_axis, [f"# bundled {bundled(max(keras))}"])


def bundled(newest: Version) -> str:
    """`1.2=2.0 ...`: from which TensorFlow on which Keras."""
    return " ".join(f"{spell(tf)}={spell(k)}" for tf, k in [*BUNDLED.items(), ((2, 16), newest)])


def read_older(path: Path) -> Dump:
    """The names of before the oldest enumeration, written by hand."""
    rows = (line.split("\t") for line in path.read_text(encoding="ascii").splitlines() if not line.startswith("#"))
    return {row[0]: row[1] for row in rows if len(row) == 2}


def first_after(axis: list[str]) -> str:
    """The first TensorFlow of the axis that comes with Keras 3."""
    return next(p for p in axis if version_of(p) > LAST_WITH_KERAS_2)


def part_of(name: str) -> str:
    """The table that a TensorFlow name stands in."""
    if is_keras_of_tensorflow(name):
        return "keras"
    second = name.split(".")[1] if "." in name else ""
    if second in ("contrib", "compat"):
        return second
    return "modules" if second in PRIVATE else "tensorflow"


def iter_arguments() -> Iterator[Path]:
    """DUMPS and OUT."""
    yield Path(sys.argv[1])
    yield Path(sys.argv[2]) if len(sys.argv) > 2 else Path(__file__).resolve().parents[2] / "rules" / "tables" / "api"


if __name__ == "__main__":
    build(*iter_arguments())
