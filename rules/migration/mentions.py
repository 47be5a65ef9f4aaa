"""Mentions of TensorFlow and Keras, and which of them the target lacks (part of TFG401)."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import lru_cache
from typing import Literal

from tfguard.analysis.calls import Reference, ReferenceKind
from tfguard.analysis.file_model import FileModel
from tfguard.analysis.guards import guard_of_import
from tfguard.tables import Status, load_api_table, load_toml

ROOTS = ("tensorflow", "keras", "tf_keras")


def iter_references(file: FileModel) -> tuple[Reference, ...]:
    """The mentions of the libraries, of which none is the project's own package, but for what the file writes there."""
    mentions = file.references(root for root in ROOTS if root not in file.config.packages)
    own = written_names(file)
    if not own:
        return mentions
    return tuple(mention for mention in mentions if not any(_is_below(name, own) for name in mention.names))


def written_names(file: FileModel) -> frozenset[str]:
    """Attributes that the file itself gives to a library: `tf.model = Sequential()`."""
    found: list[str] = []
    for store in file.stores:
        if isinstance(store.target, ast.Attribute):
            attribute = store.target.attr
            found += [f"{name}.{attribute}" for name in store.names if name.partition(".")[0] in ROOTS]
    return frozenset(found)


def _is_below(name: str, roots: frozenset[str]) -> bool:
    while name and name not in roots:
        name = name.rpartition(".")[0]
    return bool(name)


def broken_references(file: FileModel) -> Iterator[tuple[Reference, Status]]:
    """Mentions that the target lacks under every name that they may have, and how."""
    for reference in iter_references(file):
        if is_protected(reference) or reference.kind is ReferenceKind.STAR:
            continue
        imported, refs = is_imported(file, reference), reference.resolution.refs
        if any(ref.is_instance for ref in refs):
            continue
        statuses = [status_of(file, ref.name, imported=imported, statement=reference.statement) for ref in refs]
        if statuses and all(status is not None for status in statuses):
            status = statuses[0]
            if status is None or not file.is_spelled_out(reference, broken_at(status)):
                continue
            if guard_of_import(file, reference.node, broken_at(status)) is None:
                yield reference, status


def status_of(
    file: FileModel, name: str, *, imported: bool = False, statement: Literal["from", "import"] | None = None
) -> Status | None:
    """How the name is broken at the target, None when it is not (or nobody can tell)."""
    if name.split(".", 1)[0] not in ROOTS or is_provided(file, name):
        return None
    target = file.target
    status = load_api_table().status(name, target.tensorflow, target.keras, imported=imported, statement=statement)
    return status if status.kind in ("missing", "never", "unavailable") else None


@lru_cache(maxsize=2)
def _provided(with_keras_2: bool) -> frozenset[str]:
    table = load_toml("graph_mode.toml")
    return frozenset([*table["provided"], *(table["provided_with_keras_2"] if with_keras_2 else [])])


def is_provided(file: FileModel, name: str) -> bool:
    """Does a run that migrates in memory have what is gone, or a package around it, or something that it is in?"""
    if not file.config.partial:
        return False
    name = name.replace("tensorflow.compat.v1.", "tensorflow.", 1)
    keras = file.target.keras
    found = _provided(keras is not None and keras < (3, 0))
    return name != "tensorflow" and any(
        f"{a}.".startswith(f"{b}.") for own in found for a, b in ((name, own), (own, name))
    )


def is_protected(reference: Reference) -> bool:
    """Does a guard stand around the mention, or may it mean something that nobody knows?"""
    return reference.guard is not None or reference.resolution.reason is not None


def is_imported(file: FileModel, reference: Reference) -> bool:
    """Does an import statement load the module that the name stands in (not only its package)?"""
    root = file.root_of(reference)
    return reference.kind is ReferenceKind.IMPORT or (root is not None and "." in root)


def broken_at(status: Status) -> str:
    """The shortest prefix that is broken."""
    return status.broken_at or status.name
