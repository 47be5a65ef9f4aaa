"""`tfguard check`: say what is wrong; nothing is changed, but for the files that --add-... options name."""

from __future__ import annotations

from typing import Any

import click

from tfguard.cli.options import run_options

_FILE = click.Path(dir_okay=False)


@click.command("check", short_help="Say what is wrong in files and folders.")
@click.argument("paths", nargs=-1, type=click.Path())
@run_options
@click.option("--add-baseline", type=_FILE, metavar="FILE", help="List all findings in a file for --baseline.")
@click.option("--add-ignores", is_flag=True, help="Write a comment that suppresses it behind every finding.")
@click.option("--reason", default="TODO: say why", metavar="TEXT", help="What --add-ignores gives as the reason.")
@click.pass_context
def command(ctx: click.Context, /, paths: tuple[str, ...], **options: Any) -> None:
    """Say what is wrong in PATHS: files and folders of Python code and notebooks; the current folder by default.

    Findings go to stdout, all else to stderr. Exit codes: 0 no findings (hints do not count), 1 findings, 2 something
    could not be checked.
    """
    from dataclasses import replace

    from tfguard import engine
    from tfguard.cli import publish
    from tfguard.cli.inputs import read_stdin, resolve_paths
    from tfguard.cli.options import reject_combinations, resolve_config
    from tfguard.cli.progress import show_progress

    reject_combinations(options)
    paths = resolve_paths(paths, options["stdin_filename"])
    shown = publish.Presentation.of(options, paths)
    config = resolve_config(paths, options)
    if options["add_baseline"]:
        config = replace(config, baseline=None)  # the new one lists what the old one did, too
    publish.announce(config, shown)
    stdin = read_stdin(paths, options["stdin_filename"])
    with show_progress(wanted=not shown.quiet) as progress:
        report = engine.check(paths, config, stdin=stdin, progress=progress)
    if options["add_baseline"]:
        from tfguard.cli.acceptance import write_baseline

        ctx.exit(write_baseline(report, options["add_baseline"]))
    if options["add_ignores"]:
        from tfguard.cli.acceptance import write_ignores

        ctx.exit(write_ignores(report, config, options["reason"]))
    publish.print_results(report, shown)
    publish.print_remarks(report, shown)
    ctx.exit(publish.exit_code(report, shown))
