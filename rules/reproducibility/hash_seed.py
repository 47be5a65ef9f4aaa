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


#: Calls that start another process, which inherits the environment; multiprocessing's are told apart by how they start.
_CHILDREN = (
    *(
        "subprocess.",
        "os.exec",
        "os.spawn",
        "os.posix_spawn",
        "os.system",
        "os.popen",
        "os.startfile",
        "pexpect.",
        "sh.",
    ),
    *("joblib.Parallel", "ray.", "dask.", "distributed.", "pyspark.", "mpi4py.", "loky.", "multiprocess.", "billiard."),
    *("IPython.", "sklearn.externals.joblib.Parallel", "torch.multiprocessing.", "horovod.run", "submitit."),
    *(
        "concurrent.futures.ProcessPoolExecutor",
        "multiprocessing.Process",
        "multiprocessing.Pool",
        "multiprocessing.spawn",
    ),
    *("multiprocessing.get_context", "multiprocessing.set_start_method", "multiprocessing.pool.Pool", "papermill."),
)
_MULTIPROCESSING = ("multiprocessing.", "concurrent.")
_STARTS = frozenset({"multiprocessing.get_context", "multiprocessing.set_start_method"})


def starts_children(call: CallSite) -> bool:
    """Does a call start a process that begins anew and so reads the variable (a forked one does not)?"""
    for name in call.names:
        if name in _STARTS:
            return not call.argument("method", 0).is_constant("fork")
        if name.startswith(_CHILDREN):
            return not (name.startswith(_MULTIPROCESSING) and _forks(call.file))
    return False


def _forks(file: FileModel) -> bool:
    """Does the file say that multiprocessing shall fork?"""
    chosen = [call for call in file.calls if _STARTS.intersection(call.names)]
    return bool(chosen) and all(call.argument("method", 0).is_constant("fork") for call in chosen)
