"""What a program does about Python's hash seed: sets it, asks for it, starts Python with it (part of TFG104/TFG105)."""

from __future__ import annotations

import ast

from tfguard.analysis.calls import CallSite, StoreSite
from tfguard.analysis.file_model import FileModel
from tfguard.analysis.values import Known

VARIABLE = "PYTHONHASHSEED"
#: Start another program in the place of this one, which gets the environment.
EXEC = frozenset(f"os.exec{how}" for how in ("v", "ve", "vp", "vpe", "l", "le", "lp", "lpe"))


def is_guarded(file: FileModel) -> bool:
    """Does the file start Python again with the variable set, or stop where it is not set?"""
    if VARIABLE not in file.source.text:
        return False
    if any(EXEC.intersection(call.names) or _starts_python(call) for call in file.calls):
        return True
    return any(_asks(call) and _stops(file, call) for call in file.calls)


def _starts_python(call: CallSite) -> bool:
    """Does it start the same interpreter, as `subprocess.run([sys.executable, …])` does?"""
    in_subprocess = any(name.startswith(("subprocess.", "os.spawn", "os.posix_spawn")) for name in call.names)
    return in_subprocess and "sys.executable" in call.text


def _asks(call: CallSite) -> bool:
    first = call.arguments[0] if call.arguments else None
    asks = {"os.environ.get", "os.getenv"}.intersection(call.names)
    return bool(asks) and first is not None and first.value == Known(VARIABLE)


def _stops(file: FileModel, call: CallSite) -> bool:
    """Is it the test of an `if` that raises or exits, or of an `assert`?"""
    here: ast.AST = call.node
    while isinstance(here, ast.expr):
        here = file.index.places[here].parent
    if isinstance(here, ast.Assert):
        return True
    if not isinstance(here, ast.If):
        return False
    for statement in here.body:
        for node in ast.walk(statement):
            if isinstance(node, ast.Raise):
                return True
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("sys.exit", "exit", "quit", "os._exit"):
                return True
    return False


def sets_variable(site: CallSite | StoreSite) -> bool:
    """Does a call or a write set the variable in the process's own environment?"""
    if isinstance(site, StoreSite):
        return "os.environ" in site.names and site.key == Known(VARIABLE)
    if {"os.environ.setdefault", "os.putenv"}.intersection(site.names):
        first = site.argument("key", 0)
        return first.value == Known(VARIABLE)
    if "os.environ.update" in site.names:
        given = [key.value for expr in site.arguments for key, _ in expr.origin.items or ()]
        return Known(VARIABLE) in given or any(word == VARIABLE for word, _ in site.keywords)
    return False
