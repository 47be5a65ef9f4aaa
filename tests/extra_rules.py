"""Rules made up for a test, run by the real engine beside the real ones."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest

from tfguard import worker
from tfguard.analysis.file_model import FileModel
from tfguard.catalogue import Catalogue, load_catalogue
from tfguard.model import Edit, Finding, Fix, Safety, Severity, Span
from tfguard.rule import Rule

#: From a match to (new text, title), or None for a finding without a fix.
Mend = Callable[[re.Match[str]], str | None]


def text_rule(
    number: int, pattern: str, mend: Mend, *, safety: Safety = Safety.SAFE, phase: int = 1, mentions: str = "x"
) -> Rule:
    """A rule that finds a pattern in the text and replaces what it matches."""
    rule = Rule(f"tests.made_up.rule_{number}", id=f"TFG{number}", severity=Severity.WARNING, since="0.1")

    @rule.on_file(mentions=mentions)
    def check(file: FileModel) -> Iterator[Finding]:
        for match in re.finditer(pattern, file.source.text):
            new = mend(match)
            edit = Edit(Span(*match.span()), new or "")
            fix = Fix("Mend it", (edit,), safety, phase) if new is not None else None
            yield rule.finding((file, Span(*match.span())), f"`{match[0]}` is not wanted", fix=fix)

    return rule


@pytest.fixture
def add_rules(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Add rules to the catalogue of this process for one test."""

    def add(*rules: Rule) -> None:
        real = load_catalogue()
        together = Catalogue(tuple(sorted([*real.rules, *rules], key=lambda rule: rule.id)))
        monkeypatch.setattr(worker, "load_catalogue", lambda: together)
        worker.load_setup.cache_clear()

    yield add
    worker.load_setup.cache_clear()
