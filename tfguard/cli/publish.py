"""From a report to what the user sees: results, remarks, exit code."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tfguard import __version__
from tfguard.cli.output import has_colour, write_exact, write_file, write_lines, write_remarks
from tfguard.errors import EXIT_CLEAN, EXIT_FAILURE, EXIT_FINDINGS
from tfguard.model import RunReport
from tfguard.report import text
from tfguard.report.options import ReportOptions, RuleDescription
from tfguard.report.styled import line_of

if TYPE_CHECKING:
    from types import ModuleType

    from tfguard.config import Config


@dataclass(frozen=True, slots=True)
class Presentation:
    """How a run is to be shown."""

    output_format: str = "text"
    output: str | None = None
    statistics: bool = False
    quiet: bool = False
    verbose: bool = False
    exit_zero: bool = False
    #: The paths as they were typed.
    arguments: tuple[str, ...] = ()
    is_after_fix: bool = False

    @classmethod
    def of(cls, options: dict[str, Any], arguments: tuple[str, ...]) -> Presentation:
        """From the parsed options of a command."""
        names = ("output_format", "output", "statistics", "quiet", "verbose", "exit_zero")
        return cls(**{name: options[name] for name in names}, arguments=arguments)

    @property
    def is_for_people(self) -> bool:
        """True for text on stdout."""
        return self.output_format == "text" and not self.output

    @property
    def report_options(self) -> ReportOptions:
        """What a reporter needs; only SARIF describes the rules, so only then they are loaded."""
        rules = _describe_rules() if self.output_format == "sarif" else ()
        return ReportOptions(__version__, rules, self.arguments, self.verbose, self.is_after_fix)


def announce(config: Config, shown: Presentation) -> None:
    """Say on stderr which versions are assumed and why; with --verbose also all settings that are not defaults."""
    if shown.quiet:
        return
    target = config.target
    name = f"TensorFlow {_version(target.tensorflow)} ({target.tensorflow_origin})"
    keras = f", Keras {_version(target.keras)} ({target.keras_origin})" if target.keras else ""
    write_remarks([line_of(f"Target: {name}{keras}.", "faint")])
    if shown.verbose:
        from tfguard.cli.config import iter_lines, list_settings

        write_remarks(iter_lines([setting for setting in list_settings(config) if setting[2] != "default"]))


def print_results(report: RunReport, shown: Presentation) -> None:
    """The findings in the chosen format, on stdout or in the chosen file."""
    print_report(_reporter(shown), report, shown)


def print_report(reporter: ModuleType, report: RunReport, shown: Presentation) -> None:
    """What a reporter makes of a report; formats for people have `iter_lines`, and colours on a terminal."""
    options = shown.report_options
    if shown.output:
        write_file(reporter.render(report, options), shown.output)
    elif hasattr(reporter, "iter_lines") and (reporter is text or has_colour(sys.stdout)):
        write_lines(reporter.iter_lines(report, options), sys.stdout)
    else:
        write_exact(reporter.render(report, options), sys.stdout)


def print_problems(report: RunReport) -> None:
    """What could not be checked and which fixes were refused, on stderr."""
    write_remarks(text.iter_problems(report))
    if report.changes:
        from tfguard.report import changes

        write_remarks(changes.iter_refusals(report))


def print_remarks(report: RunReport, shown: Presentation) -> None:
    """Problems, then the summary unless --quiet, on stderr."""
    from tfguard.report import summary

    print_problems(report)
    if not shown.quiet:
        write_remarks(summary.iter_lines(report, shown.report_options))


def exit_code(report: RunReport, shown: Presentation) -> int:
    """2 if something could not be checked, 1 if there are findings (hints do not count), else 0."""
    if report.all_problems:
        return EXIT_FAILURE
    from tfguard.report.counts import count

    return EXIT_FINDINGS if count(report).failing and not shown.exit_zero else EXIT_CLEAN


def _reporter(shown: Presentation) -> ModuleType:
    import importlib

    name = "statistics" if shown.statistics and shown.output_format == "text" else shown.output_format
    return importlib.import_module(f"tfguard.report.{name}")


def _describe_rules() -> tuple[RuleDescription, ...]:
    from tfguard.catalogue import load_catalogue

    return tuple(
        RuleDescription(rule.id, rule.name, rule.family, rule.severity, rule.summary, rule.documentation.strip())
        for rule in load_catalogue().rules
    )


def _version(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))
