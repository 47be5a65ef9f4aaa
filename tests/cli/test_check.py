"""`tfguard check`: streams, formats, exit codes, options."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import Result

from tfguard.cli.options import common_folder

Tfguard = Callable[..., Result]

OLD = "import tensorflow as tf\n\nx = tf.train.AdmaOptimizer(0.1)\n"
CLEAN = "print('nothing to see')\n"
BROKEN = "def f(:\n"


def write(project: Path, **files: str) -> None:
    for name, text in files.items():
        (project / f"{name}.py").write_text(text)


def test_findings_on_stdout_the_rest_on_stderr(tfguard: Tfguard, project: Path) -> None:
    write(project, old=OLD, clean=CLEAN)
    result = tfguard("check", ".")
    assert result.exit_code == 1
    head, gutter, source, marks, *_ = result.stdout.splitlines()
    assert head.startswith("old.py:3:5: TFG401 ")
    assert (gutter, source) == ("  |", "3 | x = tf.train.AdmaOptimizer(0.1)")
    assert marks == "  |     ^^^^^^^^^^^^^^^^^^^^^^"
    assert "did you mean" in result.stdout
    assert result.stderr.startswith("Target: TensorFlow 2.21 (tfguard.toml), Keras ")
    assert "1 finding (" in result.stderr
    assert "in 1 of 2 files; " in result.stderr


def test_nothing_found(tfguard: Tfguard, project: Path) -> None:
    write(project, clean=CLEAN)
    result = tfguard("check")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr.endswith("No findings in 1 file; 0 TensorFlow names seen, 0 undecided.\n")


def test_no_file_at_all(tfguard: Tfguard) -> None:
    result = tfguard("check")
    assert (result.exit_code, result.stdout) == (0, "")


def test_quiet_prints_findings_only(tfguard: Tfguard, project: Path) -> None:
    write(project, old=OLD)
    result = tfguard("check", "--quiet")
    assert (result.exit_code, result.stderr) == (1, "")
    assert result.stdout == tfguard("check").stdout


def test_verbose_says_which_settings_are_in_force(tfguard: Tfguard, project: Path) -> None:
    write(project, clean=CLEAN)
    result = tfguard("check", "--verbose", "--seed", "7")
    assert "seed = 7" in result.stderr
    assert "# --seed" in result.stderr
    assert "gpu-memory" not in result.stderr  # a default


def test_quiet_and_verbose_contradict(tfguard: Tfguard) -> None:
    assert tfguard("check", "-q", "-v").exit_code == 2


def test_exit_zero(tfguard: Tfguard, project: Path) -> None:
    write(project, old=OLD)
    assert tfguard("check", "--exit-zero").exit_code == 0


def test_hints_do_not_count(tfguard: Tfguard, project: Path) -> None:
    write(project, star="from tensorflow import *\n\nplaceholder(float32)\n")
    result = tfguard("check", "--select", "TFG903")
    assert "TFG903" in result.stdout
    assert result.exit_code == 0


@pytest.mark.parametrize("options", [(), ("--exit-zero",)])
def test_what_cannot_be_checked_is_exit_2(tfguard: Tfguard, project: Path, options: tuple[str, ...]) -> None:
    write(project, old=OLD)
    (project / "bytes.py").write_bytes(b"import tensorflow\nx = '\xff'\n")
    result = tfguard("check", *options)
    assert result.exit_code == 2
    assert "old.py:3:5: TFG401" in result.stdout
    assert "bytes.py:2:6: error: " in result.stderr
    assert "  = help: " in result.stderr


def test_missing_path_is_exit_2(tfguard: Tfguard) -> None:
    result = tfguard("check", "gone.py")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "gone.py" in result.stderr


def test_syntax_error_is_a_finding_and_exit_2(tfguard: Tfguard, project: Path) -> None:
    write(project, broken="import tensorflow\n" + BROKEN)
    result = tfguard("check")
    assert result.exit_code == 2
    assert "broken.py:2:7: TFG901 " in result.stdout


def test_select_ignore_extend(tfguard: Tfguard, project: Path) -> None:
    write(project, old=OLD)
    assert tfguard("check", "--select", "TFG9").exit_code == 0
    assert tfguard("check", "--select", "TFG9,TFG4").exit_code == 1
    assert tfguard("check", "--select", "TFG9", "--select", "removed-api").exit_code == 1
    assert tfguard("check", "--ignore", "TFG401").exit_code == 0
    assert tfguard("check", "--select", "TFG9", "--extend-select", "migration").exit_code == 1


def test_unknown_rule_is_exit_2(tfguard: Tfguard, project: Path) -> None:
    write(project, old=OLD)
    result = tfguard("check", "--select", "TFG499")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "TFG499" in result.stderr


def test_exclude_and_force_exclude(tfguard: Tfguard, project: Path) -> None:
    write(project, old=OLD)
    assert tfguard("check", "--exclude", "old.py", ".").exit_code == 0
    assert tfguard("check", "--exclude", "old.py", "old.py").exit_code == 1
    assert tfguard("check", "--exclude", "old.py", "--force-exclude", "old.py").exit_code == 0


def test_target(tfguard: Tfguard, project: Path) -> None:
    write(project, old="import tensorflow as tf\n\nx = tf.placeholder(tf.float32)\n")
    assert tfguard("check", "--select", "TFG401").exit_code == 1
    result = tfguard("check", "--select", "TFG401", "--target", "1.15")
    assert result.exit_code == 0
    assert "Target: TensorFlow 1.15 (--target)" in result.stderr


@pytest.mark.parametrize(
    "options", [("--target", "banana"), ("--seed", "-1"), ("--gpu-memory", "lots"), ("--jobs", "-3")]
)
def test_wrong_values_are_exit_2(tfguard: Tfguard, project: Path, options: tuple[str, ...]) -> None:
    write(project, old=OLD)
    result = tfguard("check", *options)
    assert (result.exit_code, result.stdout) == (2, "")
    assert options[0] in result.stderr


def test_config_file(tfguard: Tfguard, project: Path) -> None:
    write(project, old=OLD)
    (project / "other.toml").write_text('ignore = ["TFG401"]\ncache = false\n')
    assert tfguard("check", "--config", "other.toml").exit_code == 0
    assert tfguard("check", "--config", "gone.toml").exit_code == 2


def test_settings_are_looked_for_where_all_paths_are(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert common_folder(()) == project
    assert common_folder(("a/b.py", "a/c/d.py")) == project / "a"
    assert common_folder(("a/b.py",)) == project / "a" / "b.py"

    def refuse(paths: object) -> str:
        raise ValueError("Paths don't have the same drive")

    monkeypatch.setattr("os.path.commonpath", refuse)
    assert common_folder(("c:/a.py", "d:/b.py")) == project


def test_statistics(tfguard: Tfguard, project: Path) -> None:
    write(project, old=OLD + OLD)
    result = tfguard("check", "--statistics")
    assert (result.exit_code, result.stdout) == (1, "2  TFG401  [ ] removed-api\n")
    assert tfguard("check", "--statistics", "--format", "sarif").exit_code == 2


@pytest.mark.parametrize("form", ["text", "json", "sarif", "github", "gitlab", "junit", "markdown"])
def test_formats_and_output_file(tfguard: Tfguard, project: Path, form: str) -> None:
    write(project, old=OLD)
    printed = tfguard("check", "--format", form)
    assert printed.exit_code == 1
    assert "old.py" in printed.stdout
    if form in ("json", "sarif", "gitlab"):
        json.loads(printed.stdout)
    if form == "junit":
        ElementTree.fromstring(printed.stdout)
    written = tfguard("check", "--output-format", form, "--output", "result")
    assert (written.exit_code, written.stdout) == (1, "")
    assert (project / "result").read_text() == printed.stdout


def test_sarif_describes_all_rules(tfguard: Tfguard, project: Path) -> None:
    write(project, old=OLD)
    (run,) = json.loads(tfguard("check", "--format", "sarif").stdout)["runs"]
    described = {rule["id"] for rule in run["tool"]["driver"]["rules"]}
    assert {result["ruleId"] for result in run["results"]} <= described


def test_unwritable_output_is_exit_2(tfguard: Tfguard, project: Path) -> None:
    write(project, old=OLD)
    result = tfguard("check", "--output", "gone/result")
    assert result.exit_code == 2
    assert "error: cannot write gone/result" in result.stderr


@pytest.mark.parametrize(
    "arguments", [("-",), ("--stdin-filename", "net/old.py", "-"), ("--stdin-filename", "net/old.py")]
)
def test_stdin(tfguard: Tfguard, arguments: tuple[str, ...]) -> None:
    result = tfguard("check", *arguments, stdin=OLD.encode())
    assert result.exit_code == 1
    name = "net/old.py" if len(arguments) > 1 else "stdin.py"
    assert result.stdout.startswith(f"{name}:3:5: TFG401 ")


@pytest.mark.parametrize("arguments", [("-", "a.py"), ("--stdin-filename", "a.py", "b.py")])
def test_stdin_goes_with_nothing_else(tfguard: Tfguard, arguments: tuple[str, ...]) -> None:
    assert tfguard("check", *arguments, stdin=b"").exit_code == 2


def test_baseline(tfguard: Tfguard, project: Path) -> None:
    write(project, old=OLD)
    made = tfguard("check", "--add-baseline", "known.json")
    assert (made.exit_code, made.stdout) == (0, "")
    assert "Wrote 1 finding to known.json" in made.stderr
    known = tfguard("check", "--baseline", "known.json")
    assert (known.exit_code, known.stdout) == (0, "")
    assert "1 in the baseline" in known.stderr
    write(project, old="\n\n" + OLD, new=OLD)  # a moved line is no news
    news = tfguard("check", "--baseline", "known.json")
    assert news.exit_code == 1
    assert news.stdout.count("TFG401") == 1
    assert "new.py:3:5" in news.stdout


def test_baseline_option_is_relative_to_where_it_is_typed(
    tfguard: Tfguard, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "sub").mkdir()
    (project / "sub" / "old.py").write_text(OLD)
    monkeypatch.chdir(project / "sub")
    assert tfguard("check", "--add-baseline", "known.json").exit_code == 0
    assert (project / "sub" / "known.json").is_file()
    assert tfguard("check", "--baseline", "known.json").exit_code == 0


def test_new_baseline_lists_what_the_old_one_did(tfguard: Tfguard, project: Path) -> None:
    write(project, old=OLD)
    for _ in range(2):
        assert tfguard("check", "--baseline", "known.json", "--add-baseline", "known.json").exit_code == 0
        assert len(json.loads((project / "known.json").read_text())["findings"]) == 1


def test_baseline_that_is_none_is_exit_2(tfguard: Tfguard, project: Path) -> None:
    write(project, old=OLD)
    assert tfguard("check", "--baseline", "gone.json").exit_code == 2


def test_add_ignores(tfguard: Tfguard, project: Path) -> None:
    write(project, old=OLD, broken="import tensorflow\nx = '''\n", clean=CLEAN)
    made = tfguard("check", "--add-ignores", "--reason", "waits for the port", "old.py", "clean.py")
    assert (made.exit_code, made.stdout) == (0, "")
    assert "Suppressed 1 finding with comments, 0 not." in made.stderr
    assert (project / "old.py").read_text() == OLD.replace(
        "(0.1)\n", "(0.1)  # tfguard: ignore[TFG401] -- waits for the port\n"
    )
    again = tfguard("check", "old.py", "clean.py")
    assert (again.exit_code, again.stdout) == (0, "")
    assert "1 suppressed by comments" in again.stderr


def test_add_ignores_says_what_it_cannot_do(tfguard: Tfguard, project: Path) -> None:
    broken = "import tensorflow\nx = '''\n"
    write(project, broken=broken)
    made = tfguard("check", "--add-ignores")
    assert made.exit_code == 2
    assert "broken.py: not changed: no comment can suppress all its findings" in made.stderr
    assert (project / "broken.py").read_text() == broken


def test_output_is_the_same_whatever_jobs_cache_and_order(tfguard: Tfguard, project: Path) -> None:
    write(project, **{f"old{number}": OLD for number in range(8)})
    names = [f"old{number}.py" for number in range(8)]
    (project / "tfguard.toml").write_text("cache = true\n")
    runs = [
        tfguard("check", "--no-cache", "--jobs", "1", *names),
        tfguard("check", "--jobs", "2", *reversed(names)),
        tfguard("check", *names),
        tfguard("check", "."),
    ]
    assert len({run.stdout for run in runs}) == 1
    assert runs[0].stdout.count("TFG401") == 8


def test_cache_clean(tfguard: Tfguard, project: Path) -> None:
    write(project, old=OLD)
    (project / "tfguard.toml").write_text("cache = true\n")
    assert tfguard("cache", "clean").stdout == "There was nothing to remove.\n"
    tfguard("check")
    assert (project / ".tfguard_cache").is_dir()
    cleaned = tfguard("cache", "clean")
    assert (cleaned.exit_code, cleaned.stderr) == (0, "")
    assert cleaned.stdout.startswith("Removed ")
    assert not (project / ".tfguard_cache").exists()
