"""The throw-away environment that tfguard and what it is compared with are installed in."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
#: TorchFix asks for libcst < 1.6 and works with the newest one, which is put in last.
_PEERS = ("fixit", "torchfix", "tensorflow")
_NOT_SOURCE = shutil.ignore_patterns(
    ".git", ".venv", "*.egg-info", "__pycache__", "build", "dist", ".*_cache", ".hypothesis", ".coverage*"
)
_SHOWN = ("tfguard", "libcst", "click", "fixit", "TorchFix", "tensorflow")


@dataclass(frozen=True, slots=True)
class Environment:
    """Where programs are started from."""

    programs: Path
    has_peers: bool

    @property
    def python(self) -> Path:
        """The interpreter."""
        return self.programs / ("python.exe" if os.name == "nt" else "python")

    @property
    def tfguard(self) -> Path:
        """The command that is measured."""
        return self.programs / "tfguard"

    def versions(self) -> dict[str, str]:
        """Name and version of what is measured, Python first."""
        script = (
            "import platform; from importlib import metadata; print('Python', platform.python_version())\n"
            f"for name in {_SHOWN!r}:\n"
            "    try: print(name, metadata.version(name))\n"
            "    except metadata.PackageNotFoundError: pass"
        )
        done = subprocess.run([self.python, "-c", script], check=True, capture_output=True, text=True)
        return dict(re.split(r" ", line, maxsplit=1) for line in done.stdout.splitlines())


def this_environment() -> Environment:
    """The one that runs this script: no peer but libcst and click is asked of it."""
    return Environment(Path(sys.executable).parent, has_peers=False)


def make_environment(folder: Path, work: Path) -> Environment:
    """An environment with the peers (kept when it is there already) and with tfguard as it is now."""
    programs = folder / ("Scripts" if os.name == "nt" else "bin")
    found = Environment(programs, has_peers=True)
    if not found.python.exists():
        venv.create(folder, with_pip=True)
        _install(found, *_PEERS)
        _install(found, "--no-deps", "--upgrade", "libcst")
    copy = work / "source"
    shutil.copytree(ROOT, copy, ignore=_NOT_SOURCE)
    _install(found, str(copy))
    return found


def _install(environment: Environment, *arguments: str) -> None:
    command = [environment.python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *arguments]
    subprocess.run(command, check=True)
