"""`tfguard fix`: what it writes, what it says, and diffs that git takes."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

Tfguard = Callable[..., Result]

OLD = "import tensorflow as tf\n\nx = tf.arg_max([1, 2], 0)\ny = tf.train.AdmaOptimizer(0.1)\n"
FIXABLE = "import tensorflow as tf\n\nx = tf.log(tf.constant(2.0))\n"
FIXED = "import tensorflow as tf\n\nx = tf.math.log(tf.constant(2.0))\n"
CLEAN = "print('nothing to see')\n"


def write(project: Path, **files: str | bytes) -> None:
    for name, content in files.items():
        (project / f"{name}.py").write_bytes(content if isinstance(content, bytes) else content.encode())


def test_fix_writes_and_says_what_it_did(tfguard: Tfguard, project: Path) -> None:
    write(project, train=FIXABLE, clean=CLEAN)
    result = tfguard("fix")
    assert result.exit_code == 0
    assert result.stdout == "fixed train.py: 1 x TFG401 removed-api\n"
    assert "Fixed 1 finding in 1 file.\n" in result.stderr
    assert (project / "train.py").read_text() == FIXED
    again = tfguard("fix")
    assert (again.exit_code, again.stdout) == (0, "")
    assert "Nothing to fix.\n" in again.stderr


def test_show_fixes_lists_each(tfguard: Tfguard, project: Path) -> None:
    write(project, train=FIXABLE)
    lines = tfguard("fix", "--show-fixes").stdout.splitlines()
    assert lines[0] == "fixed train.py: 1 x TFG401 removed-api"
    assert lines[1].startswith("  3:5: TFG401 (safe) ")


def test_findings_that_are_left_are_exit_1(tfguard: Tfguard, project: Path) -> None:
    write(project, train=FIXABLE + "y = tf.train.AdmaOptimizer(0.1)\n")
    result = tfguard("fix")
    assert result.exit_code == 1
    assert result.stdout.startswith("fixed train.py: ")
    assert "train.py:4:5: TFG401 " in result.stdout
    assert tfguard("fix", "--exit-zero").exit_code == 0


def test_json_of_a_fix_run(tfguard: Tfguard, project: Path) -> None:
    write(project, train=FIXABLE)
    document = json.loads(tfguard("fix", "--format", "json").stdout)
    assert document["findings"] == []
    assert document["summary"]["fixed"] == 1
    assert document["changes"][0]["written"] is True


def test_diff_prints_a_patch_and_writes_nothing(tfguard: Tfguard, project: Path) -> None:
    write(project, train=FIXABLE, clean=CLEAN)
    result = tfguard("fix", "--diff")
    assert result.exit_code == 1
    title, *rest = result.stdout.splitlines()
    assert title.startswith("# TFG401 (safe): ")
    assert rest == [
        "--- a/train.py",
        "+++ b/train.py",
        "@@ -1,3 +1,3 @@",
        " import tensorflow as tf",
        " ",
        "-x = tf.log(tf.constant(2.0))",
        "+x = tf.math.log(tf.constant(2.0))",
    ]
    assert (project / "train.py").read_text() == FIXABLE
    assert "Would fix 1 finding in 1 file." in result.stderr


def test_diff_without_changes_is_exit_0(tfguard: Tfguard, project: Path) -> None:
    write(project, left="import tensorflow as tf\n\ny = tf.train.AdmaOptimizer(0.1)\n")
    result = tfguard("fix", "--diff")
    assert (result.exit_code, result.stdout) == (0, "")


CONTENTS = {
    "plain": FIXABLE.encode(),
    "no final newline": FIXABLE.rstrip("\n").encode(),
    "crlf": FIXABLE.replace("\n", "\r\n").encode(),
    "bom": b"\xef\xbb\xbf" + FIXABLE.encode(),
    "latin-1": b"# -*- coding: latin-1 -*-\n# caf\xe9\n" + FIXABLE.encode(),
    "form feed": FIXABLE.replace("\n\n", "\n\x0c\n").encode(),
    "not ascii": ("# \u540d\u524d \u2028 \U0001f4a5\n" + FIXABLE).encode(),
}


@pytest.mark.parametrize("case", CONTENTS)
def test_git_applies_the_diff_to_what_fix_writes(tfguard: Tfguard, project: Path, case: str) -> None:
    (project / "src dir").mkdir()
    for path in (project / "train.py", project / "src dir" / "my train.py"):
        path.write_bytes(CONTENTS[case])
    patch = tfguard("fix", "--diff").stdout_bytes
    assert patch.count(b"\n+++ b/") == 2
    subprocess.run(["git", "apply"], cwd=project, input=patch, check=True)
    applied = (project / "train.py").read_bytes()
    assert applied == CONTENTS[case].replace(b"tf.log", b"tf.math.log")
    assert (project / "src dir" / "my train.py").read_bytes() == applied
    (project / "train.py").write_bytes(CONTENTS[case])
    assert tfguard("fix").exit_code == 0
    assert (project / "train.py").read_bytes() == applied


def test_diff_of_a_notebook(tfguard: Tfguard, project: Path) -> None:
    cell = {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": []}
    cells = [cell | {"source": ["%matplotlib inline\n", "import tensorflow as tf\n", "x = tf.log(tf.constant(2.0))"]}]
    document = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    before = json.dumps(document, indent=1) + "\n"
    (project / "train.ipynb").write_text(before)
    patch = tfguard("fix", "--diff").stdout_bytes
    subprocess.run(["git", "apply"], cwd=project, input=patch, check=True)
    assert (project / "train.ipynb").read_text() == before.replace("tf.log", "tf.math.log")


def test_stdin_gives_the_fixed_text(tfguard: Tfguard) -> None:
    source = b"# -*- coding: latin-1 -*-\r\n# caf\xe9\r\n" + FIXABLE.replace("\n", "\r\n").encode()
    result = tfguard("fix", "--stdin-filename", "train.py", "-", stdin=source)
    assert result.exit_code == 0
    assert result.stdout_bytes == source.replace(b"tf.log", b"tf.math.log")


def test_stdin_with_nothing_to_fix_is_echoed(tfguard: Tfguard) -> None:
    source = b"import tensorflow as tf\ny = tf.train.AdmaOptimizer(0.1)\n"
    result = tfguard("fix", "-", stdin=source)
    assert result.exit_code == 1
    assert result.stdout_bytes == source
    assert "stdin.py:2:5: TFG401" in result.stderr


def test_unreadable_stdin_is_echoed(tfguard: Tfguard) -> None:
    source = b"import tensorflow\nx = '\xff'\n"
    result = tfguard("fix", "-", stdin=source)
    assert (result.exit_code, result.stdout_bytes) == (2, source)


def test_diff_of_stdin(tfguard: Tfguard) -> None:
    result = tfguard("fix", "--diff", "--stdin-filename", "net/train.py", "-", stdin=FIXABLE.encode())
    assert result.exit_code == 1
    assert "--- a/net/train.py\n" in result.stdout


def test_quiet_fix(tfguard: Tfguard, project: Path) -> None:
    write(project, train=FIXABLE)
    assert tfguard("fix", "--quiet", "--diff").stderr == ""
    assert tfguard("fix", "--quiet").stderr == ""


def test_file_that_cannot_be_read_stops_nothing(tfguard: Tfguard, project: Path) -> None:
    write(project, train=FIXABLE, bad=b"import tensorflow\nx = '\xff'\n")
    result = tfguard("fix")
    assert result.exit_code == 2
    assert (project / "train.py").read_text() == FIXED


def test_diff_says_what_it_could_not_check(tfguard: Tfguard, project: Path) -> None:
    write(project, train=FIXABLE, bad=b"import tensorflow\nx = '\xff'\n")
    result = tfguard("fix", "--diff")
    assert result.exit_code == 2
    assert result.stdout.count("\n+++ b/") == 1
    assert "bad.py:2:6: error: " in result.stderr


def test_seed_option_reaches_the_fix(tfguard: Tfguard, project: Path) -> None:
    write(project, train="import tensorflow as tf\n\nprint(tf.random.normal([2]))\n")
    result = tfguard("fix", "--select", "TFG101", "--seed", "1234")
    assert "1234" in (project / "train.py").read_text(), result.output
