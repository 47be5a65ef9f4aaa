"""From a FileModel to its FileSummary: what each body does, in evaluation order, and where a program may start."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from tfguard.analysis.calls import CallSite, StoreSite
from tfguard.analysis.choices import chosen_from, made_commands
from tfguard.analysis.entries import entries_of, main_body
from tfguard.analysis.file_model import FileModel
from tfguard.analysis.index import Place
from tfguard.analysis.names import unpacked
from tfguard.analysis.scopes import BindingKind, Branch, Scope, final
from tfguard.analysis.summary import CALL, EFFECT, IMPORT, METHOD, ClassSummary, FileSummary, Item

#: A rule's view of one call: its payload (JSON values), None when the call is nothing to it.
EffectFunction = Callable[[CallSite], Any]
#: The same for a write to an attribute or item.
StoreFunction = Callable[[StoreSite], Any]

#: What is handed a function without calling it.
_LOOKS = ("callable", "getattr", "hasattr", "id", "isinstance", "print", "repr", "setattr", "str")
_ONLY_HOLD = frozenset({"functools.partial", *(f"builtins.{name}" for name in _LOOKS)})
#: How functions are called that keep what they are given for later (`tf.register_tensor_conversion_function`).
_KEEP = re.compile(r"(un)?register|add_dispatch|dispatch_for")


def summarise(
    file: FileModel,
    effects: Mapping[str, EffectFunction],
    facts: Mapping[str, Any],
    *,
    stores: Mapping[str, StoreFunction] = MappingProxyType({}),
) -> FileSummary:
    """Everything about the file that the whole-program pass may need."""
    bodies = _collect_bodies(file, _items(file, effects, stores))
    return FileSummary(
        path=file.path,
        module=file.module,
        package=file.package,
        imports=tuple(dict.fromkeys(name for _, name in _imported(file) if not file.resolver.is_foreign(name))),
        exports=_exports(file),
        bodies=bodies,
        classes={name: _class_summary(file, name) for name in file.resolver.classes},
        entries=tuple(entries_of(file, bodies)),
        facts=dict(facts),
    )


def _items(
    file: FileModel, effects: Mapping[str, EffectFunction], stores: Mapping[str, StoreFunction]
) -> Iterator[tuple[int, str, Item]]:
    yield from _call_items(file, effects)
    yield from _decorator_items(file)
    yield from _store_items(file, stores)
    yield from _import_items(file)


def _collect_bodies(file: FileModel, items: Iterable[tuple[int, str, Item]]) -> dict[str, tuple[Item, ...]]:
    guard = file.main_guard
    guarded = file.span(guard) if guard is not None else None
    rows: dict[str, list[tuple[int, Item]]] = {}
    for order, body, item in items:
        if guarded is not None and body == file.module and guarded.start <= item.start < guarded.end:
            body = main_body(file.module)
        rows.setdefault(body, []).append((order, item))
    found = {name: tuple(item for _, item in sorted(items, key=lambda row: row[0])) for name, items in rows.items()}
    for name in file.resolver.functions:
        found.setdefault(name, ())
    return found


def _where(file: FileModel, place: Place) -> tuple[str, Branch]:
    """The body that a node runs in and its branch there, lambdas counted to the body that makes them."""
    scope, branch = place.scope, place.branch
    while scope.parent is not None and (scope.kind == "comprehension" or isinstance(scope.node, ast.Lambda)):
        if isinstance(scope.node, ast.Lambda):
            branch = (*file.index.places[scope.node].branch, *branch)
        scope = scope.parent
    while scope.kind == "class" and scope.parent is not None:
        scope = scope.parent
    return scope.qualified_name, branch


def _is_repeated(file: FileModel, place: Place) -> bool:
    """Does the node stand in a loop or comprehension of the body that it runs in?"""
    in_loop = any(step[0] in file.index.loops and step[1] == 0 for step in place.branch)
    return in_loop or place.scope.kind == "comprehension"


def _call_items(file: FileModel, effects: Mapping[str, EffectFunction]) -> Iterator[tuple[int, str, Item]]:
    for call in file.calls:
        place = file.index.places[call.node]
        body, branch = _where(file, place)
        span = call.span
        repeated = _is_repeated(file, place)
        callees = list(_callees(file, call))
        handed = [(CALL, name, ()) for name in _project_functions_in(file, call)]
        for kind, name, _ in handed if not callees else ():
            yield place.order, body, Item(kind, name, span.start, span.end, branch, repeated)
        for rule, effect in effects.items():
            payload = effect(call)
            if payload is not None:
                name = call.names[0] if call.names else call.written
                yield place.order, body, Item(EFFECT, name, span.start, span.end, branch, repeated, rule, payload)
        for kind, name, guesses in (*callees, *handed) if callees else ():  # a callee of the project runs them itself
            payload = list(guesses) or None
            yield place.order, body, Item(kind, name, span.start, span.end, branch, repeated, payload=payload)


def _store_items(file: FileModel, stores: Mapping[str, StoreFunction]) -> Iterator[tuple[int, str, Item]]:
    for store in file.stores if stores else ():
        place = file.index.places[store.target]
        body, branch = _where(file, place)
        for rule, effect in stores.items():
            payload = effect(store)
            if payload is not None:
                name = store.names[0] if store.names else store.written
                span, repeated = store.span, _is_repeated(file, place)
                yield place.order, body, Item(EFFECT, name, span.start, span.end, branch, repeated, rule, payload)


def _decorator_items(file: FileModel) -> Iterator[tuple[int, str, Item]]:
    """A decorator without brackets is a call too."""
    for node in (*file.index.functions, *file.index.classes):
        for decorator in node.decorator_list:
            name = file.resolver.resolve(decorator).name if not isinstance(decorator, ast.Call) else None
            if name is not None and not file.resolver.is_foreign(name):
                place = file.index.places[decorator]
                body, branch = _where(file, place)
                span = file.span(decorator)
                yield place.order, body, Item(CALL, name, span.start, span.end, branch, _is_repeated(file, place))


def _callees(file: FileModel, call: CallSite) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """What of the project a call may run: kind and name of the item, and the guesses for a method."""
    resolution = call.resolution
    inherited = _methods_of_own_classes(file, call)
    own = [ref for ref in resolution.refs if not file.resolver.is_foreign(ref.name)]
    names = inherited or tuple(f"{ref.name}.__call__" if ref.is_instance else ref.name for ref in own)
    if resolution.reason is None or isinstance(call.node.func, ast.Name):
        for name in names:
            yield CALL, name, ()
    elif isinstance(call.node.func, ast.Attribute) and len(own) == len(resolution.refs):
        method = call.node.func.attr
        if names or not method.startswith("__"):
            yield METHOD, method, names
    for name in (*call.starred_names, *chosen_from(call), *made_commands(call)):
        if not file.resolver.is_foreign(name):
            yield CALL, name, ()
    given = bool(call.node.args) or any(keyword.arg in (None, "main") for keyword in call.node.keywords)
    if not given and any(file.knowledge.runs_main(name) for name in resolution.names):
        yield CALL, f"{file.module}.main", ()


def _methods_of_own_classes(file: FileModel, call: CallSite) -> tuple[str, ...]:
    """The method that is called, spelled at the class of the instance and not at the base that defines it."""
    function = call.node.func
    if not isinstance(function, ast.Attribute):
        return ()
    names = [ref.name for ref in file.resolver.resolve(function.value).refs]
    classes = [file.resolver.classes[name] for name in names if name in file.resolver.classes]
    if not classes or any(function.attr in info.attributes for info in classes):
        return ()
    return tuple(f"{info.name}.{function.attr}" for info in classes)


def _project_functions_in(file: FileModel, call: CallSite) -> Iterator[str]:
    """Functions of the project that a call is handed (`app.run(main)`, `ds.map(parse)`) and may call."""
    if (call.names and _ONLY_HOLD.issuperset(call.names)) or _KEEP.match(call.written.rpartition(".")[2].strip()):
        return
    values = [*call.node.args, *(keyword.value for keyword in call.node.keywords)]
    for value in values:
        if isinstance(value, (ast.Name, ast.Attribute)) and value in file.index.places:
            name = file.resolver.resolve(value).name
            if name is not None and not name.startswith("builtins.") and not file.resolver.is_foreign(name):
                yield name


def _imported(file: FileModel) -> Iterator[tuple[ast.AST, str]]:
    """Every module that an import statement may load: `from a import b` may load `a` and `a.b`."""
    for node in file.index.imports:
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias, alias.name
            continue
        origin = file.resolver.absolute("." * node.level + (node.module or ""))
        if origin:
            yield node, origin
        for alias in node.names:
            if alias.name != "*":
                yield alias, f"{origin}.{alias.name}" if origin else alias.name


def _import_items(file: FileModel) -> Iterator[tuple[int, str, Item]]:
    for node, name in _imported(file):
        if file.resolver.is_foreign(name):
            continue
        place = file.index.places[node]
        body, branch = _where(file, place)
        span = file.span(file.statement_of(node))
        yield place.order, body, Item(IMPORT, name, span.start, span.end, branch)


def _exports(file: FileModel) -> dict[str, str]:
    """Names of the module's body that stand for something else: imported names and aliases."""
    found: dict[str, str] = {}
    module: Scope = file.index.module
    for name, bindings in module.bindings.items():
        for binding in final(bindings):
            value = unpacked(binding) if binding.kind is BindingKind.ASSIGN else None
            target = file.resolver.resolve(value).name if value is not None else None
            if binding.kind is BindingKind.IMPORT:
                target = file.resolver.absolute(binding.target)
            if target is not None and not file.resolver.is_foreign(target):
                found[name] = target
    for origin in file.star_imports:
        if not file.resolver.is_foreign(origin):
            found[f"*{origin}"] = origin
    return found


def _class_summary(file: FileModel, name: str) -> ClassSummary:
    info = file.resolver.classes[name]
    bases = [base for node in info.node.bases for base in file.resolver.resolve(node).names]
    return ClassSummary(name, tuple(bases), tuple(info.methods))
