"""`fix` end to end: the fix-point, the refusals, the bytes that stay, the files that are written."""

import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from extra_rules import add_rules, text_rule
from running import change_of, preview_fix, run_check, run_fix, write_files
from tfguard import engine, fixing
from tfguard.config import load_config
from tfguard.model import RunReport, Safety

__all__ = ["add_rules"]

OLD = "import tensorflow as tf\n\nx = tf.placeholder(tf.float32)\nwith tf.Session() as sess:\n    sess.run(x)\n"


def refusals(report: RunReport) -> list[str]:
    return [note.message for change in report.changes for note in change.refused]


def test_files_are_written_once_and_a_second_run_changes_nothing(tmp_path: Path) -> None:
    write_files(tmp_path, {"train.py": OLD, "sound.py": "print('tensorflow')\n"})
    report = run_fix(tmp_path)
    (change,) = report.changes
    assert (change.path, change.written, change.refused) == ("train.py", True, ())
    assert change.raw_before == OLD.encode()
    assert change.raw_after == (tmp_path / "train.py").read_bytes()
    assert "import tensorflow.compat.v1 as tf" in change.after
    assert report.fixed == len(change.applied) > 0
    assert report.findings == run_check(tmp_path).findings
    again = run_fix(tmp_path)
    assert (again.changes, again.fixed, again.findings) == ((), 0, report.findings)


def test_a_preview_writes_nothing(tmp_path: Path) -> None:
    write_files(tmp_path, {"train.py": OLD})
    before = (tmp_path / "train.py").stat()
    report = preview_fix(tmp_path)
    assert not report.changes[0].written
    assert (tmp_path / "train.py").read_text() == OLD
    assert (tmp_path / "train.py").stat().st_mtime_ns == before.st_mtime_ns
    run_fix(tmp_path)
    assert report.changes[0].raw_after == (tmp_path / "train.py").read_bytes()


def test_the_same_with_cache_and_workers(tmp_path: Path) -> None:
    for name in ("one", "two", "three"):
        write_files(tmp_path / name, {f"m{n}.py": OLD.replace("x", f"x{n}") for n in range(6)})
    reports = [run_fix(tmp_path / "one"), run_fix(tmp_path / "two", jobs=3)]
    run_check(tmp_path / "three", cache=True)
    reports.append(run_fix(tmp_path / "three", cache=True))
    assert reports[0] == reports[1] == reports[2]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"\xef\xbb\xbfold = 1\r\nold = 2", b"\xef\xbb\xbfnew = 1\r\nnew = 2"),
        (b"# coding: latin-1\nold = '\xe9'\n", b"# coding: latin-1\nnew = '\xe9'\n"),
        (b"\x0cold = 1\n\x0c\nif old:\n\told\n", b"\x0cnew = 1\n\x0c\nif new:\n\tnew\n"),
        (b"old = 1\rold\r", b"new = 1\rnew\r"),
        ("old = 'é'\u2028\n".encode(), None),
    ],
)
def test_bytes_outside_of_edits_stay(
    tmp_path: Path, add_rules: Callable[..., None], before: bytes, after: bytes | None
) -> None:
    add_rules(text_rule(190, r"\bold\b", lambda _: "new", mentions="old"))
    write_files(tmp_path, {"a.py": before})
    run_fix(tmp_path, select=["TFG190"])
    assert (tmp_path / "a.py").read_bytes() == (before if after is None else after)


def test_notebooks(tmp_path: Path, add_rules: Callable[..., None]) -> None:
    add_rules(text_rule(190, r"\bold\b", lambda _: "new", mentions="old"))
    cells = [{"cell_type": "code", "outputs": [], "metadata": {}, "source": ["%pylab old\n", "old = 1"]}]
    raw = json.dumps({"cells": cells, "metadata": {}, "nbformat": 4}, indent=3).encode()
    write_files(tmp_path, {"a.ipynb": raw})
    report = run_fix(tmp_path, select=["TFG190"])
    assert (tmp_path / "a.ipynb").read_bytes() == raw.replace(b"old = 1", b"new = 1")
    assert report.changes[0].raw_before == raw


