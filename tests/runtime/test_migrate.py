"""`tfguard run --migrate` with real processes: old programs run on today's TensorFlow, their files as they were."""

from __future__ import annotations

import hashlib
import itertools
import json
import re
import shutil
import signal
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from era.era_programs import find_difference, read_numbers
from runtime.programs import clean_environment, needs_tensorflow, plain_python
from tfguard.line_map import map_lines

PROGRAMS = Path(__file__).parent / "migrate"
GOLDENS: dict[str, dict[str, Any]] = json.loads((PROGRAMS / "goldens.json").read_text())
needs_keras_2 = pytest.mark.skipif(find_spec("tf_keras") is None, reason="tf_keras is not installed")
OLD = """\
import sys, os
import halves, tools.more

def show((a, b)):
    print "sum", a + b, __name__, os.path.basename(__file__), sys.argv[1:]

show((7 / 2, halves.half(5)))
if "fail" in sys.argv:
    tools.more.fail()
"""
HALVES = "def half(x):\n    return x / 2\n"
MORE = """\
import itertools
def fail():
    values = reduce(max, map(None, [1, 2]))
    raise ValueError, "%r here" % values
"""
SHOWN = "sum 5 __main__ old.py []\n"


def run(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """`tfguard run --migrate` in a folder, with a folder of its own for what is temporary; bytecode is written."""
    return tfguard(folder, "run", "--migrate", *arguments, **variables)


def tfguard(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tfguard", *arguments]
    return call(folder, command, TMPDIR=str(temporary(folder)), **variables)


def plain(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return call(folder, [sys.executable, *arguments], PYTHONHASHSEED="0")


def call(folder: Path, command: list[str], **variables: str) -> subprocess.CompletedProcess[str]:
    environment = clean_environment(**variables)
    del environment["PYTHONDONTWRITEBYTECODE"]
    return subprocess.run(command, cwd=folder, env=environment, input="", capture_output=True, text=True, timeout=200)


def temporary(folder: Path) -> Path:
    path = folder.parent / "temporary"
    path.mkdir(exist_ok=True)
    return path


def digests(folder: Path) -> dict[str, str]:
    """Of every file below a folder."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A program of Python 2 that needs no library."""
    place = tmp_path / "project"
    (place / "tools").mkdir(parents=True)
    for name, text in {"old.py": OLD, "halves.py": HALVES, "tools/__init__.py": "", "tools/more.py": MORE}.items():
        (place / name).write_text(text)
    return place


def program(name: str, tmp_path: Path) -> Path:
    shutil.copytree(PROGRAMS / name, tmp_path / name)
    return tmp_path / name


def without_numbers(line: str) -> str:
    return re.sub(r"-?\d[\d.e+-]*", "#", line)


def own_frames(stderr: str, folder: Path) -> list[str]:
    """The frames of a traceback in a program's own files; each shows the text that stands in that line of the file."""
    frames: list[str] = []
    lines = stderr.splitlines()
    for line, shown in itertools.pairwise(lines):
        match = re.match(rf'  File "{re.escape(str(folder))}/(.+)", line (\d+), in ', line)
        if match is not None:
            text = (folder / match[1]).read_text().splitlines()[int(match[2]) - 1]
            assert shown == f"    {text.strip()}"
            frames.append(f"{match[1]}:{match[2]}")
    return frames


# -- programs of their time, on today's TensorFlow -----------------------------------------------------------


@needs_tensorflow
@pytest.mark.parametrize(
    ("name", "places"),
    [
        ("session", ["train.py:32", "train.py:28", "network.py:16"]),
        ("python2", ["train.py:41", "train.py:38", "batches.py:14"]),
        ("contrib", ["train.py:51"]),
        pytest.param("cells", ["train.py:18"], marks=needs_keras_2),
    ],
)
def test_a_program_of_its_time(name: str, places: list[str], tmp_path: Path) -> None:
    """It fails under Python alone and gives the numbers of its own TensorFlow; its error stands where it stands."""
    folder, golden = program(name, tmp_path), GOLDENS[name]
    before = digests(folder)
    if golden["tensorflow"] < "1" or name == "session":  # one of each kind is enough: a process of TensorFlow is dear
        alone = plain(folder, "-B", "train.py")
        assert any(error in alone.stderr for error in ("AttributeError", "SyntaxError")), alone.stderr[-2000:]
    done = run(folder, "train.py")
    assert done.returncode == golden["exit"], done.stderr[-3000:]
    assert done.stderr.splitlines()[-1] == golden["error"]
    lines = [line for line in done.stdout.splitlines() if not line.startswith("Extracting ")]
    assert len(lines) == len(golden["stdout"])
    for line, expected in zip(lines, golden["stdout"], strict=True):
        assert without_numbers(line) == without_numbers(expected)
        assert find_difference(read_numbers(expected), read_numbers(line), relative=1e-4, absolute=1e-6) is None, line
    assert own_frames(done.stderr, folder) == places
    assert "tfguard/runtime" not in done.stderr
    assert {name: digest for name, digest in digests(folder).items() if "__pycache__" not in name} == before
    assert not list(temporary(folder).iterdir())


@needs_tensorflow
def test_a_notebook(tmp_path: Path) -> None:
    folder = program("notebook", tmp_path)
    before = digests(folder)
    done = run(folder, "-q", "book.ipynb")
    assert (done.returncode, done.stdout) == (1, "[13.0]\n"), done.stderr[-3000:]
    assert 'File "book.ipynb [cell 5]", line 1, in <module>\n    sess.run(out, {x: np.zeros(3)})' in done.stderr
    assert digests(folder) == before


def test_a_notebook_of_python_2(folder: Path) -> None:
    sources = [
        ["%matplotlib inline\n", "import halves"],
        "# text",
        ["x = 7 / 2"],
        ["print x, halves.half(9)\n", "fail()"],
    ]
    cells = [{"cell_type": "code", "metadata": {}, "outputs": [], "source": source} for source in sources]
    cells[1] = {"cell_type": "markdown", "metadata": {}, "source": ["# text"]}
    (folder / "book.ipynb").write_text(json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 4}))
    done = run(folder, "-q", "book.ipynb")
    assert (done.returncode, done.stdout) == (1, "3 4\n"), done.stderr
    assert 'File "book.ipynb [cell 4]", line 2, in <module>\n    fail()\n' in done.stderr


AUTOGRAPH = """\
from six.moves import range
import tensorflow as tf

@tf.function
def entropy(p):
    total = 0.0
    for i in tf.range(2):
        total -= p[i] * tf.log(p[i])
    return total

print(entropy(tf.constant([0.5, 0.5])).numpy())
"""


@needs_tensorflow
def test_functions_that_tensorflow_reads_again(folder: Path) -> None:
    """`tf.function` converts the source of a loop: the rewritten one, not the one in the file."""
    (folder / "graph.py").write_text(AUTOGRAPH)
    done = run(folder, "-q", "graph.py")
    assert done.stdout.startswith("0.693147"), done.stderr[-3000:]


# -- Python's own ways ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["3.6", "3.7", "3.13", "own"])
def test_versions(folder: Path, version: str) -> None:
    python = sys.executable if version == "own" else plain_python(version)
    assert run(folder, "--python", python, "old.py").stdout == SHOWN
    failed = run(folder, "--python", python, "-q", "old.py", "fail")
    assert failed.returncode == 1
    assert failed.stdout == "sum 5 __main__ old.py ['fail']\n"
    name = "old.py" if version in ("3.6", "3.7") else folder / "old.py"
    lines = [line for line in failed.stderr.splitlines()[1:] if line.strip(" ~^")]
    assert lines == [
        "Traceback (most recent call last):",
        f'  File "{name}", line 9, in <module>',
        "    tools.more.fail()",
        f'  File "{folder}/tools/more.py", line 4, in fail',
        '    raise ValueError, "%r here" % values',
        "ValueError: 2 here",
    ]


def test_no_bytecode_of_rewritten_files(folder: Path) -> None:
    """What Python would read of them later: a module that both Pythons read keeps its meaning under Python alone."""
    (folder / "same.py").write_text("VALUE = 3\n")
    (folder / "new.py").write_text("import halves\nprint(halves.half(5))\n")
    (folder / "old.py").write_text(f"import same\n{OLD}")
    before = digests(folder)
    assert plain(folder, "new.py").stdout == "2.5\n"
    cached = digests(folder)
    assert run(folder, "old.py").stdout == SHOWN
    left = digests(folder)
    assert {name: left[name] for name in before} == before
    assert {name: left[name] for name in cached} == cached
    assert [Path(name).name.split(".")[0] for name in left if name not in cached] == ["same", "__init__"]
    assert plain(folder, "new.py").stdout == "2.5\n"


def test_a_module_as_program(folder: Path) -> None:
    done = run(folder, "-m", "tools.start")
    assert done.returncode == 1
    (folder / "tools" / "start.py").write_text("import more\nprint __name__, __package__, 7 / 2\nmore.fail()\n")
    done = run(folder, "-q", "-m", "tools.start")
    assert done.stdout == "__main__ tools 3\n"
    assert 'start.py", line 3, in <module>\n    more.fail()\n' in done.stderr


def test_code_as_program(folder: Path) -> None:
    done = run(folder, "-q", "-c", "import sys, halves\nprint sys.argv, halves.half(3)\nraise KeyError, 1", "-x")
    assert (done.returncode, done.stdout) == (1, "['-c', '-x'] 1\n")
    assert 'File "<string>", line 3, in <module>' in done.stderr
    assert "<string>:2: this is Python 2 (print statement)" in done.stderr


def test_what_needs_nothing_runs_as_ever(folder: Path) -> None:
    (folder / "look.py").write_text("import sys\nprint(__name__, __file__, sys.argv, sys.path, sorted(vars()))\n")
    assert run(folder, "look.py", "-q").stdout == plain(folder, "look.py", "-q").stdout


def test_a_rewritten_script_sees_what_it_sees_under_python(folder: Path) -> None:
    look = "import sys\nif 0: print >>sys.stderr, 1\nsys.stdout.write(repr([__name__, __file__, sys.argv, sys.path, "
    look += "sorted(vars()), __doc__, __spec__, __package__, __cached__, __loader__.name])+'\\n')\n"
    (folder / "look.py").write_text(look)
    theirs = plain(folder, "look.py", "-q").stdout
    assert theirs.startswith("['__main__'")
    assert run(folder, "look.py", "-q").stdout == theirs


@pytest.mark.parametrize("way", ["fork", "spawn", "forkserver"])
def test_processes_of_multiprocessing(folder: Path, way: str) -> None:
    (folder / "many.py").write_text(
        "import multiprocessing, sys\n"
        "from halves import half\n"
        "def work(x):\n"
        "    return 7 / x, half(x)\n"
        "if __name__ == '__main__':\n"
        "    pool = multiprocessing.get_context(sys.argv[1]).Pool(1)\n"
        "    print pool.map(work, [2, 3])\n"
        "    pool.close()\n"
        "    pool.join()\n"
    )
    done = run(folder, "many.py", way)
    assert done.stdout == "[(3, 1), (2, 1)]\n", done.stderr
    assert len(done.stderr.splitlines()) == 2


@pytest.mark.parametrize("version", ["3.7", "own"])
def test_scripts_that_the_program_starts(folder: Path, version: str) -> None:
    python = sys.executable if version == "own" else plain_python(version)
    (folder / "launch.py").write_text(
        "import subprocess, sys\n"
        "sys.stdout.flush()\n"
        "print subprocess.call([sys.executable, '-u', '-W', 'ignore', 'old.py', 'x', 'fail'])\n"
        "print subprocess.call([sys.executable, '-uc', 'print(7 / 2)'])\n"
    )
    done = run(folder, "--python", python, "-q", "launch.py")
    assert sorted(done.stdout.splitlines()) == ["0", "1", "3.5", "sum 5 __main__ old.py ['x', 'fail']"], done.stderr
    assert 'old.py", line 9, in <module>\n    tools.more.fail()\n' in done.stderr


def test_a_syntax_error_in_one_module(folder: Path) -> None:
    (folder / "tools" / "more.py").write_text("x = (1\ny = 2\n")
    done = run(folder, "-q", "old.py")
    assert done.returncode == 1
    assert "tools/more.py:1: not valid Python: '(' was never closed" in done.stderr
    assert plain(folder, "-c", "import tools.more").stderr.splitlines()[-4:] == done.stderr.splitlines()[-4:]


# -- what is said --------------------------------------------------------------------------------------------


def test_what_cannot_be_rewritten_is_said(folder: Path) -> None:
    slim = "import sys\nif len(sys.argv) < 2: sys.exit(5)\nfrom tensorflow.contrib import slim\n"
    (folder / "slim.py").write_text(slim + "".join(f"slim.layer_{n}()\n" for n in range(25)))
    done = run(folder, "-q", "--report", "report.json", "slim.py")
    said = done.stderr.splitlines()
    assert done.returncode == 5
    assert said[0].startswith("tfguard: slim.py:3: `slim` does not exist in TensorFlow ")
    missed = json.loads((folder / "report.json").read_text())["missed"]
    assert missed[0]["what"].startswith("slim.py:3: ")
    assert len(said) == min(len(missed), 20) + (len(missed) > 20)


def test_what_was_rewritten_is_said(folder: Path) -> None:
    said = run(folder, "old.py").stderr
    assert "old.py:4: this is Python 2 (tuple parameter); it runs converted with 3 other files, `/` of whole" in said
    assert "tfguard: 3 files rewritten in memory; " in said


def test_the_target_is_what_the_interpreter_has(folder: Path) -> None:
    """Whatever the project's requirements say: they are of the program's own time."""
    (folder / "requirements.txt").write_text("tensorflow==1.15\n")
    (folder / "old.py").write_text(
        "import sys\nif len(sys.argv) < 2: sys.exit()\nimport tensorflow as tf\ntf.Session()\n"
    )
    lent = folder.parent / "lent"
    for version, text in {"2.21.0": "1 file rewritten", "1.15.0": "no file needs rewriting"}.items():
        shutil.rmtree(lent, ignore_errors=True)
        (lent / f"tensorflow-{version}.dist-info").mkdir(parents=True)
        assert text in run(folder, "--python", plain_python("3.7"), "old.py", PYTHONPATH=str(lent)).stderr


def test_settings_from_a_file(folder: Path) -> None:
    (folder / "other.toml").write_text("seed = 5\n")
    code = "import random; print(random.random())"
    expected = plain(folder, "-c", "import random; random.seed(5); print(random.random())").stdout
    assert tfguard(folder, "run", "--config", "other.toml", "-c", code).stdout == expected
    assert run(folder, "--config", "other.toml", "-c", code).stdout == expected
    assert tfguard(folder, "run", "--config", "none.toml", "-c", code).returncode == 2
    assert tfguard(folder, "verify", "--config", "none.toml", "-c", code).returncode == 2


def test_verify_a_rewritten_program(folder: Path) -> None:
    same = tfguard(folder, "verify", "--migrate", "--stdout", "old.py")
    assert same.returncode == 0, same.stderr
    assert "this is Python 2" in same.stderr
    (folder / "old.py").write_text("import os\nprint os.urandom(4)\n")
    assert tfguard(folder, "verify", "--migrate", "--stdout", "--no-diagnose", "old.py").returncode == 1
    assert not list(temporary(folder).iterdir())


# -- what is temporary ---------------------------------------------------------------------------------------


def test_a_killed_program_is_tidied_up_by_the_next(folder: Path) -> None:
    (folder / "wait.py").write_text("import time\nprint 'ready'\nimport sys\nsys.stdout.flush()\ntime.sleep(60)\n")
    command = [sys.executable, "-m", "tfguard", "run", "--migrate", "-q", "wait.py"]
    environment = clean_environment(TMPDIR=str(temporary(folder)))
    with subprocess.Popen(command, cwd=folder, env=environment, stdout=-1, stderr=-1, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGKILL)
        assert process.wait(timeout=30) == -signal.SIGKILL
    assert len(list(temporary(folder).iterdir())) == 1
    assert run(folder, "old.py").stdout == SHOWN
    assert list(temporary(folder).iterdir()) == []


def test_a_file_that_changed_since_runs_as_it_is(folder: Path) -> None:
    """The program writes the module that it then imports."""
    (folder / "old.py").write_text(
        "open('halves.py', 'w').write('def half(x): return \"new\"\\n')\nimport halves\nprint halves.half(2)\n"
    )
    assert run(folder, "old.py").stdout == "new\n"


# -- lines -----------------------------------------------------------------------------------------------------

LINES = st.lists(st.sampled_from(["a = 1", "b = f(a)", "", "import x", "import x.y", "return a"]), max_size=12)


@given(LINES, LINES)
def test_lines_are_mapped_in_order_to_lines_that_are_there(old: list[str], new: list[str]) -> None:
    found = map_lines(old, new)
    numbers = [abs(number) for number in found]
    assert len(found) == len(new)
    assert numbers == sorted(numbers)
    assert all(1 <= number <= max(len(old), 1) for number in numbers)
    assert all(old[number - 1] == line for number, line in zip(found, new, strict=True) if number > 0)
    assert map_lines(old, old) == list(range(1, len(old) + 1))


def test_lines_that_were_added_stand_for_the_line_they_are_put_before() -> None:
    old = ["import tensorflow as tf", "x = tf.placeholder(1)", "y = x / 2"]
    new = ["import tensorflow.compat.v1 as tf", "", "tf.disable_v2_behavior()", "x = tf.placeholder(1)", "y = x // 2"]
    assert map_lines(old, new) == [-1, -1, -1, 2, -3]


OLD_NAMES = """\
import collections, time
import numpy as np
print [np.int, np.float, np.bool in (bool, np.bool_), np.float_ is np.float64, np.Inf]
print int(np.product([2, 3])), time.clock() > 0
print issubclass(dict, collections.Mapping), np.array([1, 2], np.int).dtype.kind
"""


def test_names_that_libraries_took_away(folder: Path) -> None:
    pytest.importorskip("numpy")
    (folder / "names.py").write_text(OLD_NAMES)
    done = run(folder, "-q", "names.py")
    assert done.stdout == "[<class 'int'>, <class 'float'>, True, True, inf]\n6 True\nTrue i\n", done.stderr
