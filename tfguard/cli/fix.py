"""`tfguard fix`: apply the fixes, or show what they would change."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from tfguard.cli.options import run_options

if TYPE_CHECKING:
    from tfguard.cli.publish import Presentation
    from tfguard.model import RunReport


@click.command("fix", short_help="Apply the fixes, or show them with --diff.")
@click.argument("paths", nargs=-1, type=click.Path())
@click.option("--diff", "only_diff", is_flag=True, help="Write nothing: print the changes as a patch for `git apply`.")
@click.option("--unsafe-fixes/--no-unsafe-fixes", default=None, help="Apply fixes, too, that may change results.")
@click.option("--show-fixes", is_flag=True, help="List every fix that was applied.")
@run_options
@click.pass_context
def command(ctx: click.Context, /, paths: tuple[str, ...], only_diff: bool, show_fixes: bool, **options: Any) -> None:
    """Apply all safe fixes to PATHS: files and folders of Python code and notebooks; the current folder by default.

    Files are replaced whole or not at all. What was done and what is left goes to stdout; with the path `-` the fixed
    text does. Exit codes: 0 nothing is left, 1 findings are left (with --diff: there are changes to make), 2 something
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
    shown = replace(publish.Presentation.of(options, paths), is_after_fix=not only_diff)
    config = resolve_config(paths, options)
    publish.announce(config, shown)
    stdin = read_stdin(paths, options["stdin_filename"])
    with show_progress(wanted=not shown.quiet) as progress:
        report = engine.fix(paths, config, write=not only_diff and stdin is None, stdin=stdin, progress=progress)
    if only_diff:
        ctx.exit(_show_diff(report, shown))
    if stdin is not None:
        ctx.exit(_print_fixed(report, stdin[1], shown))
    ctx.exit(_show_result(report, shown, show_fixes=show_fixes))


def _show_diff(report: RunReport, shown: Presentation) -> int:
    from tfguard.cli import publish
    from tfguard.cli.output import write_remarks
    from tfguard.errors import EXIT_CLEAN, EXIT_FAILURE, EXIT_FINDINGS
    from tfguard.report import changes, diff
    from tfguard.report.styled import line_of

    publish.print_report(diff, report, shown)
    publish.print_problems(report)
    if not shown.quiet:
        write_remarks([line_of(changes.describe(report), "title")])
    if report.all_problems:
        return EXIT_FAILURE
    return EXIT_FINDINGS if changes.is_pending(report) and not shown.exit_zero else EXIT_CLEAN


def _print_fixed(report: RunReport, before: bytes, shown: Presentation) -> int:
    """The whole text to stdout, changed or not, and the findings that are left to stderr."""
    from tfguard.cli import publish
    from tfguard.cli.output import write_exact, write_remarks
    from tfguard.report import text

    after = next((change.raw_after for change in report.changes), before)
    write_exact(after.decode("utf-8", "surrogateescape"), sys.stdout)
    write_remarks(text.iter_lines(report, shown.report_options))
    publish.print_remarks(report, shown)
    return publish.exit_code(report, shown)


def _show_result(report: RunReport, shown: Presentation, *, show_fixes: bool) -> int:
    from dataclasses import replace

    from tfguard.cli import publish
    from tfguard.cli.output import write_lines, write_remarks
    from tfguard.report import changes
    from tfguard.report.styled import line_of

    if shown.is_for_people:
        listing = replace(shown.report_options, verbose=show_fixes)
        write_lines(changes.iter_lines(report, listing), sys.stdout)
    publish.print_results(report, shown)
    if not shown.quiet:
        write_remarks([line_of(changes.describe(report), "title")])
    publish.print_remarks(report, shown)
    return publish.exit_code(report, shown)
