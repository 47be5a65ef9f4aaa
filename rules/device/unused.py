"""Configs that are made and never passed to anything, and the one call that each may be meant for (part of TFG202)."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from tfguard.rules.device.sessions import Kind, device_table, kind_of

from tfguard.analysis.calls import CallSite
from tfguard.analysis.file_model import FileModel
from tfguard.analysis.reads import Read, reads_of
from tfguard.analysis.scopes import Branch, lookup

#: Methods that change a config and hand nothing on.
_SETTERS = frozenset({"CopyFrom", "MergeFrom", "append", "extend", "update"})


@dataclass(frozen=True, slots=True, eq=False)
class Unused:
    """A config that bounds memory and goes nowhere."""

    call: CallSite
    #: The variable, None where the value is dropped at once.
    target: ast.Name | None
    #: What it is: `proto`, `options`, `run` or `logical`.
    kind: str
    reads: tuple[Read, ...]


def unused_configs(file: FileModel) -> Iterator[Unused]:
    """Every config of the file that says something of GPU memory and that nothing is given."""
    names: dict[str, str] = device_table()["unused"]
    if not any(name.rsplit(".", 1)[-1] in file.source.text for name in names):
        return
    for call in file.calls:
        kinds = {names.get(file.knowledge.canonical(name)) for name in call.names}
        kind = kinds.pop() if len(kinds) == 1 else None
        found = _unused(call, kind) if kind is not None and call.resolution.is_certain else None
        if found is not None and _bounds_memory(found):
            yield found


def _unused(call: CallSite, kind: str) -> Unused | None:
    statement = call.file.index.places[call.node].parent
    if isinstance(statement, ast.Expr):
        return Unused(call, None, kind, ()) if not call.file.source.is_notebook else None
    if isinstance(statement, ast.AnnAssign):
        target: ast.expr = statement.target
    elif isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        target = statement.targets[0]
    else:
        return None
    reads = reads_of(call.file, target) if isinstance(target, ast.Name) else None
    if reads is None or not isinstance(target, ast.Name) or not all(_only_sets(read) for read in reads):
        return None
    return Unused(call, target, kind, reads)


def _only_sets(read: Read) -> bool:
    """Does a read only write to the config, or fill it?"""
    if read.is_write:
        return True
    return read.call is not None and bool(read.path) and read.path[-1] in _SETTERS and _is_function_of(read)


def _is_function_of(read: Read) -> bool:
    assert read.call is not None
    return any(node is read.node for node in ast.walk(read.call.node.func))


def _bounds_memory(found: Unused) -> bool:
    """Does it say anything of the GPU's memory?"""
    bounding = set(device_table()["config"]["bounding"])
    given = {keyword for keyword, _ in found.call.keywords}
    if found.kind == "proto":
        set_below = {read.path[1] for read in found.reads if len(read.path) > 1 and read.path[0] == "gpu_options"}
        return "gpu_options" in given or bool(set_below & bounding)
    if found.kind == "options":
        return bool((given | {read.path[0] for read in found.reads if read.path}) & bounding)
    return bool(given & {"session_config", "gpu_memory_fraction", "memory_limit"})


# -- what it may be meant for ---------------------------------------------------------------------------------


def config_for(call: CallSite, kind: Kind) -> str | None:
    """The unused config that a call without one is surely meant to get, as it is to be passed; None without one."""
    found = [unused for unused in unused_configs(call.file) if unused.target is not None]
    if len(found) != 1 or _candidates(found[0]) != [call]:
        return None
    unused = found[0]
    assert unused.target is not None
    if unused.kind == "run":
        return unused.target.id if "RunConfig" in kind.passed else None
    return unused.target.id if unused.kind == "proto" and not kind.passed else None


def session_for(unused: Unused) -> CallSite | None:
    """The one session that the fix passes it to."""
    candidates = _candidates(unused) if unused.target is not None else []
    kind = kind_of(candidates[0]) if len(candidates) == 1 else None
    if kind is None or config_for(candidates[0], kind) is None:
        return None
    return candidates[0]


def _candidates(unused: Unused) -> list[CallSite]:
    """The calls without a config, in the body of the variable and after all that is set on it."""
    file = unused.call.file
    return [call for call in file.calls if _lacks_config(call) and _comes_after(unused, call)]


def _lacks_config(call: CallSite) -> bool:
    kind = kind_of(call) if call.names else None
    if kind is None or not call.resolution.is_certain or (not kind.starts and "RunConfig" not in kind.passed):
        return False
    given = call.argument(kind.argument, kind.position)
    return (given.is_absent and len(call.arguments) <= kind.most) or given.is_constant(None)


def _comes_after(unused: Unused, call: CallSite) -> bool:
    """Does the variable hold the finished config whenever the call runs?"""
    file, target = unused.call.file, unused.target
    here = file.index.places[call.node]
    assert target is not None
    if lookup(here.scope, target.id) is not file.index.places[target].scope.enclosing_function():
        return False
    if file.enclosing(call.node) != file.enclosing(target):
        return False
    nodes = [target, *(read.node for read in unused.reads)]
    places = [file.index.places[node] for node in nodes]
    return all(place.order < here.order for place in places) and _is_within(here.branch, places[0].branch)


def _is_within(inner: Branch, outer: Branch) -> bool:
    return inner[: len(outer)] == outer
