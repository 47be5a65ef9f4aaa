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

#: Programs build what they need in their first runs; a loop that adds to the graph goes on.
MOST_RUNS = 12


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


def finalize_graphs() -> None:
    """Wrap `Session.run`: after some runs the graph is finished."""
    import tensorflow.compat.v1 as tf

    base = tf.Session.__mro__[1]
    original = base.run

    def counted(session, *arguments, **keywords):  # type: ignore[no-untyped-def]
        session.runs = getattr(session, "runs", 0) + 1
        if session.runs == MOST_RUNS:
            session.graph.finalize()
        return original(session, *arguments, **keywords)

    base.run = counted


if __name__ == "__main__":
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    programs = sys.argv[1:]
    if programs[0] == "--finalize":
        programs = programs[1:]
        finalize_graphs()
    print(json.dumps({path: run(path) for path in programs}))
