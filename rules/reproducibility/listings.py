"""The calls that list files in no order of their own, where their order ends up, and how to sort them (of TFG106)."""

from __future__ import annotations

import ast
import enum
from collections.abc import Iterator
from dataclasses import dataclass

from tfguard.rules.reproducibility.order_flow import Flow
from tfguard.rules.reproducibility.order_loops import Loop
from tfguard.rules.reproducibility.order_table import NAMES, WALKED, canonical_names, last_word, load_order

from tfguard.analysis.calls import CallSite
from tfguard.analysis.file_model import FileModel
from tfguard.analysis.preamble import place_lines
from tfguard.model import Edit, Span


class Kind(enum.Enum):
    """What a call gives."""

    LIST = "list"
    ITERATOR = "iterator"
    ENTRIES = "entries"
    WALK = "walk"


#: Consumers that take an iterator and a list alike.
_TAKERS = frozenset(
    {"list", "tuple", "enumerate", "zip", "map", "filter", "tqdm", "extend", "islice", "chain", "array"}
)


@dataclass(frozen=True, slots=True, eq=False)
class Listing:
    """A call that lists files."""

    call: CallSite
    kind: Kind

    @property
    def node(self) -> ast.expr:
        """The expression whose value is the list: of `next(os.walk(d))[2]` the whole."""
        first = self.first_round
        return _part_of_first(self.call.file, first) if first is not None else self.call.node

    @property
    def first_round(self) -> ast.expr | None:
        """`next(os.walk(d))` around a walk."""
        return _first_of_walk(self.call) if self.kind is Kind.WALK else None


def iter_listings(file: FileModel) -> Iterator[Listing]:
    """The listings of a file, in the order in which they run."""
    for call in file.calls:
        kind = kind_of(call)
        if kind is not None:
            yield Listing(call, kind)


def kind_of(call: CallSite) -> Kind | None:
    """What a call lists, if it lists files."""
    table, names = load_order(), canonical_names(call)
    if names & table.lists:
        return Kind.LIST
    if names & table.matching:
        return Kind.LIST if call.file.target.tensorflow < table.matching_before else None
    if names & table.iterators:
        return Kind.ITERATOR
    if names & table.entries:
        return Kind.ENTRIES
    if names & table.walks:
        return Kind.WALK
    if not names and call.receiver is not None and last_word(call) in table.methods and call.node.args is not None:
        return Kind.ITERATOR if _may_be_path(call) else None
    return None


def _may_be_path(call: CallSite) -> bool:
    """Is it a method as `pathlib.Path` has it: `iterdir()`, or with one pattern?"""
    return len(call.node.args) == (0 if last_word(call) == "iterdir" else 1) and not call.node.keywords


def _first_of_walk(call: CallSite) -> ast.expr | None:
    """`next(os.walk(d))`, `os.walk(d).__next__()` around a walk."""
    places = call.file.index.places
    outer = places[call.node].parent
    if isinstance(outer, ast.Attribute) and outer.attr in ("next", "__next__"):
        outer = places[outer].parent
        return outer if isinstance(outer, ast.Call) and not outer.args else None
    if isinstance(outer, ast.Call) and outer.args[:1] == [call.node]:
        return outer if "builtins.next" in call.file.call_site(outer).names else None
    return None


def _part_of_first(file: FileModel, node: ast.expr) -> ast.expr:
    """`next(os.walk(d))[1]` around the first round of a walk, or the round itself."""
    part = file.index.places[node].parent
    return part if isinstance(part, ast.Subscript) and part.value is node else node


# -- where the order ends up ----------------------------------------------------------------------------------


def follow(listing: Listing) -> Flow:
    """A flow that starts at the listing."""
    flow = Flow(listing.call.file)
    loop = walk_loop(listing)
    if loop is not None:
        start_walk(flow, loop)
    elif listing.kind is Kind.WALK and listing.node is listing.call.node:
        around = flow.places[listing.node].parent
        if isinstance(around, ast.comprehension) and around.iter is listing.node:
            flow.comprehension(around, NAMES)
    elif listing.first_round is not None:
        flow.push(listing.first_round, WALKED)
    else:
        flow.push(listing.node, NAMES)
    return flow


def walk_loop(listing: Listing) -> ast.For | None:
    """The `for` statement over `os.walk(…)`."""
    if listing.kind is not Kind.WALK:
        return None
    node: ast.AST = listing.call.node
    parent = listing.call.file.index.places[node].parent
    if isinstance(parent, ast.Call) and node in parent.args:
        node, parent = parent, listing.call.file.index.places[parent].parent
        if last_word(listing.call.file.call_site(node)) not in ("tqdm", "enumerate", "list"):
            return None
    return parent if isinstance(parent, ast.For) and parent.iter is node else None


