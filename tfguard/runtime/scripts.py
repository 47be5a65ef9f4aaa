"""The programs of `tfguard run --migrate` that Python starts by themselves: a rewritten script, or the code of `-c`."""

import os
import sys
from importlib.machinery import BuiltinImporter, SourceFileLoader
from typing import Any, Dict

from tfguard.runtime.overlay import COMMAND
from tfguard.runtime.sources import installed_overlay

#: Since this version Python gives a script its absolute path as a name.
_ABSOLUTE = (3, 9)


def run_program() -> None:
    """As Python starts a program, but for the text that is compiled; the arguments are `SCRIPT|-c CODE [arguments]`."""
    del sys.argv[0]
    is_command = sys.argv[0] == "-c"
    text = sys.argv.pop(1) if is_command else None
    namespace = clear_namespace()
    if text is not None:
        place_path("")
        namespace["__loader__"] = BuiltinImporter
        run(COMMAND, text.encode("utf-8", "surrogateescape"), namespace)
        return
    script = sys.argv[0]
    place_path(os.path.dirname(os.path.realpath(script)))
    filename = os.path.abspath(script) if sys.version_info >= _ABSOLUTE else script
    namespace["__file__"] = filename
    namespace["__cached__"] = None
    namespace["__loader__"] = SourceFileLoader("__main__", filename)
    with open(script, "rb") as stream:
        raw = stream.read()
    run(filename, raw, namespace)


def clear_namespace() -> Dict[str, Any]:
    """That of `__main__`, with nothing of this file."""
    namespace = sys.modules["__main__"].__dict__
    for name in [name for name in namespace if not name.startswith("__")]:
        del namespace[name]
    namespace.pop("__file__", None)
    namespace.pop("__cached__", None)
    namespace["__doc__"] = None
    return namespace


def place_path(folder: str) -> None:
    """The program's folder in the place of this file's, unless Python was told to put none there."""
    if not getattr(sys.flags, "safe_path", False):
        sys.path[0] = folder


def run(filename: str, raw: bytes, namespace: Dict[str, Any]) -> None:
    """The rewritten code, or the original where that has changed meanwhile."""
    code = installed_overlay().code_of(filename, raw)
    exec(compile(raw, filename, "exec", dont_inherit=True) if code is None else code, namespace)
