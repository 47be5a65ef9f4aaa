"""Import statements of a followed program: modules of the project are followed, libraries are names."""

from __future__ import annotations

import ast

from tfguard.analysis.flow.machine import Frame, Machine
from tfguard.analysis.flow.values import External, Module, Value

#: The key under which a body keeps the libraries that it has star-imported.
STARS = "*"


def import_names(m: Machine, node: ast.Import, frame: Frame) -> None:
    """`import a.b`, `import a.b as c`."""
    for alias in node.names:
        value = _module(m, frame, alias.name)
        if alias.asname is not None:
            frame.names.values[alias.asname] = value
        else:
            root = alias.name.partition(".")[0]
            frame.names.values[root] = value if root == alias.name else _module(m, frame, root)


def import_from(m: Machine, node: ast.ImportFrom, frame: Frame) -> None:
    """`from a import b`, `from . import c`, `from a import *`."""
    origin = frame.file.resolver.absolute("." * node.level + (node.module or ""))
    module = _module(m, frame, origin)
    for alias in node.names:
        if alias.name == "*":
            _star(module, frame)
        else:
            frame.names.values[alias.asname or alias.name] = _member(m, frame, module, origin, alias.name)


def _module(m: Machine, frame: Frame, dotted: str) -> Value:
    found = m.find(frame.file, dotted)
    return m.load(found, dotted) if found is not None else External(dotted)


def _member(m: Machine, frame: Frame, module: Value, origin: str, name: str) -> Value:
    if isinstance(module, Module):
        value = module.names.get(name)
        if value is not None:
            return value
        return _module(m, frame, f"{origin}.{name}")
    found = m.find(frame.file, f"{origin}.{name}")
    return m.load(found, f"{origin}.{name}") if found is not None else External(f"{origin}.{name}")


def _star(module: Value, frame: Frame) -> None:
    names = frame.names.values
    if isinstance(module, Module):
        names.update({name: value for name, value in module.names.items() if not name.startswith("_")})
    elif isinstance(module, External):
        before = names.get(STARS)
        names[STARS] = module if before is None else External("")
