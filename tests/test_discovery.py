"""Which files a run reads, in which order, and what it says of those that it cannot."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tfguard.config import load_config
from tfguard.discovery import absolute_path, list_files, shown_path
from tfguard.model import Problem


def touch(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("")
    return folder


def run(folder: Path, *paths: Path, **options: object) -> tuple[list[str], tuple[Problem, ...]]:
    (folder / "tfguard.toml").touch()
    config = load_config(folder, {key: value for key, value in options.items() if value is not None})
    files, problems = list_files([str(path) for path in paths or (folder,)], config)
    return [file.path for file in files], problems


def names(folder: Path, *paths: Path, **options: object) -> list[str]:
    found, problems = run(folder, *paths, **options)
    assert problems == ()
    return found


def test_python_files_and_notebooks_in_order(tmp_path: Path) -> None:
    touch(
        tmp_path, "b.py", "a/z.py", "a/b/c.pyw", "n.ipynb", "B.py", "x.txt", "a.pyc", "script", ".hidden.py", ".h/y.py"
    )
    assert names(tmp_path) == [".h/y.py", ".hidden.py", "B.py", "a/b/c.pyw", "a/z.py", "b.py", "n.ipynb"]


def test_usual_folders_are_left_out_unless_named(tmp_path: Path) -> None:
    touch(
        tmp_path, "a.py", "build/b.py", "venv/c.py", "x/__pycache__/d.py", "x/node_modules/e.py", "site-packages/f.py"
    )
    assert names(tmp_path) == ["a.py"]
    assert names(tmp_path, tmp_path / "build", tmp_path / "venv" / "c.py") == ["build/b.py", "venv/c.py"]
    assert names(tmp_path, tmp_path / "build", tmp_path / "venv" / "c.py", force_exclude=True) == []


def test_exclude_patterns(tmp_path: Path) -> None:
    touch(tmp_path, "a.py", "data/b.py", "x/data/c.py", "x/old_d.py", "x/e.py")
    exclude = ("data/", "old_*")
    assert names(tmp_path, exclude=exclude) == ["a.py", "x/e.py"]
    assert names(tmp_path, exclude=("/data", "x/e.py")) == ["a.py", "x/data/c.py", "x/old_d.py"]
    explicit = [tmp_path / "x" / "old_d.py", tmp_path / "data" / "b.py"]
    assert names(tmp_path, *explicit, exclude=exclude) == ["data/b.py", "x/old_d.py"]
    assert names(tmp_path, *explicit, exclude=exclude, force_exclude=True) == []
    assert names(tmp_path, tmp_path / "x" / "data", exclude=exclude, force_exclude=True) == []


def test_gitignore(tmp_path: Path) -> None:
    touch(tmp_path, "a.py", "gen/b.py", "gen/keep.py", "sub/c.py", "sub/d.py", "sub/deep/e_tmp.py", "sub/out/f.py")
    (tmp_path / ".gitignore").write_text("# comment\n\n/gen/*\n!keep.py\n*_tmp.py\n")
    (tmp_path / "sub" / ".gitignore").write_text("d.py\nout/\n!e_tmp.py\n")
    assert names(tmp_path) == ["a.py", "gen/keep.py", "sub/c.py", "sub/deep/e_tmp.py"]
    assert names(tmp_path, tmp_path / "sub" / "d.py") == ["sub/d.py"]


def test_gitignore_above_the_named_folder(tmp_path: Path) -> None:
    touch(tmp_path, "sub/a.py", "sub/b_tmp.py", "gen/c.py", "gen/d_tmp.py")
    (tmp_path / ".git" / "info").mkdir(parents=True)
    (tmp_path / ".git" / "info" / "exclude").write_text("a.py\n")
    (tmp_path / ".gitignore").write_text("*_tmp.py\ngen/\n")
    touch(tmp_path, "sub/x.py")
    assert names(tmp_path) == ["sub/x.py"]
    assert names(tmp_path, tmp_path / "sub") == ["sub/x.py"]
    assert names(tmp_path, tmp_path / "gen") == ["gen/c.py", "gen/d_tmp.py"]


def test_a_gitignore_outside_of_a_repository_counts_below_it(tmp_path: Path) -> None:
    touch(tmp_path, "sub/a.py")
    (tmp_path / ".gitignore").write_text("a.py\n")
    assert names(tmp_path) == []
    assert names(tmp_path, tmp_path / "sub") == ["sub/a.py"]


def test_named_files(tmp_path: Path) -> None:
    touch(tmp_path, "a.py", "plain", "text.txt")
    (tmp_path / "script").write_text("#!/usr/bin/env python3\n")
    assert names(tmp_path, tmp_path / "script", tmp_path / "a.py", tmp_path / "a.py") == ["a.py", "script"]
    found, problems = run(
        tmp_path, tmp_path / "plain", tmp_path / "text.txt", tmp_path / "missing.py", tmp_path / "a.py"
    )
    assert found == ["a.py"]
    assert [(problem.path, problem.message) for problem in problems] == [
        ("missing.py", "there is no such file or directory"),
        ("plain", "this is neither a Python file nor a notebook"),
        ("text.txt", "this is neither a Python file nor a notebook"),
    ]
    assert all(problem.remedy for problem in problems)


def test_a_named_file_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch(tmp_path, "script")
    config = load_config(tmp_path, {})
    monkeypatch.setattr("builtins.open", lambda *_: (_ for _ in ()).throw(PermissionError(13, "Permission denied")))
    files, problems = list_files([str(tmp_path / "script")], config)
    assert (files, len(problems)) == ((), 1)


def test_the_same_file_is_checked_once(tmp_path: Path) -> None:
    touch(tmp_path, "a/x.py", "b.py")
    (tmp_path / "a" / "link.py").symlink_to(tmp_path / "b.py")
    (tmp_path / "0link.py").symlink_to("b.py")
    assert names(tmp_path, tmp_path, tmp_path / "a", tmp_path / "a" / "x.py") == ["a/x.py", "b.py"]
    assert names(tmp_path, tmp_path / "a") == ["a/link.py", "a/x.py"]


def test_links_to_folders(tmp_path: Path) -> None:
    touch(tmp_path, "project/a.py", "outside/b.py", "outside/c/d.py")
    (tmp_path / "project" / "link").symlink_to(tmp_path / "outside")
    (tmp_path / "project" / "again").symlink_to(tmp_path / "outside" / "c")
    (tmp_path / "project" / "venv").symlink_to(tmp_path / "outside")
    assert names(tmp_path / "project") == ["a.py", "again/d.py", "link/b.py"]


def test_cycles_and_dead_links_are_told_once(tmp_path: Path) -> None:
    touch(tmp_path, "a/b/c.py")
    (tmp_path / "a" / "b" / "up").symlink_to(tmp_path / "a")
    (tmp_path / "a" / "self").symlink_to(".")
    (tmp_path / "dead.py").symlink_to("nowhere.py")
    (tmp_path / "loop.py").symlink_to("loop.py")
    (tmp_path / ".#lock.py").symlink_to("user@host.123")
    found, problems = run(tmp_path)
    assert found == ["a/b/c.py"]
    assert [(problem.path, problem.message) for problem in problems] == [
        ("a/b/up", "the symbolic link leads to a directory that holds it"),
        ("a/self", "the symbolic link leads to a directory that holds it"),
        ("dead.py", "the symbolic link leads nowhere"),
        ("loop.py", "the symbolic link leads to itself"),
    ]


def test_two_links_that_hold_each_other_end(tmp_path: Path) -> None:
    touch(tmp_path, "p/a.py", "q/b.py")
    (tmp_path / "p" / "to_q").symlink_to(tmp_path / "q")
    (tmp_path / "q" / "to_p").symlink_to(tmp_path / "p")
    assert names(tmp_path / "p") == ["a.py", "to_q/b.py"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_pipes_are_never_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.py")
    assert names(tmp_path) == []
    found, problems = run(tmp_path, tmp_path / "pipe.py")
    assert (found, problems[0].message) == ([], "this is not a regular file")


def test_a_folder_that_cannot_be_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch(tmp_path, "a.py", "shut/b.py")
    real = os.scandir

    def scandir(path: str) -> object:
        if str(path).endswith("shut"):
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    found, problems = run(tmp_path)
    assert found == ["a.py"]
    assert [(p.path, p.message) for p in problems] == [("shut", "the path cannot be read: Permission denied")]


def test_paths_outside_the_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch(tmp_path, "project/a.py", "here/b.py", "far/c.py")
    monkeypatch.chdir(tmp_path / "here")
    root = (tmp_path / "project").as_posix()
    far = (tmp_path / "far" / "c.py").as_posix()
    assert names(tmp_path / "project", tmp_path) == sorted([far, "a.py", "b.py"])
    touch(tmp_path, "project/b.py")
    assert names(tmp_path / "project", tmp_path) == sorted(
        [far, "a.py", "b.py", (tmp_path / "here" / "b.py").as_posix()]
    )
    (tmp_path / "project" / "b.py").unlink()
    for path in ("project/a.py", "here/b.py", "far/c.py"):
        assert absolute_path(shown_path(str(tmp_path / path), root), root) == str(tmp_path / path)


def test_a_deep_tree_needs_no_recursion(tmp_path: Path) -> None:
    here = tmp_path
    for _ in range(300):
        here = here / "d"
    touch(here, "a.py")
    assert len(names(tmp_path)) == 1


_PATTERN = st.sampled_from(
    ["a.py", "*.py", "/a.py", "d/", "d", "/d/*", "!a.py", "!d/a.py", "d/**/b.py", "**/e", "*.ipynb", "[ab].py", "a?py"]
    + ["[!b].py", "[^a-b].py", "[]a].py", "[b-a].py", "[a", "d/[ab].py", "**b", "**/", "/**", "a\\", "d//a.py", "/"]
    + ["***/b.py", "d**/a.py", "d/**a.py", "d/***", "\\#a.py", "d\\/a.py", "[/]a.py", "d[/]a.py", "d?a.py", "*"]
    + ["!/d/", "d/e/", "!e/", " a.py", "a.py ", "\\!a.py", "#a.py", "**", "!**/b.py", "e/*", "**/d/**"]
)
_TREE = ["a.py", "b.py", "d/a.py", "d/b.py", "d/e/a.py", "d/e/b.py", "e/a.py", "e/d/b.ipynb", "!a.py", "#a.py"]


@pytest.mark.skipif(shutil.which("git") is None, reason="git is the oracle")
@settings(
    max_examples=int(os.environ.get("TFGUARD_EXAMPLES", "60")),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(_PATTERN, max_size=4), st.lists(_PATTERN, max_size=3), st.lists(_PATTERN, max_size=2))
def test_git_itself_agrees(
    tmp_path_factory: pytest.TempPathFactory, top: Sequence[str], in_d: Sequence[str], in_e: Sequence[str]
) -> None:
    folder = touch(tmp_path_factory.mktemp("tree"), *_TREE)
    git = ["git", "-C", str(folder), "-c", "core.excludesFile=/dev/null"]
    subprocess.run([*git, "init", "-q"], check=True)
    for place, lines in ((".", top), ("d", in_d), ("d/e", in_e)):
        (folder / place / ".gitignore").write_text("\n".join(lines))
    listed = subprocess.run([*git, "ls-files", "-o", "--exclude-standard"], check=True, capture_output=True, text=True)
    wanted = sorted(line for line in listed.stdout.splitlines() if line.endswith((".py", ".ipynb")))
    assert names(folder) == wanted
