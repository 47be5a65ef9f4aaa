"""x."""

from tfguard.cli.verdict import Verdict


def render_page(verdict: Verdict) -> str:
    """x."""
    return ""
