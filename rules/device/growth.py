"""The lines that bound the GPU's memory before a program starts it (part of TFG201)."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tfguard.rules.device.record import KEY
from tfguard.rules.device.sessions import device_table

from tfguard.analysis.file_model import FileModel
from tfguard.analysis.preamble import Module, insert_preamble, place_lines
from tfguard.analysis.project import Program, ProjectFacts
from tfguard.analysis.rewrite import holds_import
from tfguard.analysis.scopes import BindingKind, lookup
from tfguard.analysis.shim import insert_shim
from tfguard.model import Edit, Fix, Safety

_TF = Module(("tensorflow", "tensorflow.compat.v1", "tensorflow.compat.v2"), "tensorflow", ("tf", "tensorflow"))
_KERAS = Module(("keras",), "keras", ("keras",))
_OS = Module(("os",), "os", ("os",))
_VARIABLE = 'environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")'
#: The variable is in every wheel from here on.
_VARIABLE_SINCE = (1, 14)
_NAMES = ("gpu", "device", "gpu_device", "physical_gpu")


def growth_fix(facts: ProjectFacts, program: Program, file: FileModel, *, before: int) -> Fix | None:
    """Lines at the entry point, before the offset of the first statement that may start the GPU."""
    inside = file.path in facts.imported
    if file.config.preamble == "shim":
        edits = insert_shim(file, seed=str(file.config.seed), before=before, inside_guard=inside)
        return Fix("Set the program up with `tfguard.runtime.setup`", edits, Safety.SAFE) if edits else None
    by_name = names_tensorflow(program)
    if by_name and file.target.tensorflow >= (2, 0):
        return _loop(file, before, inside)
    if file.target.tensorflow < _VARIABLE_SINCE or (by_name and file.target.tensorflow < (2, 0)):
        return _keras_session(program, file, before, inside, Safety.SAFE if by_name else Safety.UNSAFE)
    edits = _insert(file, {"os": _OS}, lambda names: [f"{names['os']}.{_VARIABLE}"], before, inside)
    why = "" if file.config.gpu_memory == "growth" else " (for Keras alone there is only growth)"
    return Fix(f"Let TensorFlow take GPU memory as it needs it{why}", edits, Safety.SAFE) if edits else None


def names_tensorflow(program: Program) -> bool:
    """Does the program use TensorFlow by name, not only through Keras (which may run on another backend)?"""
    return any(event.item.name.startswith(("tensorflow.", "tensorflow_datasets.")) for event in program.effects(KEY))


Lines = Callable[[Mapping[str, str]], Sequence[str]]


def _insert(
    file: FileModel, modules: Mapping[str, Module], lines: Lines, before: int, inside: bool
) -> tuple[Edit, ...] | None:
    """Below the imports at the top; below a later import of TensorFlow where that still comes early enough."""
    late = _late_import(file, before)
    if late is None or (inside and file.main_guard is not None):
        return insert_preamble(file, modules=modules, lines=lines, before=before, inside_guard=inside)
    below = (
        file.source.line_text((late.end_lineno or late.lineno) + 1).strip() if late is not file.tree.body[-1] else ""
    )
    return place_lines(
        file, late, modules=modules, lines=lambda names: ["", *lines(names), *([""] if below else [])], below=True
    )


def _late_import(file: FileModel, before: int) -> ast.stmt | None:
    """The last import before an offset, when TensorFlow is imported after the statements that open the file."""
    earlier = [s for s in file.tree.body if file.span(s).end <= before and holds_import(s)]
    leading = file.rewrite.leading_imports()
    bound = [
        b
        for bindings in file.index.module.bindings.values()
        for b in bindings
        if b.target in _TF.accepted and not b.branch
    ]
    found = [file.top_statement_of(b.node) for b in bound if b.kind is BindingKind.IMPORT and not b.from_inside]
    if not found or any(statement in leading for statement in found) or not any(s in earlier for s in found):
        return None
    return earlier[-1]


# -- TensorFlow 2 -----------------------------------------------------------------------------------------


def _loop(file: FileModel, before: int, inside: bool) -> Fix | None:
    row = next(row for row in device_table()["growth"] if tuple(row["since"]) <= file.target.tensorflow)
    gpu = _free_name(file)
    if gpu is None:
        return None

    def lines(names: Mapping[str, str]) -> Sequence[str]:
        return [
            f'for {gpu} in {names["tf"]}.{row["devices"]}("GPU"):',
            f"    {names['tf']}.{_setting(row, file, gpu, names['tf'])}",
        ]

    edits = _insert(file, {"tf": _TF}, lines, before, inside)
    return Fix(_title(file.config.gpu_memory), edits, Safety.SAFE) if edits else None


def _setting(row: Mapping[str, Any], file: FileModel, gpu: str, tf: str) -> str:
    wanted = file.config.gpu_memory
    template: str = row["limit" if _is_limit(wanted) else "grow"]
    return template.format(gpu=gpu, tf=tf, limit=wanted)


def _is_limit(wanted: object) -> bool:
    return isinstance(wanted, int)


def _title(wanted: object) -> str:
    if _is_limit(wanted):
        return f"Limit GPU memory to {wanted} MB before it is first used"
    why = " (TensorFlow 2 has no fraction)" if isinstance(wanted, float) else ""
    return f"Let GPU memory grow, set before it is first used{why}"


def _free_name(file: FileModel) -> str | None:
    """A name for the loop variable that the module neither binds nor reads."""
    taken = set(file.index.module.bindings)
    for chain in file.index.chains:
        root: ast.expr = chain
        while isinstance(root, ast.Attribute):
            root = root.value
        if isinstance(root, ast.Name):
            place = file.index.places.get(root)
            scope = lookup(place.scope, root.id) if place is not None else None
            if scope is None or scope is file.index.module:
                taken.add(root.id)
    return next((name for name in _NAMES if name not in taken), None)


# -- Keras on TensorFlow 1 ----------------------------------------------------------------------------------


def _keras_session(program: Program, file: FileModel, before: int, inside: bool, safety: Safety) -> Fix | None:
    """Give Keras a session with a config, through the Keras that the program uses."""
    own = any(event.item.name.startswith("keras.") for event in program.effects(KEY))
    wanted = file.config.gpu_memory
    option = f"per_process_gpu_memory_fraction={wanted}" if isinstance(wanted, float) else "allow_growth=True"

    def lines(names: Mapping[str, str]) -> Sequence[str]:
        tf = names["tf"]
        keras = names["keras"] if own else f"{tf}.keras"
        session = f"{tf}.Session(config={tf}.ConfigProto(gpu_options={tf}.GPUOptions({option})))"
        return [f"{keras}.backend.set_session({session})"]

    modules = {"tf": _TF, "keras": _KERAS} if own else {"tf": _TF}
    edits = _insert(file, modules, lines, before, inside)
    return Fix("Give Keras a session whose GPU memory is bounded", edits, safety) if edits else None
