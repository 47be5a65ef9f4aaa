"""Import hooks: call something right after a module has been imported for the first time."""

import sys
from contextlib import contextmanager
from types import ModuleType
from typing import Any, Callable, Dict, Iterator, List, Optional

Action = Callable[[Any], None]


class Arrivals:
    """A finder that finds nothing itself: it lets the others find, and is told when their module is there."""

    def __init__(self) -> None:
        self.waiting: Dict[str, List[Action]] = {}

    def when_imported(self, name: str, action: Action) -> bool:
        """Call `action(module)` now where the module is there (and return True), else once it has been imported."""
        module = sys.modules.get(name)
        if module is not None and not is_being_imported(module):
            action(module)
            return True
        self.waiting.setdefault(name, []).append(action)
        if self not in sys.meta_path:
            sys.meta_path.insert(0, self)
        return False

    def find_spec(self, name: str, path: Any = None, target: Optional[ModuleType] = None) -> Any:
        """The spec that the other finders give, with its loader told to call us back."""
        if name not in self.waiting:
            return None
        for finder in list(sys.meta_path):
            find = getattr(finder, "find_spec", None)
            if find is None or finder is self:
                continue
            spec = find(name, path, target)
            if spec is not None:
                self.follow(name, spec.loader)
                return spec
        return None

    def follow(self, name: str, loader: Any) -> None:
        """Make this one loader call the actions after it has executed the module."""
        execute = getattr(loader, "exec_module", None)
        if execute is None:
            return

        def exec_module(module: ModuleType) -> None:
            loader.__dict__.pop("exec_module", None)
            execute(module)
            self.arrived(name)

        if hasattr(loader, "__dict__") and not isinstance(loader, type):
            loader.exec_module = exec_module

    def arrived(self, name: str) -> None:
        """Call what waits for the module; a module may have put another in its place."""
        actions = self.waiting.pop(name, [])
        if not self.waiting and self in sys.meta_path:
            sys.meta_path.remove(self)
        with unlogged(name):
            for action in actions:
                action(sys.modules[name])


@contextmanager
def unlogged(name: str) -> Iterator[None]:
    """TensorFlow 1.13 to 1.15 warns when a deprecated name is looked up; the program has not done so, the shim has."""
    logging = sys.modules.get("logging")
    if logging is None:
        yield
        return
    logger: Any = vars(logging)["getLogger"](name)
    before, logger.disabled = logger.disabled, True
    try:
        yield
    finally:
        logger.disabled = before


def is_being_imported(module: Any) -> bool:
    """True while the body of the module runs."""
    spec = getattr(module, "__spec__", None)
    return bool(getattr(spec, "_initializing", False))
