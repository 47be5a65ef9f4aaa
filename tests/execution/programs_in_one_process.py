"""Runs programs one after the other in this process, each in a new graph; prints how each ended, as JSON.

python programs_in_one_process.py PROGRAM...
"""

import contextlib
import io
import json
import os
import runpy
import sys
from pathlib import Path


def run(path: str) -> str:
    """The error that a program stops with; empty where it comes to its end."""
    import tensorflow.compat.v1 as tf

    tf.reset_default_graph()
    sys.argv = [path]
    with contextlib.redirect_stdout(io.StringIO()):
        try:
            runpy.run_path(path, run_name="__main__")
        except SystemExit as error:
            return str(error.code) if error.code else ""
        except (tf.errors.OpError, ArithmeticError, LookupError, RuntimeError, TypeError, ValueError) as error:
            return f"{type(error).__name__}: {error}"
    return ""


if __name__ == "__main__":
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    print(json.dumps({Path(path).name: run(path) for path in sys.argv[1:]}))
