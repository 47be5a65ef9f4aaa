"""Files are replaced whole or not at all: a kill at any moment leaves the old bytes or the new ones."""

from __future__ import annotations

import os
import stat
import tempfile
from contextlib import suppress

from tfguard.errors import GateError


def write_atomically(path: str | os.PathLike[str], data: bytes, *, expected: bytes | None) -> None:
    """Replace a file that still holds `expected` (None: that is not there yet); its mode and its links stay.

    Raises GateError where the file has changed since it was read, OSError where it cannot be written.
    """
    target = os.path.realpath(path)
    _require_unchanged(target, expected)
    directory = os.path.dirname(target)
    handle, temporary = tempfile.mkstemp(prefix=".tfguard-", suffix=".tmp", dir=directory)
    try:
        with open(handle, "wb") as file:
            file.write(data)
            file.flush()
            _copy_ownership(target, temporary)
            os.fsync(file.fileno())
        _require_unchanged(target, expected)
        os.replace(temporary, target)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)
        raise
    _sync_directory(directory)


def _require_unchanged(target: str, expected: bytes | None) -> None:
    try:
        with open(target, "rb") as file:
            current: bytes | None = file.read()
    except FileNotFoundError:
        current = None
    if current != expected:
        raise GateError("the file changed on disk while tfguard was at work; nothing was written, run tfguard again")


def _copy_ownership(target: str, temporary: str) -> None:
    """Mode bits always; owner and group as far as the user may set them."""
    try:
        status = os.stat(target)
    except FileNotFoundError:
        os.chmod(temporary, 0o666 & ~_umask())
        return
    if hasattr(os, "chown") and (status.st_uid, status.st_gid) != (os.getuid(), os.getgid()):
        with suppress(OSError):
            os.chown(temporary, status.st_uid, status.st_gid)
    os.chmod(temporary, stat.S_IMODE(status.st_mode))


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _sync_directory(directory: str) -> None:
    """Make the new name last; where directories cannot be opened (Windows) there is nothing to do."""
    with suppress(OSError):
        handle = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
