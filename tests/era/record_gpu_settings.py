"""Run programs of TFG202, TFG207 and TFG208 on old versions of TensorFlow, and write down what they print.

usage: record_gpu_settings.py PYTHON ...
Each PYTHON is an interpreter with a TensorFlow 1 and Keras 2 of its own. `<name>.fixed.py` is made by `tfguard fix`.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))
from running import run_fix  # noqa: E402  (the tests' own module)

GOLDENS = ROOT / "tests" / "execution" / "goldens" / "gpu_settings.json"
CONFIG = """import tensorflow as tf
from keras import backend as K

config = tf.ConfigProto()
config.gpu_options.allow_growth = True
"""
SHOW = "print(K.get_session()._config.gpu_options.allow_growth)\n"
#: Name, the rule that fixes it, and the program.
PROGRAMS = {
    "apart": ("TFG207", f"{CONFIG}sess = tf.Session(config=config)\n{SHOW}"),
    "with": ("", f"{CONFIG}with tf.Session(config=config) as sess:\n    {SHOW}"),
    "as_default": ("", f"{CONFIG}sess = tf.Session(config=config)\nwith sess.as_default():\n    {SHOW}"),
    "interactive": ("", f"{CONFIG}sess = tf.InteractiveSession(config=config)\n{SHOW}"),
    "unused": (
        "TFG202",
        f"{CONFIG}sess = tf.Session()\nprint(sess._config is not None and sess._config.gpu_options.allow_growth)\n",
    ),
    "hard_device": (
        "TFG208",
        "import tensorflow as tf\n\n"
        'with tf.device("/gpu:1"):\n    total = tf.constant(1.0) + tf.constant(2.0)\n'
        "with tf.Session() as sess:\n    print(sess.run(total))\n",
    ),
}


def run(python: str, path: Path) -> str:
    """The last line that a program prints, or what it raised."""
    done = subprocess.run([python, "-W", "ignore", str(path)], capture_output=True, text=True, timeout=300)
    if done.returncode == 0:
        return done.stdout.splitlines()[-1]
    lines = [line for line in done.stderr.splitlines() if "InvalidArgumentError" in line]
    return lines[0].split(str(path.parent))[0][:160] if lines else done.stderr[-400:]


def programs_in(folder: Path) -> list[Path]:
    """The programs, as they are and fixed."""
    found = []
    for name, (rule, text) in PROGRAMS.items():
        plain = folder / name / f"{name}.py"
        plain.parent.mkdir()
        plain.write_text(text)
        found.append(plain)
        if rule:
            run_fix(plain.parent, select=[rule], target="tensorflow==1.15")
            after = folder / f"{name}.fixed.py"
            after.write_text(plain.read_text())
            plain.write_text(text)
            assert after.read_text() != text, name
            found.append(after)
    return found


def main() -> None:
    """Record all programs on every interpreter given."""
    recorded = json.loads(GOLDENS.read_text()) if GOLDENS.exists() else {}
    with tempfile.TemporaryDirectory() as temporary:
        paths = programs_in(Path(temporary))
        for python in sys.argv[1:]:
            command = [python, "-W", "ignore", "-c", "import tensorflow; print(tensorflow.__version__)"]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            recorded[done.stdout.split()[-1]] = {path.name: run(python, path) for path in paths}
    GOLDENS.write_text(json.dumps(recorded, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
