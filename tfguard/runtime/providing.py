"""`--migrate`: modules that TensorFlow took away, from `tfguard.compat`, where the program imports or mentions them."""

import sys
from importlib import import_module
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, Optional

from tfguard.runtime.arrivals import Arrivals
from tfguard.runtime.preparing import EAGER, version_of

#: What stands in their place, by the name that old programs use; a name without a module is a folder of others.
#: The rules take what is in them for present: `provided` in rules/tables/graph_mode.toml.
PROVIDED = {
    "tensorflow.contrib": "",
    "tensorflow.contrib.layers": "tfguard.compat.contrib_layers",
    "tensorflow.contrib.rnn": "tfguard.compat.contrib_rnn",
    "tensorflow.examples": "",
    "tensorflow.examples.tutorials": "",
    "tensorflow.examples.tutorials.mnist": "",
    "tensorflow.examples.tutorials.mnist.input_data": "tfguard.compat.input_data",
}
_COMPAT = "tensorflow.compat.v1"
_FOLDERS = ("contrib", "examples")


class Folder(ModuleType):
    """A package whose modules are imported when they are mentioned."""

    def __getattr__(self, name: str) -> Any:
        full = "{}.{}".format(self.__name__, name)
        if full in PROVIDED:
            return import_module(full)
        raise AttributeError("module {!r} has no attribute {!r}".format(self.__name__, name))


class Provider:
    """A finder that is asked last, so that what is installed comes first."""

    def find_spec(self, name: str, path: Any = None, target: Optional[ModuleType] = None) -> Optional[ModuleSpec]:
        """For the names of `PROVIDED`."""
        if name not in PROVIDED:
            return None
        loader: Any = self
        return ModuleSpec(name, loader, is_package=not PROVIDED[name])

    def create_module(self, spec: ModuleSpec) -> Optional[ModuleType]:
        """A folder, or an empty module that `exec_module` replaces."""
        return Folder(spec.name) if not PROVIDED[spec.name] else None

    def exec_module(self, module: ModuleType) -> None:
        """A module of `tfguard.compat` takes the place of the empty one."""
        place = PROVIDED[module.__name__]
        if place:
            sys.modules[module.__name__] = import_module(place)


def provide_modules(arrivals: Arrivals) -> None:
    """For this process."""
    finder: Any = Provider()
    sys.meta_path.append(finder)
    arrivals.when_imported("tensorflow", provide_attributes)
    arrivals.when_imported(_COMPAT, add_folders)


def provide_attributes(tf: Any) -> None:
    """`tf.contrib` without an import of its own, for TensorFlow 2."""
    if version_of(tf) >= EAGER:
        add_folders(tf)
        add_folders(tf.compat.v1)


def add_folders(namespace: Any) -> None:
    """`tensorflow` and `tensorflow.compat.v1`; its import by that name makes another module of it."""
    for name in _FOLDERS:
        if name not in vars(namespace) and version_of(sys.modules["tensorflow"]) >= EAGER:
            setattr(namespace, name, import_module("tensorflow." + name))
