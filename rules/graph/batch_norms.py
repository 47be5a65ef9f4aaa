"""Batch normalisations of followed programs, and training steps that leave their averages alone (part of TFG309)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tfguard.rules.graph.arg_scopes import ArgScopes
from tfguard.rules.graph.following import Followed
from tfguard.rules.graph.train_steps import behind_step, is_step

from tfguard.analysis.flow.graph import Node
from tfguard.analysis.flow.machine import Call
from tfguard.analysis.flow.values import Const, External, Mapping, Tensor, Value, alternatives

NAMES = ("batch_norm", "BatchNormalization")
_LAYERS = ("tensorflow.layers.batch_normalization", "tensorflow.layers.BatchNormalization.__call__")
_CONTRIB = ("tensorflow.contrib.layers.batch_norm", "tensorflow.contrib.slim.batch_norm", "tf_slim.batch_norm")
#: Where the layers are that take a `normalizer_fn`.
_SLIM = ("tensorflow.contrib.layers.", "tensorflow.contrib.slim.", "tf_slim.")
#: Words of a program that takes care of the updates, in a way that is not looked into.
_CARES = ("UPDATE_OPS", "update_ops", ".updates", "create_train_op", "optimize_loss", "get_updates_for")
#: Words of a program that reads the averages by name.
_READS = ("moving_mean", "moving_variance", "moving_avg")


@dataclass(frozen=True, slots=True, eq=False)
class Norm:
    """One batch normalisation that puts its updates into the collection."""

    call: Call
    node: Node
    #: True or False where that is written; None where it varies.
    training: bool | None

    @property
    def title(self) -> str:
        """What messages call it."""
        return self.call.file.call_site(self.call.node).written


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """A training step whose loss depends on a batch normalisation."""

    call: Call
    norm: Norm
    #: All batch normalisations made before it are part of its loss, and it is the only step.
    is_whole: bool

    @property
    def node(self) -> Node:
        """The batch normalisation."""
        return self.norm.node


def steps_without_updates(followed: Followed) -> Iterator[Step]:
    """The training steps of a program that takes no care of the updates."""
    machine, canonical = followed.machine, followed.library.canonical
    texts = [module.file.source.text for module in machine.modules.values()]
    if any(word in text for text in texts for word in _CARES):
        return
    scopes = ArgScopes(machine, canonical)
    norms = [norm for call in machine.calls for norm in _norms(call, canonical(call.name), scopes)]
    wanted = _wanted(norms, texts, [canonical(call.name) for call in machine.calls])
    if not wanted:
        return
    steps = [call for call in machine.calls if is_step(call, canonical(call.name))]
    for call in steps:
        behind = behind_step(call)
        mine = [norm for norm in wanted if norm.node in behind]
        if mine:
            before = [norm for norm in norms if norm.node.number < call.position and norm.training is not False]
            places = {id(step.node) for step in steps}
            yield Step(call, mine[0], len(places) == 1 and all(norm.node in behind for norm in before))


def _norms(call: Call, name: str, scopes: ArgScopes) -> Iterator[Norm]:
    """The batch normalisation that a call makes, if it makes one whose updates go into the collection."""
    if not isinstance(call.result, Tensor) or call.has_more:
        return
    node = call.result.node
    if name in _LAYERS:
        training = call.argument("training", 1 if name.endswith("__call__") else None)
        yield Norm(call, node, False if training is None else _truth(training))
    elif name in _CONTRIB:
        given = scopes.keywords_of(call, name)
        if given is not None and "updates_collections" not in given:
            yield Norm(call, node, _truth(given.get("is_training", Const(True))))
    elif name.startswith(_SLIM):
        given = _normaliser(call, name, scopes)
        if given is not None and "updates_collections" not in given:
            yield Norm(call, node, _truth(given.get("is_training", Const(True))))


def _normaliser(call: Call, name: str, scopes: ArgScopes) -> dict[str, Value] | None:
    """The arguments of the batch normalisation that a layer of slim is given as its `normalizer_fn`."""
    given = scopes.keywords_of(call, name)
    function = given.get("normalizer_fn") if given is not None else None
    if given is None or not isinstance(function, External) or function.made_by is not None:
        return None
    norm = scopes.canonical(function.name)
    found = scopes.keywords_of(call, norm) if norm in _CONTRIB else None
    parameters = given.get("normalizer_params", Mapping({}))
    if found is None or not isinstance(parameters, Mapping) or parameters.rest is not None:
        return None
    return {**found, **{str(key): value for key, value in parameters.items.items()}}


def _truth(value: Value) -> bool | None:
    found = {bool(one.value) if isinstance(one, Const) else None for one in alternatives(value)}
    return found.pop() if len(found) == 1 else None


def _wanted(norms: list[Norm], texts: list[str], names: list[str]) -> list[Norm]:
    """The normalisations that train, when something is computed with the averages, or they are saved for others."""
    training = [norm for norm in norms if norm.training is not False]
    if len(training) < len(norms) or any(norm.training is None for norm in training):
        return training
    is_saved = any(name.endswith("Saver.save") for name in names)
    is_restored = any(name.endswith("Saver.restore") for name in names)
    is_read = any(word in text for text in texts for word in _READS)
    return training if is_read or (is_saved and not is_restored) else []
