"""`tfguard explain RULE`: the documentation of a rule, found by id, by name or by a run-time error."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from tfguard.errors import EXIT_CLEAN, EXIT_FAILURE

if TYPE_CHECKING:
    from tfguard.catalogue import Catalogue
    from tfguard.report.styled import Line
    from tfguard.rule import Rule


@click.command("explain")
@click.argument("rule", metavar="RULE")
@click.pass_context
def command(ctx: click.Context, /, rule: str) -> None:
    """Print what a rule finds, why it matters, and how safe its fix is.

    RULE is an id (TFG101), a name (unseeded-training), or a piece of a run-time error message in quotes: then the
    rules are listed that explain the error.
    """
    from tfguard.catalogue import load_catalogue
    from tfguard.cli.output import write_lines, write_remarks
    from tfguard.report.styled import line_of

    catalogue = load_catalogue()
    found = catalogue.find(rule)
    if found:
        write_lines(_iter_documentation(found), sys.stdout)
        ctx.exit(EXIT_CLEAN)
    explaining = find_explaining(catalogue, rule)
    if explaining:
        write_lines(_iter_matches(explaining), sys.stdout)
        ctx.exit(EXIT_CLEAN)
    write_remarks([line_of(f"error: no rule is called, and none explains: {rule}", "error")])
    write_remarks([line_of(_nearest(catalogue, rule))])
    ctx.exit(EXIT_FAILURE)


def find_explaining(catalogue: Catalogue, message: str) -> list[Rule]:
    """The rules that explain a run-time error, of which `message` is a piece or which is a piece of `message`."""
    words = _words(message)
    return [rule for rule in catalogue.rules if any(_is_about(_words(text), words) for text in rule.messages)]


def _is_about(known: list[str], given: list[str]) -> bool:
    """True if the longer of two texts holds nearly all words of the shorter one in their order."""
    from difflib import SequenceMatcher

    shorter = min(len(known), len(given))
    blocks = SequenceMatcher(None, known, given, autojunk=False).get_matching_blocks()
    common = sum(block.size for block in blocks)
    return 0 < shorter == common if shorter < 4 else common >= 0.75 * shorter


def _words(text: str) -> list[str]:
    import re

    return re.findall(r"[a-z0-9_]+", text.lower())


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


def _iter_matches(rules: list[Rule]) -> Iterator[Line]:
    for rule in rules:
        yield ((rule.id, "title"), (f" {rule.name}: {rule.summary}", ""))
    yield ()
    yield ((f"Read more with `tfguard explain {rules[0].id}`.", ""),)
