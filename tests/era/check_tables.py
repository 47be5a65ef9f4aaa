"""Holds the tables against the TensorFlow and Keras of an interpreter: what they call there must be there, and no more.

usage: python check_tables.py PYTHON [--legacy]

PYTHON is an interpreter with TensorFlow, `--legacy` sets TF_USE_LEGACY_KERAS=1. Prints one line a wrong claim, then the
numbers; exits 1 when a claim is wrong. Members of classes are not asked: instances may have more than their class.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tfguard.table_files import SortedRows
from tfguard.tables import ApiTable, Status, Version, parse_version, tables_path

VERSIONS = """
import importlib
for name in ("tensorflow", "keras"):
    try: print(name, importlib.import_module(name).__version__)
    except Exception: print(name, "-")
"""


def versions_of(python: str, environment: dict[str, str]) -> tuple[Version, Version | None]:
    """The TensorFlow and the Keras of an interpreter."""
    done = subprocess.run([python, "-c", VERSIONS], capture_output=True, text=True, env=environment, check=True)
    found = dict(
        line.replace("('", "").replace("', '", " ").replace("')", "").split() for line in done.stdout.splitlines()
    )
    keras = None if found["keras"] == "-" else parse_version(found["keras"])
    return parse_version(found["tensorflow"]), keras


def all_names(folder: Path) -> list[str]:
    """Every name of every table, and what compat.v2 makes of those of TensorFlow 2."""
    names: set[str] = set()
    for path in sorted(folder.glob("*.tsv")):
        if path.name not in ("index.tsv", "older.tsv", "private.tsv", "renames.tsv"):
            names.update(name for name, _ in SortedRows(path).iter_below(""))
    private = (row for row in SortedRows(folder / "private.tsv").iter_below("tensorflow"))
    names.update(f"{module}.{name}" for module, rest in private for name in rest[2:].split())
    return sorted(names)


def is_member(table: ApiTable, name: str) -> bool:
    """Is the name a member of a class rather than of a module?"""
    row = table.row(name.rpartition(".")[0])
    return row is not None and any(segment[0] in "cCfvKFVUgkw" for segment in row.split("\t"))


def questions(table: ApiTable, version: Version, keras: Version | None) -> dict[str, Status]:
    """What is asked, and what the tables say of it."""
    asked: dict[str, Status] = {}
    for name in all_names(tables_path() / "api"):
        if keras is None and name.split(".")[0] == "keras":
            continue
        if not is_member(table, name) and table.index.canonical(name, version, keras)[0] == name:
            asked[name] = table.status(name, version, keras)
            asked[f"import {name}"] = table.status(name, version, keras, statement="from")
    return {question: status for question, status in asked.items() if status.kind != "unknown"}


def main() -> int:
    """Asks, compares, prints."""
    python, legacy = sys.argv[1], "--legacy" in sys.argv
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
    environment |= {"TF_USE_LEGACY_KERAS": "1"} if legacy else {}
    version, keras = versions_of(python, environment)
    table = ApiTable(tables_path() / "api")
    asked = questions(table, version, (2, 15) if legacy else keras)
    if legacy:
        asked = {q: s for q, s in asked.items() if "tensorflow.compat.v1" in q or "tensorflow.keras" in q}
    asked = dict(sorted(asked.items(), key=lambda pair: pair[0].startswith("import ")))  # an import may add attributes
    probe = [python, str(Path(__file__).with_name("probe_names.py"))]
    done = subprocess.run(probe, input="\n".join(asked), capture_output=True, text=True, env=environment, check=False)
    counts: dict[str, int] = {}
    wrong = 0
    for line in done.stdout.splitlines():
        answer, question = line.split(" ", 1)
        status = asked[question]
        counts[status.kind] = counts.get(status.kind, 0) + 1
        if (answer == "1") != (status.kind == "exists"):
            wrong += 1
            print(
                f"WRONG {question}: {status.kind} {status.versions}, really {'there' if answer == '1' else 'not there'}"
            )
    print(
        f"tensorflow {version} keras {keras}: {len(done.stdout.splitlines())} of {len(asked)} asked, {counts}, "
        f"wrong {wrong}"
    )
    return 1 if wrong or len(done.stdout.splitlines()) != len(asked) else 0


if __name__ == "__main__":
    sys.exit(main())
