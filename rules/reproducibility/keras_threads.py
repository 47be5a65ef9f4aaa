"""Keras on TensorFlow 1, which updates weights in no order, and a session that runs operations in turn (of TFG117)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from tfguard.rules.reproducibility import determinism, generators
from tfguard.rules.reproducibility.determinism import TRAINS
from tfguard.rules.reproducibility.thread_config import INTER

from tfguard.analysis.calls import CallSite
from tfguard.analysis.file_model import FileModel
from tfguard.analysis.preamble import Module, insert_preamble
from tfguard.analysis.project import Event, Program, ProjectFacts
from tfguard.model import Edit
from tfguard.table_files import Version
from tfguard.tables import load_toml
from tfguard.targets import keras_of

_TF = Module(("tensorflow",), "tensorflow", ("tf", "tensorflow"))
_KERAS = Module(("keras",), "keras", ("keras",))
#: Since then weights are resource variables, which are read as a whole before anything updates them.
_ORDERED: Version = (2, 3)
_END: Version = (2, 4)


class Race(NamedTuple):
    """The first training of a program, and why its result depends on which operation runs first."""

    event: Event
    why: str


def reads_count(call: CallSite) -> bool:
    """Does a call make, or name, an optimizer of the package Keras that reads the count of steps?"""
    name, row = call.names[0], load_toml("determinism.toml")["keras_optimizers"]
    canonical = call.file.knowledge.canonical(name)
    if not name.startswith("keras."):
        return False
    if canonical == "keras.Model.compile":
        return call.argument("optimizer", 0).is_constant(*row["names"])
    decay = call.argument("decay")
    has_decay = not decay.is_absent and not decay.is_constant(0, 0.0)
    return canonical in row["counting"] or (canonical.startswith("keras.optimizers.") and has_decay)


def race_of(facts: ProjectFacts, program: Program, *, counts: bool) -> Race | None:
    """The training of multi-backend Keras on TF 1 whose operations are not ordered (run in 1.2, 1.10 and 1.15)."""
    target = facts.open(program.summary.path).target
    keras: Version = target.keras or keras_of(target.tensorflow)
    if target.tensorflow >= (2, 0) or keras >= _END:
        return None
    made = [event.item.name for event in program.effects(generators.recorder.key)]
    trains = next(
        (e for e in determinism.events_of(program, TRAINS) if "fit" in e.item.name or "train" in e.item.name), None
    )
    if trains is None or not any(name.startswith("keras.") for name in made):
        return None
    if keras < _ORDERED:
        return Race(trains, "Keras before 2.3 updates weights while gradients still read them")
    if counts:
        return Race(trains, "the optimizer reads the count of steps while another operation raises it")
    return None


def session_edits(program: Program, file: FileModel, race: Race, *, inside: bool) -> tuple[Edit, ...] | None:
    """Lines that give Keras a session which runs one operation at a time, before anything of Keras is made."""

    def lines(names: Mapping[str, str]) -> Sequence[str]:
        session = f"{names['tf']}.Session(config={names['tf']}.ConfigProto({INTER}=1))"
        return [f"{names['keras']}.backend.set_session({session})"]

    events = program.effects(generators.recorder.key)
    first = min((event.chain[0][1] for event in events), default=race.event.chain[0][1])
    return insert_preamble(file, modules={"tf": _TF, "keras": _KERAS}, lines=lines, before=first, inside_guard=inside)
