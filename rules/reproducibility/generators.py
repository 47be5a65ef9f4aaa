"""What the rules TFG101 to TFG103 note of files and calls: draws, seeds, graphs, versions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from tfguard.rules.reproducibility.draws import draw_of, load_draws
from tfguard.rules.reproducibility.seeds import load_seeds, seed_of, stored_seed_of

from tfguard.analysis.calls import CallSite, Reference, ReferenceKind, StoreSite
from tfguard.analysis.file_model import FileModel
from tfguard.rule import Recorder
from tfguard.tables import load_api_table, load_evidence
from tfguard.targets import TENSORFLOW_VERSIONS, keras_of

recorder = Recorder("generators", evidence=load_evidence())

_LIBRARIES = (
    *("tensorflow", "keras", "tf_keras", "tflearn", "tf_slim", "tensorlayer", "sonnet", "prettytensor"),
    *("theano", "lasagne", "autokeras", "keras_contrib", "keras_cv", "keras_hub", "keras_nlp"),
    *("tensorflow_probability", "tensorflow_addons", "tensorflow_hub"),
)
_WORDS = (*_LIBRARIES, "random", "seed", "sklearn", "scipy", "pandas", "pylab", "shuffle", "determinis", "reproducib")
#: What a program is written for that uses names of the package `keras` which are gone: nearly always Keras up to 2.3.
_LAST_OF_TF1 = (1, 15)


@recorder.on_call(mentions=_WORDS)
def effect(call: CallSite) -> dict[str, Any] | None:
    """What a call does to the generators."""
    found = {**(draw_of(call) or {}), **(seed_of(call) or {})}
    return found or None


@recorder.on_store(mentions=".seed")
def stored_effect(store: StoreSite) -> dict[str, Any] | None:
    """What a write to an attribute does to the generators."""
    found: dict[str, Any] | None = stored_seed_of(store)
    return found


@recorder.facts(mentions=_LIBRARIES)
def facts_of_file(file: FileModel) -> dict[str, Any] | None:
    """Is the file part of a training program, and of which version?"""
    references = file.references(load_draws().roots)
    if not references:
        return None
    names = sorted({name for reference in references for name in reference.names})
    canonical = {file.knowledge.canonical(name) for name in names}
    found: dict[str, Any] = {"loads": True}
    if canonical & load_draws().handled["initialise"]:
        found["initialises"] = True
    if any(call.written.rpartition(".")[2] in load_draws().trained_by for call in file.calls):
        found["trains"] = True
    if any(_is_given(call, load_draws().scopes, "initializer") for call in file.calls):
        found["scoped"] = True
    if any(_is_given(call, load_draws().savers, "var_list", 0) for call in file.calls):
        found["partial"] = True
    if any(name.startswith("keras.") for name in canonical) or "keras" in canonical:
        found["keras"] = True
    found.update(_flavour(file, references))
    return found


def _is_given(call: CallSite, names: frozenset[str], keyword: str, position: int | None = None) -> bool:
    """Does a call of one of the names get (or may it get) an argument that is not None?"""
    if not any(call.file.knowledge.canonical(name) in names for name in call.names):
        return False
    argument = call.argument(keyword, position)
    return not argument.is_absent and not argument.is_constant(None)


def _flavour(file: FileModel, references: Sequence[Reference]) -> dict[str, Any]:
    """The newest version that has all names which the target lacks, and whether they are those of TF 1 graphs."""
    gone = sorted({row for reference in references if reference.guard is None for row in _gone(file, reference)})
    if not gone:
        return {}
    found: dict[str, Any] = {}
    if any(name in load_seeds().graph_names for name, _ in gone):
        found["graph"] = True
    else:
        gone = [(name, imported) for name, imported in gone if not _is_renamed(file, name)]
    if not gone:
        return found
    if any(not name.startswith("tensorflow.") for name, _ in gone) and _may_be_of_tf1(file, references):
        found["newest"] = list(_LAST_OF_TF1)
        return found
    for version in reversed(TENSORFLOW_VERSIONS):
        if version < file.target.tensorflow and not any(
            load_api_table().status(name, version, keras_of(version), imported=imported).kind == "missing"
            for name, imported in gone
        ):
            found["newest"] = list(version)
            break
    return found


def _may_be_of_tf1(file: FileModel, references: Sequence[Reference]) -> bool:
    """Has the last version of TF 1, with its Keras, everything that the file names (as far as is known)?"""
    version, keras = _LAST_OF_TF1, keras_of(_LAST_OF_TF1)
    return all(
        load_api_table().status(name, version, keras, imported=True).kind != "missing"
        for reference in references
        if reference.guard is None
        for name in reference.names
        if name.split(".", 1)[0] in ("tensorflow", "keras")
    )


def _is_renamed(file: FileModel, name: str) -> bool:
    """Does the target have the name under another one, so that a rename makes the file one of the target?"""
    while "." in name:
        row = load_api_table().rename(name, file.target.tensorflow)
        if row is not None:
            return row.safety == "safe" and not row.graph_mode
        name = name.rpartition(".")[0]
    return False


def _gone(file: FileModel, reference: Reference) -> Iterator[tuple[str, bool]]:
    """The names of a reference that the target does not have and another version had."""
    target, imported = file.target, reference.kind is not ReferenceKind.CHAIN
    for name in reference.names:
        if name.split(".", 1)[0] not in ("tensorflow", "keras") or ".compat." in name:
            continue
        if load_api_table().status(name, target.tensorflow, target.keras, imported=imported).kind == "missing":
            yield name, imported
