"""Compare resolved names with what Python itself finds: `python tests/oracle.py PACKAGE ...`.

Every module below the packages that can be imported is imported. For every chain that starts at a global name and is
resolved with certainty, the object of the resolved name must be the object that the chain evaluates to in the module.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import importlib
import io
import pkgutil
import sys
import warnings
from collections.abc import Iterator
from functools import cache
from types import ModuleType, SimpleNamespace
from typing import Any

from tfguard.analysis.file_model import FileModel
from tfguard.analysis.resolution import Resolution
from tfguard.analysis.scopes import lookup
from tfguard.errors import SourceError
from tfguard.source import decode

MISSING = object()


@cache
def find_object(name: str) -> Any:
    """The object of a qualified name, by import and attributes."""
    parts = name.lstrip(".").split(".")
    for length in range(len(parts), 0, -1):
        module = sys.modules.get(".".join(parts[:length]))
        if module is None:
            continue
        found: Any = module
        for part in parts[length:]:
            found = attribute(found, part)
            if found is MISSING:
                break
        if found is not MISSING:
            return found
    return MISSING


class RealKnowledge:
    """What the running Python says, in place of the tables."""

    def is_class(self, name: str) -> bool:
        return isinstance(find_object(name), type)

    def returns(self, name: str) -> str | None:
        return None

    def holds(self, name: str) -> str | None:
        return None

    def runs_main(self, name: str) -> bool:
        return False

    def makes_commands(self, name: str) -> bool:
        return name == "fire.Fire"

    def is_command(self, decorator: str) -> bool:
        return decorator == "command"

    def is_foreign(self, root: str) -> bool:
        return False

    def canonical(self, name: str) -> str:
        return name

    def split(self, name: str) -> tuple[str, str]:
        return "", name


def iter_modules(package: str) -> Iterator[ModuleType]:
    """A package and everything below it that can be imported quietly."""
    names = [package]
    root = importlib.import_module(package)
    if hasattr(root, "__path__"):
        names += [info.name for info in pkgutil.walk_packages(root.__path__, f"{package}.", onerror=lambda name: None)]
    for name in names:
        if any(part in name for part in ("__main__", ".test", "_test", "tests", "conftest", ".idlelib")):
            continue
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            try:
                yield importlib.import_module(name)
            except BaseException:  # noqa: BLE001  (whatever a module does when it is imported)
                continue


def attribute(base: Any, name: str) -> Any:
    """An attribute, MISSING where reading it raises anything."""
    try:
        return getattr(base, name, MISSING)
    except Exception:  # noqa: BLE001  (lazy modules and the like)
        return MISSING


def evaluate(module: ModuleType, node: ast.expr) -> Any:
    """What a chain is when the module has been loaded."""
    if isinstance(node, ast.Attribute):
        base = evaluate(module, node.value)
        return attribute(base, node.attr) if base is not MISSING else MISSING
    if isinstance(node, ast.Name):
        builtins = vars(importlib.import_module("builtins"))
        return vars(module).get(node.id, builtins.get(node.id, MISSING))
    return MISSING


def root_of(node: ast.expr) -> ast.expr:
    while isinstance(node, ast.Attribute):
        node = node.value
    return node


def agrees(resolution: Resolution, actual: Any) -> bool:
    """Is the object one of those that the resolution allows?"""
    for ref in resolution.refs:
        expected = find_object(ref.name)
        if ref.is_instance:
            if isinstance(expected, type) and isinstance(actual, expected):
                return True
        elif expected is actual or (expected is not MISSING and same(expected, actual)):
            return True
    return False


def same(expected: Any, actual: Any) -> bool:
    """Are they equal, or is one a method as its class has it and the other as an instance has it?"""
    try:
        if type(expected) is type(actual) and bool(expected == actual):
            return True
    except Exception:  # noqa: BLE001  (comparisons of arrays and the like)
        return False
    bound_to = getattr(actual, "__self__", MISSING)
    if bound_to is MISSING or isinstance(bound_to, (type, ModuleType)):
        return False
    of_class = getattr(type(bound_to), getattr(actual, "__name__", ""), None)
    return of_class is expected or getattr(actual, "__func__", None) is expected


class Count:
    """What came of all chains."""

    def __init__(self) -> None:
        self.modules = self.chains = self.certain = self.right = 0
        self.wrong: list[str] = []

    def check(self, module: ModuleType) -> None:
        """Compare all chains of a module."""
        path = getattr(module, "__file__", None)
        if not path or not path.endswith(".py"):
            return
        below = module.__name__.replace(".", "/") + ("/__init__.py" if path.endswith("__init__.py") else ".py")
        config: Any = SimpleNamespace(target=None)
        try:
            with open(path, "rb") as file:
                model = FileModel(decode(below, file.read()), RealKnowledge(), config)
        except SourceError:
            return
        self.modules += 1
        for node in model.index.chains:
            self.chain(module, model, node)

    def chain(self, module: ModuleType, model: FileModel, node: ast.expr) -> None:
        """Compare one chain, if it starts at a name of the module."""
        root = root_of(node)
        if not isinstance(root, ast.Name):
            return
        scope = lookup(model.index.places[root].scope, root.id)
        if scope is not None and scope.kind != "module":
            return
        actual = evaluate(module, node)
        if actual is MISSING:
            return
        self.chains += 1
        resolution = model.resolver.resolve(node)
        if not resolution.is_certain:
            return
        self.certain += 1
        if agrees(resolution, actual):
            self.right += 1
            return
        names = ", ".join(f"{ref.name}()" if ref.is_instance else ref.name for ref in resolution.refs)
        self.wrong.append(f"{module.__file__}:{node.lineno}: {ast.unparse(node)} is {names}? it is {actual!r:.80}")


def main() -> int:
    """Compare and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("packages", nargs="+")
    parser.add_argument("--show", type=int, default=40)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    count = Count()
    for package in options.packages:
        modules = list(iter_modules(package))
        find_object.cache_clear()
        for module in modules:
            count.check(module)
    for line in count.wrong[: options.show]:
        print(line)
    print(
        f"{count.modules} modules, {count.chains} chains from global names, {count.certain} certain, "
        f"{count.right} right, {len(count.wrong)} to look at"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
