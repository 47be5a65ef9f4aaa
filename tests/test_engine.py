"""`check` end to end: what is read, what is said, and that nothing about the machine changes it."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from extra_rules import add_rules, text_rule
from running import run_check, write_files
from tfguard import engine, pool, project_files, worker
from tfguard.config import load_config
from tfguard.model import RunReport, Severity

__all__ = ["add_rules"]

SESSION = "import tensorflow as tf\n\nsess = tf.Session()\n"


def said(report: RunReport) -> list[tuple[str, int, str]]:
    return [(finding.path, finding.line, finding.rule) for finding in report.findings]


def problems(report: RunReport) -> list[tuple[str, str]]:
    return [(problem.path, problem.message) for problem in report.all_problems]


def named(folder: Path, *names: str, **options: object) -> RunReport:
    config = load_config(folder, {"cache": False, "jobs": 1, **options})
    return engine.check([str(folder / name) for name in names], config)


def test_findings_stand_in_order_with_their_lines(tmp_path: Path) -> None:
    write_files(tmp_path, {"b.py": SESSION, "a/c.py": SESSION.replace("tf.", "tf.  "), "plain.py": "x = 1\n"})
    report = run_check(tmp_path, select=["TFG401"])
    assert said(report) == [("a/c.py", 3, "TFG401"), ("b.py", 3, "TFG401")]
    assert report.files_checked == 3
    assert [dict(file.source_lines) for file in report.files if file.findings] == [
        {3: "sess = tf.  Session()"},
        {3: "sess = tf.Session()"},
    ]
    assert sum(file.names_seen for file in report.files) == 4
    assert report.target.startswith("TensorFlow 2.21, Keras 3.15")


def test_every_kind_of_unreadable_file_is_one_problem_and_the_rest_goes_on(tmp_path: Path) -> None:
    write_files(
        tmp_path,
        {
            "good.py": SESSION,
            "latin.py": b"import tensorflow # \xe9\n",
            "null.py": b"import tensorflow\0",
            "cookie.py": b"# coding: klingon\nimport tensorflow\n",
            "broken.py": "import tensorflow as tf\nx = = 1\n",
            "old.py": "import tensorflow as tf\nprint 'x'\n",
            "deep.py": "import tensorflow as tf\nx = " + "(" * 1500 + ")" * 1500 + "\n",
            "chain.py": "import tensorflow as tf\nx = " + "1 + " * 100_000 + "1\n",
            "bad.ipynb": '{"cells": tensorflow',
        },
    )
    (tmp_path / "gone.py").symlink_to("nowhere")
    report = run_check(tmp_path, select=["TFG401"])
    assert ("good.py", 3, "TFG401") in said(report)
    found = dict(problems(report))
    assert sorted(found) == [
        *("bad.ipynb", "broken.py", "chain.py", "cookie.py", "deep.py", "gone.py", "latin.py", "null.py", "old.py"),
    ]
    assert [path for path, _, rule in said(report) if rule == "TFG902"] == ["old.py"]
    assert all(problem.remedy for problem in report.all_problems)


def test_what_cannot_be_parsed_is_only_silent_when_ignored(tmp_path: Path) -> None:
    write_files(tmp_path, {"a.py": "import tensorflow\nprint 'x'\n"})
    assert said(run_check(tmp_path, select=["TFG401"])) == [("a.py", 2, "TFG902")]
    for options in ({"ignore": ("TFG902",)}, {"ignore": ("TFG9",)}):
        report = run_check(tmp_path, **options)
        assert (said(report), problems(report)) == ([], [])
    write_files(tmp_path, {"tfguard.toml": '[per-file-ignores]\n"a.py" = ["TFG902"]\n'})
    assert problems(run_check(tmp_path)) == []
    write_files(
        tmp_path, {"tfguard.toml": "", "a.py": "# tfguard: ignore-file[TFG902] -- old\nimport tensorflow\nprint 'x'\n"}
    )
    report = run_check(tmp_path)
    assert (said(report), problems(report), report.suppressed) == ([], [], 1)


def test_a_broken_table_ends_the_run(tmp_path: Path, add_rules: Callable[..., None]) -> None:
    from tfguard.errors import TableError

    def fail(_: object) -> str:
        raise TableError("renames.toml is broken")

    add_rules(text_rule(190, "x", fail))
    write_files(tmp_path, {"a.py": "x = 1\n"})
    with pytest.raises(TableError):
        run_check(tmp_path, select=["TFG190"])


def test_suppressions(tmp_path: Path) -> None:
    mark = "  # tfguard: ignore[TFG401] -- on purpose"
    write_files(
        tmp_path,
        {
            "line.py": f"import tensorflow as tf\ns = tf.Session(){mark}\n",
            "name.py": f"import tensorflow as tf\ns = tf.Session(){mark.replace('TFG401', 'removed-api')}\n",
            "above.py": f"import tensorflow as tf\n{mark.strip()}\ns = tf.Session(\n)\n",
            "end.py": f"import tensorflow as tf\ns = tf.Session(\n){mark}\n",
            "file.py": f"{mark.strip().replace('ignore', 'ignore-file')}\nimport tensorflow as tf\ns = tf.Session()\n",
            "other.py": f"import tensorflow as tf{mark}\ns = tf.Session()\n",
        },
    )
    report = run_check(tmp_path, select=["TFG401", "TFG904"])
    assert said(report) == [("other.py", 1, "TFG904"), ("other.py", 2, "TFG401")]
    assert report.suppressed == 5


def test_complaints_about_suppressions(tmp_path: Path) -> None:
    write_files(
        tmp_path,
        {
            "a.py": "import tensorflow as tf\n"
            "s = tf.Session()  # tfguard: ignore[TFG401]\n"
            "t = tf.Session()  # tfguard: ignore[TFG401, TFG101, NOPE] -- why\n"
            "x = 1  # tfguard: ignore\n",
            "no_words.py": "x = 1  # tfguard: ignore[TFG101] -- nothing\n",
            "silenced.py": "# tfguard: ignore-file[TFG904] -- generated\nx = 1  # tfguard: ignore[TFG101] -- nothing\n",
        },
    )
    report = run_check(tmp_path, select=["TFG401", "TFG904"])
    assert [(f.path, f.line, f.message.split(";")[0]) for f in report.findings] == [
        ("a.py", 2, "the suppression gives no reason"),
        ("a.py", 3, "`TFG101` would be silent here without this comment"),
        ("a.py", 3, "no rule is called `NOPE`"),
        ("a.py", 4, "the comment suppresses nothing because it names no rule"),
        ("no_words.py", 1, "`TFG101` would be silent here without this comment"),
    ]
    column = (tmp_path / "a.py").read_text().splitlines()[1].index("#") + 1
    assert [report.findings[0].column, report.findings[0].name] == [column, "unused-suppression"]
    assert said(run_check(tmp_path, select=["TFG401"])) == []


def test_a_suppression_of_a_rule_that_is_not_selected_is_still_judged(tmp_path: Path) -> None:
    write_files(tmp_path, {"a.py": "import tensorflow as tf\ns = tf.Session()  # tfguard: ignore[TFG401] -- why\n"})
    assert said(run_check(tmp_path, select=["TFG904"])) == []
    write_files(tmp_path, {"a.py": "import tensorflow as tf\ns = tf.zeros([])  # tfguard: ignore[TFG401] -- why\n"})
    assert said(run_check(tmp_path, select=["TFG904"])) == [("a.py", 2, "TFG904")]


def test_settings_for_files_and_severities(tmp_path: Path) -> None:
    settings = '[per-file-ignores]\n"old/" = ["TFG401"]\n"*_test.py" = ["TFG4"]\n'
    settings += '[severity]\nTFG4 = "hint"\nTFG401 = "warning"\n'
    files = dict.fromkeys(("a.py", "old/b.py", "old/deep/c.py", "x_test.py", "older/d.py"), SESSION)
    write_files(tmp_path, {"tfguard.toml": settings, **files})
    report = run_check(tmp_path, select=["TFG401"])
    assert said(report) == [("a.py", 3, "TFG401"), ("older/d.py", 3, "TFG401")]
    assert {finding.severity for finding in report.findings} == {Severity.WARNING}


def test_unknown_rules_in_settings_are_errors(tmp_path: Path) -> None:
    from tfguard.errors import ConfigError

    write_files(tmp_path, {"a.py": SESSION})
    with pytest.raises(ConfigError, match="TFG777"):
        run_check(tmp_path, select=["TFG777"])


UTILS = "import random\nimport tensorflow as tf\n\n\ndef seed():\n    tf.keras.utils.set_random_seed(1)\n"
TRAIN = "import tensorflow as tf\nfrom lib.utils import seed\n\nseed()\nprint(tf.random.normal([2]))\n"


def test_modules_that_named_files_import_are_read_but_not_reported(tmp_path: Path) -> None:
    write_files(tmp_path, {"train.py": TRAIN, "lib/__init__.py": "", "lib/utils.py": UTILS + "\n\ntf.zeroes([2])\n"})
    assert said(named(tmp_path, "train.py", select=("TFG101",))) == []
    report = named(tmp_path, "train.py", select=("TFG101", "TFG401"))
    assert said(report) == []
    assert report.files_checked == 1
    write_files(tmp_path, {"lib/utils.py": UTILS.replace("tf.keras.utils.set_random_seed(1)", "pass")})
    assert said(named(tmp_path, "train.py", select=("TFG101",))) == [("train.py", 5, "TFG101")]


def test_an_entry_point_without_a_word_of_tensorflow(tmp_path: Path) -> None:
    train = "import tensorflow as tf\n\n\ndef run():\n    print(tf.random.normal([2]))\n"
    files = {"job.py": train, "middle.py": "from job import run\n", "main.py": "from middle import run\n\nrun()\n"}
    write_files(tmp_path, files)
    assert [rule for _, _, rule in said(run_check(tmp_path, select=["TFG101"]))] == ["TFG101"]
    assert named(tmp_path, "main.py", select=("TFG101",)).all_problems == ()
    seeded = (
        "import tensorflow, random\nfrom middle import run\n\ntensorflow.random.set_seed(1)\nrandom.seed(1)\nrun()\n"
    )
    write_files(tmp_path, {"main.py": seeded})
    assert said(run_check(tmp_path, select=["TFG101"])) == []


def test_stdin_is_read_under_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_files(tmp_path, {"lib/__init__.py": "", "lib/utils.py": UTILS, "train.py": "this is not read"})
    config = load_config(tmp_path, {"cache": False, "select": ("TFG101", "TFG401"), "jobs": 1})
    report = engine.check(["-"], config, stdin=engine.StdinFile("train.py", TRAIN.encode()))
    assert (said(report), report.files_checked) == ([], 1)
    report = engine.check(["-"], config, stdin=("sub/new.py", SESSION.encode()))
    assert said(report) == [("sub/new.py", 3, "TFG401")]


def test_a_bug_in_a_rule_is_said_to_be_ours_and_the_run_goes_on(tmp_path: Path, add_rules: Callable[..., None]) -> None:
    def crash(_: object) -> str:
        raise ZeroDivisionError("oh")

    add_rules(text_rule(190, "boom", crash, mentions="boom"))
    write_files(tmp_path, {"a.py": "boom = 1\n", "b.py": SESSION})
    report = run_check(tmp_path, select=["TFG190", "TFG401"])
    assert said(report) == [("b.py", 3, "TFG401")]
    (problem,) = report.all_problems
    assert problem.path == "a.py"
    assert problem.message.startswith("internal error in TFG190: ZeroDivisionError: oh (")
    assert "bug of tfguard" in problem.remedy


def test_a_bug_in_a_whole_program_rule(tmp_path: Path, add_rules: Callable[..., None]) -> None:
    rule = text_rule(190, "never", lambda _: None)

    @rule.on_project
    def check(*_: object) -> list[object]:
        raise KeyError("oh")

    add_rules(rule)
    write_files(tmp_path, {"b.py": SESSION})
    report = run_check(tmp_path, select=["TFG190", "TFG401"])
    assert said(report) == [("b.py", 3, "TFG401")]
    assert [path for path, _ in problems(report)] == ["."]
    assert "TFG190" in report.all_problems[0].message


@pytest.mark.parametrize(
    ("error", "words"), [(MemoryError, "not enough memory"), (RecursionError, "nested too deeply")]
)
def test_what_the_machine_cannot_do_is_a_problem_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: type[Exception], words: str
) -> None:
    def fail(*_: object) -> object:
        raise error

    monkeypatch.setattr(worker, "open_model", fail)
    write_files(tmp_path, {"a.py": SESSION})
    assert [words in message for _, message in problems(run_check(tmp_path))] == [True]


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timers here")
def test_a_file_that_takes_too_long_does_not_stop_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, add_rules: Callable[..., None]
) -> None:
    def loop(_: object) -> str:
        while True:
            pass

    monkeypatch.setattr(worker, "LONGEST", 0.2)
    add_rules(text_rule(190, "endless", loop, mentions="endless"))
    write_files(tmp_path, {"a.py": "endless = 1\n", "b.py": SESSION})
    report = run_check(tmp_path, select=["TFG190", "TFG401"])
    assert said(report) == [("b.py", 3, "TFG401")]
    assert problems(report) == [("a.py", "the analysis of TFG190 took more than 0.2 seconds")]


def test_without_a_main_thread_there_is_no_limit(tmp_path: Path) -> None:
    write_files(tmp_path, {"b.py": SESSION})
    reports: list[RunReport] = []
    thread = threading.Thread(target=lambda: reports.append(run_check(tmp_path, select=["TFG401"])))
    thread.start()
    thread.join()
    assert said(reports[0]) == [("b.py", 3, "TFG401")]


def test_files_that_are_too_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "LARGEST_TEXT", 1000)
    monkeypatch.setattr(project_files, "LARGEST_FILE", 3000)
    write_files(tmp_path, {"a.py": SESSION + "#" * 1500, "b.py": SESSION + "#" * 3000, "c.py": SESSION})
    report = run_check(tmp_path, select=["TFG401"])
    assert said(report) == [("c.py", 3, "TFG401")]
    assert [path for path, _ in problems(report)] == ["a.py", "b.py"]


@pytest.mark.skipif(os.name != "posix", reason="kills a process")
def test_a_worker_that_dies_takes_only_its_file_with_it(tmp_path: Path, add_rules: Callable[..., None]) -> None:
    def die(_: object) -> str:
        os._exit(9)

    add_rules(text_rule(190, "deadly", die, mentions="deadly"))
    write_files(tmp_path, {f"f{number}.py": SESSION for number in range(12)})
    write_files(tmp_path, {"f5.py": SESSION + "deadly = 1\n"})
    report = run_check(tmp_path, select=["TFG190", "TFG401"], jobs=2)
    assert problems(report) == [("f5.py", "analysing the file ended the process (out of memory or stack)")]
    assert len(said(report)) == 11


def test_an_interrupt_ends_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object, **__: object) -> object:
        raise KeyboardInterrupt

    monkeypatch.setattr(pool, "analyse_file", interrupt)
    write_files(tmp_path, {"a.py": SESSION})
    with pytest.raises(KeyboardInterrupt):
        run_check(tmp_path)


def test_progress_counts_up_to_all_files(tmp_path: Path) -> None:
    write_files(tmp_path, {f"f{number}.py": SESSION for number in range(5)})
    seen: list[tuple[int, int]] = []
    config = load_config(tmp_path, {"cache": False, "jobs": 1})
    engine.check([str(tmp_path)], config, progress=lambda done, total: seen.append((done, total)))
    assert (5, 5) in seen
    assert all(done <= total for done, total in seen)


def test_files_that_vanish_or_change_kind_are_problems(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_files(tmp_path, {"a.py": SESSION, "b.py": SESSION, "c.py": SESSION + "import d\n", "d.py": SESSION})
    real = open

    def reopen(path: str, *args: object, **options: object) -> object:
        if path.endswith("a.py"):
            raise PermissionError(13, "Permission denied")
        return real("/dev/null" if path.endswith("b.py") else path, *args, **options)  # type: ignore[call-overload]

    monkeypatch.setattr(project_files, "open", reopen, raising=False)
    report = run_check(tmp_path, select=["TFG401"])
    assert problems(report) == [
        ("a.py", "the file cannot be read: Permission denied"),
        ("b.py", "this is not a regular file"),
    ]
    assert said(report) == [("c.py", 3, "TFG401"), ("d.py", 3, "TFG401")]
    assert report.files_checked == 2


def test_imported_modules_that_cannot_be_read_are_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_files(tmp_path, {"a.py": SESSION + "import d\n", "d.py": SESSION})
    monkeypatch.setattr(project_files, "LARGEST_FILE", len(SESSION) + 15)
    write_files(tmp_path, {"d.py": SESSION + "#" * 100})
    assert problems(named(tmp_path, "a.py")) == []


def test_imports_of_notebooks_are_followed(tmp_path: Path) -> None:
    cells = [
        {
            "cell_type": "code",
            "source": "import tensorflow as tf\nfrom lib.utils import seed\nseed()\ntf.random.normal([2])",
        }
    ]
    text = json.dumps({"cells": cells, "metadata": {}, "nbformat": 4})
    write_files(
        tmp_path, {"a.ipynb": text, "bad.ipynb": '{"import": tensorflow', "lib/__init__.py": "", "lib/utils.py": UTILS}
    )
    report = named(tmp_path, "a.ipynb", "bad.ipynb", select=("TFG101",))
    assert said(report) == []
    assert [path for path, _ in problems(report)] == ["bad.ipynb"]


def test_nothing_to_check(tmp_path: Path) -> None:
    report = run_check(tmp_path)
    assert (report.files, report.files_checked, report.all_problems) == ((), 0, ())


_SCRIPT = """
import sys
from pathlib import Path
from tfguard.config import load_config
from tfguard.engine import check, fix
config = load_config(Path("."), {"cache": False, "jobs": int(sys.argv[1])})
print(check(sys.argv[2:], config))
print(fix(sys.argv[2:], config, write=False))
"""


@pytest.mark.slow
def test_workers_hash_seeds_and_the_order_of_files_change_nothing(tmp_path: Path) -> None:
    write_files(tmp_path, {"train.py": TRAIN.replace("seed()", "pass"), "lib/utils.py": UTILS, "bad.py": "x = = 1\n"})
    for number in range(20):
        text = (
            f"import tensorflow as tf, random\n\nx = tf.placeholder(tf.float{32 + number % 2 * 32})\ny = tf.Sesion()\n"
        )
        write_files(
            tmp_path, {f"m{number}.py": text + "random.random()\ntf.random_normal([2]); tf.train.AdmaOptimizer()\n"}
        )
    paths = ["lib", *(f"m{number}.py" for number in range(20)), "train.py", "bad.py"]
    outputs = set()
    for jobs, seed, order in (("1", "0", 1), ("2", "1", -1), ("3", "2", 1), ("1", "random", -1)):
        command = [sys.executable, "-c", _SCRIPT, jobs, *paths[::order]]
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        result = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
        outputs.add(result.stdout)
    assert len(outputs) == 1
    assert "TFG101" in outputs.pop()
