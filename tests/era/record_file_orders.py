"""Measure which ways of listing files sort, and write it down by version of TensorFlow.

usage: record_file_orders.py PYTHON ...
Each PYTHON is an interpreter with a TensorFlow of its own. Folders with the same files are made in several orders on
tmpfs; a way that gives the sorted order each time sorts.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

GOLDENS = Path(__file__).resolve().parents[1] / "execution" / "goldens" / "file_orders.json"
PROBE = """
import glob, json, os, shutil, tempfile
import tensorflow as tf
gfile = getattr(getattr(tf, "io", None), "gfile", None) or tf.gfile
is_new = hasattr(gfile, "glob")
ways = {
    "os.listdir": lambda d: os.listdir(d),
    "glob.glob": lambda d: glob.glob(d + "/*"),
    "gfile.glob": lambda d: (gfile.glob if is_new else gfile.Glob)(d + "/*"),
    "gfile.listdir": lambda d: (gfile.listdir if is_new else gfile.ListDirectory)(d),
    "gfile.walk": lambda d: next((gfile.walk if is_new else gfile.Walk)(d))[2],
}
def matching(d):
    if tf.__version__ >= "2":
        return [n.decode() for n in tf.io.matching_files(d + "/*").numpy()]
    return [n.decode() for n in tf.Session().run(tf.matching_files(d + "/*"))]
ways["matching_files"] = matching
found = {}
for order in ("abcdef", "fedcba", "fbdace", "cafebd"):
    d = tempfile.mkdtemp(dir="/dev/shm")
    for name in order:
        open(d + "/" + name, "w").close()
    for way, lists in ways.items():
        names = [os.path.basename(n) for n in lists(d)]
        found[way] = found.get(way, True) and names == sorted(names)
    shutil.rmtree(d)
print(json.dumps([tf.__version__, found]))
"""


def main(pythons: list[str]) -> None:
    """Measure with every interpreter; versions without one keep what is recorded of them."""
    goldens = json.loads(GOLDENS.read_text()) if GOLDENS.exists() else {}
    for python in pythons:
        quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
        command = [python, "-W", "ignore", "-c", PROBE]
        done = subprocess.run(command, env={**os.environ, **quiet}, capture_output=True, text=True, check=True)
        version, found = json.loads(done.stdout.splitlines()[-1])
        goldens[version] = found
        print(version, found)
    GOLDENS.write_text(json.dumps(dict(sorted(goldens.items())), indent=1, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
