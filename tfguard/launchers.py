"""Reads which environment variables a project's own launchers set: shell scripts, Dockerfiles, Makefiles and the like.

Nothing is run; a file that cannot be read says nothing.
"""

from __future__ import annotations

import fnmatch
import os
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

#: What is asked for: Python reads it only when it starts, so that a launcher is the right place for it.
HASH_SEED = "PYTHONHASHSEED"

_FILES = (
    *("Dockerfile*", "*.dockerfile", "Makefile", "makefile", "GNUmakefile", "*.mk", "*.sh", "*.bash", "*.zsh", "*.bat"),
    *("*.cmd", "*.ps1", "docker-compose*.y*ml", "compose*.y*ml", ".env", "*.env", ".envrc", "Procfile", "justfile"),
    *("Justfile", "Taskfile.y*ml", "tox.ini", "noxfile.py", "*.slurm", "*.sbatch", "*.pbs", "environment.y*ml"),
)
_FOLDERS = (".", "bin", "docker", "script", "scripts", "run", "launch", "tools")
_LARGEST = 1_000_000
_MOST = 200
#: `NAME=0`, `NAME: 0` and `NAME 0` (of a Dockerfile); `random` pins nothing.
_SET = re.compile(rf"\b{HASH_SEED}\b[\"']?\s*[=:\s]\s*[\"']?(?P<value>[\w${{}}:.-]+)")


def pins_hash_seed(root: Path) -> bool:
    """Does a launcher of the project give Python a fixed hash seed?"""
    return any(_pins(path) for path in _launchers(root))


def _launchers(root: Path) -> Iterator[Path]:
    count = 0
    for folder in _FOLDERS:
        directory = root / folder
        try:
            names = sorted(os.listdir(directory))
        except OSError:
            continue
        for name in filter(_pattern().fullmatch, names):
            count += 1
            if count > _MOST:
                return
            yield directory / name


@lru_cache(maxsize=1)
def _pattern() -> re.Pattern[str]:
    return re.compile("|".join(map(fnmatch.translate, _FILES)))


def _pins(path: Path) -> bool:
    try:
        if not path.is_file() or path.stat().st_size > _LARGEST:
            return False
        text = path.read_bytes().decode("utf-8", "replace")
    except OSError:
        return False
    if HASH_SEED not in text:
        return False
    lines = (line for line in text.splitlines() if not line.lstrip().startswith("#"))
    return any(match["value"] != "random" for line in lines for match in _SET.finditer(line))
