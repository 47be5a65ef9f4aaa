"""`tfguard run`: a program with seeds, bounds and guards, without an edit of its source."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import click

from tfguard.cli.migration import migrate_program
from tfguard.cli.program import (
    CONFIG_HELP,
    OptionalValue,
    Program,
    ProgramCommand,
    make_environment,
    parse_gpu_memory,
    prepare_program,
    read_program,
)


@click.command("run", cls=ProgramCommand)
@click.option("--python", metavar="PATH", help="The interpreter. Default: the active virtual environment's, else this.")
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), metavar="N", help="Default: the setting `seed`, else 42.")
@click.option("--no-seed", is_flag=True, help="Seed nothing.")
@click.option(
    "--hash-seed", type=click.IntRange(0, 2**32 - 1), default=0, metavar="N", help="PYTHONHASHSEED. Default: 0."
)
@click.option(
    "--gpu-memory",
    metavar="LIMIT",
    callback=parse_gpu_memory,
    help="growth, a fraction (0.5) or megabytes (4096) of each GPU, or all. Default: the setting, else growth.",
)
@click.option("--threads", type=click.IntRange(1, 4096), metavar="N", help="Threads of TensorFlow and NumPy.")
@click.option(
    "--op-determinism",
    cls=OptionalValue,
    is_flag=False,
    flag_value="raise",
    type=click.Choice(["raise", "fallback"]),
    help="Deterministic kernels only. Without one an operation raises; with --op-determinism=fallback it is named and "
    "runs all the same. Default: no.",
)
@click.option("--no-op-determinism", is_flag=True, help="Whatever kernels are fastest, the default.")
@click.option("--guards/--no-guards", default=True, help="Guard merge_all and gradients that are None. Default: yes.")
@click.option("--migrate", is_flag=True, help="Rewrite sources of TF 1, Keras 1 and 2 and Python 2 in memory.")
@click.option("--zero-gradients", is_flag=True, help="Give zeros in the place of gradients that are None.")
@click.option(
    "--report", type=click.Path(dir_okay=False), metavar="FILE", help="Write what was done, and the versions."
)
@click.option("--config", "config_file", type=click.Path(dir_okay=False), metavar="FILE", help=CONFIG_HELP)
@click.option("--quiet", "-q", is_flag=True, help="Don't say what was done; what could not be done is said.")
@click.pass_context
def command(ctx: click.Context, /, **options: Any) -> None:
    """Run a program seeded, with bounded GPU memory and a guarded graph; its files are not touched.

    Starts a fresh interpreter with PYTHONHASHSEED set, and seeds Python's `random`, NumPy and TensorFlow (in graph mode
    every graph) when the program imports them. A seed that the program sets itself replaces this one. Works for
    TensorFlow 0.12 to 2.21 on Python 3.6 and later; tfguard need not be installed beside them: name the interpreter.

    \b
    tfguard run train.py --epochs 3
    tfguard run --threads 2 --op-determinism -m package.train
    tfguard run --python ~/envs/tf1/bin/python old_script.py
    tfguard run --migrate old_script.py

    With `--migrate` the program's files are rewritten as `tfguard fix` would (Python 2 is converted first), for the
    TensorFlow that the interpreter has, but in memory: tracebacks show the lines of the files, no bytecode is written.
    What cannot be rewritten is said and runs as it is. The reader of MNIST and parts of `tf.contrib` are provided.

    Exit code, signals, stdin, tracebacks, `sys.argv` and `__main__` are those of plain `python`. Options of tfguard
    stand before the program, everything after it is the program's. In a notebook, magics and shell lines are left out.
    """
    from tfguard.runtime.orders import Orders

    program = read_program(ctx, options["python"])
    settings = make_settings(options)
    migrated = migrate_program(program, options["config_file"]) if options["migrate"] else None
    report = options["report"]
    orders = Orders(
        settings,
        guards=options["guards"],
        zero_gradients=options["zero_gradients"],
        quiet=options["quiet"],
        report=os.path.abspath(report) if report is not None else None,
        overlay=migrated.overlay if migrated is not None else None,
        overlay_owner=os.getpid(),
    )
    environment = make_environment(orders.to_json(), hash_seed=settings.hash_seed, threads=settings.threads)
    environment |= migrated.variables if migrated is not None else {}
    become(migrated.prepare() if migrated is not None else prepare_program(program), environment)


def make_settings(options: dict[str, Any]) -> Any:
    """The options, then the settings of the project, then the defaults."""
    from tfguard.cli.options import resolve_config
    from tfguard.runtime.settings import Settings

    config = resolve_config((".",), {"config_file": options["config_file"]})
    seed = config.seed if options["seed"] is None else options["seed"]
    memory = config.gpu_memory if options["gpu_memory"] is None else options["gpu_memory"]
    return Settings(
        seed=None if options["no_seed"] else seed,
        gpu_memory=None if memory == "all" else memory,
        op_determinism=read_op_determinism(options),
        threads=options["threads"],
        hash_seed=options["hash_seed"],
    ).check()


def read_op_determinism(options: dict[str, Any]) -> bool | str:
    """As `setup` takes it."""
    wanted = options["op_determinism"]
    if wanted is None or options["no_op_determinism"]:
        return False
    return "fallback" if wanted == "fallback" else True


def become(program: Program, environment: dict[str, str]) -> None:
    """Put the program in the place of this process, so that signals and the exit code are its own."""
    sys.stdout.flush()
    sys.stderr.flush()
    if os.name == "nt":
        raise SystemExit(subprocess.call(program.command, env=environment))
    os.execve(program.python, program.command, environment)
