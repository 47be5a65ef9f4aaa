"""What a reporter is told besides the report itself."""

from __future__ import annotations

from dataclasses import dataclass

from tfguard.model import Severity


@dataclass(frozen=True, slots=True)
class RuleDescription:
    """What a reporter may say of a rule."""

    id: str
    name: str
    family: str
    severity: Severity
    summary: str
    documentation: str


@dataclass(frozen=True, slots=True)
class ReportOptions:
    """Settings of the output; nothing in here changes what was found."""

    version: str = ""
    #: Only the SARIF reporter reads these.
    rules: tuple[RuleDescription, ...] = ()
    #: What the user typed behind the command, for the next command that the summary proposes.
    arguments: tuple[str, ...] = ()
    verbose: bool = False
    #: Did `fix` run, so that what can be fixed and is left was refused, and another run would refuse it too?
    is_after_fix: bool = False
