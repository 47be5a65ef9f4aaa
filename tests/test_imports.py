"""Which files an import may load, read from bytes and asked of the disk."""

from pathlib import Path

import pytest

from tfguard.imports import ModuleFinder, imported_modules


@pytest.mark.parametrize(
    ("text", "modules"),
    [
        ("import a\n", ["a"]),
        ("import a.b as c, d\n", ["a.b", "d"]),
        ("from a import b, c as d\n", ["a", "a.b", "a.c"]),
        ("from .a import b\n", [".a", ".a.b"]),
        ("from . import b\n", [".", ".b"]),
        ("from .. import b\n", ["..", "..b"]),
        ("from a import (b,  # why\n    c,\n)\n", ["a", "a.b", "a.c"]),
        ("from a import *\n", ["a"]),
        ("from a \\\n    import b\n", ["a", "a.b"]),
        ("from a import \\\r\n    b\r\n", ["a", "a.b"]),
        ("    import a  # indented\n", ["a"]),
        ("x = 1; import a; import b\n", ["a", "b"]),
        ("import a\rimport b\r", ["a", "b"]),
        ("try: import a\nexcept ImportError: import b\n", []),
        ("important = 1\nreimport a\n", []),
        ("def f(): pass  # import a\n", []),
        ("", []),
        ("import", []),
        ("from a import (b,\n" + "c,\n" * 3000, ["a"]),
    ],
)
def test_modules_as_written(text: str, modules: list[str]) -> None:
    found = imported_modules(text.encode())
    if modules and found and len(found) > len(modules):
        assert found[: len(modules)] == tuple(modules)
    else:
        assert found == tuple(modules)


def write(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("")


def files(finder: ModuleFinder, folder: Path, importer: str, *modules: str) -> list[str]:
    found = finder.files_of(str(folder / importer), modules)
    return [Path(path).relative_to(folder).as_posix() for path in found]


def test_files_beside_above_and_in_src(tmp_path: Path) -> None:
    write(tmp_path, "a/b/main.py", "a/b/beside.py", "a/above.py", "top.py", "src/pkg/__init__.py", "src/pkg/mod.py")
    finder = ModuleFinder(str(tmp_path))
    assert files(finder, tmp_path, "a/b/main.py", "beside", "above", "top") == ["a/b/beside.py", "a/above.py", "top.py"]
    assert files(finder, tmp_path, "a/b/main.py", "pkg.mod") == ["src/pkg/__init__.py", "src/pkg/mod.py"]
    assert files(finder, tmp_path, "a/b/main.py", "numpy", "os", "a.b.beside.name") == ["a/b/beside.py"]
    assert files(finder, tmp_path, "a/b/main.py", ".beside", "..above", "...top", ".", "..") == [
        *("a/b/beside.py", "a/above.py", "top.py"),
    ]


def test_packages_modules_and_folders(tmp_path: Path) -> None:
    write(tmp_path, "main.py", "pkg/__init__.py", "pkg.py", "data/x.csv", "data.py", "ns/mod.py", "pkg/sub/__init__.py")
    finder = ModuleFinder(str(tmp_path))
    assert files(finder, tmp_path, "main.py", "pkg") == ["pkg/__init__.py"]
    assert files(finder, tmp_path, "main.py", "data.load") == ["data.py"]
    assert files(finder, tmp_path, "main.py", "ns.mod", "ns") == ["ns/mod.py"]
    assert files(finder, tmp_path, "pkg/x.py", ".", ".sub") == ["pkg/__init__.py", "pkg/sub/__init__.py"]


def test_outside_of_the_root_only_the_own_folder_counts(tmp_path: Path) -> None:
    write(tmp_path, "root/x.py", "other/main.py", "other/y.py", "z.py")
    finder = ModuleFinder(str(tmp_path / "root"))
    assert files(finder, tmp_path, "other/main.py", "x", "y", "z") == ["other/y.py"]


def test_answers_can_be_asked_again(tmp_path: Path) -> None:
    write(tmp_path, "main.py", "a.py")
    finder = ModuleFinder(str(tmp_path))
    files(finder, tmp_path, "main.py", "a", "b.c")
    answers = finder.answers
    assert list(answers) == sorted(answers)
    assert answers[str(tmp_path)] == {"a": "m", "b": ""}
    assert ModuleFinder(str(tmp_path)).still_true(answers)
    write(tmp_path, "unrelated.py")
    assert ModuleFinder(str(tmp_path)).still_true(answers)
    write(tmp_path, "b.py")
    assert not ModuleFinder(str(tmp_path)).still_true(answers)
