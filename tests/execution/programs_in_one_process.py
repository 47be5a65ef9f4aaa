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


def run(path: str) -> tuple[str, str]:
    """The error that a program stops with (empty where it comes to its end), and what it prints."""
    printed = io.StringIO()
    known = set(sys.modules)
    sys.argv, sys.path[0] = [path], str(Path(path).parent)
    with contextlib.redirect_stdout(printed):
        error = stops_with(path)
    for name in set(sys.modules) - known:
        if getattr(sys.modules[name], "__file__", None) == str(Path(path).with_name(f"{name}.py")):
            del sys.modules[name]
    return error, printed.getvalue()


def stops_with(path: str) -> str:
    """Run a program; the error that it stops with."""
    import tensorflow.compat.v1 as tf

    tf.reset_default_graph()
    try:
        runpy.run_path(path, run_name="__main__")
    except SystemExit as error:
        return str(error.code) if error.code else ""
    except (tf.errors.OpError, ArithmeticError, LookupError, RuntimeError, TypeError, ValueError) as error:
        return f"{type(error).__name__}: {error}"
    return ""


if __name__ == "__main__":
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    print(json.dumps({path: run(path) for path in list(sys.argv[1:])}))
