"""Merging the summaries of one scope instead of all: where it is right, and how it is written (part of TFG301)."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from tfguard.rules.graph.following import Followed
from tfguard.rules.graph.scopes import text_of
from tfguard.rules.graph.sessions import Run, fed

from tfguard.analysis.calls import CallSite
from tfguard.analysis.file_model import FileModel
from tfguard.analysis.flow.graph import Kind, Node, needed
from tfguard.analysis.flow.machine import sure_nodes
from tfguard.analysis.flow.values import External
from tfguard.model import Edit, Span

_VARIABLE_SCOPE, _NAME_SCOPE = "tensorflow.variable_scope", "tensorflow.name_scope"
_SCOPES = (_VARIABLE_SCOPE, _NAME_SCOPE)
#: How each way to merge all is written behind the name of TensorFlow, and to merge some.
_WRITTEN = {".summary.merge_all": "summary.merge", ".merge_all_summaries": "merge_summary"}
_HAS_GET_NAME_SCOPE = (1, 2)
#: The keyword of the first argument of a scope.
_FIRST = ("name_or_scope", "name")
_NAMES = ("scope", "own_scope", "model_scope", "summary_scope")


@dataclass(frozen=True, slots=True, eq=False)
class Merged:
    """One run of a `merge_all()` in a followed program."""

    node: Node
    #: The one before it at the same place.
    before: Node | None

    @property
    def summaries(self) -> list[Node]:
        """What it merges."""
        return [node for node, _ in self.node.inputs]

    @property
    def recent(self) -> list[Node]:
        """What was made since the one before."""
        return [node for node in self.summaries if self.before is None or node.number > self.before.number]


def merges_at(followed: Followed, place: ast.AST) -> list[Merged]:
    """What a program merges at one place, in order."""
    found = [node for node in followed.machine.nodes if node.place is place and node.kind is Kind.OP]
    return [Merged(node, found[number - 1] if number else None) for number, node in enumerate(found)]


def edits_for_scope(followed: Followed, call: CallSite, owner: str) -> tuple[Edit, ...] | None:
    """The edits that limit a `merge_all()` to the scope of its model, where one is right for every run."""
    merges = merges_at(followed, call.node)
    root = next((call.written.removesuffix(end) for end in _WRITTEN if call.written.endswith(end)), None)
    if not merges or root is None:
        return None
    for made_by in _candidates(followed, merges[-1]):
        contexts = [_context_of(merged, made_by) for merged in merges]
        if _are_right(followed, merges, contexts, owner):
            edits = _edits_by_name(call, root, made_by)
            if edits is not None:
                return edits
    contexts = [_innermost(followed, merged) for merged in merges]
    return _edits_where_built(followed, call, root, contexts) if _are_right(followed, merges, contexts, owner) else None


def _are_right(followed: Followed, merges: list[Merged], contexts: list[External | None], owner: str) -> bool:
    pairs = zip(merges, contexts, strict=True)
    return all(context is not None and _is_right(followed, merged, context, owner) for merged, context in pairs)


def _candidates(followed: Followed, merged: Merged) -> Iterator[ast.Call]:
    """The scopes around what was made since the last time, innermost first."""
    for context in reversed(merged.recent[0].contexts if merged.recent else ()):
        name = followed.library.canonical(context.name) if isinstance(context, External) else ""
        if isinstance(context, External) and name in _SCOPES and context.made_by is not None:
            yield context.made_by


def _context_of(merged: Merged, made_by: ast.Call) -> External | None:
    """The scope that was entered there for this model."""
    found = {
        context: None
        for node in merged.recent
        for context in node.contexts
        if isinstance(context, External) and context.made_by is made_by
    }
    return next(iter(found)) if len(found) == 1 else None


def _is_right(followed: Followed, merged: Merged, context: External, owner: str) -> bool:
    """Does the scope hold all summaries of the model, and are those fed whenever they are run?"""
    own = [node for node in merged.summaries if context in node.contexts]
    outside = [node for node in merged.recent if context not in node.contexts]
    file = merged.node.file
    if not own or any(node.file is file and _is_inside(file, node, owner) for node in outside):
        return False
    given = [*context.arguments, *(context.keywords[key] for key in _FIRST if key in context.keywords)]
    name = text_of(given[0]) if given else None
    if name is None or not name or name.endswith("/"):
        return False
    return all(_is_fed(run, own) for run in followed.library.sessions.runs if merged.node in _fetched(run))


def _fetched(run: Run) -> dict[Node, Node | None]:
    return needed(sure_nodes(run.fetches))


def _is_fed(run: Run, own: list[Node]) -> bool:
    given = fed(run)
    return given is not None and all(node.kind is not Kind.PLACEHOLDER for node in needed(own, given))


def _is_inside(file: FileModel, node: Node, owner: str) -> bool:
    function = file.enclosing(node.place)
    return function == owner or function.startswith(f"{owner}.")


def _edits_by_name(call: CallSite, root: str, made_by: ast.Call) -> tuple[Edit, ...] | None:
    """The scope is entered in the function that makes the call: it gets a name there."""
    bound = _bound_name(call, made_by)
    if bound is None:
        return None
    name, edit = bound
    entered = next(iter(call.file.call_site(made_by).canonical_names))
    merge = _merge(call, root, f"{name}.original_name_scope" if entered == _VARIABLE_SCOPE else name)
    return (merge,) if edit is None else tuple(sorted((edit, merge)))


def _edits_where_built(
    followed: Followed, call: CallSite, root: str, contexts: list[External | None]
) -> tuple[Edit, ...] | None:
    """The scope is entered by whoever builds the model: it is asked for where the model merges."""
    kinds = {followed.library.canonical(context.name) for context in contexts if context is not None}
    if kinds == {_VARIABLE_SCOPE}:
        return (_merge(call, root, f"{root}.get_variable_scope().original_name_scope"),)
    if call.file.target.tensorflow >= _HAS_GET_NAME_SCOPE:
        return (_merge(call, root, f'{root}.get_default_graph().get_name_scope() + "/"'),)
    return None


def _merge(call: CallSite, root: str, scope: str) -> Edit:
    ending = next(end for end in _WRITTEN if call.written.endswith(end))
    collection = f"{root}.get_collection({root}.GraphKeys.SUMMARIES, {scope})"
    return Edit(call.span, f"{root}.{_WRITTEN[ending]}({collection})")


def _bound_name(call: CallSite, made_by: ast.Call) -> tuple[str, Edit | None] | None:
    """The name of the scope where the call stands, and the edit that gives it one."""
    file = call.file
    statement = file.statement_of(made_by)
    if not isinstance(statement, ast.With) or file.enclosing(statement) != file.enclosing(call.node):
        return None
    item = next((item for item in statement.items if item.context_expr is made_by), None)
    if item is None or statement.lineno > call.node.lineno or not _is_passed(file, statement, call.node):
        return None
    if item.optional_vars is not None:
        target = item.optional_vars
        is_free = isinstance(target, ast.Name) and _times_bound(file, call, target.id) == 1
        return (target.id, None) if isinstance(target, ast.Name) and is_free else None
    end = file.span(made_by).end
    follows = file.text_of(Span(end, end + 1))
    name = next((name for name in _NAMES if not _is_used(file, name)), None)
    return (name, Edit(Span(end, end), f" as {name}")) if name is not None and follows in (":", ",") else None


def _is_passed(file: FileModel, statement: ast.With, node: ast.AST) -> bool:
    """Is the node inside the `with`, or later in the block that holds the `with`?"""
    if any(inner is node for inner in ast.walk(statement)):
        return True
    around = _blocks(file, statement)
    return around is not None and any(inner is node for later in around for inner in ast.walk(later))


def _blocks(file: FileModel, statement: ast.stmt) -> list[ast.stmt] | None:
    for holder in ast.walk(file.tree):
        for field in ("body", "orelse", "finalbody"):
            block = getattr(holder, field, None)
            if isinstance(block, list) and statement in block:
                return block[block.index(statement) + 1 :]
    return None


def _is_used(file: FileModel, name: str) -> bool:
    nodes = list(ast.walk(file.tree))
    return any(isinstance(n, ast.Name) and n.id == name for n in nodes) or any(
        isinstance(n, ast.arg) and n.arg == name for n in nodes
    )


def _times_bound(file: FileModel, call: CallSite, name: str) -> int:
    """How often the function that makes the call binds a name."""
    here = file.enclosing(call.node)
    nodes = [n for n in ast.walk(file.tree) if isinstance(n, ast.Name) and n.id == name]
    return sum(isinstance(n.ctx, ast.Store) and file.enclosing(n) == here for n in nodes)


def _innermost(followed: Followed, merged: Merged) -> External | None:
    """The scope in which the call runs directly."""
    around = [
        c for c in merged.node.contexts if isinstance(c, External) and followed.library.canonical(c.name) in _SCOPES
    ]
    return around[-1] if around else None
