"""The settings of a run: `[tool.tfguard]` or tfguard.toml, then the command line, as one frozen Config."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from tfguard.console_scripts import find_scripts
from tfguard.errors import ConfigError
from tfguard.launchers import pins_hash_seed
from tfguard.packages import find_packages
from tfguard.settings import SETTINGS, check_value, unknown_key
from tfguard.targets import Requirement, Target, choose_target, keras_of, parse_version
from tfguard.toml import TomlError, load_toml

#: Directories that are never entered; `exclude` adds to them.
DEFAULT_EXCLUDE = (
    ".bzr", ".direnv", ".eggs", ".git", ".git-rewrite", ".hg", ".ipynb_checkpoints", ".mypy_cache", ".nox",
    ".pants.d", ".pyenv", ".pytest_cache", ".pytype", ".ruff_cache", ".svn", ".tfguard_cache", ".tox", ".venv",
    ".vscode", "__pycache__", "__pypackages__", "_build", "buck-out", "build", "dist", "node_modules",
    "site-packages", "venv",
)  # fmt: skip

_ROOT_MARKS = (
    *("pyproject.toml", "setup.cfg", "setup.py", ".git", ".hg"),
    *("requirements.txt", "environment.yml", "Pipfile"),
)
_PATHS = ("baseline", "cache-dir")
#: What changes neither findings nor fixes.
_NOT_IN_FINGERPRINT = frozenset(
    {"root", "baseline", "jobs", "cache", "cache_dir", "origins", "exclude", "force_exclude", "unsafe_fixes"}
)


@dataclass(frozen=True, slots=True)
class Config:
    """All settings, resolved. `origins` says of each key where its value comes from."""

    root: str
    target: Target
    seed: int = 42
    #: "growth", a fraction of the GPU's memory (float) or megabytes (int).
    gpu_memory: str | float | int = "growth"
    #: How many threads one operation may use (TFG117 pins them), None to leave that alone.
    threads: int | None = None
    #: Rule ids, prefixes of ids or rule names; empty: every rule that is on by default.
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    extend_select: tuple[str, ...] = ()
    per_file_ignores: tuple[tuple[str, tuple[str, ...]], ...] = ()
    severity: tuple[tuple[str, str], ...] = ()
    #: Patterns as in .gitignore, in addition to DEFAULT_EXCLUDE.
    exclude: tuple[str, ...] = ()
    force_exclude: bool = False
    preamble: str = "inline"
    baseline: str | None = None
    unsafe_fixes: bool = False
    #: Worker processes; 0 is one a CPU.
    jobs: int = 0
    cache: bool = True
    cache_dir: str | None = None
    origins: tuple[tuple[str, str], ...] = ()
    #: Does a launcher of the project (a shell script, a Dockerfile) start Python with a fixed hash seed?
    is_hash_seed_pinned: bool = False
    #: The functions that the project installs as commands, as `package.module:function`.
    scripts: tuple[str, ...] = ()
    #: The packages that the project is the source of.
    packages: tuple[str, ...] = ()
    #: May a program be migrated but for names that have no successor? It stops where it reaches one; set by `run`.
    partial: bool = False

    def origin(self, key: str) -> str:
        """Where the value of a key (spelled as in TOML) comes from."""
        return dict(self.origins).get(key, "default")

    def fingerprint(self) -> str:
        """A digest of everything that changes what is found or fixed."""
        target = (self.target.tensorflow, self.target.keras, self.target.device)
        rest = [(f.name, getattr(self, f.name)) for f in fields(self) if f.name not in _NOT_IN_FINGERPRINT | {"target"}]
        return hashlib.blake2b(repr((target, rest)).encode(), digest_size=16).hexdigest()


def load_config(start: Path, overrides: Mapping[str, object], *, file: Path | None = None) -> Config:
    """The settings for files at `start`, from `file` or from the nearest file upwards.

    `overrides` are command line options by key; None is "not given".
    """
    start = Path(os.path.abspath(start))
    directory = start if start.is_dir() else start.parent
    found = _find_settings(directory) if file is None else _read_settings(Path(os.path.abspath(file)))
    is_around = found is not None and found[0].parent in (directory, *directory.parents)
    root = found[0].parent if found is not None and is_around else _find_root(directory)
    values: dict[str, object] = {}
    origins: dict[str, str] = {}
    if found:
        _take(values, origins, found[1], where=found[0].name, file=found[0])
    given = {key.replace("_", "-"): value for key, value in overrides.items() if value is not None}
    options = {key: value for key, value in given.items() if value != () and value != []}
    _take(values, origins, options, where="", file=None)
    target = _resolve_target(values, origins, directory, root)
    arguments = {key.replace("-", "_"): value for key, value in values.items() if key not in ("target", "device")}
    return Config(
        root=root.as_posix(),
        target=target,
        origins=tuple(sorted({**dict.fromkeys(SETTINGS, "default"), **origins}.items())),
        is_hash_seed_pinned=pins_hash_seed(root),
        scripts=find_scripts(root),
        packages=find_packages(root),
        **arguments,  # type: ignore[arg-type]  # checked value by value in settings.check_value
    )


def _take(
    values: dict[str, object], origins: dict[str, str], given: Mapping[str, object], *, where: str, file: Path | None
) -> None:
    for key, value in given.items():
        place = f"{file}: {key}" if file else f"--{key}"
        if key not in SETTINGS:
            raise ConfigError(unknown_key(str(file) if file else "command line", key))
        values[key] = check_value(key, value, place)
        if file is None and key in _PATHS:  # typed where the user stands, not where the project begins
            values[key] = os.path.abspath(str(value))
        origins[key] = where or f"--{key}"


def _read_settings(file: Path) -> tuple[Path, Mapping[str, object]]:
    """A file that was named: a pyproject.toml has its section, any other is all settings."""
    document = _load(file)
    if file.name == "pyproject.toml" or "tool" in document:
        return file, _section(file, document) or {}
    return file, document


def _find_settings(directory: Path) -> tuple[Path, Mapping[str, object]] | None:
    """The nearest tfguard.toml or pyproject.toml with [tool.tfguard], upwards."""
    for folder in (directory, *directory.parents):
        own = folder / "tfguard.toml"
        if own.is_file():
            return own, _load(own)
        shared = folder / "pyproject.toml"
        if shared.is_file():
            section = _section(shared, _load(shared))
            if section is not None:
                return shared, section
    return None


def _load(path: Path) -> dict[str, object]:
    try:
        return load_toml(path)
    except TomlError as error:
        raise ConfigError(f"{path}: this is not valid TOML: {error}") from error
    except OSError as error:
        raise ConfigError(f"{path}: the settings cannot be read: {error.strerror}") from error


def _section(path: Path, document: Mapping[str, object]) -> Mapping[str, object] | None:
    tool = document.get("tool")
    section = tool.get("tfguard") if isinstance(tool, Mapping) else None
    if section is not None and not isinstance(section, Mapping):
        raise ConfigError(f"{path}: tool.tfguard is not a table")
    return section


def _find_root(directory: Path) -> Path:
    """Without settings: the project around the working directory, or around the files where they lie outside."""
    here = Path.cwd()
    start = here if directory == here or here in directory.parents else directory
    return next((folder for folder in (start, *start.parents) if is_project(folder)), start)


def is_project(folder: Path) -> bool:
    """Does something in the folder say that a project begins there?"""
    return any((folder / mark).exists() for mark in _ROOT_MARKS)


def _resolve_target(values: dict[str, object], origins: dict[str, str], directory: Path, root: Path) -> Target:
    given = values.get("target")
    wanted: Mapping[str, str] = given if isinstance(given, Mapping) else {}
    read = choose_target([] if {"tensorflow", "keras"} <= wanted.keys() else _requirements(directory, root))
    tensorflow, keras = read.tensorflow, read.keras
    tensorflow_origin, keras_origin = read.tensorflow_origin, read.keras_origin
    place = origins.get("target", "")
    if "tensorflow" in wanted:
        tensorflow, tensorflow_origin = parse_version(wanted["tensorflow"], "tensorflow", place), place
        keras, keras_origin = keras_of(tensorflow), f"the Keras of TensorFlow {tensorflow[0]}.{tensorflow[1]}"
    if "keras" in wanted:
        keras, keras_origin = parse_version(wanted["keras"], "keras", place), place
    device = values.get("device", "auto")
    origins.setdefault("target", tensorflow_origin)
    return Target(tensorflow, keras, tensorflow_origin, keras_origin, read.device if device == "auto" else str(device))


def _requirements(directory: Path, root: Path) -> list[Requirement]:
    """Of the nearest directory between the files and the root that requires TensorFlow."""
    from tfguard.requirements import find_requirements

    last: list[Requirement] = []
    for folder in (directory, *directory.parents):
        found = find_requirements(folder)
        if any(requirement.is_tensorflow for requirement in found):
            return found
        last = last or found
        if folder == root:
            break
    return last
