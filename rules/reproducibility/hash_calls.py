"""Calls that hash text themselves: `hash()` for a bucket or a seed, and Keras' hashing of words (part of TFG105)."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from tfguard.rules.reproducibility.element_inference import Inference
from tfguard.rules.reproducibility.hash_loops import flow_table
from tfguard.rules.reproducibility.seeds import load_seeds

from tfguard.analysis.calls import CallSite, Expr
from tfguard.analysis.file_model import FileModel
from tfguard.model import Edit, Span
from tfguard.tables import load_api_table

#: What numbers words as `one_hot` does, with a hash function of one's choice.
_TRICK = "hashing_trick"


@dataclass(frozen=True, slots=True)
class Hashed:
    """A call whose result differs from run to run, and the fix for it."""

    node: ast.Call
    message: str
    title: str = ""
    edits: tuple[Edit, ...] = ()
    safe: bool = False


def hashed_calls(file: FileModel, inference: Inference) -> Iterator[Hashed]:
    """The calls of a file that hash text for a number that is used."""
    for call in file.calls:
        names = [file.knowledge.canonical(name) for name in call.names]
        for name in names:
            if name in flow_table()["hashing"]:
                found = _of_keras(call, flow_table()["hashing"][name])
            elif name == "builtins.hash":
                found = _of_python(call, inference)
            else:
                continue
            if found is not None:
                yield found
            break


# -- hash() ------------------------------------------------------------------------------------------------------


def _of_python(call: CallSite, inference: Inference) -> Hashed | None:
    """`hash(word) % 1000`, or a seed made of it."""
    is_plain = isinstance(call.node.func, ast.Name) and call.node.func.id == "hash"
    if not is_plain or len(call.node.args) != 1 or not inference.of(call.node.args[0]).is_hashed:
        return None
    use = _use(call)
    if use is None or "cache" in ast.unparse(call.file.statement_of(call.node)).lower():  # a slot that nobody sees
        return None
    message = f"`{call.text}` differs in every run, unless PYTHONHASHSEED is set outside, and {use}"
    argument = call.arguments[0].text if call.arguments else ""
    given = inference.of(call.node.args[0])
    is_text = given.kind == "str" and given.sure
    top = call.file.rewrite.insert_import("import zlib") if is_text and _is_free(call.file, "zlib") else None
    edit = (
        call.file.rewrite.replace(Expr(call.file, call.node), f"zlib.crc32({argument}.encode())") if is_text else None
    )
    if edit is None or top is None or not argument.isidentifier():
        return Hashed(call.node, message)
    return Hashed(call.node, message, "Hash with `zlib.crc32`", tuple(sorted((top, edit))))


def _is_free(file: FileModel, name: str) -> bool:
    return name not in file.index.module.bindings


def _use(call: CallSite) -> str | None:
    """What the number is used for: a bucket, or a seed."""
    places = call.file.index.places
    here: ast.AST = call.node
    parent = places[here].parent
    while isinstance(parent, (ast.Call, ast.BinOp, ast.UnaryOp, ast.keyword)):
        if isinstance(parent, ast.BinOp) and isinstance(parent.op, ast.Mod) and here is parent.left:
            return "the number of a bucket is made of it"
        if isinstance(parent, ast.Call):
            site = call.file.call_site(parent)
            if any(call.file.knowledge.canonical(name) in load_seeds().seeds for name in site.names):
                return "a seed is made of it"
            if "builtins.abs" not in site.names and "builtins.int" not in site.names:
                return None
        here, parent = parent, places[parent].parent
    return None


# -- Keras ----------------------------------------------------------------------------------------------------------


def _of_keras(call: CallSite, argument: str) -> Hashed | None:
    """`hashing_trick` without a hash function, and `one_hot`, which has none."""
    if argument:
        given = call.argument(argument, 2)
        if not given.is_absent and not given.is_constant(None, "hash"):
            return None
        edit = call.file.rewrite.set_argument(call, argument, '"md5"', 2)
        edits: tuple[Edit, ...] = (edit,) if edit is not None else ()
    else:
        edits = _with_hash_function(call)
    message = (
        f"`{call.written}` numbers words by Python's `hash`, so every word has another number in every run, "
        "unless PYTHONHASHSEED is set outside"
    )
    return Hashed(call.node, message, 'Hash with `hash_function="md5"`', edits, safe=True)


def _with_hash_function(call: CallSite) -> tuple[Edit, ...]:
    """`one_hot(text, n)` as `hashing_trick(text, n, hash_function="md5")`."""
    function = call.node.func
    if len(call.node.args) > 2 or call.has_star or not all(_has_trick(call.file, name) for name in call.names):
        return ()
    last = call.file.rewrite.add_argument(call, 'hash_function="md5"')
    if last is None:
        return ()
    if isinstance(function, ast.Attribute):
        end = call.file.span(function).end
        return (Edit(Span(end - len(function.attr), end), _TRICK), last)
    if not isinstance(function, ast.Name):
        return ()
    imported = _import_of_trick(call.file, function)
    return (imported, Edit(call.file.span(function), _TRICK), last) if imported is not None else ()


def _has_trick(file: FileModel, name: str) -> bool:
    """Has the version `hashing_trick`, if it has `one_hot` at all?"""
    table, target = load_api_table(), file.target
    trick = f"{name.rpartition('.')[0]}.{_TRICK}"
    kinds = [table.status(n, target.tensorflow, target.keras, imported=True).kind for n in (name, trick)]
    return kinds[0] != "exists" or kinds[1] == "exists"


def _import_of_trick(file: FileModel, function: ast.Name) -> Edit | None:
    """`hashing_trick` in the statement that imports `one_hot`: in its place, where nothing else is done with that."""
    bindings = file.resolver.bindings_of(function)
    alias = bindings[0].node if len(bindings) == 1 else None
    statement = file.index.places[alias].parent if alias is not None else None
    if not isinstance(alias, ast.alias) or not isinstance(statement, ast.ImportFrom) or alias.asname is not None:
        return None
    if _TRICK in file.index.module.bindings:
        return None
    reads = [node for node in file.index.chains if isinstance(node, ast.Name) and node.id == alias.name]
    parents = [file.index.places[read].parent for read in reads]
    if all(isinstance(p, ast.Call) and p.func is r and len(p.args) <= 2 for p, r in zip(parents, reads, strict=True)):
        start = file.source.offset_of(alias.lineno, alias.col_offset)
        return Edit(Span(start, start + len(alias.name)), _TRICK)
    return file.rewrite.add_imported(statement, [_TRICK])
