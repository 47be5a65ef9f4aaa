"""Writes rules/tables/api/renames.tsv: the renames that follow from names which are one and the same object.

usage: python build_renames.py DUMPS [OUT]        DUMPS as `collect_api.sh` makes them

Three kinds of rows, each with the version from which the old name is gone and the signature of the old name:
    tensorflow.log          -> tensorflow.math.log                 one object in 2.21: compat.v1.log is math.log
    tensorflow.placeholder  -> tensorflow.compat.v1.placeholder    the function of 1.x, kept as it was
    keras.layers.core.Dense -> keras.layers.Dense                  one object in the last Keras that has both names
A row is `safe` when the parameters of the old name mean the same in the new one, else `manual`.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tfguard.table_files import Version, load_toml, parse_version
from tfguard.tables import ApiTable

TABLES = Path(__file__).resolve().parents[2] / "rules" / "tables" / "api"
V1 = "tensorflow.compat.v1."
NEWEST: Version = (2, 21)
#: Names of 1.x that work only, or only as they did, while a graph is built: variables, sessions, queues, ...
GRAPH = re.compile(
    r"^(losses|metrics|train|summary|layers|initializers|feature_column|tpu|distributions|estimator)\.|"
    r"nn\.(dynamic|static|raw|bidirectional|rnn|fused_batch_norm|ctc_loss_v2|relu_layer)|"
    r"(?i:session|placeholder|variable|initialize|collection|accumulator|reader(base)?$|queue|make_template|checkpoint|hook)|"
    r"^(assign|scatter_|count_up_to|container|colocate_with|add_|report_|get_seed|random\.get_seed|reset_default_graph|"
    r"delete_|data\.make_|sparse_placeholder|op_scope|get_default|get_local|saved_model\.(Builder|builder|simple_save|loader|main_op)|"
    r"experimental\.output_all|batch_scatter|py_func|gradients|hessians|wrap_function|profiler)"
)
#: ... and those that the pattern above takes with it, though they need no graph.
NO_GRAPH = re.compile(
    r"^(summary\.(Event|Summary|SessionLog|SummaryDescription|TaggedRunMetadata|SummaryMetadata)|SessionLog|"
    r"train\.(NewCheckpointReader|checkpoint_exists|get_checkpoint_mtimes|remove_checkpoint|SaverDef|summary_iterator|"
    r"match_filenames_once|write_graph|VocabInfo|generate_checkpoint_state_proto|update_checkpoint_state|Server)|"
    r"(no_regularizer|py_func)$)|_partitioner$|errors\."
)
KERAS_PLACES = (
    *("layers", "models", "utils", "optimizers", "callbacks", "losses", "metrics", "initializers", "regularizers"),
    *("constraints", "activations", "applications", "datasets", "backend"),
)


class Row(NamedTuple):
    """A name as one enumeration has it."""

    kind: str
    signature: str
    first: str


class Rename(NamedTuple):
    """One row of the table."""

    old: str
    new: str
    since: str
    safety: str
    mode: str
    source: str
    signature: str


def read(path: Path) -> dict[str, Row]:
    """The rows of one enumeration."""
    lines = path.read_text(encoding="utf-8").splitlines()[1:]
    return {parts[0]: Row(*parts[1:4]) for parts in (line.split("\t") for line in lines)}


def parameters(signature: str) -> list[tuple[str, str]] | None:
    """(name, default) of every parameter, `*name` included; None when the signature cannot be read."""
    text = re.sub(r"<[^<>]*>", "object", signature.rpartition(") -> ")[0] + ")" if ") -> " in signature else signature)
    text = re.sub(r"\[[^\[\]]*\]", "", re.sub(r"\[[^\[\]]*\]", "", text))
    if not text.startswith("(") or "<" in text:
        return None
    parts, depth, last = [], 0, ""
    for character in text[1:-1]:
        depth += (character in "([{") - (character in ")]}")
        if character == "," and depth == 0:
            parts.append(last)
            last = ""
        else:
            last += character
    found = []
    for part in (p.strip() for p in [*parts, last] if p.strip() not in ("", "self", "/")):
        name, _, default = part.partition("=")
        found.append((name.partition(":")[0].strip(), default.strip()))
    return found


def is_compatible(old: str, new: str) -> bool:
    """Does every call that suits the old parameters mean the same with the new ones?"""
    before, after = parameters(old), parameters(new)
    if before is None or after is None:
        return False
    if [n for n, _ in before][:2] == ["*args", "**kwargs"] or [n for n, _ in after][:2] == ["*args", "**kwargs"]:
        return before == after
    ours = [p for p in before if not p[0].startswith("*")]
    theirs = [p for p in after if not p[0].startswith("*")]
    pairs = zip(ours, theirs, strict=False)
    if any(mine[0] != other[0] or not same_default(mine[1], other[1]) for mine, other in pairs):
        return False
    return len(ours) <= len(theirs) and all(default for _, default in theirs[len(ours) :])


def same_default(first: str, last: str) -> bool:
    """Equal defaults, but for how Python 2 and TensorFlow's own types spell them."""
    plain = [re.sub(r"^(tf|tensorflow)\.|^u(?=')", "", text) for text in (first, last)]
    return plain[0] == plain[1] or "object" in plain


