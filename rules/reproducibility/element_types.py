"""What the elements of a container are, as far as it decides how they are hashed (part of TFG104 and TFG105).

Texts, bytes and paths are hashed with a key that differs from run to run, numbers are not. A `Type` that is not `sure`
rests on a guess: a name such as `words`, or one of several assignments.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from tfguard.tables import load_toml

#: Kinds that Python hashes with a key of the process.
_HASHED = frozenset({"str", "bytes", "path"})
_CONTAINERS = frozenset({"many", "set"})
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[_\W]+")


@dataclass(frozen=True, slots=True)
class Type:
    """A kind and the types of what is inside: many[element], set[element], dict[key, value], tuple[…]."""

    kind: str
    parts: tuple[Type, ...] = ()
    sure: bool = True

    @property
    def element(self) -> Type:
        """What iterating over it gives."""
        if self.kind in _CONTAINERS or self.kind == "dict":
            found = self.parts[0]
        elif self.kind == "tuple":
            found = join(self.parts)
        else:
            found = {"str": STR, "text": STR, "bytes": INT, "binary": BYTES, "nothing": NOTHING}.get(self.kind, UNKNOWN)
        return found if self.sure else replace(found, sure=False)

    @property
    def is_hashed(self) -> bool:
        """Does its hash differ from run to run?"""
        if self.kind in ("tuple", "set"):
            return any(part.is_hashed for part in self.parts)
        return self.kind in _HASHED

    @property
    def is_certain(self) -> bool:
        """Is nothing about it, and what is in it, a guess?"""
        return self.sure and all(part.is_certain for part in self.parts)

    @property
    def is_sortable(self) -> bool:
        """Can elements of this type surely be compared with each other?"""
        if self.kind == "tuple":
            return self.sure and all(part.is_sortable for part in self.parts)
        return self.sure and self.kind in (*_HASHED, "int", "float")


UNKNOWN, NOTHING, NONE = Type("unknown", sure=False), Type("nothing"), Type("none")
STR, BYTES, INT, FLOAT = Type("str"), Type("bytes"), Type("int"), Type("float")


def many(element: Type) -> Type:
    """A list, tuple, array or iterator of elements of one type."""
    return Type("many", (element,))


def join(types: Iterable[Type]) -> Type:
    """Any of the types: what is unknown makes the rest a guess, what differs is unknown."""
    found = [t for t in types if t.kind != "nothing"]
    known = [t for t in found if t.kind not in ("unknown", "none")]
    if not known:
        return next(iter(found), NOTHING) if all(t.kind == "none" for t in found) else UNKNOWN
    sure = all(t.sure for t in known) and len(known) == len(found)
    first = known[0]
    if all(t.kind == first.kind and len(t.parts) == len(first.parts) for t in known):
        rows = zip(*(t.parts for t in known), strict=True)
        return Type(first.kind, tuple(join(row) for row in rows), sure)
    kinds = {t.kind for t in known}
    if kinds <= {"int", "float"}:
        return replace(FLOAT, sure=sure)
    if kinds <= {"many", "tuple"}:
        return Type("many", (join(t.element for t in known),), sure)
    return UNKNOWN


@dataclass(frozen=True, slots=True)
class Tables:
    """element_types.toml."""

    functions: Mapping[str, Type]
    files: Mapping[str, int]
    files_of_bytes: frozenset[str]
    attributes: Mapping[str, Type]
    text_methods: Mapping[str, Type]
    methods_of_texts: Mapping[str, Type]
    attributes_of_anything: Mapping[str, Type]
    words: Mapping[str, frozenset[str]]

    def tells_of_labels(self, *identifiers: str) -> bool:
        """Do names tell of labels, which are texts where somebody numbers them?"""
        parts = [part.lower() for identifier in identifiers for part in _CAMEL.split(identifier) if part]
        return bool(self.words["labels"].intersection(parts)) and not self.words["numbers"].intersection(parts)

    def by_name(self, identifier: str) -> Type:
        """What a name tells of its value, where nothing else does."""
        parts = [part.lower() for part in _CAMEL.split(identifier) if part]
        if self.words["numbers"].intersection(parts):
            return UNKNOWN
        kept = [part for part in parts if part not in self.words["neutral"]]
        last = kept[-1] if kept else ""
        if last in self.words["many"]:
            return replace(many(STR), sure=False)
        return replace(STR, sure=False) if last in self.words["one"] else UNKNOWN


@lru_cache(maxsize=1)
def load_types() -> Tables:
    """Read the table once a process."""
    data = load_toml("element_types.toml")

    def types(section: str) -> dict[str, Type]:
        return {name: parse_type(text) for name, text in data[section].items()}

    return Tables(
        functions=types("functions"),
        files=data["files"],
        files_of_bytes=frozenset(data["files_of_bytes"]["names"]),
        attributes=types("attributes"),
        text_methods=types("text_methods"),
        methods_of_texts=types("methods_of_texts"),
        attributes_of_anything=types("attributes_of_anything"),
        words={key: frozenset(value) for key, value in data["words"].items()},
    )


def parse_type(text: str) -> Type:
    """The type that the table writes as `many[tuple[str,int]]`."""
    tokens = re.findall(r"\w+|[\[\],]", text)
    found, rest = _parse(tokens)
    if rest:
        raise ValueError(f"not a type: {text}")
    return found


def _parse(tokens: list[str]) -> tuple[Type, list[str]]:
    kind, rest = tokens[0], tokens[1:]
    parts: list[Type] = []
    if rest and rest[0] == "[":
        while rest[0] != "]":
            part, rest = _parse(rest[1:])
            parts.append(part)
        rest = rest[1:]
    return Type(kind, tuple(parts)), rest


def annotated(node: ast.expr | None) -> Type:
    """What an annotation says: `str`, `list[str]`, `Iterable[str]`, `dict[str, int]`, `str | None`."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        try:
            return annotated(ast.parse(node.value, mode="eval").body)
        except SyntaxError:
            return UNKNOWN
    if isinstance(node, (ast.Name, ast.Attribute)):
        name = node.id if isinstance(node, ast.Name) else node.attr
        return {"str": STR, "bytes": BYTES, "int": INT, "float": FLOAT, "Path": Type("path")}.get(name, UNKNOWN)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        return join(t for t in (annotated(node.left), annotated(node.right)) if t.kind != "unknown")
    if isinstance(node, ast.Subscript):
        return _annotated_container(node)
    return UNKNOWN


def _annotated_container(node: ast.Subscript) -> Type:
    name = node.value.id if isinstance(node.value, ast.Name) else getattr(node.value, "attr", "")
    inner = list(_elements(node.slice))
    if name == "Optional" and len(inner) == 1:
        return annotated(inner[0])
    if name.lower() in ("set", "frozenset", "abstractset"):
        return Type("set", (annotated(inner[0]),))
    if name.lower() in ("dict", "mapping", "defaultdict", "ordereddict") and len(inner) == 2:
        return Type("dict", (annotated(inner[0]), annotated(inner[1])))
    if name.lower() == "tuple" and not (len(inner) == 2 and isinstance(inner[1], ast.Constant)):
        return Type("tuple", tuple(annotated(part) for part in inner))
    if name.lower() in ("list", "sequence", "iterable", "iterator", "collection", "tuple", "deque"):
        return many(annotated(inner[0]))
    return UNKNOWN


def _elements(node: ast.expr) -> Iterator[ast.expr]:
    yield from node.elts if isinstance(node, ast.Tuple) else (node,)
