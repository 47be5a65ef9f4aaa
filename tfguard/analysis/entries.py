"""Where a program may start in a file, with the evidence."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Mapping

from tfguard.analysis.calls import CallSite
from tfguard.analysis.file_model import FileModel
from tfguard.analysis.summary import EFFECT, Entry, Item

_NO_ENTRY = ("setup.py", "conftest.py", "__init__.py")


def main_body(module: str) -> str:
    """The name of the body under `if __name__ == "__main__":`."""
    return f"{module}.<main>"


def entries_of(file: FileModel, bodies: Mapping[str, tuple[Item, ...]]) -> Iterator[Entry]:
    """Where a program may start in this file, with the evidence."""
    base = file.path.rsplit("/", 1)[-1]
    if base in _NO_ENTRY or _is_test(file, base):
        return
    guard = file.main_guard
    if guard is not None:
        yield Entry("main guard", guard.lineno, main_body(file.module))
    elif file.source.is_notebook:
        yield Entry("notebook", 1, file.module)
    else:
        starts = [call.span.start for call in file.calls if call.function == file.module and _does_work(call)]
        starts.extend(item.start for item in bodies.get(file.module, ()) if item.kind == EFFECT)
        if starts:
            yield Entry("script", file.source.position(min(starts))[0], file.module)
    for name, node in file.resolver.functions.items():
        if any(_is_command(file, decorator) for decorator in node.decorator_list):
            yield Entry("command", node.lineno, name)


def _is_test(file: FileModel, base: str) -> bool:
    """Does a test runner find something to run there? A script may be called a test, too."""
    if not base.startswith("test_") and not base.endswith("_test.py"):
        return False
    return any(name.rpartition(".")[2].lower().startswith("test") for name in file.resolver.functions)


def _does_work(call: CallSite) -> bool:
    """Is it a call of something else than the language's own functions?"""
    language = sys.stdlib_module_names | {"builtins"}
    of_language = [name.split(".", 1)[0] in language and call.file.resolver.is_foreign(name) for name in call.names]
    return not of_language or not all(of_language)


def _is_command(file: FileModel, decorator: ast.expr) -> bool:
    """Does it hand the function to a command line (`@cli.command()`, `@experiment.automain`)?"""
    function = decorator.func if isinstance(decorator, ast.Call) else decorator
    return isinstance(function, ast.Attribute) and file.knowledge.is_command(function.attr)
