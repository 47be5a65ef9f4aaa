"""Streams: bytes, colours, broken pipes, progress."""

from __future__ import annotations

import io
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tfguard.cli import output, progress
from tfguard.errors import TfguardError
from tfguard.report.styled import Line

LINES: list[Line] = [(("a.py", "path"), (": caf\u00e9 \U0001f4a5", "")), ()]


class Stream(io.TextIOWrapper):
    """A text stream that may be a terminal."""

    def __init__(self, *, encoding: str = "utf-8", terminal: bool = False) -> None:
        super().__init__(io.BytesIO(), encoding=encoding)
        self.terminal = terminal

    def isatty(self) -> bool:
        return self.terminal

    @property
    def written(self) -> bytes:
        self.seek(0)
        return self.buffer.read()


@pytest.fixture(autouse=True)
def usual_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")


def test_plain_output_is_exact() -> None:
    stream = Stream()
    output.write_lines(LINES, stream)
    assert stream.written == "a.py: caf\u00e9 \U0001f4a5\n\n".encode()


def test_characters_that_the_stream_cannot_show_are_spelled_out() -> None:
    stream = Stream(encoding="ascii")
    output.write_lines(LINES, stream)
    assert stream.written == b"a.py: caf\\xe9 \\U0001f4a5\n\n"


def test_terminal_gets_colours() -> None:
    stream = Stream(terminal=True)
    output.write_lines(LINES, stream)
    assert b"\x1b[" in stream.written
    assert re.sub(rb"\x1b\[[0-9;]*m", b"", stream.written) == "a.py: caf\u00e9 \U0001f4a5\n\n".encode()


@pytest.mark.parametrize(
    ("variables", "terminal", "coloured"),
    [
        ({}, True, True),
        ({}, False, False),
        ({"NO_COLOR": "1"}, True, False),
        ({"NO_COLOR": ""}, True, True),
        ({"TERM": "dumb"}, True, False),
        ({"FORCE_COLOR": "1"}, False, True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False, False),
    ],
)
def test_who_gets_colours(
    variables: dict[str, str], terminal: bool, coloured: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for key, value in variables.items():
        monkeypatch.setenv(key, value)
    assert output.has_colour(Stream(terminal=terminal)) is coloured


def test_text_for_programs_gives_the_bytes_back() -> None:
    stream = Stream(encoding="ascii")
    output.write_exact(b"caf\xe9 \xc3\xa9\r\n".decode("utf-8", "surrogateescape"), stream)
    assert stream.written == b"caf\xe9 \xc3\xa9\r\n"


def test_output_file_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    output.write_file("x\n", str(tmp_path / "result"))
    assert (tmp_path / "result").read_bytes() == b"x\n"
    with pytest.raises(TfguardError, match=r"cannot write .*No such file"):
        output.write_file("x\n", str(tmp_path / "missing" / "result"))


def test_reader_that_has_enough_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "old.py").write_text("import tensorflow as tf\n" + "tf.mul(1, 2)\n" * 3000)
    command = f"'{sys.executable}' -m tfguard check --no-cache old.py; echo code $? >&2"
    done = subprocess.run(
        ["bash", "-c", f"({command}) | head -n 1"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.stdout.startswith("old.py:2:")
    assert "Traceback" not in done.stderr
    assert "BrokenPipe" not in done.stderr
    assert done.stderr.endswith("code 1\n")


@pytest.mark.parametrize("no_color", [False, True])
def test_real_terminal(tmp_path: Path, no_color: bool) -> None:
    (tmp_path / "old.py").write_text("import tensorflow as tf\n\ntf.mul(1, 2)\n")
    environment = {**os.environ, "COLUMNS": "40"} | ({"NO_COLOR": "1"} if no_color else {})
    leader, follower = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "tfguard", "check", "--no-cache", "old.py"],
        cwd=tmp_path,
        env=environment,
        stdout=follower,
        stderr=subprocess.DEVNULL,
    ) as process:
        os.close(follower)
        shown = b""
        while chunk := _read(leader):
            shown += chunk
    os.close(leader)
    assert process.returncode == 1
    assert (b"\x1b[" in shown) is not no_color
    plain = subprocess.run(
        [sys.executable, "-m", "tfguard", "check", "--no-cache", "old.py"],
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )
    assert re.sub(rb"\x1b\[[0-9;]*m", b"", shown).replace(b"\r\n", b"\n") == plain.stdout


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65536)
    except OSError:  # Linux says EIO when the other end is closed
        return b""


def test_progress_is_for_long_runs_on_terminals(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Stream(terminal=True)
    monkeypatch.setattr(sys, "stderr", stream)
    clock = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: clock[0])
    with progress.show_progress(wanted=True) as tell:
        assert tell is not None
        for clock[0], done in ((0.5, 10), (1.5, 20), (1.51, 21), (2.0, 30)):
            tell(done, 100)
    assert stream.written == b"\r\x1b[K20 of 100 files\r\x1b[K30 of 100 files\r\x1b[K"


def test_short_run_shows_no_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Stream(terminal=True)
    monkeypatch.setattr(sys, "stderr", stream)
    with progress.show_progress(wanted=True) as tell:
        assert tell is not None
        tell(1, 1)
    assert stream.written == b""


@pytest.mark.parametrize(("wanted", "terminal"), [(False, True), (True, False)])
def test_nobody_watches(wanted: bool, terminal: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", Stream(terminal=terminal))
    with progress.show_progress(wanted=wanted) as tell:
        assert tell is None
