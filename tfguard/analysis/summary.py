"""What is kept of a file for the whole-program pass: plain values that travel between processes and into the cache."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tfguard.analysis.scopes import Branch

#: Item kinds: a rule's effect, a call of a project function, a method call on an unknown object, an import.
EFFECT, CALL, METHOD, IMPORT = "effect", "call", "method", "import"


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that running a function's body does, in evaluation order."""

    kind: str
    #: CALL: qualified name; METHOD: bare name; IMPORT: module; EFFECT: the API's qualified name.
    name: str
    start: int
    end: int
    branch: Branch = ()
    #: Does it stand in a loop or comprehension of its body?
    is_repeated: bool = False
    #: EFFECT: the recorder that made it (a rule's own has its id) and what it says (JSON values only). METHOD: the
    #: payload lists qualified names that are guesses of what is called.
    rule: str = ""
    payload: Any = None


@dataclass(frozen=True, slots=True)
class ClassSummary:
    """A class: its bases as qualified names."""

    name: str
    bases: tuple[str, ...]
    methods: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """Why a file is where a program starts: the kind of evidence, its line, and the body that runs."""

    kind: str
    line: int
    body: str


@dataclass(frozen=True, slots=True)
class FileSummary:
    """The facts of one file that other files and whole-program rules may need."""

    path: str
    module: str
    package: str
    #: Modules (absolute, or as written) that the file imports and that may be the project's, in source order.
    imports: tuple[str, ...]
    #: Names bound at module level by import or alias, and what they mean.
    exports: Mapping[str, str]
    #: Qualified name of a function (the module's own name for its body) to what running it does.
    bodies: Mapping[str, tuple[Item, ...]]
    classes: Mapping[str, ClassSummary]
    entries: tuple[Entry, ...]
    #: Key of a recorder to whatever its rules want to know of this file later (JSON values only).
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_interesting(self) -> bool:
        """Does the file hold anything that a whole-program rule looks at?"""
        return bool(self.facts) or any(item.kind == EFFECT for items in self.bodies.values() for item in items)


def to_json(summary: FileSummary) -> dict[str, Any]:
    """The summary as JSON values."""
    return {
        "path": summary.path,
        "module": summary.module,
        "package": summary.package,
        "imports": list(summary.imports),
        "exports": dict(summary.exports),
        "bodies": {name: [_row(item) for item in items] for name, items in summary.bodies.items()},
        "classes": {name: [list(c.bases), list(c.methods)] for name, c in summary.classes.items()},
        "entries": [[e.kind, e.line, e.body] for e in summary.entries],
        "facts": dict(summary.facts),
    }


def from_json(data: Mapping[str, Any]) -> FileSummary:
    """The summary that `to_json` wrote; raises KeyError, TypeError or ValueError on anything else."""
    return FileSummary(
        path=data["path"],
        module=data["module"],
        package=data["package"],
        imports=tuple(data["imports"]),
        exports=dict(data["exports"]),
        bodies={name: tuple(_item(row) for row in rows) for name, rows in data["bodies"].items()},
        classes={name: ClassSummary(name, tuple(b), tuple(m)) for name, (b, m) in data["classes"].items()},
        entries=tuple(Entry(kind, line, body) for kind, line, body in data["entries"]),
        facts=dict(data["facts"]),
    )


def _row(item: Item) -> list[Any]:
    branch = [list(step) for step in item.branch]
    return [item.kind, item.name, item.start, item.end, branch, item.is_repeated, item.rule, item.payload]


def _item(row: list[Any]) -> Item:
    kind, name, start, end, branch, repeated, rule, payload = row
    steps = tuple((int(number), int(arm), bool(exclusive)) for number, arm, exclusive in branch)
    return Item(kind, name, start, end, steps, bool(repeated), rule, payload)