def test_grades(tmp_path: Path, add_rules: Callable[..., None]) -> None:
    add_rules(
        text_rule(190, r"\bsafe\b", lambda _: "s", mentions="="),
        text_rule(191, r"\brisky\b", lambda _: "r", safety=Safety.UNSAFE, mentions="="),
        text_rule(192, r"\bshown\b", lambda _: "m", safety=Safety.MANUAL, mentions="="),
    )
    select = ["TFG190", "TFG191", "TFG192"]
    write_files(tmp_path, {"a.py": "safe = risky = shown = 1\n"})
    assert [finding.rule for finding in run_fix(tmp_path, select=select).findings] == ["TFG191", "TFG192"]
    assert (tmp_path / "a.py").read_text() == "s = risky = shown = 1\n"
    assert [finding.rule for finding in run_fix(tmp_path, select=select, unsafe_fixes=True).findings] == ["TFG192"]
    assert (tmp_path / "a.py").read_text() == "s = r = shown = 1\n"


def test_a_refused_fix_keeps_its_finding_and_the_others_go_on(tmp_path: Path, add_rules: Callable[..., None]) -> None:
    add_rules(text_rule(190, r"\bold(\d)\b", lambda m: "(" if m[1] == "3" else f"new{m[1]}", mentions="old"))
    write_files(tmp_path, {"a.py": "".join(f"old{n} = {n}\n" for n in range(7)), "b.py": "old1 = 1\n"})
    report = run_fix(tmp_path, select=["TFG190"])
    assert [(finding.path, finding.line) for finding in report.findings] == [("a.py", 4)]
    assert [text.rsplit(": ", 1)[0] for text in refusals(report)] == ["TFG190: after the fix the file does not compile"]
    change = change_of(report, "a.py")
    assert change is not None
    assert change.after.split("\n")[2:5] == ["new2 = 2", "old3 = 3", "new4 = 4"]
    assert change.refused[0].line == 4
    assert (tmp_path / "b.py").read_text() == "new1 = 1\n"
    assert refusals(run_fix(tmp_path, select=["TFG190"])) == refusals(report)


@pytest.mark.parametrize(
    ("new", "reason"),
    [
        ("(", "does not compile"),
        ("f(a=1, a=2)", "keyword argument repeated"),
        ("undefined_name  # here", "nothing binds the name undefined_name"),
        ("1", "lose the comment `# here`"),
    ],
)
def test_each_gate_refuses(tmp_path: Path, add_rules: Callable[..., None], new: str, reason: str) -> None:
    add_rules(text_rule(190, r"wrong  # here", lambda _: new, mentions="wrong"))
    text = "def f(**k): pass\nwrong = 1\nx = wrong  # here\n"
    write_files(tmp_path, {"a.py": text})
    report = run_fix(tmp_path, select=["TFG190"])
    assert reason in refusals(report)[0]
    assert len(report.findings) == 1
    assert (tmp_path / "a.py").read_text() == text


def test_a_file_that_did_not_compile_before_is_left_alone(tmp_path: Path, add_rules: Callable[..., None]) -> None:
    add_rules(text_rule(190, r"\bold\b", lambda _: "new", mentions="old"))
    write_files(tmp_path, {"a.py": "old = 1\nreturn 1\n"})
    report = run_fix(tmp_path, select=["TFG190"])
    assert refusals(report)[0].startswith("TFG190: before the fix already, the file does not compile: 'return' outside")


