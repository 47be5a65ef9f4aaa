"""Which hash seed a project's own launchers set."""

from pathlib import Path

import pytest

from running import write_files
from tfguard.config import load_config
from tfguard.launchers import pins_hash_seed


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("train.sh", "#!/bin/sh\nPYTHONHASHSEED=0 python train.py\n"),
        ("train.sh", 'export PYTHONHASHSEED="0"\n'),
        ("Dockerfile", "FROM python:3.11\nENV PYTHONHASHSEED 0\n"),
        ("Dockerfile.gpu", "ENV A=1 PYTHONHASHSEED=42\n"),
        ("Makefile", "train:\n\tPYTHONHASHSEED=$(SEED) python train.py\n"),
        ("docker-compose.yml", "services:\n  train:\n    environment:\n      PYTHONHASHSEED: 0\n"),
        (".env", "PYTHONHASHSEED=0\n"),
        ("tox.ini", "setenv =\n    PYTHONHASHSEED = 0\n"),
        ("scripts/run.sh", "PYTHONHASHSEED=0 python train.py\n"),
        ("run.bat", "set PYTHONHASHSEED=0\n"),
        ("launch.ps1", '$env:PYTHONHASHSEED = "0"\n'),
    ],
)
def test_launcher_pins(name: str, text: str, tmp_path: Path) -> None:
    write_files(tmp_path, {name: text})
    assert pins_hash_seed(tmp_path)
    assert load_config(tmp_path, {}).is_hash_seed_pinned


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("train.sh", "# PYTHONHASHSEED=0\npython train.py\n"),
        ("train.sh", "PYTHONHASHSEED=random python train.py\n"),
        ("train.sh", "python train.py\n"),
        ("train.py", 'os.environ["PYTHONHASHSEED"] = "0"\n'),
        ("notes.txt", "PYTHONHASHSEED=0\n"),
    ],
)
def test_nothing_pins(name: str, text: str, tmp_path: Path) -> None:
    write_files(tmp_path, {name: text})
    assert not pins_hash_seed(tmp_path)


def test_what_cannot_be_read_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "Makefile").mkdir()
    assert not pins_hash_seed(tmp_path)
    assert not pins_hash_seed(tmp_path / "missing")