def start_walk(flow: Flow, loop: ast.For) -> None:
    """What of folder, folders and files is in no order in the body of the loop."""
    names = walk_names(loop)
    if names is None:
        return
    known = dict.fromkeys(names, NAMES)
    root, folders, files = names
    if _sorts(loop, folders):
        known.pop(folders, None)
        known.pop(root, None)
    if _sorts(loop, files):
        known.pop(files, None)
    if known:
        walked = Loop(flow, loop, NAMES, known)
        walked.counters.difference_update(known)
        walked.run()


def walk_names(loop: ast.For) -> tuple[str, str, str] | None:
    """`root, folders, files` of a loop over `os.walk`."""
    target = loop.target
    if not isinstance(target, ast.Tuple) or len(target.elts) != 3:
        return None
    names = [element.id for element in target.elts if isinstance(element, ast.Name)]
    return (names[0], names[1], names[2]) if len(names) == 3 else None


def _sorts(loop: ast.For, name: str) -> bool:
    """Does the body sort a list of `os.walk` in place: `x.sort()`, `x[:] = sorted(…)`, `x = sorted(x)`?"""
    for node in ast.walk(loop):
        function = node.func if isinstance(node, ast.Call) else None
        if isinstance(function, ast.Attribute) and function.attr == "sort" and ast.unparse(function.value) == name:
            return True
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            written = [t.value if isinstance(t, ast.Subscript) else t for t in node.targets]
            is_sorted = getattr(node.value.func, "id", "") in ("sorted", "natsorted")
            if is_sorted and any(isinstance(t, ast.Name) and t.id == name for t in written):
                return True
    return False


# -- how to sort it ----------------------------------------------------------------------------------------------


def sorting_edits(listing: Listing) -> tuple[Edit, ...] | None:
    """Edits that put the listing in order, None where that takes a person."""
    file, node = listing.call.file, listing.node
    if not file.is_placed(node) or "sorted" in file.index.module.bindings:
        return None
    loop = walk_loop(listing)
    if loop is not None:
        return _sort_walk(file, loop)
    parent = file.index.places[node].parent
    if listing.kind is Kind.WALK and node is listing.call.node:
        whole = file.index.places[parent].parent if isinstance(parent, ast.comprehension) else None
        return _wrap(file, whole, "") if isinstance(whole, ast.ListComp) else None
    if listing.kind is Kind.WALK:
        return _wrap(file, node, "") if isinstance(node, ast.Subscript) else None
    if listing.kind is not Kind.LIST and not _takes_list(file, node, parent):
        return None
    key = ", key=lambda entry: entry.name" if listing.kind is Kind.ENTRIES else ""
    if _is_list_of(file, parent, node):
        function = file.span(parent.func)  # type: ignore[attr-defined]
        end = file.span(node).end
        return (Edit(function, "sorted"), *((Edit(Span(end, end), key),) if key else ()))
    return _wrap(file, node, key)


def _wrap(file: FileModel, node: ast.expr, key: str) -> tuple[Edit, ...]:
    span = file.span(node)
    return (Edit(Span(span.start, span.start), "sorted("), Edit(Span(span.end, span.end), f"{key})"))


def _is_list_of(file: FileModel, parent: ast.AST, node: ast.expr) -> bool:
    """Is it `list(node)`?"""
    if not isinstance(parent, ast.Call) or parent.args != [node] or parent.keywords:
        return False
    return file.call_site(parent).name == "builtins.list"


def _takes_list(file: FileModel, node: ast.expr, parent: ast.AST) -> bool:
    """Does what consumes an iterator take a list as well?"""
    if isinstance(parent, (ast.For, ast.comprehension)):
        return parent.iter is node
    return isinstance(parent, ast.Call) and node in parent.args and last_word(file.call_site(parent)) in _TAKERS


def _sort_walk(file: FileModel, loop: ast.For) -> tuple[Edit, ...] | None:
    """Sort the folders, in which `os.walk` goes on, and the files at the start of each round."""
    names = walk_names(loop)
    if names is None or names[1] == names[2]:
        return None
    _, folders, files = names
    wraps: tuple[Edit, ...] = ()
    wanted = [files] if _is_read(loop, files) and not _sorts(loop, files) else []
    if folders.startswith("_") and not _is_read(loop, folders) and isinstance(loop.iter, ast.Call):
        wraps = _wrap(file, loop.iter, "") if "enumerate" not in ast.unparse(loop.iter.func) else ()
    elif not _sorts(loop, folders):
        wanted.insert(0, folders)
    if not wanted:
        return wraps or None
    lines = [f"{name}.sort()" for name in wanted]
    edits = place_lines(file, loop.body[0], modules={}, lines=lambda _: lines, below=False, above_comments=True)
    return (*wraps, *edits) if edits is not None else None


def _is_read(loop: ast.For, name: str) -> bool:
    inside = (node for statement in loop.body for node in ast.walk(statement))
    return any(isinstance(node, ast.Name) and node.id == name for node in inside)
