"""What must hold of `fix` for any program: over all fixtures, in every dress that a text file can wear."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from running import found_in, run_check, run_fix, target_of, write_files

ROOT = Path(__file__).parent.parent / "fixtures"
FIXTURES = sorted(
    path for path in ROOT.glob("*/*.py") if not path.stem.endswith(".fixed") and b"import" in path.read_bytes()
)
COOKIE = b"# -*- coding: latin-1 -*-\n"


def is_plain(raw: bytes) -> bool:
    """Is the text without what would mean something else in another dress?"""
    return b"\r" not in raw and raw.isascii() and b"coding" not in raw.split(b"\n\n")[0] and raw.endswith(b"\n")


PLAIN = [path for path in FIXTURES if is_plain(path.read_bytes())]


def fixed(folder: Path, raw: bytes, target: str | None, name: str = "program.py") -> bytes:
    write_files(folder, {name: raw})
    run_fix(folder, target=target)
    return (folder / name).read_bytes()


def identify(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


@pytest.mark.parametrize("path", PLAIN, ids=identify)
def test_the_dress_of_a_file_changes_nothing(path: Path, tmp_path: Path) -> None:
    raw = path.read_bytes()
    target = target_of(raw.decode())
    wanted = fixed(tmp_path / "plain", raw, target)
    assert fixed(tmp_path / "crlf", raw.replace(b"\n", b"\r\n"), target) == wanted.replace(b"\n", b"\r\n")
    assert fixed(tmp_path / "cr", raw.replace(b"\n", b"\r"), target) == wanted.replace(b"\n", b"\r")
    assert fixed(tmp_path / "bom", b"\xef\xbb\xbf" + raw, target) == b"\xef\xbb\xbf" + wanted
    assert fixed(tmp_path / "open", raw.rstrip(b"\n"), target).rstrip(b"\n") == wanted.rstrip(b"\n")
    with_cookie = fixed(tmp_path / "latin", COOKIE + raw + b"\n# \xe9\n", target)
    assert with_cookie.startswith(COOKIE)
    assert with_cookie.endswith(b"\n# \xe9\n")
    assert without_blank_lines(with_cookie[len(COOKIE) : -5]) == without_blank_lines(wanted)


def without_blank_lines(raw: bytes) -> bytes:
    return re.sub(rb"\n\s*\n", b"\n", raw).strip()


@pytest.mark.parametrize("path", FIXTURES, ids=identify)
def test_fixing_keeps_what_it_does_not_mean_to_change(path: Path, tmp_path: Path) -> None:
    raw = path.read_bytes()
    target = target_of(raw.decode("utf-8", "replace"))
    after = fixed(tmp_path, raw, target)
    if after == raw:
        return
    ast.parse(after)
    assert not comments(raw) - comments(after)
    again = run_fix(tmp_path, target=target)
    assert again.changes == ()
    assert (tmp_path / "program.py").read_bytes() == after


def comments(raw: bytes) -> Counter[str]:
    tokens = tokenize.tokenize(io.BytesIO(raw).readline)
    return Counter(token.string for token in tokens if token.type == tokenize.COMMENT)


@pytest.mark.parametrize("path", PLAIN, ids=identify)
def test_tabs_for_spaces_change_no_finding(path: Path, tmp_path: Path) -> None:
    raw = path.read_bytes()
    tabs = re.sub(rb"^(    )+", lambda match: b"\t" * (len(match[0]) // 4), raw, flags=re.MULTILINE)
    try:
        ast.parse(tabs)
    except SyntaxError:
        return  # continuation lines that are no multiple of four
    target = target_of(raw.decode())
    write_files(tmp_path / "spaces", {"program.py": raw})
    write_files(tmp_path / "tabs", {"program.py": tabs})
    assert found_in(run_check(tmp_path / "spaces", target=target)) == found_in(
        run_check(tmp_path / "tabs", target=target)
    )


_LINES = [
    "import tensorflow as tf",
    "import tensorflow.compat.v1 as tf",
    "import numpy as np, random",
    "from tensorflow import keras",
    "x = tf.placeholder(tf.float32, [None, 3])  # input",
    "w = tf.Variable(tf.random_normal([3, 1]))",
    "sess = tf.Session()",
    "with tf.Session() as sess:\n    print(sess.run(w))",
    "model = keras.Sequential([keras.layers.Dense(1)])",
    "model.fit(np.random.rand(4, 3), np.zeros(4))",
    "def main(_):\n    '''Docs.'''\n    return tf.random_uniform([2])",
    "if __name__ == '__main__':\n    tf.app.run()",
    "random.shuffle([1, 2])",
    "tf.set_random_seed(1)",
    "tf.mul(x, w); tf.train.AdmaOptimizer(0.1)",
    "class Net:\n    def __init__(self):\n        self.summary = tf.merge_all_summaries()",
    "'''A string,\n# not a comment\n'''",
    "try:\n    import tensorflow as tf\nexcept ImportError:\n    tf = None",
    "\x0c",
    "# a comment",
    "from __future__ import division",
]


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(_LINES), min_size=1, max_size=9), st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_generated_programs(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str], newline: str, ends: bool
) -> None:
    text = "\n".join(lines) + ("\n" if ends else "")
    raw = text.replace("\n", newline).encode()
    folder = tmp_path_factory.mktemp("program")
    write_files(folder, {"program.py": raw})
    before = run_check(folder)
    assert not [problem for problem in before.all_problems if "bug" in problem.remedy]
    report = run_fix(folder)
    after = (folder / "program.py").read_bytes()
    assert not [problem for problem in report.all_problems if "bug" in problem.remedy]
    if not report.changes or not report.changes[0].applied:
        assert after == raw
        return
    compile(after, "program.py", "exec", dont_inherit=True)
    assert not comments(raw) - comments(after)
    if newline == "\r\n":
        assert after.count(b"\n") == after.count(b"\r\n")
    assert run_fix(folder).changes == ()
    assert (folder / "program.py").read_bytes() == after
