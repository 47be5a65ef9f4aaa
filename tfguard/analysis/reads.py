"""Every read of a variable: what is done with the object that it holds, by the path of attributes from it."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tfguard.analysis.calls import CallSite
from tfguard.analysis.scopes import lookup

if TYPE_CHECKING:
    from tfguard.analysis.file_model import FileModel

#: Functions that read variables without naming them.
_BY_NAME = frozenset({"builtins.globals", "builtins.locals", "builtins.vars", "builtins.exec", "builtins.eval"})


@dataclass(frozen=True, slots=True, eq=False)
class Read:
    """One read: `config` in `f(config)`, or the path `("run",)` in `sess.run(x)`."""

    node: ast.Name
    #: The attributes that follow, up to a call or an item.
    path: tuple[str, ...]
    #: Is an attribute or item below the variable written to (`config.verbose = 1`)?
    is_write: bool
    #: The call of which it is the function (`sess.run`) or an argument.
    call: CallSite | None


def reads_of(file: FileModel, target: ast.Name) -> tuple[Read, ...] | None:
    """The reads of the variable that a target binds, in evaluation order; None where it may be read unseen."""
    place = file.index.places.get(target)
    scope = lookup(place.scope, target.id) if place is not None else None
    if scope is None or any(_BY_NAME.intersection(call.names) for call in file.calls):
        return None
    if any(binding.from_inside for binding in scope.bindings[target.id]):
        return None
    found: list[Read] = []
    roots = [_root(chain) for chain in (*file.index.chains, *(store for store, _ in file.index.stores))]
    for root in dict.fromkeys(roots):
        here = file.index.places.get(root) if isinstance(root, ast.Name) and root.id == target.id else None
        if here is None or not isinstance(root, ast.Name) or not isinstance(root.ctx, ast.Load):
            continue
        if lookup(here.scope, root.id) is scope:
            found.append(_read(file, root))
    return tuple(found)


def _root(chain: ast.expr) -> ast.expr:
    while isinstance(chain, (ast.Attribute, ast.Subscript)):
        chain = chain.value
    return chain


def _read(file: FileModel, root: ast.Name) -> Read:
    path: list[str] = []
    here: ast.expr = root
    parent = file.index.places[here].parent
    is_open = True
    while isinstance(parent, (ast.Attribute, ast.Subscript)) and parent.value is here:
        is_open = is_open and isinstance(parent, ast.Attribute)
        if is_open and isinstance(parent, ast.Attribute):
            path.append(parent.attr)
        here, parent = parent, file.index.places[parent].parent
    is_write = isinstance(here, (ast.Attribute, ast.Subscript)) and not isinstance(here.ctx, ast.Load)
    if isinstance(parent, ast.keyword):
        parent = file.index.places[parent].parent
    call = file.call_site(parent) if isinstance(parent, ast.Call) else None
    return Read(root, tuple(path), is_write, call)
