"""The hooks, run by the real pre-commit in a real git repository."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

UNSEEDED = b"""\
import numpy as np
import tensorflow as tf

x = np.random.rand(10, 2)
model = tf.keras.Sequential([tf.keras.layers.Dense(1)])
model.compile(optimizer="sgd", loss="mse")
model.fit(x, x)
"""


def run(*command: str | Path, cwd: Path, code: int = 0) -> str:
    """Run a command that must end with `code`; returns everything that it printed."""
    done = subprocess.run(command, cwd=cwd, env=_environment(), capture_output=True, text=True, check=False)
    output = done.stdout + done.stderr
    assert done.returncode == code, output
    return output


def _environment() -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("GIT_", "PYTHON", "COV_"))}
    return kept | {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}


def make_repository(folder: Path) -> None:
    """Make a git repository of everything in a folder."""
    folder.mkdir(exist_ok=True)
    run("git", "init", "--quiet", cwd=folder)
    run("git", "config", "user.name", "Someone", cwd=folder)
    run("git", "config", "user.email", "someone@example.org", cwd=folder)
    commit_all(folder)


def commit_all(folder: Path) -> str:
    """Commit everything, past the hooks; returns the id of the commit."""
    run("git", "add", "--all", cwd=folder)
    run("git", "commit", "--quiet", "--no-verify", "--allow-empty", "--message", "A commit", cwd=folder)
    return run("git", "rev-parse", "HEAD", cwd=folder).strip()


@pytest.fixture(scope="module")
def hooked(tmp_path_factory: pytest.TempPathFactory, source_tree: Path) -> Iterator[Path]:
    """A repository that uses both hooks from a repository of tfguard; the hooks' environment is made on first use."""
    base = tmp_path_factory.mktemp("pre-commit")
    tool = base / "tool"
    shutil.copytree(source_tree, tool)
    make_repository(tool)
    revision = run("git", "rev-parse", "HEAD", cwd=tool).strip()
    user = base / "user"
    make_repository(user)
    (user / ".pre-commit-config.yaml").write_text(
        f"repos:\n- repo: file://{tool}\n  rev: {revision}\n  hooks:\n  - id: tfguard-fix\n  - id: tfguard-check\n"
    )
    commit_all(user)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PRE_COMMIT_HOME", str(base / "home"))
        yield user


def pre_commit(*arguments: str, cwd: Path, code: int = 0) -> str:
    return run(sys.executable, "-m", "pre_commit", *arguments, cwd=cwd, code=code)


def test_no_matching_file(hooked: Path) -> None:
    output = pre_commit("run", "--all-files", cwd=hooked)
    assert output.count("(no files to check)") == 2


def test_clean_file_passes(hooked: Path) -> None:
    (hooked / "clean.py").write_text("import os\n\nprint(os.getcwd())\n")
    run("git", "add", "clean.py", cwd=hooked)
    assert pre_commit("run", cwd=hooked).count("Passed") == 2


def test_fix_then_commit(hooked: Path) -> None:
    (hooked / "train.py").write_bytes(UNSEEDED)
    run("git", "add", "train.py", cwd=hooked)
    pre_commit("install", cwd=hooked)
    refused = run("git", "commit", "--message", "Train", cwd=hooked, code=1)
    assert "files were modified by this hook" in refused
    assert b"set_random_seed" in (hooked / "train.py").read_bytes()
    run("git", "add", "train.py", cwd=hooked)
    accepted = run("git", "commit", "--message", "Train", cwd=hooked)
    assert accepted.count("Passed") == 2


def test_what_the_named_file_imports_is_read(hooked: Path) -> None:
    """Only the changed file is named to the hook; the seed and the memory setting stand in another one."""
    (hooked / "setup_tf.py").write_text(
        "import tensorflow as tf\n\n\ndef prepare():\n"
        "    tf.keras.utils.set_random_seed(1)\n"
        "    for gpu in tf.config.list_physical_devices('GPU'):\n"
        "        tf.config.experimental.set_memory_growth(gpu, True)\n"
    )
    commit_all(hooked)
    prepared = UNSEEDED.replace(b"x = np", b"import setup_tf\n\nsetup_tf.prepare()\nx = np")
    (hooked / "other.py").write_bytes(prepared)
    run("git", "add", "other.py", cwd=hooked)
    assert pre_commit("run", cwd=hooked).count("Passed") == 2
    assert (hooked / "other.py").read_bytes() == prepared


def test_check_reports_what_cannot_be_fixed(hooked: Path) -> None:
    (hooked / "old.py").write_text("import tensorflow as tf\n\ntf.contrib.does_not_exist(1)\n")
    run("git", "add", "old.py", cwd=hooked)
    output = pre_commit("run", "tfguard-check", cwd=hooked, code=1)
    assert "old.py:3:1: TFG401" in output
