"""The incremental cache: JSON values under digests, in `.tfguard_cache` of the project.

A key holds all that a result depends on, so nothing is ever invalidated; old entries are dropped when there are too
many. Whatever cannot be read is as good as absent, and whatever cannot be written is not cached.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tfguard import __version__
from tfguard.config import Config

_TAG = "CACHEDIR.TAG"
_TAG_TEXT = b"Signature: 8a477f597d28d172789f06886806bc55\n# This directory is the cache of tfguard.\n"
_IGNORE_TEXT = b"# Made by tfguard.\n*\n"
_SHARD = re.compile(r"[0-9a-f]{2}")
_ENTRY = re.compile(r"[0-9a-f]{30}(?:\.json|\.\w+\.tmp)")
_LARGEST_ENTRY = 64_000_000
#: When the entries take more than this they are thinned out to three quarters, the oldest first.
_LARGEST_CACHE = 256_000_000
_MOST_ENTRIES = 20_000


class Cache:
    """Values by key in one directory; with `directory` None nothing is kept."""

    def __init__(self, directory: Path | None) -> None:
        self._directory = directory
        self._is_ready = False
        self._has_grown = False

    def get(self, key: str) -> Any:
        """The value, or None where there is none that is whole."""
        if self._directory is None:
            return None
        try:
            with open(self._path(key), "rb") as file:
                data = file.read(_LARGEST_ENTRY + 1)
            checksum, _, payload = data.partition(b"\n")
            return json.loads(payload) if checksum == _checksum(payload) else None
        except (OSError, ValueError, RecursionError):
            return None

    def put(self, key: str, value: Any) -> None:
        """Keep a JSON value; quietly does nothing where it cannot be written."""
        if self._directory is None:
            return
        payload = json.dumps(value, separators=(",", ":")).encode("ascii")
        if len(payload) < _LARGEST_ENTRY:
            with suppress(OSError):
                self._prepare(self._directory)
                _replace(self._path(key), _checksum(payload) + b"\n" + payload)
                self._has_grown = True

    def thin_out(self) -> None:
        """Drop the oldest entries where there are too many; called once, at the end of a run."""
        if self._directory is None or not self._has_grown:
            return
        with suppress(OSError):
            entries = sorted(_entries(self._directory))
            total = sum(size for _, size, _ in entries)
            if total <= _LARGEST_CACHE and len(entries) <= _MOST_ENTRIES:
                return
            left = len(entries)
            for _, size, path in entries:
                if total <= _LARGEST_CACHE * 3 // 4 and left <= _MOST_ENTRIES * 3 // 4:
                    break
                with suppress(OSError):
                    os.unlink(path)
                total, left = total - size, left - 1

    def _path(self, key: str) -> str:
        return f"{self._directory}/{key[:2]}/{key[2:]}.json"

    def _prepare(self, directory: Path) -> None:
        if self._is_ready:
            return
        directory.mkdir(parents=True, exist_ok=True)
        for name, text in ((_TAG, _TAG_TEXT), (".gitignore", _IGNORE_TEXT)):
            if not (directory / name).exists():
                _replace(str(directory / name), text)
        self._is_ready = True


def open_cache(config: Config) -> Cache:
    """The cache of a run; none where the settings say so."""
    return Cache(find_directory(config) if config.cache else None)


def clean(config: Config) -> int:
    """Remove the cache of a project; the number of bytes that this freed."""
    freed = 0
    for directory in (_project_directory(config), _user_directory(config)):
        if not (directory / _TAG).is_file() or (directory / _TAG).read_bytes() != _TAG_TEXT:
            continue  # nothing there, or not ours
        for _, size, path in list(_entries(directory)):
            os.unlink(path)
            freed += size
        for name in (_TAG, ".gitignore"):
            with suppress(FileNotFoundError):
                freed += (directory / name).stat().st_size
                (directory / name).unlink()
        for folder in [*(shard for shard in directory.iterdir() if _SHARD.fullmatch(shard.name)), directory]:
            with suppress(OSError):  # something else lies there
                folder.rmdir()
    return freed


def find_directory(config: Config) -> Path | None:
    """Where the cache is: as set, in the project, or of the user where the project cannot be written."""
    project = _project_directory(config)
    if project.is_symlink():
        return None  # a link that came with the project could lead anywhere
    if config.cache_dir or os.access(project if project.exists() else project.parent, os.W_OK):
        return project
    return _user_directory(config)


def _project_directory(config: Config) -> Path:
    return Path(config.root, config.cache_dir) if config.cache_dir else Path(config.root, ".tfguard_cache")


def _user_directory(config: Config) -> Path:
    if sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    elif sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "tfguard" / digest(config.root.encode())[:16]


def digest(data: bytes) -> str:
    """The name of some bytes: 32 hexadecimal digits."""
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def key_of(*parts: object) -> str:
    """A key from everything that a result depends on."""
    return digest("\0".join(map(str, parts)).encode("utf-8", "surrogatepass"))


def package_fingerprint() -> str:
    """What identifies this tfguard, its rules and tables and the Python that runs it.

    Size and modification time of every file of the package: right for editable installs too, and 20 times cheaper
    than reading the tables.
    """
    package = os.path.dirname(__file__)
    spec = find_spec("tfguard.rules")
    folders = sorted({package, *(spec.submodule_search_locations if spec and spec.submodule_search_locations else ())})
    files = sorted(row for folder in folders for row in _stats(folder))
    return key_of(__version__, sys.version, files)


def _stats(folder: str) -> Iterator[tuple[str, int, int]]:
    waiting = [folder]
    while waiting:
        with os.scandir(waiting.pop()) as scan:
            for entry in scan:
                if entry.is_dir():
                    if entry.name != "__pycache__":
                        waiting.append(entry.path)
                elif not entry.name.endswith((".pyc", ".md")):
                    status = entry.stat()
                    yield entry.path, status.st_size, status.st_mtime_ns


def _checksum(payload: bytes) -> bytes:
    return hashlib.blake2b(payload, digest_size=16).hexdigest().encode()


def _entries(directory: Path) -> Iterable[tuple[int, int, str]]:
    """(modification time, size, path) of every entry."""
    for shard in os.scandir(directory):
        if _SHARD.fullmatch(shard.name) and shard.is_dir(follow_symlinks=False):
            for entry in os.scandir(shard.path):
                if _ENTRY.fullmatch(entry.name):
                    status = entry.stat(follow_symlinks=False)
                    yield status.st_mtime_ns, status.st_size, entry.path


def _replace(path: str, data: bytes) -> None:
    """Whole or not at all, so that runs may share a cache; not synced: the checksum finds what a crash cut off."""
    import tempfile  # 8 ms, and a run that finds everything cached writes nothing

    directory, name = os.path.split(path)
    try:
        handle, temporary = tempfile.mkstemp(prefix=f"{name.removesuffix('.json')}.", suffix=".tmp", dir=directory)
    except FileNotFoundError:
        os.makedirs(directory, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=f"{name.removesuffix('.json')}.", suffix=".tmp", dir=directory)
    try:
        with open(handle, "wb") as file:
            file.write(data)
        os.replace(temporary, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)
        raise
