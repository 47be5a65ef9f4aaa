"""TFG306 by execution: a summary without a step raises where a writer would write it, and nowhere else."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from running import change_of, preview_fix, run_check, write_files

pytestmark = [
    pytest.mark.tensorflow,
    pytest.mark.skipif(importlib.util.find_spec("tensorflow") is None, reason="TensorFlow is not installed"),
]

#: `tf.summary.write` is what the others end in; they themselves need TensorBoard.
LOOP = """
import tempfile

import tensorflow as tf

writer = tf.summary.create_file_writer(tempfile.mkdtemp())
found = []
for epoch in range(2):
    with writer.as_default({default}):
        found.append(bool(tf.summary.write("value", 1.0{step})))
"""
NO_WRITER = "import tensorflow as tf\n\nfound = [bool(tf.summary.write('value', 1.0))]\n"
RUN = """
import json
results = []
for text in {texts!r}:
    names = {{}}
    try:
        exec(text, names)
        results.append(names["found"])
    except ValueError as error:
        results.append(str(error))
print(json.dumps(results))
"""


def test_only_what_is_found_raises(tmp_path: Path) -> None:
    without = LOOP.format(default="", step="")
    write_files(tmp_path / "fix", {"program.py": without})
    change = change_of(preview_fix(tmp_path / "fix", select=["TFG306"], unsafe_fixes=True), "program.py")
    assert change is not None
    sound = [change.after, LOOP.format(default="step=epoch", step=""), NO_WRITER]
    write_files(tmp_path, {"program.py": RUN.format(texts=[without, *sound])})
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, "-W", "ignore", "program.py"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    raised, *found = json.loads(done.stdout.splitlines()[-1])
    assert raised.startswith("No step set. Please specify one either through the `step` argument or through")
    assert found == [[True, True], [True, True], [False]]
    write_files(tmp_path / "sound", {f"{number}.py": text for number, text in enumerate(sound)})
    assert not run_check(tmp_path / "sound", select=["TFG306"]).findings
