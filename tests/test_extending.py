"""What the design promises to those who extend tfguard: a rule is one file, a rename is one line."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

RULE = '''"""Saying hello to the tensor library.

## Why it matters
It does not; the rule exists to prove that a file is all that a rule needs.

## Bad
    import tensorflow as tf

    tf.hello()

## Good
    print("hello")

## Good
    hello = 1
"""

from __future__ import annotations

from collections.abc import Iterator

from tfguard.analysis.file_model import FileModel
from tfguard.model import Finding, Severity
from tfguard.rule import Rule

rule = Rule(__name__, id="TFG399", severity=Severity.WARNING, since="0.1")


@rule.on_file(mentions="hello")
def check(file: FileModel) -> Iterator[Finding]:
    """Every call."""
    for call in file.calls_to("tensorflow.hello"):
        yield rule.finding(call, f"`{call.written}` greets")
'''

RENAME = (
    '  { old = "tensorflow.log", new = "tensorflow.math.log1p", since = "2.5", safety = "safe", '
    'source = "a test", before = "tf.log(2.)", after = "tf.math.log1p(2.)" },'
)


@pytest.fixture
def package(tmp_path: Path, root: Path) -> Path:
    """A copy of the package that a test may add files to."""
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(root / "tfguard", tmp_path / "site" / "tfguard", ignore=ignored)
    shutil.copytree(root / "rules", tmp_path / "site" / "tfguard" / "rules", ignore=ignored)
    return tmp_path / "site" / "tfguard"


def run(package: Path, *arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(package.parent)}
    command = [sys.executable, "-m", "tfguard", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_a_rule_is_one_file(package: Path, tmp_path: Path) -> None:
    (package / "rules" / "graph" / "says_hello.py").write_text(RULE)
    (tmp_path / "program.py").write_text("import tensorflow as tf\n\ntf.hello()\n")
    result = run(package, "check", "--no-cache", "--select", "TFG399", "program.py", folder=tmp_path)
    assert result.returncode == 1, result.stderr
    assert "program.py:3:1: TFG399 `tf.hello` greets" in result.stdout
    assert "says-hello" in run(package, "rules", folder=tmp_path).stdout
    assert "prove that a file is all" in run(package, "explain", "says-hello", folder=tmp_path).stdout


def test_a_rename_is_one_line(package: Path, tmp_path: Path) -> None:
    table = package / "rules" / "tables" / "renames.toml"
    table.write_text(table.read_text().replace("rename = [\n", f"rename = [\n{RENAME}\n", 1))
    (tmp_path / "program.py").write_text("import tensorflow as tf\n\nprint(tf.log(2.0))\n")
    result = run(package, "fix", "--no-cache", "--target", "2.21", "program.py", folder=tmp_path)
    assert "print(tf.math.log1p(2.0))" in (tmp_path / "program.py").read_text(), result.stderr


def test_two_rules_of_one_id_are_refused(package: Path, tmp_path: Path) -> None:
    (package / "rules" / "graph" / "says_hello.py").write_text(RULE.replace("TFG399", "TFG301"))
    result = run(package, "rules", folder=tmp_path)
    assert result.returncode == 2
    assert "two rules have the id TFG301" in result.stderr
