"""Run the fixtures of TFG101 that are for an older TensorFlow, and write down digests of what they print.

usage: record_unseeded_training.py PYTHON ...
Each PYTHON is an interpreter with a TensorFlow of its own. A case runs on those whose version is the one of its
`# target:` line (the case of 2.9 on 2.10 too, where it is no longer right), twice, in fresh processes with different
hash seeds, as it is and fixed. Cases without an interpreter keep what is recorded of them.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
CASES = ROOT / "fixtures" / "unseeded-training"
GOLDENS = ROOT / "tests" / "execution" / "goldens" / "unseeded_training.json"
ENTRY = {"reset_in_a_module": "train.py"}
#: Cases that show why there is no fix, or that only restore what another program saved.
NOT_RUN = {"no_place": "it has no fix", "with_body_on_a_line": "it has no fix"}
#: Versions that a case is run on besides its own.
ALSO = {"right_on_2_9": ("2.10",)}
#: What has to run first, in the same folder.
PREPARE = {
    "restored": "import tensorflow as tf\n"
    "tf.get_variable('w', [2, 2])\ntf.Variable(tf.zeros([2]))\nsess = tf.Session()\n"
    "sess.run(tf.global_variables_initializer())\ntf.train.Saver().save(sess, './model.ckpt')\n",
    "initialised_then_restored": "import tensorflow as tf\n"
    "tf.layers.dense(tf.ones([1, 2]), 3)\nsess = tf.Session()\n"
    "sess.run(tf.global_variables_initializer())\ntf.train.Saver().save(sess, './model.ckpt')\n",
}
VERSIONS = """
import json, sys, numpy, tensorflow
try:
    import keras
except ImportError:
    keras = None
found = {"python": ".".join(map(str, sys.version_info[:3])), "numpy": numpy.__version__}
found["keras"] = keras.__version__ if keras is not None else ""
print(json.dumps([tensorflow.__version__, found]))
"""


def versions_of(python: str) -> tuple[str, dict[str, str]]:
    """TensorFlow's version, and what else decides the numbers."""
    done = subprocess.run([python, "-W", "ignore", "-c", VERSIONS], capture_output=True, text=True, check=True)
    version, others = json.loads(done.stdout.splitlines()[-1])
    return version, others


def target_of(case: Path) -> str | None:
    """The version of a case's `# target:` line, None for today's."""
    files = [case] if case.is_file() else sorted(case.glob("*.py"))
    found = [re.match(rb"# target: tensorflow==([\d.]+)", file.read_bytes()) for file in files]
    return next((match[1].decode() for match in found if match), None)


def write_mnist(folder: Path) -> None:
    """A small data set in the format of the MNIST reader."""
    folder.mkdir()
    for name, count in (("train", 5600), ("t10k", 200)):
        with gzip.open(folder / f"{name}-images-idx3-ubyte.gz", "wb") as file:
            file.write(struct.pack(">IIII", 2051, count, 28, 28) + bytes(count * 784))
        with gzip.open(folder / f"{name}-labels-idx1-ubyte.gz", "wb") as file:
            file.write(struct.pack(">II", 2049, count) + bytes(number * 7 % 10 for number in range(count)))


def digests(python: str, name: str, suffix: str) -> list[str]:
    """Digests of what two runs print."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "case"
        source = CASES / f"{name}{suffix}"
        if source.is_dir():
            shutil.copytree(source, folder)
        else:
            folder.mkdir()
            shutil.copyfile(source.with_name(f"{name}{suffix}.py"), folder / "program.py")
        write_mnist(folder / "MNIST_data")
        if name in PREPARE:
            run(python, folder, ["-c", PREPARE[name] + "print('prepared')\n"], "0")
        entry = ENTRY.get(name, "program.py")
        return [hashlib.sha256(run(python, folder, [entry], seed)).hexdigest()[:16] for seed in ("1", "2")]


def run(python: str, folder: Path, arguments: list[str], hash_seed: str) -> bytes:
    """What a program prints."""
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "", "PYTHONHASHSEED": hash_seed}
    environment = {**os.environ, **quiet, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run([python, "-W", "ignore", *arguments], cwd=folder, env=environment, capture_output=True)
    if done.returncode or not done.stdout.strip():
        raise SystemExit(f"{folder}: {arguments}: {done.stderr.decode(errors='replace')[-1500:]}")
    return done.stdout


def sources_of(name: str) -> dict[str, str]:
    """Digests of the files of a case and of its twin."""
    paths = [path for stem in (name, f"{name}.fixed") for path in (CASES / stem, CASES / f"{stem}.py")]
    files = [file for path in paths for file in ([path] if path.is_file() else sorted(path.glob("*.py")))]
    return {f.relative_to(CASES).as_posix(): hashlib.sha256(f.read_bytes()).hexdigest()[:16] for f in files}


def record(name: str, pythons: dict[str, str], before: dict[str, Any]) -> dict[str, Any]:
    """What a case does on the interpreters that are meant for it."""
    case = next(path for path in (CASES / name, CASES / f"{name}.py") if path.exists())
    wanted = [target_of(case), *ALSO.get(name, ())]
    runs = dict(before.get("runs", {}))
    is_fixed = (CASES / f"{name}.fixed").exists() or (CASES / f"{name}.fixed.py").exists()
    for version, python in pythons.items():
        if ".".join(version.split(".")[:2]) in wanted:
            runs[version] = {"as it is": digests(python, name, "")}
            if is_fixed:
                runs[version]["fixed"] = digests(python, name, ".fixed")
            print(name, version, runs[version])
    return {"sources": sources_of(name), "runs": dict(sorted(runs.items()))}


def main(arguments: list[str]) -> None:
    """Record what can be recorded."""
    goldens = json.loads(GOLDENS.read_text()) if GOLDENS.exists() else {"versions": {}, "cases": {}}
    pythons: dict[str, str] = {}
    for python in arguments:
        version, others = versions_of(python)
        pythons[version] = python
        goldens["versions"][version] = others
    names = sorted({p.name.split(".")[0] for p in CASES.iterdir() if p.suffix in ("", ".py")})
    older = [n for n in names if any(target_of(p) for p in (CASES / n, CASES / f"{n}.py") if p.exists())]
    cases = {name: record(name, pythons, goldens["cases"].get(name, {})) for name in older if name not in NOT_RUN}
    goldens["cases"] = {name: row for name, row in cases.items() if row["runs"]}
    goldens["not run"] = {**{name: "no interpreter" for name in cases if not cases[name]["runs"]}, **NOT_RUN}
    goldens["versions"] = dict(sorted(goldens["versions"].items()))
    GOLDENS.parent.mkdir(exist_ok=True)
    GOLDENS.write_text(json.dumps(goldens, indent=1, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
