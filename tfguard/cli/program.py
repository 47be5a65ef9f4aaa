"""The program that `run` and `verify` start: its command line, its interpreter, its environment."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from tfguard.errors import ConfigError

#: The folder of the shim, which the program's interpreter finds by PYTHONPATH.
RUNTIME = Path(__file__).resolve().parent.parent / "runtime"

#: Of the option that `run` and `verify` share with `check` and `fix`.
CONFIG_HELP = "Read the settings from this TOML file."

_PROGRAM_OPTIONS = ("-m", "-c")


class OptionalValue(click.Option):
    """An option whose value, if it has one, follows an equals sign, so that the program is never taken for it."""


class ProgramCommand(click.Command):
    """A command whose options end where the program begins: at SCRIPT, `-m MODULE`, `-c CODE` or `--`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Keep everything from the program on from being read as options of ours."""
        own, program = split_program(args, self._valued_options(ctx))
        ctx.meta["tfguard.program"] = tuple(program)
        return super().parse_args(ctx, own)

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        """The program is no argument of click's, so its place in the usage is written here."""
        return ["[OPTIONS]", "SCRIPT|NOTEBOOK|-m MODULE|-c CODE", "[ARGUMENTS]..."]

    def _valued_options(self, ctx: click.Context) -> frozenset[str]:
        options = [p for p in self.get_params(ctx) if isinstance(p, click.Option) and not isinstance(p, OptionalValue)]
        return frozenset(name for option in options if not option.is_flag for name in option.opts)


def split_program(args: Sequence[str], valued: frozenset[str]) -> tuple[list[str], list[str]]:
    """Our own options, and the program with its arguments."""
    position = 0
    while position < len(args):
        argument = args[position]
        if argument == "--":
            return list(args[:position]), list(args[position + 1 :])
        if argument.startswith(_PROGRAM_OPTIONS) and not argument.startswith("--"):
            return list(args[:position]), list(args[position:])
        if not argument.startswith("-") or argument == "-":
            return list(args[:position]), list(args[position:])
        position += 2 if argument in valued else 1
    return list(args), []


@dataclass(frozen=True, slots=True)
class Program:
    """What is handed to the interpreter."""

    python: str
    arguments: tuple[str, ...]

    @property
    def command(self) -> list[str]:
        """The interpreter, then its arguments."""
        return [self.python, *self.arguments]


def read_program(ctx: click.Context, python: str | None) -> Program:
    """The program of a command line; a notebook becomes a run of its cells."""
    arguments: tuple[str, ...] = ctx.meta["tfguard.program"]
    if not arguments or (arguments[0] in _PROGRAM_OPTIONS and len(arguments) < 2):
        raise click.UsageError("name a program: SCRIPT, NOTEBOOK, -m MODULE or -c CODE", ctx)
    return Program(find_python(python), arguments)


def prepare_program(program: Program, rewritten: Mapping[int, dict[str, Any]] | None = None) -> Program:
    """The program as Python takes it; called once for every process, because a notebook's cells are read once.

    `rewritten` holds the cells that run rewritten, by their number.
    """
    path = program.arguments[0]
    if not path.endswith(".ipynb"):
        return program
    return Program(
        program.python,
        (str(RUNTIME / "notebook_runner.py"), write_cells(path, rewritten or {}), *program.arguments[1:]),
    )


def write_cells(path: str, rewritten: Mapping[int, dict[str, Any]]) -> str:
    """The notebook's cells, magics masked, in a file that the runner reads and deletes."""
    import tempfile

    from tfguard.source import decode

    try:
        source = decode(path, Path(path).read_bytes())
    except OSError as error:
        raise ConfigError(f"can't open {path}: {error.strerror}") from error
    numbers = [source.cell_of(span.start) or number for number, span in enumerate(source.parts, 1)]
    cells = [
        [number, source.text[span.start : span.end], rewritten.get(number)]
        for number, span in zip(numbers, source.parts, strict=True)
    ]
    descriptor, name = tempfile.mkstemp(prefix="tfguard-cells-", suffix=".json")
    with open(descriptor, "w", encoding="utf-8") as stream:
        json.dump({"path": path, "cells": cells}, stream)
    return name


def find_python(python: str | None) -> str:
    """The interpreter that was named, else the active virtual environment's, else this one."""
    import shutil

    if python is not None:
        found = shutil.which(python)
        if found is None:
            raise ConfigError(f"--python: there is no interpreter {python}")
        return found
    environment = os.environ.get("VIRTUAL_ENV")
    if environment:
        place = Path(environment, "Scripts", "python.exe") if os.name == "nt" else Path(environment, "bin", "python")
        if place.exists():
            return str(place)
    return sys.executable


def make_environment(orders_json: str, *, hash_seed: int | None, threads: int | None) -> dict[str, str]:
    """This environment with the shim in it, and with what has to be set before an interpreter starts."""
    from tfguard.runtime.orders import FIRST, VARIABLE
    from tfguard.runtime.shim import THREAD_VARIABLES
    from tfguard.runtime.telling import TOLD

    environment = {key: value for key, value in os.environ.items() if key not in (FIRST, TOLD)}
    paths = [str(RUNTIME / "inject"), *filter(None, [environment.get("PYTHONPATH")])]
    environment["PYTHONPATH"] = os.pathsep.join(paths)
    environment[VARIABLE] = orders_json
    if hash_seed is not None:
        environment["PYTHONHASHSEED"] = str(hash_seed)
    if threads is not None:
        environment |= {name: str(threads) for name in THREAD_VARIABLES}
    return environment


def parse_gpu_memory(ctx: click.Context, parameter: click.Parameter, value: str | None) -> Any:
    """`growth`, a fraction, megabytes, or `all` for TensorFlow's own way."""
    from tfguard.runtime.settings import check_gpu_memory

    if value is None or value == "all":
        return value
    read: Any = value
    try:
        read = float(value) if "." in value else int(value)
    except ValueError:
        read = value
    try:
        check_gpu_memory(read)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error
    return read
