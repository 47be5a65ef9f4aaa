"""The facade that a rule is handed: everything that may be asked about one file."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from typing import Any

from tfguard.analysis import guards
from tfguard.analysis.calls import CallSite, Expr, Reference, ReferenceKind, StoreSite
from tfguard.analysis.index import Index
from tfguard.analysis.names import Resolver
from tfguard.analysis.parse import deep_recursion, parse
from tfguard.analysis.resolution import Knowledge, Ref, Resolution
from tfguard.analysis.rewrite import Rewrite
from tfguard.analysis.scopes import BindingKind
from tfguard.analysis.values import Value, value_of
from tfguard.analysis.walk import build_index
from tfguard.config import Config
from tfguard.errors import ParseError
from tfguard.model import Edit, Span
from tfguard.source import SourceFile


class FileModel:
    """One parsed file; raises ParseError when there is nothing to parse."""

    def __init__(self, source: SourceFile, knowledge: Knowledge, config: Config) -> None:
        self.source = source
        self.path = source.path
        self.config = config
        self.target = config.target
        self.knowledge = knowledge
        self.tree = parse(source)
        self.module, self.package = own_names(source.path, knowledge)
        try:
            with deep_recursion():
                self.index: Index = build_index(self.tree, self.module)
        except RecursionError:
            raise ParseError(
                "the code is nested too deeply to be analysed",
                "split the expression or statement, or exclude the file",
                rule="TFG901",
                line=1,
                column=1,
            ) from None
        self.resolver = Resolver(self.index, knowledge, self.module, self.package)
        self.rewrite = Rewrite(self)
        self._kept: dict[object, Any] = {}
        self._sites: dict[ast.Call, CallSite] = {}
        self._guards: dict[ast.AST, str | None] = {}
        self._references: dict[frozenset[str], tuple[Reference, ...]] = {}

    def release(self) -> None:
        """Let go of everything: cycles would keep it until the next garbage collection, which costs more than they."""
        vars(self).clear()

    # -- places -------------------------------------------------------------------------------------

    def span(self, node: ast.AST) -> Span:
        """The node's place in the decoded text."""
        located: ast.expr = node  # type: ignore[assignment]
        start = self.source.offset_of(located.lineno, located.col_offset)
        end = self.source.offset_of(located.end_lineno or located.lineno, located.end_col_offset or located.col_offset)
        return Span(start, max(start, end))

    def text_of(self, span: Span) -> str:
        """The text at a span."""
        return self.source.text[span.start : span.end]

    def is_placed(self, node: ast.AST) -> bool:
        """Is the node's place what `span` says? Before Python 3.12 it is not to be trusted within f-strings."""
        return self._fstring_around(node) is None

    def _fstring_around(self, node: ast.AST) -> ast.JoinedStr | None:
        """The outermost f-string around a node, for the Pythons that misplace what stands in one."""
        if not self.index.has_fstrings or sys.version_info >= (3, 12):
            return None
        found: ast.JoinedStr | None = None
        here = node
        while not isinstance(here, (ast.stmt, ast.Module)):
            here = self.index.places[here].parent
            found = here if isinstance(here, ast.JoinedStr) else found
        return found

    def statement_of(self, node: ast.AST) -> ast.stmt:
        """The innermost statement around a node."""
        here = node
        while not isinstance(here, ast.stmt):
            here = self.index.places[here].parent
        return here

    def top_statement_of(self, node: ast.AST) -> ast.stmt:
        """The statement of the module's own body around a node."""
        here = node
        while True:
            parent = self.index.places[here].parent
            if isinstance(parent, ast.Module):
                assert isinstance(here, ast.stmt)
                return here
            here = parent

    def enclosing(self, node: ast.AST) -> str:
        """The qualified name of the function, class or module whose body holds the node."""
        place = self.index.places.get(node)
        scope = place.scope if place is not None else self.index.module
        while scope.parent is not None and (scope.kind == "comprehension" or isinstance(scope.node, ast.Lambda)):
            scope = scope.parent
        return scope.qualified_name

    def guard_of(self, node: ast.AST) -> str | None:
        """Why the node may be protected against a missing name."""
        return guards.guard_of(self.index, node, self._guards)

    # -- names and values -----------------------------------------------------------------------------

    def resolve(self, expr: Expr) -> Resolution:
        """What an expression names."""
        return self.resolver.resolve(expr.node)

    def value_of(self, node: ast.expr) -> Value:
        """The constant value of an expression."""
        return value_of(self.resolver, node)

    def origin_of(self, expr: Expr) -> Expr:
        """Follow a variable to the one expression that it was assigned."""
        node = expr.node
        for _ in range(20):
            if not isinstance(node, ast.Name) or node not in self.index.places:
                break
            bindings = self.resolver.bindings_of(node)
            if len(bindings) != 1 or bindings[0].kind not in (BindingKind.ASSIGN, BindingKind.WITH):
                break
            if bindings[0].value is None or bindings[0].path != ():
                break
            node = bindings[0].value
        return Expr(self, node)

    @cached_property
    def star_imports(self) -> tuple[str, ...]:
        """Modules that are star-imported anywhere in the file, absolute, in source order."""
        found: list[str] = []
        for node in self.index.imports:
            if isinstance(node, ast.ImportFrom) and any(alias.name == "*" for alias in node.names):
                found.append(self.resolver.absolute("." * node.level + (node.module or "")))
        return tuple(found)

    def once(self, key: object, make: Callable[[], Any]) -> Any:
        """What `make` returns, made when it is first asked for: for what a rule wants to know again and again."""
        if key not in self._kept:
            self._kept[key] = make()
        return self._kept[key]

    # -- calls ------------------------------------------------------------------------------------------

    def call_site(self, node: ast.Call) -> CallSite:
        """The handle of a call node."""
        site = self._sites.get(node)
        if site is None:
            site = self._sites[node] = CallSite(self, node)
        return site

    @cached_property
    def calls(self) -> tuple[CallSite, ...]:
        """All calls in evaluation order."""
        return tuple(self.call_site(node) for node in self.index.calls)

    @cached_property
    def stores(self) -> tuple[StoreSite, ...]:
        """All writes to attributes and items in evaluation order."""
        found = ((target, Expr(self, value) if value is not None else None) for target, value in self.index.stores)
        return tuple(StoreSite(self, target, value) for target, value in found)

    def calls_to(self, *names: str) -> Iterator[CallSite]:
        """The calls that surely go to one of these names (all candidates agree)."""
        wanted = frozenset(names)
        for call in self.calls:
            resolution = call.resolution
            if resolution.is_certain and all(not r.is_instance and r.name in wanted for r in resolution.refs):
                yield call

    def may_call(self, *names: str) -> Iterator[CallSite]:
        """The calls that may go to one of these names: for findings, never for fixes."""
        wanted = frozenset(names)
        return (call for call in self.calls if any(name in wanted for name in call.names))

    # -- references -------------------------------------------------------------------------------------

    def references(self, roots: Iterable[str]) -> tuple[Reference, ...]:
        """All mentions of names below these top-level packages, in source order."""
        wanted = frozenset(roots)
        known = self._references.get(wanted)
        if known is None:
            found = [*self._chain_references(wanted), *self._import_references(wanted)]
            known = self._references[wanted] = tuple(sorted(found, key=lambda r: (r.span.start, r.span.end)))
        return known

    def _chain_references(self, wanted: frozenset[str]) -> Iterator[Reference]:
        for node, resolution, roots in self._rooted_chains:
            if not roots.isdisjoint(wanted):
                span, is_exact = self._chain_span(node)
                yield Reference(self, ReferenceKind.CHAIN, node, resolution, span, self.guard_of(node), is_exact)

    @cached_property
    def _rooted_chains(self) -> tuple[tuple[ast.expr, Resolution, frozenset[str]], ...]:
        """The chains that may mention something below a package, each with the packages."""
        found: list[tuple[ast.expr, Resolution, frozenset[str]]] = []
        for node in self.index.chains:
            if isinstance(node, ast.Name) and not self._is_imported_directly(node):
                continue
            resolution = self.resolver.resolve(node)
            if isinstance(node, ast.Name) and all("." not in ref.name for ref in resolution.refs):
                continue
            roots = frozenset(ref.name.partition(".")[0] for ref in resolution.refs)
            if roots:
                found.append((node, resolution, roots))
        return tuple(found)

    def _is_imported_directly(self, node: ast.Name) -> bool:
        """Is the bare name itself imported (not a variable that holds something)?"""
        if node.id not in self._imported_names:
            return False
        return any(binding.kind is BindingKind.IMPORT for binding in self.resolver.bindings_of(node))

    @cached_property
    def _imported_names(self) -> frozenset[str]:
        """The names that import statements bind, wherever they stand."""
        aliases = [alias for node in self.index.imports for alias in node.names]
        return frozenset(alias.asname or alias.name.partition(".")[0] for alias in aliases)

    def _chain_span(self, node: ast.expr) -> tuple[Span, bool]:
        """The chain's place; where it is not to be trusted and the text there is another one, the f-string's."""
        around = self._fstring_around(node)
        if around is None:
            return self.span(node), True
        span = self.span(node) if node.lineno <= len(self.source.line_starts) else Span(0, 0)
        if self.text_of(span) == ast.unparse(node):
            return span, True
        return self.span(around), False

    def _import_references(self, wanted: frozenset[str]) -> Iterator[Reference]:
        for node in self.index.imports:
            origin = ""
            if isinstance(node, ast.ImportFrom):
                origin = self.resolver.absolute("." * node.level + (node.module or ""))
            for alias in node.names:
                name = f"{origin}.{alias.name}" if origin else alias.name
                if name.split(".", 1)[0] not in wanted or (isinstance(node, ast.ImportFrom) and node.level):
                    continue
                start = self.source.offset_of(alias.lineno, alias.col_offset)
                span = Span(start, start + len(alias.name))
                kind = ReferenceKind.STAR if alias.name == "*" else ReferenceKind.IMPORT
                resolution = Resolution((Ref(origin if kind is ReferenceKind.STAR else name),))
                yield Reference(self, kind, alias, resolution, span, self.guard_of(node))

    def prefix_node(self, reference: Reference, name: str) -> ast.expr | None:
        """The part of a chain that means `name`: the chain itself or an inner attribute or name."""
        node = reference.node
        while isinstance(node, (ast.Attribute, ast.Name)):
            if name in self.resolver.resolve(node).names:
                return node
            if not isinstance(node, ast.Attribute):
                return None
            node = node.value
        return None

    def root_of(self, reference: Reference) -> str | None:
        """The qualified name of the first component of a chain, when it is certain."""
        node = reference.node
        while isinstance(node, ast.Attribute):
            node = node.value
        return self.resolver.resolve(node).name if isinstance(node, ast.Name) else None

    def is_spelled_out(self, reference: Reference, name: str) -> bool:
        """Does the reference itself spell `name`, or start from an import below it (not from a variable)?"""
        node = reference.node
        while isinstance(node, (ast.Attribute, ast.Name)):
            refs = self.resolver.resolve(node).refs
            if any(ref.name == name and not ref.is_instance for ref in refs):
                return True
            if not isinstance(node, ast.Attribute):
                return self._is_imported_directly(node)
            node = node.value
        return not isinstance(node, ast.expr)

    def prefix_span(self, reference: Reference, name: str) -> Span | None:
        """Where the part of a reference that means `name` stands."""
        if reference.kind is not ReferenceKind.CHAIN or not reference.is_exact:
            return None
        node = self.prefix_node(reference, name)
        return self.span(node) if node is not None else None

    def rename_edit(self, reference: Reference, old: str, new: str) -> Edit | None:
        """Replace what differs between two names in the part of a chain that means `old`, alias and spelling kept."""
        node = self.prefix_node(reference, old)
        if node is None or not reference.is_exact:
            return None
        parts = 0
        root: ast.expr = node
        while isinstance(root, ast.Attribute):
            parts, root = parts + 1, root.value
        base = self.resolver.resolve(root).name if parts else None
        if base is None or not new.startswith(f"{base}.") or not old.startswith(f"{base}."):
            return None
        before, after = old[len(base) + 1 :].split("."), new[len(base) + 1 :].split(".")
        same = 0
        while same < min(len(before), len(after)) - 1 and before[same] == after[same]:
            same += 1
        inner: ast.expr = node
        for _ in range(len(before) - same):
            inner = inner.value if isinstance(inner, ast.Attribute) else inner
        dot = self.source.text.index(".", self.span(inner).end)
        end = self.span(node).end
        start = end - len(self.source.text[dot + 1 : end].lstrip())
        return Edit(Span(start, end), ".".join(after[same:]))

    @cached_property
    def undecided(self) -> tuple[tuple[Span, str, str], ...]:
        """Reads of names that star imports, `exec` or `getattr` hide: place, what was written, why."""
        found: list[tuple[Span, str, str]] = []
        is_hidden = bool(self.star_imports) or "exec" in self.source.text
        for node in self.index.chains if is_hidden else ():
            root: ast.expr = node
            while isinstance(root, ast.Attribute):
                root = root.value
            if not isinstance(root, ast.Name):
                continue
            resolution = self.resolver.resolve(root)
            is_builtin = any(name.startswith("builtins.") for name in resolution.names)
            reason = resolution.reason or "" if not is_builtin else ""
            if "import *" in reason or "`exec`" in reason:
                span, _ = self._chain_span(node)
                found.append((span, self.text_of(span), reason))
        for call in self.calls if "getattr" in self.source.text else ():
            if "builtins.getattr" in call.names:
                resolution = self.resolver.resolve(call.node)
                if resolution.reason == "`getattr` with a computed name":
                    found.append((call.span, call.text, resolution.reason))
        return tuple(sorted(found))

    # -- what the whole program needs ---------------------------------------------------------------------

    @cached_property
    def has_main_guard(self) -> bool:
        """Is there an `if __name__ == "__main__":`?"""
        return self.main_guard is not None

    @cached_property
    def main_guard(self) -> ast.If | None:
        """The `if __name__ == "__main__":` of the module's own body."""
        return next((s for s in self.tree.body if isinstance(s, ast.If) and guards.is_main_test(s.test)), None)


def own_names(path: str, knowledge: Knowledge) -> tuple[str, str]:
    """Module and package name; with a dot in front where a folder is named like a library (`keras/train.py`)."""
    module, package = module_names(path)
    root = module.split(".", 1)[0]
    if knowledge.is_foreign(root) or root in sys.stdlib_module_names:
        return f".{module}", f".{package}" if package else ""
    return module, package


def module_names(path: str) -> tuple[str, str]:
    """The dotted module name that a path stands for, and the package that relative imports start from."""
    folders = re.sub(r"\.(pyw?|ipynb)$", "", path).split("/")
    parts = [re.sub(r"\W", "_", part) for part in folders if part not in ("", ".", "..")]
    if parts and parts[-1] == "__init__":
        package = ".".join(parts[:-1])
        return package or "__init__", package
    return ".".join(parts) or "__main__", ".".join(parts[:-1])
