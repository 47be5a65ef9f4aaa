"""Real code to measure on: files of packages from PyPI, copied into trees in a temporary folder."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

#: Training code of today, of the years of TF 1, and code that TorchFix looks at. Wheels: nothing is built or run.
MODERN = ("tf-models-official==2.20.0", "keras-hub==0.32.0", "tensorflow-datasets==4.9.10")
LEGACY = ("tensor2tensor==1.15.7", "tensorforce==0.4.3", "tensorpack==0.9.8")
TORCH = ("pytorch-ignite==0.5.5", "torchmetrics==1.9.0")

_TENSORFLOW = (b"tensorflow", b"keras")


@dataclass(frozen=True, slots=True)
class Code:
    """The Python files below one folder, in an order that has nothing to do with what is in them."""

    folder: Path
    files: tuple[Path, ...]

    def mentioning(self, *words: bytes) -> Code:
        """The files that hold one of the words."""
        return Code(self.folder, tuple(f for f in self.files if any(word in f.read_bytes() for word in words)))

    def without(self, *words: bytes) -> Code:
        """The files that hold none of the words."""
        return Code(self.folder, tuple(f for f in self.files if not any(word in f.read_bytes() for word in words)))

    @property
    def of_tensorflow(self) -> Code:
        """The files that mention TensorFlow or Keras."""
        return self.mentioning(*_TENSORFLOW)

    @property
    def of_others(self) -> Code:
        """The files that mention neither."""
        return self.without(*_TENSORFLOW)


@dataclass(frozen=True, slots=True)
class Tree:
    """Copies of some files in a folder of their own."""

    folder: Path
    files: tuple[Path, ...]

    @property
    def megabytes(self) -> float:
        """The size of all files."""
        return sum(file.stat().st_size for file in self.files) / 1e6

    def __len__(self) -> int:
        return len(self.files)


def read_code(folder: Path) -> Code:
    """All Python files below a folder."""
    files = (file for file in folder.rglob("*.py") if file.is_file() and ".venv" not in file.parts)
    return Code(folder, tuple(sorted(files, key=lambda file: _shuffled(file.relative_to(folder)))))


def _shuffled(path: Path) -> bytes:
    return hashlib.sha256(path.as_posix().encode()).digest()


def make_tree(folder: Path, parts: Iterable[tuple[Code, int]]) -> Tree:
    """Copy the first files of each part, with the folders that they stand in; short parts give what they have."""
    copies: list[Path] = []
    for code, number in parts:
        for file in code.files[:number]:
            copy = folder / file.relative_to(code.folder)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, copy)
            copies.append(copy)
    return Tree(folder, tuple(sorted(copies)))


def fetch_packages(requirements: Sequence[str], downloads: Path, folder: Path) -> Code:
    """Unpack wheels from PyPI below a folder; they are neither installed nor run."""
    for requirement in requirements:
        name = requirement.partition("==")[0].replace("-", "_")
        if not list(downloads.glob(f"{name}-*.whl")):
            _download(requirement, downloads)
        (wheel,) = downloads.glob(f"{name}-*.whl")
        with zipfile.ZipFile(wheel) as archive:
            members = [member for member in archive.namelist() if member.endswith(".py")]
            archive.extractall(folder / name, members)
    return read_code(folder)


def _download(requirement: str, downloads: Path) -> None:
    options = ["--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary", ":all:"]
    subprocess.run([sys.executable, "-m", "pip", "download", *options, "--dest", downloads, requirement], check=True)
