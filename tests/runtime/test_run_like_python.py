"""`tfguard run` beside plain `python`, on several versions of it: signals, children, stdin, tracebacks, `sys.argv`."""

from __future__ import annotations

import ast
import json
import os
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from runtime.programs import ROOT, clean_environment, plain_python

TFGUARD = [sys.executable, "-m", "tfguard", "run", "-q"]
RUNTIME = sorted((ROOT / "tfguard" / "runtime").rglob("*.py"))


@pytest.fixture(params=["this", "3.6", "3.7", "3.12", "3.13"])
def python(request: pytest.FixtureRequest) -> str:
    return sys.executable if request.param == "this" else plain_python(request.param)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "look.py").write_text(
        "import json, sys\nprint(json.dumps([__name__, sys.argv, sys.path[0], sys.flags.hash_randomization]))\n"
    )
    (tmp_path / "helper.py").write_text("def fail(value):\n    return 1 / value\n")
    (tmp_path / "broken.py").write_text(
        "import helper\n\ndef main():\n    try:\n        helper.fail(0)\n    except ZeroDivisionError as error:\n"
        "        raise ValueError('caf\\u00e9') from error\n\nmain()\n",
        encoding="utf-8",
    )
    (tmp_path / "unreadable.py").write_text("x = (\n")
    (tmp_path / "__main__.py").write_text("import sys\nprint('folder', sys.argv)\n")
    with zipfile.ZipFile(tmp_path / "packed.zip", "w") as archive:
        archive.writestr("__main__.py", "import sys\nprint('zip', sys.argv)\n")
    return tmp_path


def both(
    folder: Path, python: str, *program: str, stdin: str = ""
) -> tuple[subprocess.CompletedProcess[str], subprocess.CompletedProcess[str]]:
    """Under tfguard, and under Python alone with the same hash seed."""
    ours = [*TFGUARD, "--python", python, *program]
    environment = clean_environment(PYTHONHASHSEED="0")
    done = [
        subprocess.run(command, cwd=folder, env=environment, input=stdin, capture_output=True, text=True, timeout=120)
        for command in (ours, [python, *program])
    ]
    return done[0], done[1]


@pytest.mark.parametrize("path", RUNTIME, ids=lambda path: path.name)
def test_the_shim_keeps_to_the_syntax_of_old_python(path: Path) -> None:
    ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 6))


@pytest.mark.parametrize(
    "program",
    [
        ["look.py", "--seed", "1", ""],
        ["-m", "look", "-m"],
        ["-mlook", "a"],
        ["-c", "import sys; print(sys.argv, __name__)", "-c"],
        [".", "x"],
        ["packed.zip", "x"],
        ["-m", "json.tool", "--help"],
    ],
    ids=lambda program: program[0],
)
def test_every_way_to_start_a_program(folder: Path, python: str, program: list[str]) -> None:
    ours, theirs = both(folder, python, *program)
    assert (ours.returncode, ours.stdout, ours.stderr) == (theirs.returncode, theirs.stdout, theirs.stderr)
    assert ours.returncode == 0


@pytest.mark.parametrize(
    "program",
    [
        ["broken.py"],
        ["-m", "broken"],
        ["unreadable.py"],
        ["absent.py"],
        ["-m", "absent"],
        ["-c", "import helper; helper.fail(0)"],
        ["-c", "def f(): f()\nf()"],
        ["-c", "import sys; sys.exit('said')"],
        ["-c", "import sys; sys.exit(300)"],
        ["-c", "raise KeyboardInterrupt"],
        ["-c", "import threading\nthreading.Thread(target=lambda: 1 / 0, name='t').start()"],
        ["-c", "import atexit; atexit.register(print, 'end'); raise SystemExit(3)"],
    ],
    ids=lambda program: program[-1][:24],
)
def test_errors_read_and_end_alike(folder: Path, python: str, program: list[str]) -> None:
    ours, theirs = both(folder, python, *program)
    assert (ours.returncode, ours.stdout, ours.stderr) == (theirs.returncode, theirs.stdout, theirs.stderr)


def test_stdin_of_every_kind(folder: Path, python: str) -> None:
    for code, given in [
        ("import sys; print(sum(1 for line in sys.stdin), sys.stdin.isatty())", "a\nb\n"),
        ("import sys; print(len(sys.stdin.buffer.read()))", "x" * 100_000),
        ("print(input('name? '))", "me\n"),
        ("print(input())", ""),
    ]:
        ours, theirs = both(folder, python, "-c", code, stdin=given)
        assert (ours.returncode, ours.stdout, ours.stderr) == (theirs.returncode, theirs.stdout, theirs.stderr)


HANDLING = """\
import os, signal, sys, time
def end(number, frame):
    os.write(1, b"handled\\n")
    sys.exit(5)
if sys.argv[1] == "handler":
    signal.signal(signal.SIGTERM, end)
try:
    print("ready", flush=True)
    time.sleep(60)
except KeyboardInterrupt:
    print("interrupted", flush=True)
    if sys.argv[1] == "again":
        raise
finally:
    print("cleaned up", flush=True)
"""


