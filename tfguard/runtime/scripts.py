"""The programs of `tfguard run --migrate` that Python starts by themselves: a rewritten script, or the code of `-c`."""

import os
import sys
from importlib.machinery import BuiltinImporter, SourceFileLoader
from typing import Any, Dict, List, Optional

from tfguard.runtime.overlay import COMMAND
from tfguard.runtime.sources import installed_overlay

#: Since this version Python gives a script its absolute path as a name.
_ABSOLUTE = (3, 9)


#: Options of Python that have a value, in the same argument or in the next.
_VALUED = "WX"
_RUNNER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "migrated_runner.py")


def restart_rewritten(arguments: List[str]) -> None:
    """Where the program starts Python with a script that is rewritten, start it anew by the runner."""
    index = find_script(arguments)
    if index is not None and installed_overlay().find(arguments[index]) is not None:
        os.execv(sys.executable, [sys.executable, *arguments[1:index], _RUNNER, *arguments[index:]])


def find_script(arguments: List[str]) -> Optional[int]:
    """Where the script stands in a command line of Python; None for `-m`, `-c` and stdin."""
    index = 1
    while index < len(arguments):
        argument = arguments[index]
        if not argument.startswith("-"):
            return index
        if argument == "-":
            return None
        letters = "" if argument.startswith("--") else argument[1:]
        for position, letter in enumerate(letters):
            if letter in "cm":
                return None
            if letter in _VALUED:
                index += position == len(letters) - 1
                break
        index += 2 if argument == "--check-hash-based-pycs" else 1
    return None


def command_line() -> List[str]:
    """With which this process was started; empty where the system does not say."""
    known: Optional[List[str]] = getattr(sys, "orig_argv", None)
    if known is not None:
        return known
    try:
        with open("/proc/self/cmdline", "rb") as stream:
            return [os.fsdecode(part) for part in stream.read().split(b"\0")[:-1]]
    except OSError:
        return []


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
