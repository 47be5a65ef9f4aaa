"""The types of what calls return, for element_inference.py (part of TFG104 and TFG105)."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import replace

from tfguard.rules.reproducibility.element_types import (
    BYTES,
    INT,
    NOTHING,
    STR,
    UNKNOWN,
    Type,
    annotated,
    join,
    load_types,
    many,
)

from tfguard.analysis.file_model import FileModel

_SAME_ELEMENTS = frozenset(
    f"builtins.{name}" for name in ("list", "tuple", "sorted", "reversed", "iter", "filter", "enumerate")
) | frozenset(
    (
        *("collections.deque", "itertools.islice", "itertools.cycle", "random.sample", "random.choices", "tqdm.tqdm"),
        *(
            "numpy.array",
            "numpy.asarray",
            "numpy.unique",
            "numpy.sort",
            "numpy.concatenate",
            "numpy.random.permutation",
        ),
        *("pandas.Series", "pandas.unique", "copy.copy", "copy.deepcopy"),
    )
)
_SETS = frozenset({"builtins.set", "builtins.frozenset"})
_DICTS = frozenset({"builtins.dict", "collections.OrderedDict"})
_SET_RESULTS = frozenset({"union", "intersection", "difference", "symmetric_difference", "copy"})
_SAME_OBJECT = frozenset({"copy", "tolist", "flatten", "ravel", "unique", "astype", "to_list", "reshape", "dropna"})


class CallTypes:
    """Answers for the calls of one file; `of` is the inference that asks."""

    def __init__(self, file: FileModel, of: Callable[[ast.expr | None], Type]) -> None:
        self.file = file
        self.of = of

    def call(self, node: ast.Call) -> Type:
        site = self.file.call_site(node)
        names = [self.file.knowledge.canonical(name) for name in site.names]
        found = [self._function(name, node) for name in names]
        known = [one for one in found if one is not None]
        if known and len(known) == len(names):
            return join(known)
        if isinstance(node.func, ast.Attribute) and not any(_is_foreign(name) for name in names):
            return self._method(node, node.func)
        return UNKNOWN

    def _function(self, name: str, node: ast.Call) -> Type | None:
        tables = load_types()
        if name in tables.files:
            return self._file(name, node)
        if name in tables.functions:
            return tables.functions[name]
        first = node.args[0] if node.args and not isinstance(node.args[0], ast.Starred) else None
        if name in _SETS:
            return Type("set", (self.of(first).element if first is not None else NOTHING,))
        if name == "builtins.enumerate":
            return many(Type("tuple", (INT, self.of(first).element)))
        if name in _SAME_ELEMENTS:
            return many(self.of(first).element if first is not None else NOTHING)
        if name == "builtins.zip":
            return many(Type("tuple", tuple(self.of(argument).element for argument in node.args)))
        if name == "builtins.map" and len(node.args) == 2:
            return many(self._applied(node.args[0], node.args[1]))
        if name.startswith("itertools.chain"):
            return self._chain(name, node)
        return self._container(name, node, first) or self.returned(name)

    def _container(self, name: str, node: ast.Call, first: ast.expr | None) -> Type | None:
        if name == "collections.Counter":
            return Type("dict", (self.of(first).element if first is not None else NOTHING, INT))
        if name == "collections.defaultdict":
            return Type("dict", (NOTHING, UNKNOWN))
        if name in ("builtins.dict.fromkeys", "collections.OrderedDict.fromkeys"):
            return Type("dict", (self.of(first).element, UNKNOWN))
        if name in _DICTS:
            given = self.of(first) if first is not None else NOTHING
            if given.kind == "dict":
                return given
            pair = given.element
            key = pair.parts[0] if pair.kind == "tuple" and len(pair.parts) == 2 else pair if first is None else UNKNOWN
            value = pair.parts[1] if pair.kind == "tuple" and len(pair.parts) == 2 else UNKNOWN
            return Type("dict", (join([key, *([STR] if node.keywords else [])]), value))
        return None

    def returned(self, name: str) -> Type | None:
        """What a function of the file returns."""
        function = self.file.resolver.functions.get(name)
        if function is None:
            return None
        if function.returns is not None and annotated(function.returns).kind != "unknown":
            return annotated(function.returns)
        if function in self.file.index.generators:
            return UNKNOWN
        values = self.file.index.returns.get(function, [])
        return join(self.of(value) for value in values if value is not None) if values else UNKNOWN

    def _file(self, name: str, node: ast.Call) -> Type:
        tables = load_types()
        mode = self.file.call_site(node).argument("mode", tables.files[name])
        text = mode.expr.node.value if mode.expr is not None and isinstance(mode.expr.node, ast.Constant) else None
        if text is None:
            return Type("binary" if name in tables.files_of_bytes else "text", sure=mode.is_absent)
        is_binary = "b" in str(text) or (name in tables.files_of_bytes and "t" not in str(text))
        return Type("binary" if is_binary else "text")

    def _applied(self, function: ast.expr, argument: ast.expr) -> Type:
        """What a function makes of each element."""
        if isinstance(function, ast.Lambda):
            return self.of(function.body)
        names = [self.file.knowledge.canonical(name) for name in self.file.resolver.resolve(function).names]
        tables = load_types()
        if len(names) == 1 and names[0] in tables.functions:
            return tables.functions[names[0]]
        if len(names) == 1 and names[0].startswith("builtins.str."):
            return tables.text_methods.get(names[0].rpartition(".")[2], UNKNOWN)
        return (self.returned(names[0]) if len(names) == 1 else None) or UNKNOWN

    def _chain(self, name: str, node: ast.Call) -> Type:
        if name.endswith(".from_iterable") and len(node.args) == 1:
            return many(self.of(node.args[0]).element.element)
        parts = [
            self.of(argument.value).element.element if isinstance(argument, ast.Starred) else self.of(argument).element
            for argument in node.args
        ]
        return many(join(parts))

    def _method(self, node: ast.Call, function: ast.Attribute) -> Type:
        tables, receiver, method = load_types(), self.of(function.value), function.attr
        if receiver.kind == "dict" and method in ("keys", "values", "items", "get", "most_common"):
            return _of_dict(receiver, method)
        if receiver.kind == "set" and method in _SET_RESULTS:
            others = [self.of(a.value if isinstance(a, ast.Starred) else a).element for a in node.args]
            return Type("set", (join([receiver.parts[0], *others]) if method == "union" else receiver.parts[0],))
        if receiver.kind in ("many", "set") and method in ("pop", "popleft"):
            return receiver.element
        if method in _SAME_OBJECT and receiver.kind in ("many", "dict", "unknown"):
            return receiver
        if receiver.kind in ("binary", "bytes") and method in (
            "read",
            "strip",
            "lower",
            "split",
            "readlines",
            "replace",
        ):
            return many(BYTES) if method in ("split", "readlines") else BYTES
        if method in tables.text_methods and receiver.kind in ("str", "text", "bytes", "unknown", "path", "many"):
            return tables.text_methods[method]
        found = tables.methods_of_texts.get(method)
        if found is None:
            return UNKNOWN
        if receiver.kind in ("str", "text"):
            return found if receiver.sure else replace(found, sure=False)
        return replace(found, sure=False) if receiver.kind == "unknown" and found == STR else UNKNOWN


def _of_dict(receiver: Type, method: str) -> Type:
    key, value = receiver.parts
    if method == "get":
        return value
    return many(key if method == "keys" else value if method == "values" else Type("tuple", (key, value)))


def _is_foreign(name: str) -> bool:
    """Is it a function of an array library (`np.split`), which has methods' names?"""
    return name.split(".", 1)[0] in ("numpy", "tensorflow", "keras", "torch", "jax")
