"""`verify --files`: what a program writes, compared between runs that all start from the same files.

Before the first run the files that match are copied. After each run those that are new or changed are moved into a
folder of that run, and what was there before is put back: so every run finds the same files, and after the last one all
is as it was. Nothing that was written is deleted; the folder with the files of the runs stays. Where `verify` itself is
killed, the copies are there too.
"""

from __future__ import annotations

import filecmp
import glob
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from tfguard.cli.file_digests import digest_file
from tfguard.errors import ConfigError

#: The folder of the copies that were made before the first run.
_BEFORE = "before"


class WrittenFiles:
    """The files that match some patterns, below the current folder or by absolute path."""

    def __init__(self, patterns: tuple[str, ...], keep: str | None) -> None:
        self.patterns = patterns
        self.folder = make_folder(keep)
        self.twins: dict[str, Path] = {}
        self.before = {name: self._copy(name) for name in self._matching()}
        self.folders = self._possible_folders()

    def collect(self, label: str) -> list[dict[str, Any]]:
        """Events of the files that a run left; then all is put back."""
        events = []
        found = self._matching()
        for name in found:
            digest, parts = digest_file(Path(name))
            events.append({"kind": "file", "name": name.replace(os.sep, "/"), "digest": digest, "parts": parts})
        for name in found:
            if name not in self.before or os.path.islink(name) or not is_equal(Path(name), self.before[name]):
                self._keep(name, label)
        self._remove_new_folders()
        self._put_back()
        return events

    def close(self) -> str | None:
        """Drop the copies, because all is in its place again; the folder of what the runs wrote, if they did."""
        self._put_back()
        if self.before:
            shutil.rmtree(self.folder / _BEFORE)
        if self.twins:
            return str(self.folder)
        self.folder.rmdir()
        return None

    def _matching(self) -> list[str]:
        """Names of files, in order; without what is kept itself."""
        names = {os.path.normpath(name) for pattern in self.patterns for name in glob.glob(pattern, recursive=True)}
        own = os.path.join(os.path.realpath(self.folder), "")
        files = [name for name in sorted(names) if os.path.isfile(name) or os.path.islink(name)]
        return [name for name in files if not os.path.realpath(name).startswith(own)]

    def _possible_folders(self) -> set[str]:
        """Those that exist and may hold matching files, or match themselves."""
        found: set[str] = set()
        for pattern in self.patterns:
            above = pattern
            while above not in ("", os.sep) and above != os.path.dirname(above):
                found.update(os.path.normpath(name) for name in glob.glob(above, recursive=True) if os.path.isdir(name))
                above = os.path.dirname(above)
        return found

    def _remove_new_folders(self) -> None:
        """The runs' own folders, as far as they are empty now: the next run shall find none, either."""
        for name in sorted(self._possible_folders() - self.folders, key=len, reverse=True):
            if not os.path.islink(name) and not os.listdir(name):
                os.rmdir(name)

    def _copy(self, name: str) -> Path:
        if os.path.islink(name):
            raise ConfigError(f"--files: {name} is a symbolic link; name plain files, so that they can be put back")
        copy = self._place(_BEFORE, name)
        shutil.copy2(name, copy)
        return copy

    def _put_back(self) -> None:
        """Each file that was there before the first run, where it is gone."""
        for name, copy in self.before.items():
            if not os.path.lexists(name):
                Path(name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(copy, name)

    def _keep(self, name: str, label: str) -> None:
        """Move it to the folder of its run; the same bytes twice take their place once."""
        place = self._place(label, name)
        shutil.move(name, place)
        if place.is_symlink():
            self.twins.setdefault(name + os.sep, place)
            return
        twin = self.twins.setdefault(name, place)
        if twin != place and is_equal(place, twin):
            linked = place.with_name(place.name + ".tfguard-link")
            try:
                os.link(twin, linked)
            except OSError:
                return
            os.replace(linked, place)

    def _place(self, label: str, name: str) -> Path:
        """Where it is kept: as it lies below the current folder, else by its whole path."""
        path = Path(os.path.abspath(name))
        here = Path(os.path.abspath("."))
        inside = path.relative_to(here) if path.is_relative_to(here) else path.relative_to(path.anchor)
        place = self.folder / label / inside
        place.parent.mkdir(parents=True, exist_ok=True)
        return place


def make_folder(keep: str | None) -> Path:
    """A new folder, or the one that was named, which has to be empty."""
    if keep is None:
        return Path(tempfile.mkdtemp(prefix="tfguard-files-"))
    folder = Path(keep).absolute()
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise ConfigError(f"--keep: {keep} is not empty")
    return folder


def is_equal(one: Path, other: Path) -> bool:
    """The same bytes?"""
    return filecmp.cmp(one, other, shallow=False)
