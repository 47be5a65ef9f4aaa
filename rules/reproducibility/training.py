"""Which files belong to a program that trains (part of the TFG10x rules)."""

from __future__ import annotations

from typing import Any

from tfguard.rules.reproducibility.draws import load_draws

from tfguard.analysis.file_model import FileModel
from tfguard.analysis.project import ProjectFacts

#: Words of which a file that trains holds one.
LIBRARIES = (
    *("tensorflow", "keras", "tflearn", "tf_slim", "tensorlayer", "sonnet", "prettytensor", "theano", "lasagne"),
    "autokeras",
)
_TEST_FOLDERS = frozenset({"test", "tests", "testing"})


def note_training(file: FileModel) -> dict[str, Any] | None:
    """Does the file load a library that trains, and does it train?"""
    if not file.references(load_draws().roots):
        return None
    trains = any(call.written.rpartition(".")[2] in load_draws().trained_by for call in file.calls)
    return {"loads": True, "trains": trains}


class Training:
    """What a rule's notes (those of `note_training` among them) say of the programs of a project."""

    def __init__(self, facts: ProjectFacts, rule: str) -> None:
        notes = facts.facts_of(rule)
        self.loads = frozenset(path for path, note in notes.items() if note.get("loads"))
        self.trains = frozenset(path for path, note in notes.items() if note.get("trains"))
        #: Whether a program that runs the file trains, and whether it loads a library that does.
        self.loaded: dict[str, bool] = {}
        self.loading: set[str] = set(self.loads)
        for program in facts.programs:
            does = any(path in self.trains for path in program.files)
            self.loading.update(program.files if any(path in self.loads for path in program.files) else ())
            for path in program.files:
                self.loaded[path] = self.loaded.get(path, False) or does

    def is_trained_with(self, path: str) -> bool:
        """Is the file one that trains or of a program that does, and no test?"""
        return not is_test(path) and (path in self.trains or self.loaded.get(path, False))

    def is_loaded_with(self, path: str) -> bool:
        """Is the file of a program that loads a library which trains, and no test?"""
        return path in self.loading and not is_test(path)

    def may_be_trained_with(self, path: str) -> bool:
        """Does the file load a library that trains, and does no program say more?"""
        if is_test(path) or self.is_trained_with(path):
            return not is_test(path)
        return path in self.loads and path not in self.loaded


def is_test(path: str) -> bool:
    """Is it a test, which need not repeat itself?"""
    *folders, name = path.split("/")
    return bool(_TEST_FOLDERS & set(folders)) or name.startswith("test_") or name.endswith("_test.py")
