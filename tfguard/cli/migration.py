"""`--migrate`: rewrites a program's sources and hands them to the process that runs it."""

from __future__ import annotations

import glob
import json
import os
import re
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tfguard.cli.program import RUNTIME, Program, prepare_program
from tfguard.errors import ConfigError

if TYPE_CHECKING:
    from tfguard.config import Config
    from tfguard.migrating import Migration, RewrittenFile
    from tfguard.project_files import LoadedFile

_PREFIX = "tfguard-migrated-"
#: Asks an interpreter for its version and for what is installed beside it.
_PROBE = (
    "import json, os, sys; print(json.dumps([list(sys.version_info[:2]), [name for folder in sys.path"
    " if os.path.isdir(folder) for name in sorted(os.listdir(folder)) if name.endswith(('.dist-info', '.egg-info'))]]))"
)
_INSTALLED = re.compile(r"(?P<name>[\w.]+?)-(?P<version>\d[\w.!+]*)(?:-py[\d.]+)?\.(?:dist|egg)-info")
#: Makes `tf.keras`, and with it `tf.compat.v1.layers` and the cells, those of the package `tf_keras`.
_LEGACY_KERAS = "TF_USE_LEGACY_KERAS"
_OLDEST = (3, 6)
_SAFE = "what comes from stdin is run as it is; give the program as a file"


@dataclass(frozen=True, slots=True)
class Migrated:
    """A program, and the file that holds its rewritten sources."""

    program: Program
    overlay: str
    remarks: tuple[tuple[str, str], ...]
    #: What of the environment has to be set for it.
    variables: dict[str, str]
    #: What of the file that it starts in is rewritten: the file itself, or cells of a notebook.
    main: tuple[RewrittenFile, ...]

    def prepare(self) -> Program:
        """As it has to be started: a rewritten script by a runner; modules are found by the hooks of the shim."""
        kind, name, rest = _split(self.program)
        if name.endswith(".ipynb") and not kind:
            return prepare_program(self.program, {file.cell: _fields(file) for file in self.main})
        if not self.main or kind == "-m" or os.path.isdir(name):
            return self.program
        runner = str(RUNTIME / "migrated_runner.py")
        return Program(self.program.python, (runner, *([kind] if kind else []), name, *rest))


def migrate_program(program: Program, config_file: str | None) -> Migrated:
    """Rewrite what the program loads."""
    from tfguard.migrating import migrate
    from tfguard.runtime.overlay import COMMAND

    start = _script_of(program)
    config, has_legacy_keras = _config_for(program, start, config_file)
    entries, remarks = _read_entries(program, start, config)
    migration = migrate(entries, config, has_legacy_keras=has_legacy_keras)
    remarks += tuple((re.sub(r"^-c\.py:", f"{COMMAND}:", what), why) for what, why in migration.remarks)
    migration = replace(migration, remarks=remarks)
    name = entries[0].absolute if entries else ""
    main = tuple(file for file in migration.files if file.absolute == name)
    variables = {_LEGACY_KERAS: "1"} if migration.legacy_keras else {}
    return Migrated(program, write_overlay(program, migration), remarks, variables, main)


# -- where the program starts -------------------------------------------------------------------------------


def _split(program: Program) -> tuple[str, str, tuple[str, ...]]:
    """`-m`, `-c` or nothing, what is named by it, and the arguments of the program."""
    first, *rest = program.arguments
    if first[:2] in ("-m", "-c"):
        return (first[:2], first[2:], tuple(rest)) if len(first) > 2 else (first, rest[0], tuple(rest[1:]))
    return "", first, tuple(rest)


def _script_of(program: Program) -> str | None:
    """The file that the program starts in, where there is one."""
    kind, name, _ = _split(program)
    if kind == "-m":
        return _module_file(name)
    if kind == "-c" or name == "-":
        return None
    return os.path.join(name, "__main__.py") if os.path.isdir(name) else name


def _module_file(name: str) -> str | None:
    """Where a module lies, in the working directory or on PYTHONPATH."""
    for folder in (os.getcwd(), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))):
        base = os.path.join(folder, *name.split("."))
        for path in (f"{base}.py", os.path.join(base, "__main__.py")):
            if os.path.isfile(path):
                return path
    return None


