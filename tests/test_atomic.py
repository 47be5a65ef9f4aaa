"""Writing: old bytes or new bytes, nothing in between, and nothing left behind."""

import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tfguard import atomic
from tfguard.atomic import write_atomically
from tfguard.errors import GateError


def leftovers(folder: Path) -> list[str]:
    return [name for name in os.listdir(folder) if name.startswith(".tfguard-")]


def test_the_file_is_replaced_with_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_bytes(b"old")
    for mode in (0o755, 0o600, 0o444):
        path.chmod(mode)
        before = path.read_bytes()
        write_atomically(path, b"mode %o" % mode, expected=before)
        assert path.read_bytes() == b"mode %o" % mode
        assert stat.S_IMODE(path.stat().st_mode) == mode
    assert leftovers(tmp_path) == []


def test_links_stay_links(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    target = tmp_path / "real" / "a.py"
    target.write_bytes(b"old")
    link = tmp_path / "link.py"
    link.symlink_to(target)
    write_atomically(link, b"new", expected=b"old")
    assert link.is_symlink()
    assert target.read_bytes() == b"new"


def test_a_file_that_changed_meanwhile_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_bytes(b"theirs")
    with pytest.raises(GateError, match="changed on disk"):
        write_atomically(path, b"new", expected=b"old")
    assert path.read_bytes() == b"theirs"
    path.unlink()
    with pytest.raises(GateError):
        write_atomically(path, b"new", expected=b"old")
    assert not path.exists()


def test_a_change_during_the_write_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.py"
    path.write_bytes(b"old")
    monkeypatch.setattr(os, "fsync", lambda handle: path.write_bytes(b"theirs"))
    with pytest.raises(GateError):
        write_atomically(path, b"new", expected=b"old")
    assert path.read_bytes() == b"theirs"
    assert leftovers(tmp_path) == []


def test_a_new_file(tmp_path: Path) -> None:
    write_atomically(tmp_path / "new.py", b"x", expected=None)
    mask = os.umask(0)
    os.umask(mask)
    assert stat.S_IMODE((tmp_path / "new.py").stat().st_mode) == 0o666 & ~mask


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError, MemoryError])
@pytest.mark.parametrize("where", ["fsync", "replace", "chmod"])
def test_nothing_is_left_when_something_goes_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str, error: type[BaseException]
) -> None:
    path = tmp_path / "a.py"
    path.write_bytes(b"old")

    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(os, where, fail)
    with pytest.raises(error):
        write_atomically(path, b"new", expected=b"old")
    assert path.read_bytes() == b"old"
    assert leftovers(tmp_path) == []


def test_owners_that_cannot_be_kept_do_not_stop_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.py"
    path.write_bytes(b"old")
    monkeypatch.setattr(os, "getuid", lambda: 12345)
    asked: list[tuple[int, int]] = []

    def chown(_: str, user: int, group: int) -> None:
        asked.append((user, group))
        raise PermissionError

    monkeypatch.setattr(os, "chown", chown)
    write_atomically(path, b"new", expected=b"old")
    assert asked == [(path.stat().st_uid, path.stat().st_gid)]


def test_folders_that_cannot_be_opened_are_not_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.py"
    path.write_bytes(b"old")
    real = os.open
    monkeypatch.setattr(atomic.os, "open", lambda *a, **k: real(*a, **k) if a[1] & os.O_CREAT else real("/nowhere", 0))
    write_atomically(path, b"new", expected=b"old")
    assert path.read_bytes() == b"new"


_WRITER = """
import sys
from tfguard.atomic import write_atomically
path, size = sys.argv[1], int(sys.argv[2])
texts = [b"A" * size, b"B" * size]
print("ready", flush=True)
while True:
    write_atomically(path, texts[1], expected=texts[0])
    texts.reverse()
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_a_kill_at_any_moment_leaves_old_or_new(tmp_path: Path) -> None:
    size = 300_000
    path = tmp_path / "a.py"
    seen: set[bytes] = set()
    for attempt in range(40):
        path.write_bytes(b"A" * size)
        command = [sys.executable, "-c", _WRITER, str(path), str(size)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(0.0007 * attempt)
            process.send_signal(signal.SIGKILL)
        data = path.read_bytes()
        assert data in (b"A" * size, b"B" * size)
        seen.add(data[:1])
    assert seen == {b"A", b"B"}
