"""Styled lines as text with colours; the only module that imports rich, and only terminals reach it."""

from __future__ import annotations

import io
from collections.abc import Iterable

from rich.console import Console
from rich.text import Text
from rich.theme import Theme

from tfguard.report.styled import Line

THEME = Theme(
    {
        "path": "bold",
        "error": "bold red",
        "warning": "bold yellow",
        "hint": "bold cyan",
        "fixable": "cyan",
        "gutter": "blue",
        "underline": "bold red",
        "note": "bold",
        "help": "bold green",
        "added": "green",
        "removed": "red",
        "hunk": "cyan",
        "title": "bold",
        "faint": "dim",
    },
    inherit=False,
)


def render(lines: Iterable[Line]) -> str:
    """The lines with the escape codes of the terminal at hand; never wrapped, so the text is that of `plain`."""
    console = Console(file=io.StringIO(), theme=THEME, force_terminal=True, highlight=False, soft_wrap=True)
    with console.capture() as capture:
        for line in lines:
            console.print(Text.assemble(*line), soft_wrap=True)
    return capture.get()
