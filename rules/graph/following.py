"""Programs of a project, followed from their entry, each once for all rules (part of the TFG3xx rules)."""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

from tfguard.rules.graph.library import TensorLibrary

from tfguard.analysis.file_model import FileModel
from tfguard.analysis.flow.loose import follow_loose
from tfguard.analysis.flow.machine import Machine
from tfguard.analysis.project import Program, ProjectFacts

#: Expressions that are followed for one question in a project, and for each of its files where that is more; what
#: comes after is not looked at.
_MOST_STEPS = 1_000_000
_STEPS_OF_A_FILE = 1_000
#: Expressions that are followed in what a file defines and no program calls.
_MOST_STEPS_OF_BODIES = 15_000


@dataclass(frozen=True, slots=True, eq=False)
class Followed:
    """A program, or the bodies of a file that no program calls, and what came of following them."""

    machine: Machine
    library: TensorLibrary


def followed_programs(facts: ProjectFacts, paths: Collection[str]) -> Iterator[Followed]:
    """The programs that load one of the files, in path order."""
    left = _most_steps(facts)
    for program in facts.programs:
        if left > 0 and any(path in paths for path in program.files):
            followed = _program(facts, program)
            left -= followed.machine.steps
            yield followed


def followed_with(facts: ProjectFacts, paths: Collection[str]) -> Iterator[Followed]:
    """The programs that load one of the files, then what those files define and none of the programs calls."""
    entered: set[ast.AST] = set()
    for followed in followed_programs(facts, paths):
        entered |= followed.machine.entered
        yield followed
    left = _most_steps(facts)
    for path in sorted(paths):
        functions = facts.open(path).resolver.functions.values()
        if left > 0 and any(node not in entered for node in functions):
            followed = _bodies(facts, path)
            left -= followed.machine.steps
            yield followed


def _most_steps(facts: ProjectFacts) -> int:
    return max(_MOST_STEPS, _STEPS_OF_A_FILE * len(facts.files))


def _program(facts: ProjectFacts, program: Program) -> Followed:
    return _once(facts, facts.open(program.summary.path), "followed program", Machine.run)


def _bodies(facts: ProjectFacts, path: str) -> Followed:
    def follow(machine: Machine, file: FileModel) -> None:
        machine.limit = _MOST_STEPS_OF_BODIES
        follow_loose(machine, file)

    return _once(facts, facts.open(path), "followed bodies", follow)


def _once(facts: ProjectFacts, file: FileModel, key: str, follow: Callable[[Machine, FileModel], object]) -> Followed:
    """Follow a file, or take what an earlier pass over the project found, if nothing that it read has changed."""
    kept: list[Followed] = file.once(key, list)
    if not kept or any(facts.open_readable(m.file.path) is not m.file for m in kept[0].machine.modules.values()):
        followed = _start(facts, file)
        follow(followed.machine, file)
        kept[:] = [followed]
    return kept[0]


def _start(facts: ProjectFacts, file: FileModel) -> Followed:
    """A machine for the program of a file, which finds the files of the project that are imported."""

    def find(importer: FileModel, dotted: str) -> FileModel | None:
        summary = facts.files.get(importer.path)
        found = facts.find_module(summary, dotted) if summary is not None else None
        return facts.open_readable(found.path) if found is not None else None

    library = TensorLibrary(file.knowledge)
    return Followed(Machine(library, find), library)
