"""Where an event of a program stands, in the user's words (no rule)."""

from __future__ import annotations

import re

from tfguard.analysis.project import Event, ProjectFacts
from tfguard.model import Note, Span


def span_of(event: Event) -> Span:
    """The place of an event in its file."""
    return Span(event.item.start, event.item.end)


def written_at(facts: ProjectFacts, event: Event) -> str:
    """The function that is called, or what is written to, as the user spells it."""
    file = facts.open(event.path)
    span = span_of(event)
    call = next((call for call in file.calls if call.span == span), None)
    return on_one_line(call.written if call is not None else file.text_of(span).split("\n", 1)[0])


def on_one_line(text: str) -> str:
    """A chain over several lines as one."""
    return re.sub(r"\s*\n\s*", "", text)


def note_at(facts: ProjectFacts, event: Event, message: str) -> Note:
    """A note at an event."""
    line, column = facts.open(event.path).source.position(event.item.start)
    return Note(message, event.path, line, column)