def test_fixes_that_never_settle_are_taken_back(tmp_path: Path, add_rules: Callable[..., None]) -> None:
    add_rules(
        text_rule(190, r"\bping\b", lambda _: "pong", mentions="p"),
        text_rule(191, r"\bpong\b", lambda _: "ping", mentions="p"),
    )
    write_files(tmp_path, {"a.py": "ping = 1\n", "b.py": "x = 1\n"})
    report = run_fix(tmp_path, select=["TFG190", "TFG191"])
    assert (tmp_path / "a.py").read_text() == "ping = 1\n"
    assert refusals(report) == [f"TFG190, TFG191: after {fixing.MOST_PASSES} passes the fixes still change the file"]
    assert report.fixed == 0
    assert [finding.rule for finding in report.findings] == ["TFG190"]


def test_a_fix_that_grows_for_ever_is_taken_back(tmp_path: Path, add_rules: Callable[..., None]) -> None:
    add_rules(text_rule(190, r"\Ax", lambda _: "x = 1\nx", mentions="x"))
    write_files(tmp_path, {"a.py": "x = 1\n"})
    assert run_fix(tmp_path, select=["TFG190"]).fixed == 0
    assert (tmp_path / "a.py").read_text() == "x = 1\n"


def test_a_fix_that_changes_nothing_ends_the_run(tmp_path: Path, add_rules: Callable[..., None]) -> None:
    add_rules(text_rule(190, r"\bsame\b", lambda _: "same", mentions="same"))
    write_files(tmp_path, {"a.py": "same = 1\n"})
    report = run_fix(tmp_path, select=["TFG190"])
    assert (report.changes, report.fixed, len(report.findings)) == ((), 0, 1)


def test_phases_and_overlaps_take_more_passes(tmp_path: Path, add_rules: Callable[..., None]) -> None:
    add_rules(
        text_rule(190, r"\bb(?==)", lambda _: "a", phase=0, mentions="="),
        text_rule(191, r"\ba=(\d)", lambda m: f"c={m[1]}", phase=1, mentions="="),
        text_rule(192, r"=1\b", lambda _: "=2", phase=1, mentions="="),
    )
    write_files(tmp_path, {"a.py": "b=1\n"})
    report = run_fix(tmp_path, select=["TFG190", "TFG191", "TFG192"])
    assert (tmp_path / "a.py").read_text() == "c=2\n"
    assert [finding.rule for finding in report.changes[0].applied] == ["TFG190", "TFG191", "TFG192"]


def test_suppressed_and_accepted_findings_are_not_fixed(tmp_path: Path, add_rules: Callable[..., None]) -> None:
    from tfguard.baseline import render_baseline

    add_rules(text_rule(190, r"\bold\b", lambda _: "new", mentions="old"))
    text = "old = 1  # tfguard: ignore[TFG190] -- why\nold = 2\n"
    write_files(tmp_path, {"a.py": text})
    (tmp_path / "base.json").write_text(render_baseline(run_check(tmp_path, select=["TFG190"])))
    report = run_fix(tmp_path, select=["TFG190"], baseline=str(tmp_path / "base.json"))
    assert (report.changes, report.suppressed, report.baselined) == ((), 1, 1)
    run_fix(tmp_path, select=["TFG190"])
    assert (tmp_path / "a.py").read_text() == text.replace("old = 2", "new = 2")


