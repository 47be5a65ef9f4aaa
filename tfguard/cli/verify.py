"""`tfguard verify`: does a program compute the same twice, and if not, where and why does it part?"""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tfguard.cli.program import CONFIG_HELP, Program, ProgramCommand, read_program
from tfguard.errors import EXIT_CLEAN, EXIT_FINDINGS

if TYPE_CHECKING:
    from tfguard.cli.verdict import Verdict
    from tfguard.cli.verification import Options

_POSITIVE = click.FloatRange(min=0)
_FILE = click.Path(dir_okay=False)


@click.command("verify", cls=ProgramCommand)
@click.option("--runs", type=click.IntRange(1, 100), default=2, metavar="N", help="Fresh processes. Default: 2.")
@click.option("--python", metavar="PATH", help="The interpreter. Default: the active virtual environment's, else this.")
@click.option(
    "--diagnose/--no-diagnose", default=True, help="Find the cause by running again with remedies. Default: yes."
)
@click.option("--stdout/--no-stdout", default=False, help="Compare what is printed, too. Default: no.")
@click.option(
    "--files",
    multiple=True,
    metavar="PATTERN",
    help="Compare files that it writes: 'out/*.csv', 'model/**'. Repeatable.",
)
@click.option("--keep", metavar="FOLDER", help="Where --files leaves what the runs wrote. Default: a temporary folder.")
@click.option(
    "--tolerance", type=_POSITIVE, metavar="X", help="Take numbers for the same that differ by X of the largest."
)
@click.option("--absolute-tolerance", type=_POSITIVE, metavar="Y", help="Or that differ by Y.")
@click.option("--record", type=_FILE, metavar="FILE", help="Write the first run, and where it was made.")
@click.option(
    "--against", type=click.Path(exists=True, dir_okay=False), metavar="FILE", help="Compare with that run, too."
)
@click.option("--html", type=_FILE, metavar="FILE", help="Write a page that plots how the runs part.")
@click.option("--migrate", is_flag=True, help="Rewrite the program's sources in memory, as `tfguard run --migrate`.")
@click.option("--config", "config_file", type=_FILE, metavar="FILE", help=CONFIG_HELP)
@click.option("--timeout", type=_POSITIVE, metavar="SECONDS", help="Of each run. Default: none.")
@click.option("--format", "--output-format", "output_format", type=click.Choice(["text", "json"]), default="text")
@click.pass_context
def command(ctx: click.Context, /, **options: Any) -> None:
    """Run a program several times and compare the runs bit for bit.

    Each run is a fresh process with another hash seed (unless PYTHONHASHSEED is set) and another order of listed
    folders, so that what depends on them shows. Compared are the first value of every variable, and inputs, results and
    weights of every step: Keras' `fit`, custom loops with `tf.function` or `GradientTape`, `Session.run`, Estimators.
    Where runs differ, the first difference is named, and its cause found by running again with one remedy after the
    other, those first for which something was seen: three to twenty further runs. Where one remedy only moves the
    difference, the search goes on, and all causes that are needed are named. For a cause within an operation, the step
    is replayed operation by operation.

    \b
    tfguard verify train.py --epochs 1
    tfguard verify --html parting.html --files 'out/*.npz' train.py
    tfguard verify --record run.json train.py       here, and on another machine:
    tfguard verify --against run.json train.py

    With --tolerance X, two arrays agree where no recorded number differs by more than Y + X times the largest magnitude
    in either. Recorded are all values of arrays of up to eight; of larger ones the largest magnitude, the mean, the
    mean magnitude and eight values spread evenly. So arrays that agree within X in every value always pass. Of what is
    printed, each number counts for itself. Integers, strings and files are compared bit for bit.

    With --files, all runs start from the same files: those that match are copied before the first run and put back
    after each, and what a run wrote is moved to a folder that stays. Archives (.npz, .keras, .zip, .gz) are compared by
    what they hold, without the times in them.

    With --against, versions, hardware, threads, environment variables, sources and the git commit are compared, too,
    and what differs between there and here is named.

    Exit codes: 0 all runs the same, 1 they differ, 2 the program failed or there was nothing to compare. What the
    program prints is not shown.
    """
    verdict = verify_program(read_program(ctx, options["python"]), options)
    if options["html"] is not None:
        from tfguard.cli.divergence_page import render_page

        Path(options["html"]).write_text(render_page(verdict), encoding="utf-8")
    if options["output_format"] == "json":
        click.echo(json.dumps(verdict.to_json(), indent=2, sort_keys=True))
    else:
        for line in verdict.lines():
            click.echo(line)
    ctx.exit(EXIT_CLEAN if verdict.is_same else EXIT_FINDINGS)


def verify_program(program: Program, options: dict[str, Any]) -> Verdict:
    """The program as it is, or with the sources that `--migrate` makes of its own."""
    from tfguard.cli.migration import migrate_program
    from tfguard.cli.verification import Verification

    made = make_options(options)
    if not options["migrate"]:
        return Verification(program, made).verify()
    migrated = migrate_program(program, options["config_file"])
    for what, remedy in migrated.remarks:
        click.echo(f"tfguard: {what}; {remedy}", err=True)
    try:
        return Verification(program, replace(made, migrated=migrated)).verify()
    finally:
        os.remove(migrated.overlay)


def make_options(options: dict[str, Any]) -> Options:
    """Checked, with the two parts of the tolerance together."""
    from tfguard.cli.options import resolve_config
    from tfguard.cli.verification import Options
    from tfguard.runtime.magnitudes import Tolerance

    if options["keep"] is not None and not options["files"]:
        raise click.UsageError("--keep says where --files leaves what the runs wrote: give --files, too")
    relative, absolute = options["tolerance"], options["absolute_tolerance"]
    tolerance = None if relative is None and absolute is None else Tolerance(relative or 0.0, absolute or 0.0)
    names = ("runs", "diagnose", "record", "against", "stdout", "files", "keep", "timeout")
    seed = resolve_config((".",), {"config_file": options["config_file"]}).seed
    return Options(**{name: options[name] for name in names}, tolerance=tolerance, seed=seed)
