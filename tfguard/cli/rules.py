"""`tfguard rules`: all rules in a table."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tfguard.report.styled import Line
    from tfguard.rule import Rule

_HEADER = ("Rule", "Name", "Family", "Severity", "Default", "What it finds")


@click.command("rules")
@click.option(
    "--format", "--output-format", "output_format", type=click.Choice(["text", "json", "markdown"]), default="text"
)
def command(output_format: str) -> None:
    """List all rules."""
    from tfguard.catalogue import load_catalogue
    from tfguard.cli.output import write_exact, write_lines

    rules = load_catalogue().rules
    if output_format == "text":
        write_lines(_iter_table(rules), sys.stdout)
    else:
        write_exact(render_json(rules) if output_format == "json" else render_markdown(rules), sys.stdout)


def render_json(rules: tuple[Rule, ...]) -> str:
    """A list of objects, documentation included."""
    from tfguard.report.json import dump

    return dump(
        [
            {
                "id": rule.id,
                "name": rule.name,
                "family": rule.family,
                "severity": rule.severity.value,
                "default": rule.default,
                "since": rule.since,
                "summary": rule.summary,
                "messages": list(rule.messages),
                "documentation": rule.documentation.strip(),
            }
            for rule in rules
        ]
    )


def render_markdown(rules: tuple[Rule, ...]) -> str:
    """A table with a line for each rule."""
    from tfguard.report.markdown import table

    rows = [(rule.id, f"`{rule.name}`", rule.family, _severity(rule), rule.summary) for rule in rules]
    header = ("Rule", "Name", "Family", "Severity", "What it finds")
    return "\n".join(table(header, rows)) + "\n"


def _severity(rule: Rule) -> str:
    return rule.severity.value if rule.default else f"{rule.severity.value}, off by default"


def _iter_table(rules: tuple[Rule, ...]) -> Iterator[Line]:
    rows = [
        (rule.id, rule.name, rule.family, rule.severity.value, "on" if rule.default else "off", rule.summary)
        for rule in rules
    ]
    widths = [max(len(row[column]) for row in [_HEADER, *rows]) for column in range(len(_HEADER) - 1)]
    for number, row in enumerate([_HEADER, *rows]):
        cells = "".join(f"{cell:<{width + 2}}" for cell, width in zip(row, widths, strict=False))
        yield ((cells + row[-1], "title" if number == 0 else ""),)