def test_a_file_that_changed_on_disk_is_not_written(
    tmp_path: Path, add_rules: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    add_rules(text_rule(190, r"\bold\b", lambda _: "new", mentions="old"))
    write_files(tmp_path, {"a.py": "old = 1\n", "b.py": "old = 1\n"})
    real = fixing.prove

    def prove(*args: object, **options: object) -> None:
        (tmp_path / "a.py").write_text("theirs = 1\n")
        real(*args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(fixing, "prove", prove)
    report = run_fix(tmp_path, select=["TFG190"])
    assert [(p.path, "changed on disk" in p.message) for p in report.all_problems] == [("a.py", True)]
    assert [change.written for change in report.changes] == [False, True]
    assert [(tmp_path / name).read_text() for name in ("a.py", "b.py")] == ["theirs = 1\n", "new = 1\n"]


def test_a_file_that_cannot_be_written(
    tmp_path: Path, add_rules: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    add_rules(text_rule(190, r"\bold\b", lambda _: "new", mentions="old"))
    write_files(tmp_path, {"a.py": "old = 1\n"})

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(fixing, "write_atomically", refuse)
    report = run_fix(tmp_path, select=["TFG190"])
    assert [problem.message for problem in report.all_problems] == ["the file cannot be written: Permission denied"]
    assert not report.changes[0].written


def test_stdin_is_never_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_files(tmp_path, {"train.py": "on_disk = 1\n"})
    config = load_config(tmp_path, {"cache": False, "jobs": 1})
    report = engine.fix(["-"], config, write=True, stdin=("train.py", OLD.encode()))
    assert b"compat.v1" in report.changes[0].raw_after
    assert not report.changes[0].written
    assert (tmp_path / "train.py").read_text() == "on_disk = 1\n"


def test_modules_that_are_only_read_are_not_written(tmp_path: Path, add_rules: Callable[..., None]) -> None:
    add_rules(text_rule(190, r"\bold\b", lambda _: "new", mentions="old"))
    write_files(tmp_path, {"main.py": "import lib\nold = 1\n", "lib.py": "old = 1\n"})
    config = load_config(tmp_path, {"cache": False, "jobs": 1, "select": ("TFG190",)})
    engine.fix([str(tmp_path / "main.py")], config, write=True)
    assert [(tmp_path / name).read_text() for name in ("main.py", "lib.py")] == ["import lib\nnew = 1\n", "old = 1\n"]


def test_modes_and_links_stay(tmp_path: Path, add_rules: Callable[..., None]) -> None:
    add_rules(text_rule(190, r"\bold\b", lambda _: "new", mentions="old"))
    write_files(tmp_path, {"real/a.py": "old = 1\n"})
    (tmp_path / "real" / "a.py").chmod(0o750)
    (tmp_path / "link.py").symlink_to("real/a.py")
    config = load_config(tmp_path, {"cache": False, "jobs": 1, "select": ("TFG190",)})
    engine.fix([str(tmp_path / "link.py")], config, write=True)
    assert (tmp_path / "link.py").is_symlink()
    assert (tmp_path / "real" / "a.py").read_text() == "new = 1\n"
    assert stat.S_IMODE((tmp_path / "real" / "a.py").stat().st_mode) == 0o750


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_a_kill_at_any_moment_leaves_every_file_old_or_new(tmp_path: Path) -> None:
    """Also with SIGINT, after which nothing of ours is left behind."""
    olds = {f"m{number}.py": OLD + f"# {'é' * 20_000}{number}\n" for number in range(8)}
    write_files(tmp_path / "wanted", dict(olds))
    run_fix(tmp_path / "wanted")
    news = {name: (tmp_path / "wanted" / name).read_bytes() for name in olds}
    command = [sys.executable, "-m", "tfguard", "fix", "--no-cache", "--jobs", "1", "."]
    folder = tmp_path / "killed"
    started = time.monotonic()
    write_files(folder, dict(olds))
    # an interrupt inside of coverage's own lock would wait for itself
    alone = {key: value for key, value in os.environ.items() if not key.startswith("COVERAGE_")}
    subprocess.run(command, cwd=folder, env=alone, check=False, capture_output=True)
    whole = time.monotonic() - started
    finished = set()
    for attempt in range(24):
        write_files(folder, dict(olds))
        with subprocess.Popen(
            command, cwd=folder, env=alone, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT
        ) as process:
            time.sleep(whole * (0.05 + attempt / 20))
            process.send_signal(signal.SIGINT if attempt % 3 == 0 else signal.SIGKILL)
            process.wait(timeout=120)
        states = {name: (folder / name).read_bytes() for name in olds}
        for name, data in states.items():
            assert data in (olds[name].encode(), news[name])
        finished.add(sum(states[name] == news[name] for name in olds))
        left = [name for name in os.listdir(folder) if name.startswith(".tfguard-")]
        if attempt % 3 == 0:
            assert left == []
        for name in left:
            (folder / name).unlink()
    assert 0 in finished
