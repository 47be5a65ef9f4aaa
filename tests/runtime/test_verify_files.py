"""`tfguard verify --files`: what a program writes, and that nothing of the user's is lost."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from runtime.programs import clean_environment
from tfguard.cli.file_digests import digest_file
from tfguard.cli.written_files import WrittenFiles
from tfguard.errors import ConfigError

#: Goes on from what an earlier run left, makes a folder that must not be there, and writes beside the pattern.
RESUMING = """
import os, sys
os.mkdir("out/new")
count = int(open("out/state.txt").read()) + 1
open("out/state.txt", "w").write(str(count))
open("out/new/result.csv", "w").write(f"{count},{sys.argv[1]}")
os.remove("out/gone.txt")
open("elsewhere.txt", "w").write("x")
"""
RANDOM = "import random, os; os.makedirs('out', exist_ok=True); open('out/a.csv', 'w').write(str(random.random()))"


def call(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tfguard", "verify", *arguments]
    return subprocess.run(
        command, cwd=folder, env=clean_environment(), capture_output=True, text=True, timeout=120, check=False
    )


def verify(folder: Path, text: str, *options: str) -> tuple[int, Any]:
    (folder / "program.py").write_text(text)
    done = call(folder, "--format", "json", "--keep", "kept", *options, "program.py", "word")
    return done.returncode, json.loads(done.stdout)


def contents(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "out" / "empty").mkdir(parents=True)
    (tmp_path / "out" / "state.txt").write_text("1")
    (tmp_path / "out" / "gone.txt").write_text("precious")
    return tmp_path


def test_every_run_starts_from_the_same_files_and_all_is_put_back(folder: Path) -> None:
    before = contents(folder / "out")
    code, result = verify(folder, RESUMING, "--files", "out/**", "--runs", "3")
    assert (code, result["verdict"]) == (0, "same")
    assert contents(folder / "out") == before
    assert (folder / "out" / "empty").is_dir()
    assert not (folder / "out" / "new").exists()
    kept = Path(result["files"])
    written = {"out/new/result.csv": "2,word", "out/state.txt": "2"}
    assert contents(kept) == {f"run-{n}/{name}": text for n in (1, 2, 3) for name, text in written.items()}
    assert (kept / "run-1/out/state.txt").stat().st_nlink == 3


def test_files_that_differ_are_named_and_kept_with_their_cause(folder: Path) -> None:
    code, result = verify(folder, RANDOM, "--files", "out/*.csv")
    assert (code, result["cause"]["rule"]) == (1, "unseeded-training")
    assert (result["divergence"]["kind"], result["divergence"]["name"]) == ("file", "out/a.csv")
    kept = contents(Path(result["files"]))
    assert kept["run-1/out/a.csv"] != kept["run-2/out/a.csv"]
    assert "trial-1-run-1/out/a.csv" in kept
    assert not (folder / "out" / "a.csv").exists()


def test_a_program_that_fails_loses_nothing(folder: Path) -> None:
    before = contents(folder / "out")
    (folder / "program.py").write_text(RESUMING + "1 / 0\n")
    done = call(folder, "--files", "out/**", "--keep", "kept", "program.py", "word")
    assert done.returncode == 2
    assert contents(folder / "out") == before


def test_a_program_that_takes_too_long_loses_nothing(folder: Path) -> None:
    before = contents(folder / "out")
    (folder / "program.py").write_text(RESUMING + "import time\ntime.sleep(60)\n")
    done = call(folder, "--files", "out/**", "--keep", "kept", "--timeout", "3", "program.py", "word")
    assert (done.returncode, contents(folder / "out")) == (2, before)


def test_files_in_the_record(folder: Path) -> None:
    text = "open('a.csv', 'w').write('{}')"
    assert verify(folder, text.format(1), "--files", "*.csv", "--record", "run.json")[0] == 0
    (folder / "kept").rename(folder / "kept-1")
    code, result = verify(folder, text.format(2), "--files", "*.csv", "--against", "run.json")
    assert (code, result["record"]["divergence"]["name"]) == (1, "a.csv")


@pytest.mark.skipif(os.name == "nt", reason="symbolic links")
def test_a_symbolic_link_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    (folder / "out" / "link").symlink_to("state.txt")
    with pytest.raises(ConfigError, match="symbolic link"):
        WrittenFiles(("out/*",), "kept")
    assert contents(folder / "out")["state.txt"] == "1"


def test_the_folder_to_keep_has_to_be_empty(folder: Path) -> None:
    (folder / "program.py").write_text("print(1)")
    assert call(folder, "--files", "*.csv", "--keep", "out", "program.py").returncode == 2
    assert call(folder, "--keep", "kept", "program.py").returncode == 2


def write_model(path: Path, *, date: str, address: int, weights: str) -> Path:
    """As Keras writes it."""
    shared = {"shared_object_id": address}
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("metadata.json", json.dumps({"keras_version": "3", "date_saved": date}))
        archive.writestr("config.json", json.dumps({"layers": [shared, shared, {"shared_object_id": 7}]}))
        archive.writestr("model.weights.h5", weights)
    return path


def test_archives_are_compared_by_what_they_hold(tmp_path: Path) -> None:
    first = digest_file(write_model(tmp_path / "a.keras", date="1", address=140, weights="w"))
    assert first == digest_file(write_model(tmp_path / "b.keras", date="2", address=150, weights="w"))
    other = digest_file(write_model(tmp_path / "c.keras", date="1", address=140, weights="v"))
    assert [name for (name, one), (_, two) in zip(first[1], other[1], strict=True) if one != two] == [
        "model.weights.h5"
    ]
    assert first != digest_file(write_model(tmp_path / "d.keras", date="1", address=7, weights="w"))


def test_compressed_and_damaged_files(tmp_path: Path) -> None:
    for name, time in (("a.gz", 1), ("b.gz", 2)):
        (tmp_path / name).write_bytes(gzip.compress(b"text", mtime=time))
    (tmp_path / "c.gz").write_bytes(b"text")
    assert digest_file(tmp_path / "a.gz") == digest_file(tmp_path / "b.gz") == digest_file(tmp_path / "c.gz")
    whole = write_model(tmp_path / "a.keras", date="1", address=140, weights="w" * 100)
    damaged = tmp_path / "b.keras"
    damaged.write_bytes(whole.read_bytes().replace(b"w" * 100, b"v" * 100))
    assert digest_file(damaged)[1] == []
    assert digest_file(damaged) != digest_file(whole)