@pytest.mark.parametrize(
    ("number", "way", "code", "said"),
    [
        (signal.SIGINT, "catch", 0, "ready\ninterrupted\ncleaned up\n"),
        (signal.SIGINT, "again", -signal.SIGINT, "ready\ninterrupted\ncleaned up\n"),
        (signal.SIGTERM, "handler", 5, "ready\nhandled\ncleaned up\n"),
        (signal.SIGTERM, "none", -signal.SIGTERM, "ready\n"),
    ],
)
def test_signals_reach_the_program(
    folder: Path, python: str, number: signal.Signals, way: str, code: int, said: str
) -> None:
    if python.split("/")[-3].startswith(("3.6", "3.7")) and code == -signal.SIGINT:
        code = 1  # before 3.8 an interrupted Python ends with 1, not by the signal
    (folder / "handling.py").write_text(HANDLING)
    command = [*TFGUARD, "--python", python, "handling.py", way]
    with subprocess.Popen(command, cwd=folder, env=clean_environment(), stdout=-1, stderr=-1, text=True) as process:
        assert process.stdout is not None
        shown = process.stdout.readline()
        process.send_signal(number)
        rest, errors = process.communicate(timeout=60)
    assert (process.returncode, shown + rest) == (code, said)
    assert "tfguard" not in errors


def test_ctrl_c_ends_the_whole_group(folder: Path) -> None:
    """As a terminal sends it: to the program and to its children at once."""
    (folder / "group.py").write_text(
        "import multiprocessing, os, time\n"
        "def wait(_):\n    print(os.getpid(), flush=True)\n    time.sleep(60)\n"
        "if __name__ == '__main__':\n"
        "    child = multiprocessing.get_context('fork').Process(target=wait, args=(0,))\n"
        "    child.start()\n    child.join()\n"
    )
    with subprocess.Popen(
        [*TFGUARD, "group.py"],
        cwd=folder,
        env=clean_environment(),
        stdout=-1,
        stderr=-1,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        child = int(process.stdout.readline())
        os.killpg(process.pid, signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == -signal.SIGINT
    assert "KeyboardInterrupt" in errors
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)


CHILDREN = """\
import concurrent.futures, json, multiprocessing, os, random, subprocess, sys
def draw(number):
    return random.random(), sys.flags.hash_randomization
def main():
    found = {}
    for way in multiprocessing.get_all_start_methods():
        context = multiprocessing.get_context(way)
        with context.Pool(1) as pool:
            found[way] = pool.map(draw, range(2))
    with concurrent.futures.ProcessPoolExecutor(1) as pool:
        found["executor"] = list(pool.map(draw, range(2)))
    code = "import random; print(random.random())"
    found["subprocess"] = subprocess.check_output([sys.executable, "-c", code]).decode()
    read, write = os.pipe()
    if os.fork() == 0:
        os.write(write, repr(random.random()).encode())
        os._exit(0)
    os.wait()
    found["fork by hand"] = os.read(read, 100).decode()
    print(json.dumps(found))
if __name__ == "__main__":
    main()
"""


def test_children_of_every_kind_are_seeded_and_end(folder: Path, python: str) -> None:
    (folder / "children.py").write_text(CHILDREN)
    runs = [both(folder, python, "children.py") for _ in range(2)]
    assert [done.returncode for pair in runs for done in pair] == [0] * 4, runs[0][0].stderr
    (first, plain_first), (second, plain_second) = runs
    assert first.stdout == second.stdout
    assert plain_first.stdout != plain_second.stdout
    assert first.stderr == plain_first.stderr
    found = json.loads(first.stdout)
    assert {"fork", "spawn", "forkserver"} <= set(found)
    # Processes that begin alike would draw alike: each fork has a seed of its own.
    assert found["fork"][0][0] != float(found["fork by hand"])


def test_a_closed_pipe_ends_it_quietly(folder: Path, python: str) -> None:
    code = "for i in range(100000): print(i)"
    for command in ([*TFGUARD, "--python", python, "-c", code], [python, "-c", code]):
        shell = subprocess.Popen(command, cwd=folder, env=clean_environment(), stdout=-1, stderr=-1, text=True)
        with shell as process:
            assert process.stdout is not None
            assert process.stderr is not None
            process.stdout.readline()
            process.stdout.close()
            assert "BrokenPipeError" in process.stderr.read()
            assert process.wait(timeout=60) != 0


def test_a_notebook_on_old_and_new_python(folder: Path, python: str) -> None:
    cells = [
        {
            "cell_type": "code",
            "metadata": {},
            "outputs": [],
            "source": ["!ls\n", "import sys, helper\n", "print(sys.argv)"],
        },
        {"cell_type": "code", "metadata": {}, "outputs": [], "source": ["helper.fail(0)"]},
    ]
    (folder / "book.ipynb").write_text(json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 4}))
    done = subprocess.run(
        [*TFGUARD, "--python", python, "book.ipynb", "x"],
        cwd=folder,
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.returncode, done.stdout) == (1, "['book.ipynb', 'x']\n")
    assert 'File "book.ipynb [cell 2]", line 1, in <module>\n    helper.fail(0)' in done.stderr
    assert done.stderr.rstrip().endswith("ZeroDivisionError: division by zero")
