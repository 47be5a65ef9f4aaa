"""The `tfguard` command: finds the command's module, and turns errors into exit codes in one place."""

from __future__ import annotations

import importlib
import sys
from types import TracebackType
from typing import Any

import click

from tfguard import __version__
from tfguard.errors import EXIT_FAILURE, TfguardError

#: Where each command lives. Its module is imported when the command (or the list of all) is asked for.
COMMANDS = {
    "check": "tfguard.cli.check",
    "fix": "tfguard.cli.fix",
    "run": "tfguard.cli.run",
    "verify": "tfguard.cli.verify",
    "selfcheck": "tfguard.cli.selfcheck",
    "explain": "tfguard.cli.explain",
    "rules": "tfguard.cli.rules",
    "config": "tfguard.cli.config",
    "cache": "tfguard.cli.cache",
}


class LazyGroup(click.Group):
    """A group whose commands are imported on use."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order of `COMMANDS`, which is the order of the work."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, or None where there is none of that name."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(COMMANDS[cmd_name]).command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, with the nearest command in the message for an unknown one."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from difflib import get_close_matches

            near = get_close_matches(args[0], COMMANDS, n=1)
            hint = f"did you mean `tfguard {near[0]}`?" if near else f"the commands are {', '.join(COMMANDS)}"
            ctx.fail(f"no such command: {args[0]}; {hint}")
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; every error that tfguard raises on purpose becomes a message and exit code 2."""
        try:
            return super().invoke(ctx)
        except TfguardError as error:
            click.echo(f"error: {error}", err=True)
        except KeyboardInterrupt:
            click.echo("interrupted", err=True)
        return ctx.exit(EXIT_FAILURE)


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120},
    epilog="Exit codes: 0 nothing to say, 1 findings (or pending changes with `fix --diff`), "
    "2 tfguard could not do its job.",
)
@click.version_option(__version__, "-V", "--version", message="tfguard %(version)s")
def command_line() -> None:
    """Find and fix what keeps TensorFlow and Keras training code from reproducing, from sharing a GPU and from
    running on today's TensorFlow."""


def main() -> None:
    """Entry point of the console script and of `python -m tfguard`."""
    sys.excepthook = _report_bug
    command_line(prog_name="tfguard")


def _report_bug(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """An uncaught exception is our bug: say so and exit 2, because Python's own 1 would mean "findings"."""
    sys.__excepthook__(kind, error, trace)
    print("This is a bug of tfguard, not of your code: please report it with the lines above.", file=sys.stderr)  # noqa: T201
    raise SystemExit(EXIT_FAILURE)
