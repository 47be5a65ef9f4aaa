"""The one line that sets a whole program up at run time: the preamble of style `shim`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tfguard.analysis.preamble import Module, insert_preamble
from tfguard.analysis.scopes import BindingKind
from tfguard.model import Edit

if TYPE_CHECKING:
    from tfguard.analysis.file_model import FileModel

_NAME = "tfguard.runtime"
_RUNTIME = Module((_NAME,), _NAME, (_NAME,))


def insert_shim(file: FileModel, *, seed: str, before: int, inside_guard: bool) -> tuple[Edit, ...] | None:
    """Call `tfguard.runtime.setup` after the imports and before an offset, with what the settings ask for.

    None where `tfguard` means something else in the file, or where no line can be placed.
    """
    bindings = file.index.module.bindings.get("tfguard", [])
    if any(binding.kind is not BindingKind.IMPORT or binding.target != "tfguard" for binding in bindings):
        return None
    arguments = [f"seed={seed}"]
    if file.config.gpu_memory != "growth":
        arguments.append(f"gpu_memory={file.config.gpu_memory}")
    if file.config.threads is not None:
        arguments.append(f"threads={file.config.threads}")
    line = f"{_NAME}.setup({', '.join(arguments)})"
    return insert_preamble(
        file, modules={_NAME: _RUNTIME}, lines=lambda _: [line], before=before, inside_guard=inside_guard
    )
