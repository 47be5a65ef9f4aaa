"""A package that checks itself: names below it are the project's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from running import run_check, write_files
from tfguard.packages import find_packages

OWN = "from keras import nothing_of_keras\n\nprint(nothing_of_keras)\n"


def test_packages_of_a_project(tmp_path: Path) -> None:
    files = {"keras/__init__.py": "x = 1\n", "keras/src/__init__.py": "x = 1\n", "src/tf_keras/__init__.py": "x = 1\n"}
    others = {"tensorflow/__init__.py": "", "theano/run.py": "x = 1\n", "a-b/__init__.py": "x = 1\n", "one.py": ""}
    write_files(tmp_path, {**files, **others})
    assert find_packages(tmp_path) == ("keras", "tf_keras")
    assert find_packages(tmp_path / "keras") == ("keras", "src")
    assert find_packages(tmp_path / "keras" / "src") == ("keras",)
    assert find_packages(tmp_path / "theano") == ()
    assert find_packages(tmp_path / "gone") == ()


@pytest.mark.parametrize(("content", "rules"), [("x = 1\n", []), ("", ["TFG401", "TFG401"])])
def test_a_package_is_not_judged_by_what_is_installed(tmp_path: Path, content: str, rules: list[str]) -> None:
    write_files(tmp_path, {"keras/__init__.py": content, "keras/run.py": OWN})
    assert [finding.rule for finding in run_check(tmp_path, select=["TFG401"]).findings] == rules
