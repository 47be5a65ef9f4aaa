"""What changes no answer: aliases, form feeds, the hash seed, workers, the cache. And any text gets an answer."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from running import run_check, run_fix, target_of, write_files
from tfguard.model import RunReport

ROOT = Path(__file__).parent.parent
PROGRAMS = sorted(
    path
    for path in (ROOT / "fixtures").rglob("*.py")
    if ".fixed" not in path.as_posix() and "__pycache__" not in path.parts
)
MADE = settings(max_examples=60, deadline=None)


def identify(path: Path) -> str:
    return path.relative_to(ROOT / "fixtures").as_posix()


def fixed(folder: Path, raw: bytes, target: str | None = None) -> tuple[bytes, RunReport]:
    """The bytes of a file after `fix --unsafe-fixes`, and the report."""
    write_files(folder, {"case.py": raw})
    report = run_fix(folder, target=target, unsafe_fixes=True)
    return (folder / "case.py").read_bytes(), report


def found(report: RunReport) -> list[tuple[int, str]]:
    return [(finding.line, finding.rule) for finding in report.findings]


def bugs(report: RunReport) -> list[str]:
    return [problem.message for problem in report.all_problems if "bug" in problem.message + problem.remedy]


def is_python(raw: bytes) -> bool:
    """Is it Python in UTF-8?"""
    try:
        ast.parse(raw.decode())
    except (SyntaxError, ValueError):
        return False
    return True


@pytest.mark.parametrize("path", PROGRAMS, ids=identify)
def test_unsafe_fixes_come_to_rest_too(path: Path, tmp_path: Path) -> None:
    raw = path.read_bytes()
    target = target_of(raw.decode("utf-8", "replace"))
    once, report = fixed(tmp_path, raw, target)
    twice, again = fixed(tmp_path, once, target)
    assert (twice, again.fixed, bugs(report)) == (once, 0, [])
    assert not [change.refused for change in report.changes if change.refused]
    if once != raw:
        assert ast.get_docstring(ast.parse(once)) == ast.get_docstring(ast.parse(raw))


FEEDABLE = [path for path in PROGRAMS if is_python(path.read_bytes())]


@pytest.mark.parametrize("path", FEEDABLE, ids=identify)
def test_form_feeds_change_nothing_and_stay(path: Path, tmp_path: Path) -> None:
    raw = path.read_bytes()
    fed = re.sub(rb"(?m)^(def|class|import|if|with) ", rb"\f\1 ", raw)
    if not is_python(fed) or ast.dump(ast.parse(fed)) != ast.dump(ast.parse(raw)):
        pytest.skip("another program")
    target = target_of(raw.decode())
    plain, plain_report = fixed(tmp_path / "plain", raw, target)
    after, report = fixed(tmp_path / "fed", fed, target)
    assert after.replace(b"\f", b"") == plain
    assert after.count(b"\f") == fed.count(b"\f")
    assert found(report) == found(plain_report)


def renamed(text: str) -> str:
    """The program with `T` for `tf`, comments and strings included."""
    return re.sub(r"(?<![\w.])tf(?!\w)", "T", text)


IMPORT = re.compile(r"^import tensorflow(?:\.compat\.v1)? as tf$", re.MULTILINE)
ALIASED = [path for path in FEEDABLE if IMPORT.search(path.read_text())]


@pytest.mark.parametrize("path", ALIASED, ids=identify)
def test_the_alias_of_a_module_changes_nothing(path: Path, tmp_path: Path) -> None:
    text = path.read_text()
    if re.search(r"(?<![\w.])T(?!\w)", text):
        pytest.skip("the name is taken")
    target = target_of(text)
    plain, plain_report = fixed(tmp_path / "plain", text.encode(), target)
    other, report = fixed(tmp_path / "renamed", renamed(text).encode(), target)
    assert other.decode() == renamed(plain.decode())
    assert found(report) == found(plain_report)


@pytest.mark.parametrize("path", PROGRAMS, ids=identify)
def test_what_stands_above_moves_findings_down(path: Path, tmp_path: Path) -> None:
    raw = path.read_bytes()
    target = target_of(raw.decode("utf-8", "replace"))
    if raw.startswith((b"#!", b"# -*-")) or b"coding" in raw[:100]:
        pytest.skip("the first lines mean something")
    write_files(tmp_path / "plain", {"case.py": raw})
    write_files(tmp_path / "moved", {"case.py": "# äöü😀\n#\n".encode() + raw})
    plain = found(run_check(tmp_path / "plain", target=target))
    assert [(line - 2, rule) for line, rule in found(run_check(tmp_path / "moved", target=target))] == plain


def output(folder: Path, *options: str, seed: str = "0") -> str:
    """What the command prints about a folder."""
    command = [sys.executable, "-m", "tfguard", "check", "--format", "json", *options, "."]
    environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode in (1, 2), done.stderr
    return done.stdout


@pytest.mark.slow
def test_nothing_but_the_input_changes_the_output(tmp_path: Path) -> None:
    """Hash seed, number of workers, cold and warm cache."""
    write_files(tmp_path, {f"p{number:03}/{path.name}": path.read_bytes() for number, path in enumerate(PROGRAMS)})
    plain = output(tmp_path, "--no-cache", "--jobs", "1")
    assert plain.count('"rule"') > 50
    assert output(tmp_path, "--no-cache", "--jobs", "1", seed="12345") == plain
    assert output(tmp_path, "--no-cache", "--jobs", "3", seed="7") == plain
    assert output(tmp_path, "--jobs", "2") == plain
    assert output(tmp_path, seed="99") == plain


EXPRESSIONS = st.sampled_from(
    [
        "tf.placeholder(tf.float32, [None, 2], name='x')",
        "tf.Variable(tf.random_normal([2, 3]))",
        "tf.mul(a, b)",
        "tf.Session(config=tf.ConfigProto())",
        "tf.train.AdmaOptimizer(0.1).minimize(loss)",
        "tf.data.Dataset.range(10).shuffle(10)",
        "tf.contrib.layers.fully_connected(x, 10)",
        "tf.log(tf.nn.softmax(a)) + tf.concat(1, [a, b])",
        "np.random.rand(3)",
        "tf.summary.merge_all()",
        "f'{tf.log(a)} {x!r:{tf.sub(1, 2)}}'",
        "f'''\n{tf.log(a)}'''",
        "lambda q=tf.pack([1]): tf.unpack(q)",
        "[tf.neg(v) for v in (tf.ones([2]), 'ä')]",
        "tensorflow.Session().run(a)",
        "(tf\n    .log(a))  # a comment",
        "'tf.log in a string'",
    ]
)
HEADS = st.sampled_from(
    [
        "if x:",
        "for i in range(3):",
        "def main(argv=None):",
        "class Model(object):",
        "def build(tf):",
        "if __name__ == '__main__':",
        "with tf.Graph().as_default():",
        "try:\n    import tensorflow as tf\nexcept ImportError:",
    ]
)


def indented(text: str) -> str:
    return "\n".join(f"    {line}" if line else line for line in text.split("\n"))


STATEMENTS = st.recursive(
    st.one_of(
        EXPRESSIONS,
        EXPRESSIONS.map(lambda e: f"x = {e}"),
        EXPRESSIONS.map(lambda e: f"a, b = 1, {e}"),
        EXPRESSIONS.map(lambda e: f"with {e} as sess:\n    sess.run(x)"),
        EXPRESSIONS.map(lambda e: f"x = 1; y = {e}"),
        EXPRESSIONS.map(lambda e: f"if x: y = {e}"),
        st.sampled_from(["tf = tf.compat.v1", "x = 3  # comment", "import numpy as np", "pass", "import tensorflow"]),
    ),
    lambda inner: st.builds(lambda head, body: f"{head}\n{indented(body)}\n", HEADS, inner),
    max_leaves=6,
)
STARTS = st.sampled_from(
    ["", "import tensorflow as tf\n", '"""A docstring."""\nimport tensorflow as tf\n', "#!/usr/bin/python\n# é\n\n"]
)


@given(start=STARTS, body=st.lists(STATEMENTS, max_size=6), end=st.sampled_from(["\n", "", "\n\n"]))
@MADE
def test_any_program_is_fixed_soundly(
    start: str, body: list[str], end: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    raw = (start + "\n".join(body) + end).encode()
    folder = tmp_path_factory.mktemp("made")
    once, report = fixed(folder, raw)
    twice, again = fixed(folder, once)
    assert (twice, again.fixed, bugs(report)) == (once, 0, [])
    if not report.fixed:
        assert once == raw
    else:
        compile(once, "case.py", "exec", dont_inherit=True)
        assert ast.get_docstring(ast.parse(once)) == ast.get_docstring(ast.parse(raw))


@given(text=st.text(alphabet=st.characters(codec="utf-8"), max_size=60))
@MADE
def test_any_text_gets_an_answer(text: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    raw = b"import tensorflow as tf\n" + text.encode()
    after, report = fixed(tmp_path_factory.mktemp("text"), raw)
    assert bugs(report) == []
    if not report.fixed:
        assert after == raw


@given(raw=st.binary(max_size=80))
@MADE
def test_any_bytes_get_an_answer(raw: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    after, report = fixed(tmp_path_factory.mktemp("bytes"), b"tf.log\n" + raw)
    assert bugs(report) == []
    assert after == b"tf.log\n" + raw
