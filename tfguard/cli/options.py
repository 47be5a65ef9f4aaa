"""The options that `check` and `fix` share, and their way into a Config."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from tfguard.config import Config

FORMATS = ("text", "json", "sarif", "github", "gitlab", "junit", "markdown")

_Command = TypeVar("_Command", bound=Callable[..., Any])

#: Options that are settings too: given here, they beat the configuration file.
_SETTINGS = (
    "select",
    "ignore",
    "extend_select",
    "exclude",
    "force_exclude",
    "target",
    "seed",
    "gpu_memory",
    "device",
    "jobs",
    "cache",
    "cache_dir",
    "baseline",
    "unsafe_fixes",
)

#: Settings whose values are paths.
_PATHS = frozenset({"baseline", "cache_dir"})

_FILE = click.Path(dir_okay=False)
_TARGET = "`2.21`, or `keras==3.15` for Keras. Default: what the project requires, else the newest."
_RULES = "Ids, beginnings of ids, names or families of rules, with commas between them."

_OPTIONS = (
    # what to look for
    click.option("--select", multiple=True, metavar="RULES", help=f"The rules to run. {_RULES}"),
    click.option("--ignore", multiple=True, metavar="RULES", help="Rules to leave out."),
    click.option("--extend-select", multiple=True, metavar="RULES", help="Rules to run besides the selected ones."),
    click.option("--target", metavar="VERSION", help=f"The TensorFlow to check for. {_TARGET}"),
    click.option("--seed", type=int, metavar="N", help="The seed that fixes put in. Default: 42."),
    click.option("--gpu-memory", metavar="LIMIT", help="What fixes allow: growth (default), a fraction, or megabytes."),
    click.option("--device", type=click.Choice(["auto", "cpu", "gpu"]), help="What the code runs on. Default: auto."),
    # where to look
    click.option("--exclude", multiple=True, metavar="PATTERNS", help="What to leave out, as in .gitignore."),
    click.option("--force-exclude/--no-force-exclude", default=None, help="Apply `exclude` to named files, too."),
    click.option("--stdin-filename", metavar="NAME", help="The name of what is read from stdin (path `-`)."),
    click.option("--baseline", type=_FILE, metavar="FILE", help="Leave out the findings that this file lists."),
    click.option("--config", "config_file", type=_FILE, metavar="FILE", help="Read the settings from this TOML file."),
    # how to say it
    click.option("--format", "--output-format", "output_format", type=click.Choice(FORMATS), default="text"),
    click.option("-o", "--output", "--output-file", type=_FILE, metavar="FILE", help="Write the results there."),
    click.option("--statistics", is_flag=True, help="Print how many findings each rule has, instead of the findings."),
    click.option("--exit-zero", is_flag=True, help="Exit 0 even if there are findings."),
    click.option("-q", "--quiet", is_flag=True, help="Print results and errors only."),
    click.option("-v", "--verbose", is_flag=True, help="Say on stderr which settings are in force."),
    # how to work
    click.option("-j", "--jobs", type=int, metavar="N", help="Worker processes. Default: one a CPU."),
    click.option("--no-cache", "cache", flag_value=False, type=bool, default=None, help="Do not use the cache."),
    click.option("--cache-dir", type=click.Path(file_okay=False), metavar="DIR", help="Where the cache is."),
)


def run_options(command: _Command) -> _Command:
    """Decorate a command with the options of every run, in the order of `_OPTIONS`."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def reject_combinations(options: dict[str, Any]) -> None:
    """Refuse options that contradict each other."""
    if options["statistics"] and options["output_format"] not in ("text", "json"):
        raise click.UsageError("--statistics goes with --format text (and json, whose summary counts rules anyway)")
    if options["quiet"] and options["verbose"]:
        raise click.UsageError("--quiet and --verbose contradict each other")


def resolve_config(paths: tuple[str, ...], options: dict[str, Any]) -> Config:
    """The settings for the given paths: the file nearest to them, then the options."""
    from tfguard.config import load_config

    overrides = {key: options[key] for key in _SETTINGS if options.get(key) not in (None, ())}
    for key in _PATHS & overrides.keys():  # of an option relative to where it is typed, of a setting to the project
        overrides[key] = os.path.abspath(overrides[key])
    file = options.get("config_file")
    return load_config(common_folder(paths), overrides, file=Path(file) if file else None)


def common_folder(paths: tuple[str, ...]) -> Path:
    """The deepest path that holds all given ones."""
    absolute = [os.path.abspath(path) for path in paths] or [os.getcwd()]
    try:
        return Path(os.path.commonpath(absolute))
    except ValueError:  # different drives
        return Path.cwd()
