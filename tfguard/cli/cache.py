"""`tfguard cache clean`: forget what earlier runs found."""

from __future__ import annotations

import sys

import click

from tfguard.cli.options import resolve_config


@click.group("cache")
def command() -> None:
    """What tfguard remembers of files that did not change."""


@command.command("clean")
@click.argument("path", type=click.Path(), default=".")
@click.option("--cache-dir", type=click.Path(file_okay=False), metavar="DIR", help="Where the cache is.")
def clean(path: str, cache_dir: str | None) -> None:
    """Delete the cache of the project of PATH."""
    from tfguard import cache
    from tfguard.cli.output import write_lines
    from tfguard.report.styled import line_of

    freed = cache.clean(resolve_config((path,), {"cache_dir": cache_dir}))
    write_lines([line_of(f"Removed {freed / 1000:,.1f} kB." if freed else "There was nothing to remove.")], sys.stdout)
