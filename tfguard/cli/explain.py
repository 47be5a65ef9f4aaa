"""`tfguard explain RULE`: the documentation of a rule, found by id, by name or by a run-time error."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from tfguard.errors import EXIT_CLEAN, EXIT_FAILURE

if TYPE_CHECKING:
    from tfguard.catalogue import Catalogue
    from tfguard.cli.errors_explained import Match
    from tfguard.report.styled import Line
    from tfguard.rule import Rule


@click.command("explain")
@click.argument("rule", metavar="RULE")
@click.pass_context
def command(ctx: click.Context, /, rule: str) -> None:
    """Print what a rule finds, why it matters, and how safe its fix is.

    RULE is an id (TFG101), a name (unseeded-training), or a run-time error message in quotes, a piece of one or a whole
    traceback (`-` reads it from stdin): then the rules are listed that explain the error, the most specific first.
    """
    from tfguard.catalogue import load_catalogue
    from tfguard.cli.errors_explained import find_matches, last_error
    from tfguard.cli.output import write_lines, write_remarks
    from tfguard.report.styled import line_of

    catalogue = load_catalogue()
    rule = sys.stdin.read() if rule == "-" else rule
    found = catalogue.find(rule)
    if found:
        write_lines(_iter_documentation(found), sys.stdout)
        ctx.exit(EXIT_CLEAN)
    matches = find_matches(catalogue.rules, rule)
    if matches:
        write_lines(_iter_matches(matches), sys.stdout)
        ctx.exit(EXIT_CLEAN)
    write_remarks([line_of(f"error: no rule is called, and none explains: {last_error(rule)}", "error")])
    write_remarks([line_of(_nearest(catalogue, rule))])
    ctx.exit(EXIT_FAILURE)


def _nearest(catalogue: Catalogue, text: str) -> str:
    from difflib import get_close_matches

    known = {key: rule for rule in catalogue.rules for key in (rule.id.lower(), rule.name)}
    near = get_close_matches(text.strip().lower().replace("_", "-"), known, n=1, cutoff=0.5)
    if not near:
        return "`tfguard rules` lists all rules"
    rule = known[near[0]]
    return f"did you mean {rule.id} ({rule.name})? `tfguard rules` lists all rules"


def _iter_documentation(rule: Rule) -> Iterator[Line]:
    yield ((f"{rule.id} {rule.name}", "title"),)
    state = "on by default" if rule.default else "off by default"
    yield ((f"{rule.family}, {rule.severity.value}, {state}, since {rule.since}", "faint"),)
    yield ()
    for line in rule.documentation.strip().splitlines():
        yield ((line, "title" if line.startswith("#") else ""),) if line else ()
    if rule.messages:
        yield ()
        yield (("## Errors that it explains", "title"),)
        for message in rule.messages:
            yield ((f"- {message}", ""),)


def _iter_matches(matches: list[Match]) -> Iterator[Line]:
    for match in matches:
        yield ((match.rule.id, "title"), (f" {match.rule.name}: {match.rule.summary}", ""))
        yield ((f"  explains: {match.message}", "faint"),)
    yield ()
    yield ((f"Read more with `tfguard explain {matches[0].rule.id}`.", ""),)
