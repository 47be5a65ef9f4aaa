"""Which packages a project itself is the source of: names below them are its own, not those of what is installed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path


def find_packages(root: Path) -> tuple[str, ...]:
    """The names of the packages at the root of a project (or in `src`), and of the package that the root lies in."""
    return tuple(sorted({*_packages_in(root), *_packages_in(root / "src"), *_package_around(root)}))


def _packages_in(folder: Path) -> Iterator[str]:
    try:
        with os.scandir(folder) as scan:
            yield from [entry.name for entry in scan if entry.name.isidentifier() and _is_package(entry.path)]
    except OSError:
        return


def _package_around(folder: Path) -> Iterator[str]:
    if _is_package(str(folder)):
        outer = next(above for above in folder.parents if not _is_package(str(above)))
        yield folder.relative_to(outer).parts[0]


def _is_package(folder: str) -> bool:
    """Has the folder an `__init__.py` that is not empty? An empty one may only make scripts importable."""
    try:
        return os.stat(os.path.join(folder, "__init__.py")).st_size > 1
    except OSError:
        return False
