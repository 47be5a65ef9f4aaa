"""Digests of files, by what they hold: archives by their members, without the times that they carry."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any, cast

from tfguard.runtime.trace import DIGEST_SIZE

#: Name and digest of a member.
Part = list[str]

_CHUNK = 1 << 20
#: The parts of the archive of a Keras model that hold what differs on every run: when it was saved, and the places of
#: objects in memory, of which only matters which are the same.
_KERAS, _SAVED, _SHARED = ("metadata.json", "config.json"), "date_saved", "shared_object_id"


def digest_file(path: Path) -> tuple[str, list[Part]]:
    """Of a file, and of its members where it is a zip archive (`.npz`, `.keras`)."""
    if path.is_symlink():
        return digest_chunks([b"link to ", os.readlink(path).encode()]), []
    if zipfile.is_zipfile(path):
        try:
            parts = digest_members(path)
        except (zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError):
            parts = []  # damaged, encrypted, or packed in a way that Python does not know: compared as it is
        if parts:
            return digest_chunks([json.dumps(parts).encode()]), parts
    if path.suffix == ".gz":
        try:
            with gzip.open(path) as stream:
                return digest_stream(cast("IO[bytes]", stream)), []
        except (OSError, EOFError, zlib.error):
            pass  # not what its name says: compared as it is
    with open(path, "rb") as stream:
        return digest_stream(stream), []


def digest_members(path: Path) -> list[Part]:
    """In the order of their names, by content alone."""
    with zipfile.ZipFile(path) as archive:
        return [[name, digest_member(archive, name)] for name in sorted(archive.namelist())]


def digest_member(archive: zipfile.ZipFile, name: str) -> str:
    """One member; of a Keras model's description all but dates and addresses."""
    if name in _KERAS:
        content = archive.read(name)
        try:
            document = json.loads(content)
        except ValueError:
            return digest_chunks([content])
        return digest_chunks([json.dumps(neutralise(document, {}), sort_keys=True).encode()])
    with archive.open(name) as stream:
        return digest_stream(stream)


def neutralise(value: Any, seen: dict[Any, int]) -> Any:
    """Without dates; addresses are numbered in the order in which they are met."""
    if isinstance(value, list):
        return [neutralise(item, seen) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        key: seen.setdefault(item, len(seen))
        if key == _SHARED and isinstance(item, (int, str))
        else neutralise(item, seen)
        for key, item in value.items()
        if key != _SAVED
    }


def digest_stream(stream: IO[bytes]) -> str:
    """Of what is left to read."""
    return digest_chunks(iter(lambda: stream.read(_CHUNK), b""))


def digest_chunks(chunks: Iterable[bytes]) -> str:
    """Of all of them, one after the other."""
    total = hashlib.blake2b(digest_size=DIGEST_SIZE)
    for chunk in chunks:
        total.update(chunk)
    return total.hexdigest()