class Builder:
    """Reads the enumerations once and makes all rows."""

    def __init__(self, dumps: Path) -> None:
        self.table = ApiTable(TABLES)
        self.old = read(dumps / "tf-1.15.tsv")
        self.new = read(dumps / "tf-2.21.tsv")
        self.dumps = dumps
        self.axis = [parse_version(p) for p in self._axis("tensorflow.nn") if parse_version(p) >= (2, 0)]
        self.v2_names: dict[str, list[str]] = {}
        for name, row in self.new.items():
            if row.first and name.startswith("tensorflow.") and not self._is_hidden(name):
                self.v2_names.setdefault(row.first, []).append(name)

    def _axis(self, name: str) -> list[str]:
        table = self.table.table(name)
        return table.axis[1:] if table is not None else []

    @staticmethod
    def _is_hidden(name: str) -> bool:
        return name.startswith(("tensorflow.compat.", "tensorflow.keras.", "tensorflow.raw_ops.", "tensorflow.python."))

    def holds(self, name: str, versions: list[Version]) -> bool:
        """Does the name exist in all the versions?"""
        return all(self.table.status(name, v).kind == "exists" for v in versions)

    def iter_first_to_second(self) -> Iterator[Rename]:
        """Names of 1.15 that 2.x has no more and compat.v1 still has."""
        for name, row in sorted(self.old.items()):
            rest = name.partition(".")[2]
            if (
                not name.startswith("tensorflow.")
                or self._is_hidden(name)
                or rest.startswith(("contrib", "pywrap_", "core"))
            ):
                continue
            kept = self.new.get(V1 + rest)
            if kept is None or row.kind not in "fcCvmngkw" or kept.kind not in "fcCvmngkw" or name in self.new:
                continue
            found = self.rename(name, rest, row, kept)
            if found is not None:
                yield found

    def rename(self, name: str, rest: str, row: Row, kept: Row) -> Rename | None:
        """The rename of one name: to its v2 name when that is the same object, to compat.v1 otherwise."""
        gone = [v for v in self.axis if self.table.status(name, v).kind == "missing"]
        if not gone or gone != self.axis[self.axis.index(gone[0]) :]:
            return None
        since = f"{gone[0][0]}.{gone[0][1]}"
        for target in sorted(self.v2_names.get(kept.first, ()) if kept.first else (), key=lambda n: (n.count("."), n)):
            if self.holds(target, gone):
                return self.row(name, target, since, "any", "one object in TensorFlow 2.21", row, self.new[target])
        if not self.holds(V1 + rest, gone):
            return None
        mode = "graph" if GRAPH.search(rest) and not NO_GRAPH.search(rest) else "any"
        return self.row(name, V1 + rest, since, mode, "kept as it was in compat.v1", row, kept)

    def row(self, old: str, new: str, since: str, mode: str, source: str, before: Row, after: Row) -> Rename:
        """A row with its grade."""
        sound = before.kind in "vmn" or is_compatible(before.signature, after.signature)
        if new.startswith(V1) and parameters(before.signature) is None and parameters(after.signature) is None:
            sound = True
        sound = sound or ".flags." in new  # objects of the package absl, in 1.15 and today
        signature = before.signature if before.kind in "fcC" else ""
        return Rename(old, new, since, "safe" if sound else "manual", mode, source, signature)

    def iter_contrib(self, kept: dict[str, Rename]) -> Iterator[Rename]:
        """Names of contrib that were, in 1.15, another name of something that is still there."""
        plain: dict[str, list[str]] = {}
        for name, row in self.old.items():
            if (
                row.first
                and name.startswith("tensorflow.")
                and not name.startswith(("tensorflow.contrib.", "tensorflow.compat.v2"))
            ):
                plain.setdefault(row.first, []).append(name)
        for name, row in sorted(self.old.items()):
            parts = name.split(".")
            if (
                parts[1:2] != ["contrib"]
                or parts[2:3] in (["keras"], ["quantization"])
                or row.kind not in "fcC"
                or len(parts) > 5
            ):
                continue
            for other in sorted(plain.get(row.first, ()), key=lambda n: (n.startswith(V1), n.count("."), n)):
                found = self.contrib_row(name, other, row, kept)
                if found is not None:
                    yield found
                    break

    def contrib_row(self, name: str, other: str, row: Row, kept: dict[str, Rename]) -> Rename | None:
        if (self._is_hidden(other) and not other.startswith(V1)) or ".keras." in other:
            return None
        if other in kept:
            return kept[other]._replace(old=name, source=f"one object in TensorFlow 1.15: {other}")
        rest = other.removeprefix(V1) if other.startswith(V1) else other.partition(".")[2]
        target = V1 + rest
        if target not in self.new or not self.holds(target, self.axis):
            return None
        mode = "graph" if GRAPH.search(rest) and not NO_GRAPH.search(rest) else "any"
        source = f"one object in TensorFlow 1.15: {other}"
        if self.new[target].first == self.new.get(f"tensorflow.{rest}", Row("", "", "-")).first and not self._is_hidden(
            other
        ):
            target = f"tensorflow.{rest}"
        return self.row(name, target, "2.0", mode, source, row, self.new[target])

    def iter_keras(self) -> Iterator[Rename]:
        """Names below Keras' inner modules that have a public name of the same object."""
        seen: set[str] = set()
        for root, file in (("keras", "tf-2.10.tsv"), ("keras", "tf-1.15.tsv"), ("tensorflow.keras", "tf-2.15.tsv")):
            rows = {n: r for n, r in read(self.dumps / file).items() if n.startswith(f"{root}.") and r.kind in "fcC"}
            public: dict[str, list[str]] = {}
            for name, row in rows.items():
                parts = name.removeprefix(f"{root}.").split(".")
                if name in self.new and (len(parts) == 1 or (len(parts) == 2 and parts[0] in KERAS_PLACES)):
                    public.setdefault(row.first, []).append(name)
            for name, row in sorted(rows.items()):
                if name not in seen and name not in self.new:
                    found = self.keras_row(name, public.get(row.first, []), f"one object in {file[3:-4]}")
                    seen.update([name] if found else [])
                    yield from [found] if found else []

    def keras_row(self, name: str, same: list[str], source: str) -> Rename | None:
        """The row of one Keras name, when the same object has a public name of the same last component."""
        last = name.rpartition(".")[2]
        since = self.keras_since(name)
        for target in sorted((n for n in same if n.rpartition(".")[2] == last), key=lambda n: (n.count("."), n)):
            if since and self.keras_holds(target, since):
                where = "TensorFlow" if name.startswith("tensorflow") else "Keras (of TensorFlow)"
                source = source.replace("one object in", f"one object in the {where}")
                return Rename(name, target, f"{since[0]}.{since[1]}", "safe", "any", source, "")
        return None

    def _versions(self, name: str) -> list[Version]:
        """The axis that `since` is counted on: Keras' for the package keras, TensorFlow's for the rest."""
        return [parse_version(p) for p in self._axis(name)] if name.startswith("keras.") else self.axis

    def _exists(self, name: str, version: Version) -> bool:
        pair = (NEWEST, version) if name.startswith("keras.") else (version, None)
        return self.table.status(name, *pair).kind == "exists"

    def keras_since(self, name: str) -> Version | None:
        """The version from which on the name is missing for good."""
        versions = self._versions(name)
        alive = [v for v in versions if self._exists(name, v)]
        after = [v for v in versions if alive and v > alive[-1]]
        return after[0] if after else None

    def keras_holds(self, name: str, since: Version) -> bool:
        """Does the name exist from a version on?"""
        return all(self._exists(name, v) for v in self._versions(name) if v >= since)

    def rows(self) -> list[Rename]:
        """All rows, sorted by the old name."""
        kept = {row.old: row for row in self.iter_first_to_second()}
        found = [*kept.values(), *self.iter_contrib(kept), *self.iter_keras()]
        by_hand = {row["old"] for row in load_toml("renames.toml")["rename"]}
        return sorted(row for row in found if row.old not in by_hand)


def main() -> None:
    """Reads the enumerations, writes the table."""
    out = Path(sys.argv[2]) if len(sys.argv) > 2 else TABLES / "renames.tsv"
    rows = Builder(Path(sys.argv[1])).rows()
    header = [
        "# generated by tests/era/build_renames.py; do not edit",
        "# columns old new since safety mode source signature",
    ]
    out.write_text("\n".join([*header, *("\t".join(row) for row in rows)]) + "\n", encoding="utf-8", newline="\n")
    safe = sum(row.safety == "safe" for row in rows)
    print(f"{out.name}: {len(rows)} rows, {safe} safe, {out.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
