"""`tfguard config`: the settings in force, and where each comes from."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import click

from tfguard.cli.options import resolve_config

if TYPE_CHECKING:
    from tfguard.config import Config
    from tfguard.report.styled import Line

#: (key, value, origin)
Setting = tuple[str, Any, str]


@click.command("config")
@click.argument("path", type=click.Path(), default=".")
@click.option(
    "--config", "config_file", type=click.Path(exists=True, dir_okay=False), metavar="FILE", help="Read this TOML file."
)
@click.option("--target", metavar="VERSION", help="As in `tfguard check`.")
@click.option("--format", "--output-format", "output_format", type=click.Choice(["text", "json"]), default="text")
def command(path: str, config_file: str | None, target: str | None, output_format: str) -> None:
    """Print every setting that holds for PATH, its value, and where the value comes from."""
    from tfguard.cli.output import write_exact, write_lines
    from tfguard.report.json import dump

    config = resolve_config((path,), {"config_file": config_file, "target": target})
    settings = list_settings(config)
    if output_format == "json":
        write_exact(dump({key: {"value": value, "origin": origin} for key, value, origin in settings}), sys.stdout)
    else:
        write_lines(iter_lines(settings), sys.stdout)


def iter_lines(settings: list[Setting]) -> Iterator[Line]:
    """`key = value`, TOML-like, with the origin as a comment."""
    shown = [(f"{key} = {_show(value)}", origin) for key, value, origin in settings]
    width = max(len(text) for text, _ in shown)
    for text, origin in shown:
        yield ((f"{text:<{width}}", ""), (f"  # {origin}", "faint"))


def list_settings(config: Config) -> list[Setting]:
    """All settings, sorted by key."""
    return sorted(_iter_settings(config), key=lambda setting: setting[0])


def _iter_settings(config: Config) -> Iterator[Setting]:
    target = config.target
    yield "target.tensorflow", _version(target.tensorflow), target.tensorflow_origin
    yield "target.keras", _version(target.keras), target.keras_origin
    yield "target.device", target.device, config.origin("device")
    yield "root", config.root, "the project's folder"
    for field in fields(config):
        if field.name not in ("target", "origins", "root"):
            key = field.name.replace("_", "-")
            yield key, getattr(config, field.name), config.origin(key)


def _version(version: tuple[int, ...] | None) -> str | None:
    return ".".join(map(str, version)) if version else None


def _show(value: object) -> str:
    import json

    if value is None:
        return "(none)"
    return json.dumps(value, ensure_ascii=False)
