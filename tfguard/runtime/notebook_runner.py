"""Runs the code cells of a notebook one after the other in `__main__`, from the notebook's folder.

The cells come as JSON in a file that `tfguard run` wrote, which is deleted: `{"path": ..., "cells": [[number, code,
rewritten]]}`, where `rewritten` is None or the fields of `overlay.Rewritten`.
"""

import json
import linecache
import os
import sys
import traceback
from typing import Any


def main() -> None:
    """`notebook_runner.py CELLS [arguments]`, as a script."""
    from tfguard.runtime.sources import code_of_cell

    cells = sys.argv.pop(1)
    with open(cells, encoding="utf-8") as stream:
        notebook = json.load(stream)
    os.remove(cells)
    path = notebook["path"]
    sys.argv[0] = path
    sys.path[0] = os.path.dirname(os.path.abspath(path))
    sys.excepthook = show
    namespace, lines = sys.modules["__main__"].__dict__, linecache.cache
    for name in [name for name in namespace if not name.startswith("__")]:
        del namespace[name]
    namespace.pop("__file__", None)
    for number, source, rewritten in notebook["cells"]:
        label = "{} [cell {}]".format(path, number)
        lines[label] = (len(source), None, source.splitlines(True), label)
        exec(code_of_cell(source, label, rewritten), namespace)


def show(kind: Any, error: BaseException, trace: Any, write: Any = traceback.print_exception) -> None:
    """With the cell's own lines, which Python's own hook would look for in a file."""
    from tfguard.runtime.tracebacks import strip

    write(kind, error, strip(trace))


if __name__ == "__main__":
    main()
