"""Names that an import takes from where they no longer are: the statement that finds them (part of TFG401)."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tfguard.rules.migration.mentions import iter_references, status_of

from tfguard.analysis.calls import Reference, ReferenceKind
from tfguard.analysis.file_model import FileModel
from tfguard.model import Edit, Safety, Span
from tfguard.tables import load_api_table

#: The new full name of what a statement imports by a full name; the name itself where it is still there, else None.
Finder = Callable[[str], tuple[str, Safety] | None]

_HEAD = re.compile(r"from[ \t]+(?P<module>[\w.]+)[ \t]+import\b")


@dataclass(frozen=True, slots=True)
class _Name:
    """One name of a statement: where it is found now."""

    alias: ast.alias
    module: str
    name: str
    safety: Safety

    @property
    def text(self) -> str:
        """How it is imported; what the file calls it stays."""
        bound = self.alias.asname or self.alias.name
        return self.name if self.name == bound else f"{self.name} as {bound}"


def import_edits(file: FileModel, reference: Reference, find: Finder) -> tuple[tuple[Edit, ...], Safety, str] | None:
    """The edits of the whole `from` statement of a name, their grade and the new import in words."""
    statement = file.index.places[reference.node].parent
    if not isinstance(statement, ast.ImportFrom) or statement.level or not statement.module:
        return None
    head = _HEAD.match(file.text_of(file.span(statement)))
    if head is None or head["module"] != statement.module:
        return None
    names = [_found(statement.module, alias, find) for alias in statement.names]
    own = names[statement.names.index(reference.node)]  # type: ignore[arg-type]
    if own is None or (own.module, own.name) == (statement.module, own.alias.name):
        return None
    there = [_Name(alias, statement.module, alias.name, Safety.SAFE) for alias in statement.names]
    known = [name or kept for name, kept in zip(names, there, strict=True)]
    safety = Safety.SAFE if all(name.safety is Safety.SAFE for name in known) else Safety.UNSAFE
    together = {name.module for name in known}
    edits = tuple(_in_place(file, statement, known)) if len(together) == 1 else _split(file, statement, known)
    return (edits, safety, f"from {own.module} import {own.text}") if edits else None


def _found(module: str, alias: ast.alias, find: Finder) -> _Name | None:
    found = find(f"{module}.{alias.name}")
    if found is None:
        return None
    home, _, name = found[0].rpartition(".")
    return _Name(alias, home, name, found[1]) if home else None


def _in_place(file: FileModel, statement: ast.ImportFrom, names: list[_Name]) -> Iterator[Edit]:
    """All names are found in one module: only its name and the names that differ change."""
    start = file.span(statement).start
    if names[0].module != statement.module:
        at = file.source.text.index(statement.module or "", start + len("from"))
        yield Edit(Span(at, at + len(statement.module or "")), names[0].module)
    for name in names:
        if name.name == name.alias.name:
            continue
        at = file.source.offset_of(name.alias.lineno, name.alias.col_offset)
        keeps_as = name.alias.asname not in (None, name.name)
        whole = Span(at, at + len(name.alias.name)) if keeps_as else file.span(name.alias)
        yield Edit(whole, name.name if keeps_as else name.text)


def _split(file: FileModel, statement: ast.ImportFrom, names: list[_Name]) -> tuple[Edit, ...]:
    """A statement for each module, the old one first; nothing where it shares its lines or holds comments."""
    span, text = file.span(statement), file.source.text
    _, column = file.source.position(span.start)
    indentation = text[span.start - column + 1 : span.start]
    rest = text[span.end : file.rewrite.end_of_line(span.end)].strip()
    if indentation.strip() or (rest and not rest.startswith("#")) or "#" in file.text_of(span):
        return ()
    modules = dict.fromkeys(name.module for name in sorted(names, key=lambda name: name.module != statement.module))
    lines = [f"from {module} import {', '.join(n.text for n in names if n.module == module)}" for module in modules]
    return (Edit(span, f"\n{indentation}".join(lines)),)


# -- where names are now ------------------------------------------------------------------------------------


def find_import(file: FileModel, name: str) -> tuple[str, Safety] | None:
    """What a `from` statement finds under a full name, or the name that it can import in its place, and the grade."""
    if status_of(file, name, imported=True, statement="from") is None:
        return name, Safety.SAFE
    row = load_api_table().rename(name, file.target.tensorflow)
    if row is None:
        return _new_home(file, name)
    if row.graph_mode or row.keywords or row.positional is not None:
        return None
    if status_of(file, row.new, imported=True, statement="from") is not None:
        return None
    return row.new, Safety.SAFE if row.safety == "safe" else Safety.UNSAFE


def _new_home(file: FileModel, module: str) -> tuple[str, Safety] | None:
    """The one module that has everything under its old name which the file takes from a module that is gone."""
    inside = [n for r in iter_references(file) if r.kind is ReferenceKind.CHAIN for n in r.names if _is_in(n, module)]
    rows = {name: load_api_table().rename(name, file.target.tensorflow) for name in inside}
    homes = {row.new.rpartition(".")[0] for row in rows.values() if row is not None and row.safety == "safe"}
    is_same = all(
        row is not None and row.new.rpartition(".")[2] == name[len(module) + 1 :] for name, row in rows.items()
    )
    if len(homes) != 1 or not is_same:
        return None
    (home,) = homes
    return (
        (home, Safety.SAFE) if "." in home and status_of(file, home, imported=True, statement="from") is None else None
    )


def _is_in(name: str, module: str) -> bool:
    return name == module or name.startswith(f"{module}.")
