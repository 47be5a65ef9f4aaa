"""The group: help, version, unknown commands, errors, and what is imported when."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from click.testing import Result

from tfguard import __version__
from tfguard.cli import main

Tfguard = Callable[..., Result]

HEAVY = ("rich", "libcst", "tensorflow", "numpy", "tfguard.rules", "tfguard.analysis", "tfguard.report.terminal")


def run_python(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "FORCE_COLOR")}
    return subprocess.run(
        [sys.executable, *arguments], cwd=cwd, env=kept | environment, capture_output=True, text=True, check=False
    )


def imported_by(*arguments: str, cwd: Path) -> set[str]:
    """The modules that a run of tfguard imports."""
    done = run_python("-X", "importtime", "-m", "tfguard", *arguments, cwd=cwd)
    return {line.rsplit("|", 1)[1].strip() for line in done.stderr.splitlines() if line.startswith("import time:")}


def is_heavy(module: str) -> bool:
    return any(module == heavy or module.startswith(f"{heavy}.") for heavy in HEAVY)


def test_version(tfguard: Tfguard) -> None:
    for option in ("--version", "-V"):
        result = tfguard(option)
        assert (result.exit_code, result.stdout) == (0, f"tfguard {__version__}\n")


def test_help_tells_commands_and_exit_codes(tfguard: Tfguard) -> None:
    result = tfguard("--help")
    assert result.exit_code == 0
    positions = [result.stdout.index(f"  {command} ") for command in main.COMMANDS]
    assert positions == sorted(positions)
    assert "Exit codes: 0" in result.stdout


@pytest.mark.parametrize("command", ["check", "fix"])
def test_help_of_commands_tells_exit_codes(tfguard: Tfguard, command: str) -> None:
    result = tfguard(command, "--help")
    assert result.exit_code == 0
    assert "Exit codes: 0" in " ".join(result.stdout.split())
    for option in ("--select", "--ignore", "--extend-select", "--exclude", "--format", "--output", "--exit-zero"):
        assert option in result.stdout


def test_module_runs_like_the_script(tmp_path: Path) -> None:
    done = run_python("-m", "tfguard", "--version", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"tfguard {__version__}\n", "")


def test_unknown_command_gets_the_nearest(tfguard: Tfguard) -> None:
    result = tfguard("chekc")
    assert result.exit_code == 2
    assert "did you mean `tfguard check`?" in result.stderr
    result = tfguard("frobnicate")
    assert result.exit_code == 2
    assert "the commands are check, fix, " in result.stderr


def test_completion_may_ask_for_commands_that_are_none() -> None:
    with click.Context(main.command_line) as ctx:
        assert main.command_line.get_command(ctx, "chekc") is None


def test_unknown_option_is_exit_2(tfguard: Tfguard) -> None:
    result = tfguard("check", "--selct", "TFG1")
    assert result.exit_code == 2
    assert "--select" in result.stderr


def test_interruption_is_exit_2(tfguard: Tfguard, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("tfguard.catalogue.load_catalogue", interrupt)
    result = tfguard("rules")
    assert (result.exit_code, result.stdout, result.stderr) == (2, "", "interrupted\n")


def test_uncaught_exception_is_exit_2_and_called_a_bug(tmp_path: Path) -> None:
    code = (
        "import sys, tfguard.catalogue\n"
        "from tfguard.cli.main import main\n"
        "tfguard.catalogue.load_catalogue = lambda: 1 / 0\n"
        "sys.argv = ['tfguard', 'rules']\n"
        "main()\n"
    )
    done = run_python("-c", code, cwd=tmp_path)
    assert done.returncode == 2
    assert "ZeroDivisionError" in done.stderr
    assert "bug of tfguard" in done.stderr


def test_version_imports_nothing_heavy(tmp_path: Path) -> None:
    imported = imported_by("--version", cwd=tmp_path)
    assert not sorted(filter(is_heavy, imported))
    assert {module for module in imported if module.startswith("tfguard.")} <= {
        "tfguard.cli",
        "tfguard.cli.main",
        "tfguard.errors",
    }


def test_check_of_a_plain_file_imports_no_rich_and_no_libcst(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("import tensorflow as tf\n\ntf.mul(1, 2)\n")
    imported = imported_by("check", "--no-cache", "--jobs", "1", "train.py", cwd=tmp_path)
    assert "tfguard.engine" in imported
    assert not {module for module in imported if module.split(".")[0] in ("rich", "libcst", "tensorflow", "numpy")}


def test_file_that_mentions_nothing_is_never_parsed(tmp_path: Path) -> None:
    (tmp_path / "plain.py").write_text("print(1)\n")
    imported = imported_by("check", "--no-cache", "--jobs", "1", "plain.py", cwd=tmp_path)
    assert "tfguard.engine" in imported
    assert "tfguard.analysis.file_model" not in imported or "rich" not in imported
