"""Runs `before` of the renames on an old TensorFlow and `after` on a new one, and compares the numbers.

usage: python check_renames.py OLD_PYTHON NEW_PYTHON        interpreters with TensorFlow

Only the rows that call something are compared, where both have their names. Prints what differs and how many were
compared; exits 1 when a safe one differs.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tfguard.tables import load_api_table

#: Python 2.7 runs this too.
PROGRAM = """
import json, os, sys
sys.stderr = open(os.devnull, "w")
import numpy as np
import tensorflow as tf
try:
    v1 = tf.compat.v1
    v1.Session
except AttributeError:
    v1 = tf
def numbers(value, session):
    if isinstance(value, (list, tuple)):
        return [numbers(v, session) for v in value]
    if isinstance(value, tf.Tensor):
        value = session.run(value)
    if isinstance(value, (np.ndarray, np.number)):
        if np.iscomplexobj(value):
            return [np.real(value).tolist(), np.imag(value).tolist()]
        return value.tolist()
    return "str" if isinstance(value, bytes) else type(value).__name__
results = {}
for key, text in json.load(sys.stdin).items():
    try:
        with tf.Graph().as_default(), v1.Session() as session:
            results[key] = [numbers(eval(text), session)]
    except AttributeError as error:
        results[key] = None
    except Exception as error:
        results[key] = None if "No OpKernel" in str(error) else [type(error).__name__ + str(error)[:200]]
print("RESULTS " + json.dumps(results))
"""


def run(python: str, expressions: dict[str, str]) -> dict[str, list[object] | None]:
    """What each expression comes to; None for a name that is not there."""
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(
        [python, "-c", PROGRAM],
        input=json.dumps(expressions),
        capture_output=True,
        text=True,
        env=environment,
        check=True,
    )
    line = next(line for line in done.stdout.splitlines() if line.startswith("RESULTS "))
    return dict(json.loads(line.removeprefix("RESULTS ")))


def is_close(first: object, last: object) -> bool:
    """Equal, but for the last bits of numbers."""
    if isinstance(first, list) and isinstance(last, list):
        return len(first) == len(last) and all(is_close(a, b) for a, b in zip(first, last, strict=True))
    if isinstance(first, float) and isinstance(last, (int, float)):
        return abs(first - last) <= 1e-5 * max(1.0, abs(first))
    return first == last


def main() -> int:
    """Runs, compares, prints."""
    table = load_api_table()
    rows = {
        row.old + row.new: row for row in table.renames() if row.old.startswith("tensorflow.") and "(" in row.before
    }
    new = run(sys.argv[2], {key: row.after for key, row in rows.items()})
    old = run(sys.argv[1], {key: row.before for key, row in rows.items()})
    # What had its old name before 0.12 only: the name of 1.x against the name of 2.x.
    older = {
        key: table.rename(row.old, (1, 15)) for key, row in rows.items() if old[key] is None and row.since >= (2, 0)
    }
    old |= run(sys.argv[1], {key: row.after for key, row in older.items() if row is not None})
    both = [key for key in rows if old[key] is not None and new[key] is not None]
    differ = [key for key in both if not is_close(old[key], new[key])]
    for key in differ:
        print(f"{rows[key].safety} {rows[key].before}: {old[key]}\n    {rows[key].after}: {new[key]}")
    print(f"{len(rows)} rows, {len(both)} compared, {len(differ)} differ")
    return 1 if any(rows[key].safety == "safe" for key in differ) else 0


if __name__ == "__main__":
    sys.exit(main())
