"""Hooks that put rewritten sources in the place of files: imports, `runpy`, and TensorFlow's reading of functions."""

import atexit
import inspect
import os
import runpy
from importlib.machinery import SourceFileLoader
from types import CodeType
from typing import Any, Dict, List, Optional

from tfguard.runtime.arrivals import Arrivals
from tfguard.runtime.overlay import Overlay, Rewritten, read_overlay
from tfguard.runtime.providing import provide_modules
from tfguard.runtime.restoring import restore_names
from tfguard.runtime.telling import Telling, write

#: What `autograph` reads the source of a function with, in TensorFlow 2 and in 1.15.
_READERS = ("tensorflow.python.autograph.pyct.inspect_utils", "tensorflow_core.python.autograph.pyct.inspect_utils")
#: More than so many remarks are not printed; the report has them all.
_MOST_REMARKS = 20
#: The overlay of this process and of those that it forks.
_INSTALLED: List[Overlay] = []


def use_rewritten(path: str, owner: Optional[int], telling: Telling, arrivals: Arrivals) -> None:
    """Install the hooks; the process `owner` takes the overlay away at its end."""
    overlay = read_overlay(path)
    if overlay is None:
        return
    _INSTALLED.append(overlay)
    restore_names(arrivals)
    provide_modules(arrivals)
    hook_imports(overlay)
    hook_runpy(overlay)
    for name in _READERS:
        arrivals.when_imported(name, lambda module: hook_autograph(overlay, module))
    for what in overlay.done:
        telling.say_done(what)
    if os.getpid() == owner:
        atexit.register(remove_overlay, path, owner)


def installed_overlay() -> Overlay:
    """For the runners of scripts and notebooks."""
    return _INSTALLED[-1] if _INSTALLED else Overlay({}, [], [])


def code_of_cell(source: str, label: str, rewritten: Optional[Dict[str, Any]]) -> CodeType:
    """The code of a notebook's cell, rewritten (the fields of `Rewritten`) or as it is."""
    code = None if rewritten is None else installed_overlay().compile(Rewritten(**rewritten), label)
    return compile(source, label, "exec", dont_inherit=True) if code is None else code


def remove_overlay(path: str, owner: Optional[int]) -> None:
    """At the end of the first process; a process that it forked leaves it alone."""
    if os.getpid() == owner and os.path.exists(path):
        os.remove(path)


def tell_remarks(telling: Telling) -> None:
    """One line for each thing that was not rewritten, up to a number."""
    overlay = installed_overlay()
    for index, (what, remedy) in enumerate(overlay.remarks):
        if index < _MOST_REMARKS:
            telling.say_missed(what, remedy)
        else:
            telling.keep_missed(what, remedy)
    left = len(overlay.remarks) - _MOST_REMARKS
    if left > 0:
        write("and {} more of that kind (`--report` lists them)".format(left))


def hook_imports(overlay: Overlay) -> None:
    """Whoever finds a module, the loader of source files compiles it; no bytecode of rewritten text is written."""
    plain = SourceFileLoader.get_code

    def get_code(self: Any, fullname: Any) -> Any:
        code = overlay.code_of(self.get_filename(fullname))
        return plain(self, fullname) if code is None else code

    loader: Any = SourceFileLoader
    loader.get_code = get_code


def hook_runpy(overlay: Overlay) -> None:
    """`run_path`, by which processes of `multiprocessing` load the script that started them."""
    module: Any = runpy
    plain = module._get_code_from_file

    def get_code_from_file(*arguments: Any) -> Any:
        path = os.fspath(arguments[-1])
        code = overlay.code_of(path)
        if code is None:
            return plain(*arguments)
        return code if len(arguments) == 1 else (code, path)

    module._get_code_from_file = get_code_from_file


def hook_autograph(overlay: Overlay, module: Any) -> None:
    """`tf.function` converts the text of a function: that has to be the one that runs."""
    plain = getattr(module, "getimmediatesource", None)
    if plain is None:
        return

    def getimmediatesource(function: Any) -> Any:
        code = getattr(getattr(function, "__func__", function), "__code__", None)
        rewritten = overlay.compiled.get(getattr(code, "co_filename", ""))
        line = None if rewritten is None or code is None else rewritten.line_of(code.co_firstlineno)
        if rewritten is None or line is None:
            return plain(function)
        lines = [text + "\n" for text in rewritten.text.split("\n")[line - 1 :]]
        return "".join(inspect.getblock(lines))

    module.getimmediatesource = getimmediatesource
