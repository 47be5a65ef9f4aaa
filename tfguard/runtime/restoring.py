"""`--migrate`: names that Python, NumPy and TensorFlow's private modules took away, of what is there all the same."""

import collections
import collections.abc
import time
from typing import Any, Dict

from tfguard.runtime.arrivals import Arrivals

#: Names of NumPy that were those of Python itself; `long` and `unicode` were Python 2's.
_BUILTINS: Dict[str, Any] = {
    "bool": bool,
    "complex": complex,
    "float": float,
    "int": int,
    "long": int,
    "object": object,
    "str": str,
    "unicode": str,
}
#: Second names of NumPy's own things.
_SECOND_NAMES = {
    "Inf": "inf",
    "Infinity": "inf",
    "NaN": "nan",
    "PINF": "inf",
    "alltrue": "all",
    "complex_": "complex128",
    "cumproduct": "cumprod",
    "float_": "float64",
    "in1d": "isin",
    "infty": "inf",
    "product": "prod",
    "row_stack": "vstack",
    "sometrue": "any",
    "string_": "bytes_",
    "trapz": "trapezoid",
    "unicode_": "str_",
}
#: The same of modules that are no part of TensorFlow's interface, and are imported all the same.
_PRIVATE_NAMES = {"tensorflow.python.util.nest": {"is_sequence": "is_nested"}}


def restore_names(arrivals: Arrivals) -> None:
    """Now for Python's own modules, and for NumPy when it arrives."""
    for name in collections.abc.__all__:
        if not hasattr(collections, name):
            setattr(collections, name, getattr(collections.abc, name))
    if not hasattr(time, "clock"):
        module: Any = time
        module.clock = time.process_time
    arrivals.when_imported("numpy", restore_numpy)
    for name in sorted(_PRIVATE_NAMES):
        arrivals.when_imported(name, restore_private)


def restore_private(module: Any) -> None:
    """Give a private module its former names."""
    add_names(module, _PRIVATE_NAMES[module.__name__])


def restore_numpy(numpy: Any) -> None:
    """What it lacks; what it has is left alone."""
    own = vars(numpy)
    for name, value in _BUILTINS.items():
        if name not in own:
            setattr(numpy, name, value)
    add_names(numpy, _SECOND_NAMES)


def add_names(module: Any, names: Dict[str, str]) -> None:
    """Those that it lacks, for what it has under the other name."""
    own = vars(module)
    for name, present in names.items():
        if name not in own and present in own:
            setattr(module, name, own[present])
