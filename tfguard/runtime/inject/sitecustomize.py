"""Begins the shim before a program of `tfguard run`: Python's `site` imports this module, found by PYTHONPATH.

The program itself is started by Python in its usual way, so `__main__`, `sys.argv`, `sys.path[0]`, tracebacks, stdin,
signals and exit codes are those of plain `python`. Read by every Python that a program starts, Python 2 included.
"""

import os
import sys


def _leave_path():
    # type: () -> str
    """Take this folder off the path, so that the program sees its own; returns the folder of tfguard."""
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry) != here]
    return os.path.dirname(os.path.dirname(here))


def _import_next():
    # type: () -> None
    """Import the `sitecustomize` of the environment, which this one stands before."""
    ours = sys.modules.pop("sitecustomize", None)
    try:
        __import__("sitecustomize")
    except ImportError as error:
        if getattr(error, "name", "sitecustomize") != "sitecustomize":
            raise
    finally:
        if ours is not None:
            sys.modules.setdefault("sitecustomize", ours)


def _load_tfguard(folder):
    # type: (str) -> None
    """Make `tfguard` importable from its folder, without putting what lies beside it on the path."""
    from importlib.util import module_from_spec, spec_from_file_location

    spec = spec_from_file_location("tfguard", os.path.join(folder, "__init__.py"), submodule_search_locations=[folder])
    if spec is not None and spec.loader is not None:
        sys.modules["tfguard"] = module = module_from_spec(spec)
        spec.loader.exec_module(module)


_folder = _leave_path()
_import_next()
if sys.version_info >= (3, 6) and "TFGUARD_RUN" in os.environ:
    _load_tfguard(_folder)
    from tfguard.runtime.starting import start

    start()
