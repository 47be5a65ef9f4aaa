"""How a file spells TensorFlow's own names beside a call of it: through the same alias, or imported beside it."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field

from tfguard.analysis.calls import CallSite
from tfguard.analysis.file_model import FileModel
from tfguard.analysis.scopes import BindingKind
from tfguard.model import Edit
from tfguard.tables import load_api_table

PLAIN, COMPAT = "tensorflow", "tensorflow.compat.v1"


@dataclass(slots=True)
class Spelling:
    """Either a prefix (`tf.`) or the import statement that the names can be added to."""

    file: FileModel
    #: `tf`, and what names of TensorFlow 1 stand below (`tf`, or `tf.compat.v1`).
    plain: str = ""
    prefix: str = ""
    imports: ast.ImportFrom | None = None
    wanted: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, call: CallSite) -> Spelling | None:
        """The spelling for names that are to stand in a call; None where there is no sure one."""
        base = _base_of(call)
        if base is not None:
            text, names = base
            return cls(call.file, text, _edition(call, text, names))
        node = _import_of(call)
        if node is not None:
            return cls(call.file, imports=node)
        for module in _editions_of(call):
            alias = call.file.rewrite.module_alias(module)
            if alias is not None:
                return cls(call.file, alias, _edition(call, alias, (module,)))
        beside = _import_beside(call)
        return cls(call.file, imports=beside) if beside is not None else None

    def spell(self, name: str) -> str | None:
        """The text that means a name of `tensorflow` (`tensorflow.ConfigProto`); None when it is taken."""
        short = name.removeprefix(f"{PLAIN}.")
        if self.prefix:
            return f"{self.prefix}.{short}"
        bindings = self.file.index.module.bindings.get(short, [])
        targets = {self.file.knowledge.canonical(binding.target) for binding in bindings}
        if targets and targets != {name}:
            return None
        if not bindings and short not in self.wanted:
            self.wanted.append(short)
        return short

    def import_edits(self) -> list[Edit | None]:
        """What must be imported for the names that were spelled."""
        if self.imports is None or not self.wanted:
            return []
        return [self.file.rewrite.add_imported(self.imports, sorted(self.wanted))]


def _base_of(call: CallSite) -> tuple[str, tuple[str, ...]] | None:
    """The part of the called chain that is TensorFlow itself, and which edition it is."""
    node = call.node.func
    while isinstance(node, ast.Attribute):
        node = node.value
        found = call.file.resolver.resolve(node)
        text = call.file.text_of(call.file.span(node))
        if found.is_certain and found.names and set(found.names) <= {PLAIN, COMPAT} and re.fullmatch(r"[\w.]+", text):
            return text, found.names
    return None


def _edition(call: CallSite, text: str, names: tuple[str, ...]) -> str:
    """Below which prefix the names of TensorFlow 1 stand, for code that goes through `text`."""
    return f"{text}.compat.v1" if names == (PLAIN,) and _is_modern(call) else text


def _is_modern(call: CallSite) -> bool:
    """Is the call one that TensorFlow 2 has, or of `compat.v1`? Then plain names of TensorFlow 1 would be wrong."""
    target = call.file.target
    if target.tensorflow < (2, 0):
        return False
    statuses = [load_api_table().status(name, target.tensorflow, target.keras) for name in call.names]
    return all(status.kind == "exists" for status in statuses) or any(COMPAT in name for name in call.names)


def _editions_of(call: CallSite) -> tuple[str, ...]:
    return (COMPAT, PLAIN) if any(name.startswith(f"{COMPAT}.") for name in call.names) else (PLAIN, COMPAT)


def _import_of(call: CallSite) -> ast.ImportFrom | None:
    """The `from tensorflow import Session` that binds what is called."""
    node = call.node.func
    if not isinstance(node, ast.Name) or node not in call.file.index.places:
        return None
    bindings = call.file.resolver.bindings_of(node)
    if len(bindings) != 1 or bindings[0].kind is not BindingKind.IMPORT:
        return None
    parent = call.file.index.places[bindings[0].node].parent
    if isinstance(parent, ast.ImportFrom) and parent.level == 0 and parent.module in (PLAIN, COMPAT):
        return parent if parent in call.file.tree.body else None
    return None


def _import_beside(call: CallSite) -> ast.ImportFrom | None:
    """Another `from tensorflow import …` at the top of the file, of the edition that is called."""
    wanted = COMPAT if any(name.startswith(f"{COMPAT}.") for name in call.names) else PLAIN
    found = [node for node in call.file.tree.body if isinstance(node, ast.ImportFrom) and node.module == wanted]
    return next((node for node in found if node.level == 0 and node.names[0].name != "*"), None)
