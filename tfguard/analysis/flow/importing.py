"""Import statements of a followed program: modules of the project are followed, libraries are names."""

from __future__ import annotations

import ast

from tfguard.analysis.file_model import FileModel
from tfguard.analysis.flow.machine import Frame, Machine
from tfguard.analysis.flow.values import External, Module, Pending, Union, Value, join

#: The key under which a body keeps the libraries that it has star-imported.
STARS = "*"


def import_names(m: Machine, node: ast.Import, frame: Frame) -> None:
    """`import a.b`, `import a.b as c`."""
    for alias in node.names:
        value = _bound(m, frame, alias.name)
        if alias.asname is not None:
            frame.names.values[alias.asname] = value
        else:
            root = alias.name.partition(".")[0]
            frame.names.values[root] = value if root == alias.name else _bound(m, frame, root)


def import_from(m: Machine, node: ast.ImportFrom, frame: Frame) -> None:
    """`from a import b`, `from . import c`, `from a import *`."""
    origin = frame.file.resolver.absolute("." * node.level + (node.module or ""))
    for alias in node.names:
        if alias.name == "*":
            _star(_module(m, frame.file, origin), frame)
        else:
            frame.names.values[alias.asname or alias.name] = _bound(m, frame, origin, alias.name)


def resolved(m: Machine, value: Value | None) -> Value | None:
    """A value that may wait for its import, which is carried out now."""
    if isinstance(value, Pending):
        if value.value is None:
            with m.apart():
                value.value = _imported(m, value.importer, value.dotted, value.name)
        return value.value
    if isinstance(value, Union) and any(isinstance(one, Pending) for one in value.alternatives):
        return join([one for one in (resolved(m, one) for one in value.alternatives) if one is not None])
    return value


def _bound(m: Machine, frame: Frame, dotted: str, name: str | None = None) -> Value:
    if m.is_lazy and not frame.names.is_class:
        return Pending(frame.file, dotted, name)
    return _imported(m, frame.file, dotted, name)


def _imported(m: Machine, importer: FileModel, dotted: str, name: str | None) -> Value:
    module = _module(m, importer, dotted)
    return module if name is None else _member(m, importer, module, dotted, name)


def _module(m: Machine, importer: FileModel, dotted: str) -> Value:
    found = m.find(importer, dotted)
    return m.load(found, dotted) if found is not None else External(dotted)


def _member(m: Machine, importer: FileModel, module: Value, origin: str, name: str) -> Value:
    value = resolved(m, module.names.get(name)) if isinstance(module, Module) else None
    return value if value is not None else _module(m, importer, f"{origin}.{name}")


def _star(module: Value, frame: Frame) -> None:
    names = frame.names.values
    if isinstance(module, Module):
        names.update({name: value for name, value in module.names.items() if not name.startswith("_")})
    elif isinstance(module, External):
        before = names.get(STARS)
        names[STARS] = module if before is None else External("")