def _read_entries(
    program: Program, start: str | None, config: Config
) -> tuple[list[LoadedFile], tuple[tuple[str, str], ...]]:
    from tfguard.migrating import load_code, load_entry
    from tfguard.project_files import Unreadable

    kind, name, _ = _split(program)
    if kind == "-c":
        return [load_code(name, config.root)], ()
    if start is None:
        return [], ((f"{name}: there is no file to rewrite", _SAFE),) if name == "-" else ()
    try:
        return [load_entry(start, config.root)], ()
    except Unreadable:
        return [], ()  # Python itself says so


def _config_for(program: Program, start: str | None, config_file: str | None) -> tuple[Config, bool]:
    """The settings around the program, for the libraries that its interpreter has; has it Keras 2 besides?"""
    from tfguard.cli.options import resolve_config
    from tfguard.targets import choose_target, read_requirement

    config = resolve_config((start or ".",), {"config_file": config_file})
    version, installed = probe(program.python)
    requirements = [r for line in installed if (r := read_requirement(line, program.python)) is not None]
    if version < _OLDEST:
        raise ConfigError(f"--migrate needs an interpreter of Python 3.6 or later, {program.python} is older")
    if any(requirement.is_tensorflow for requirement in requirements):
        config = replace(config, target=choose_target(requirements))
    return config, any(line.startswith("tf_keras==") for line in installed)


def probe(python: str) -> tuple[tuple[int, ...], list[str]]:
    """The version of an interpreter, and what is installed for it: `name==version`."""
    done = subprocess.run([python, "-c", _PROBE], stdout=subprocess.PIPE, check=False)
    try:
        version, names = json.loads(done.stdout.splitlines()[-1])
    except (ValueError, IndexError) as error:
        raise ConfigError(f"{python} is no interpreter that runs") from error
    found = (_INSTALLED.fullmatch(name) for name in names)
    return tuple(version), [f"{match['name']}=={match['version']}" for match in found if match is not None]


# -- how it is handed over ----------------------------------------------------------------------------------


def _fields(file: RewrittenFile) -> dict[str, Any]:
    """The fields of `runtime.overlay.Rewritten`."""
    from tfguard.runtime.overlay import digest_of

    fields = {name: getattr(file, name) for name in ("text", "lines", "python2", "floors")}
    return {"digest": digest_of(file.raw), **fields}


def write_overlay(program: Program, migration: Migration) -> str:
    """The rewritten sources, in a file that the program's first process reads and takes away."""
    from tfguard.runtime.overlay import COMMAND, Rewritten, dump_overlay

    remove_abandoned()
    is_command = _split(program)[0] == "-c"
    files: dict[str, Rewritten] = {}
    for file in migration.files:
        if file.cell:
            continue
        name = COMMAND if is_command and file.absolute.endswith("-c.py") else os.path.realpath(file.absolute)
        files[name] = Rewritten(**_fields(file))
    descriptor, path = tempfile.mkstemp(prefix=f"{_PREFIX}{os.getpid()}-", suffix=".json")
    with open(descriptor, "w", encoding="utf-8") as stream:
        stream.write(dump_overlay(files, [list(remark) for remark in migration.remarks], list(_say_done(migration))))
    return path


def _say_done(migration: Migration) -> Iterator[str]:
    count = len({file.absolute for file in migration.files})
    yield f"{count} file{'s' * (count > 1)} rewritten in memory" if count else "no file needs rewriting"
    if migration.legacy_keras:
        yield f"Keras 2 by {_LEGACY_KERAS}=1"


def remove_abandoned() -> None:
    """Files of programs that were killed, which could not take them away."""
    for path in _iter_abandoned():
        with suppress(OSError):
            os.remove(path)


def _iter_abandoned() -> Iterator[str]:
    for path in sorted(glob.glob(os.path.join(glob.escape(tempfile.gettempdir()), f"{_PREFIX}*.json"))):
        owner = Path(path).name.removeprefix(_PREFIX).split("-")[0]
        if owner.isdigit() and os.name == "posix" and not _is_running(int(owner)):
            yield path


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
