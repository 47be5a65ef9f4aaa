"""Reads which functions a project installs as commands: the console scripts of pyproject.toml, setup.cfg and setup.py.

Nothing is run; a file that cannot be read says nothing.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from tfguard.toml import TomlError, load_toml

#: `train = package.module:function`, of whose spelling only the target matters.
_TARGET = re.compile(r"(?:^|=)\s*([A-Za-z_][\w.]*):([A-Za-z_]\w*)\s*(?:\[.*\])?\s*$")
_LARGEST = 1_000_000


def find_scripts(root: Path) -> tuple[str, ...]:
    """The functions, as `package.module:function`, sorted."""
    found: set[str] = set()
    found.update(_pyproject(root / "pyproject.toml"))
    found.update(_setup_cfg(root / "setup.cfg"))
    found.update(_setup_py(root / "setup.py"))
    return tuple(sorted(found))


def _target(text: object) -> Iterator[str]:
    match = _TARGET.search(text) if isinstance(text, str) else None
    if match is not None:
        yield f"{match[1]}:{match[2]}"


def _pyproject(path: Path) -> Iterator[str]:
    try:
        document = load_toml(path) if path.is_file() else {}
    except (TomlError, OSError):
        return
    project, poetry = _table(document, "project"), _table(_table(document, "tool"), "poetry")
    points = _table(project, "entry-points")
    for table in (_table(project, "scripts"), _table(points, "console_scripts"), _table(poetry, "scripts")):
        for value in table.values():
            if isinstance(value, Mapping):  # Poetry: { reference = "package:main", type = "console" }
                value = value.get("reference", value.get("callable"))
            yield from _target(value)


def _table(document: Mapping[str, object], key: str) -> Mapping[str, object]:
    value = document.get(key)
    return value if isinstance(value, Mapping) else {}


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace") if path.is_file() and path.stat().st_size < _LARGEST else ""
    except OSError:
        return ""


def _setup_cfg(path: Path) -> Iterator[str]:
    text = _read(path)
    if "console_scripts" not in text:
        return
    import configparser

    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read_string(text)
    except configparser.Error:
        return
    for line in parser.get("options.entry_points", "console_scripts", fallback="").splitlines():
        yield from _target(line)


def _setup_py(path: Path) -> Iterator[str]:
    """The literals that stand anywhere in the file: `"train = package.module:function"`."""
    text = _read(path)
    if "console_scripts" not in text:
        return
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            for line in node.value.splitlines():
                if "=" in line:
                    yield from _target(line)
