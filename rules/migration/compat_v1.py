"""Which programs can go on as they are under `tensorflow.compat.v1`, and the edits that make them (part of TFG401)."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from tfguard.analysis.calls import CallSite
from tfguard.analysis.file_model import FileModel
from tfguard.analysis.preamble import Module, insert_preamble
from tfguard.analysis.project import Program, ProjectFacts
from tfguard.analysis.summary import CALL, METHOD
from tfguard.model import Edit, Span
from tfguard.tables import load_toml

RULE = "TFG401"
PLAIN, COMPAT = "tensorflow", "tensorflow.compat.v1"
DISABLE = "disable_v2_behavior"
#: Modules whose calls build nothing.
_HARMLESS = (".app.", ".flags.", ".logging.", ".gfile.")
#: Below `tensorflow`, what `tensorflow.compat.v1` has no importable module for (or what needs none).
_NO_EDITION = frozenset(
    {"", "compat", "compiler", "contrib", "core", "estimator", "examples", "flags", "keras", "lite", "models", "python"}
    | {"tools"}
)


@lru_cache(maxsize=1)
def graph_names() -> frozenset[str]:
    """Names that only programs of TF 1 graphs use."""
    return frozenset(load_toml("graph_mode.toml")["names"])


@lru_cache(maxsize=1)
def eager_names() -> frozenset[str]:
    """Names that only programs which run eagerly use."""
    return frozenset(load_toml("graph_mode.toml")["eager"])


@lru_cache(maxsize=1)
def axis_first() -> frozenset[str]:
    """Functions whose first argument was the axis before TensorFlow 1.0."""
    return frozenset(load_toml("graph_mode.toml")["axis_first"])


@lru_cache(maxsize=1)
def mode_calls() -> Mapping[str, str]:
    """Calls that settle how a program runs."""
    calls: Mapping[str, str] = load_toml("graph_mode.toml")["calls"]
    return calls


def mode_of_call(call: CallSite) -> str | None:
    """`disable`, `eager` or `graph` for a call that settles how the program runs."""
    for name in call.names:
        if name.startswith("tensorflow."):
            mode = mode_calls().get(call.file.knowledge.canonical(name))
            if mode is not None:
                return mode
    return None


# -- the import swap --------------------------------------------------------------------------------


def swap_edits(file: FileModel) -> tuple[Edit, ...] | None:
    """`import tensorflow as tf` becomes `import tensorflow.compat.v1 as tf`, in every form; None if one cannot be."""
    edits: list[Edit] = []
    for node in file.index.imports:
        if isinstance(node, ast.Import):
            made = _swap_import(file, node)
        elif node.level == 0 and node.module is not None and is_swappable(node.module):
            made = _swap_from(file, node)
        else:
            continue
        if made is None:
            return None
        edits.extend(made)
    return tuple(sorted(edits)) or None


def is_swappable(module: str) -> bool:
    """Is it a public module of TensorFlow that `compat.v1` has an edition of?"""
    if module == PLAIN:
        return True
    second = module.split(".")[1] if module.startswith(f"{PLAIN}.") else ""
    return second not in _NO_EDITION


def _swap_import(file: FileModel, node: ast.Import) -> list[Edit] | None:
    edits: list[Edit] = []
    for alias in node.names:
        if alias.name != PLAIN and not alias.name.startswith(f"{PLAIN}."):
            continue
        if alias.asname is None and alias.name != PLAIN:
            return None
        if not is_swappable(alias.name):
            continue
        start = file.source.offset_of(alias.lineno, alias.col_offset)
        if alias.asname is None:
            edits.append(Edit(Span(start, start + len(PLAIN)), f"{COMPAT} as {PLAIN}"))
        else:
            edits.append(Edit(Span(start, start + len(PLAIN)), COMPAT))
    return edits


def _swap_from(file: FileModel, node: ast.ImportFrom) -> list[Edit] | None:
    if any(alias.name in ("*", "contrib", "python", "compat") for alias in node.names):
        return None
    span = file.span(node)
    found = re.match(r"from[ \t]+tensorflow\b", file.text_of(span))
    if found is None:
        return None
    return [Edit(Span(span.start + found.end() - len(PLAIN), span.start + found.end()), COMPAT)]


# -- what is noted of each file -----------------------------------------------------------------------


@dataclass(slots=True)
class Needs:
    """What the references of one file ask for, were the file to use `tensorflow.compat.v1`."""

    #: Names that the target's `tensorflow` lacks and its `compat.v1` has (or has under another name).
    missing: list[str] = field(default_factory=list)
    #: What neither has, or what stands in the way; as written, with its line.
    blockers: list[str] = field(default_factory=list)
    #: Evidence of a TF 1 graph program: the first name, and its line.
    graph: str = ""
    #: Is `tensorflow.compat.v1` in use as a module, with graph names?
    compat: str = ""
    #: A name of eager programs, as written, with its line.
    eager: str = ""
    uses_plain: bool = False
    module_level: bool = False
    is_test: bool = False
    #: Does the file itself turn v2 behaviour off?
    disables: bool = False

    def as_json(self) -> dict[str, Any]:
        """The facts of a file, for the project check."""
        return {
            "missing": self.missing[:1],
            "blockers": self.blockers[:3],
            "graph": self.graph,
            "compat": self.compat,
            "eager": self.eager,
            "plain": self.uses_plain,
            "module_level": self.module_level,
            "test": self.is_test,
            "disables": self.disables,
        }


def runs_at_import(file: FileModel) -> bool:
    """Does the module's own body call TensorFlow (so that it must not be imported before v2 behaviour is off)?"""
    for call in file.calls:
        names = [name for name in call.names if name.startswith(f"{PLAIN}.")]
        if call.function == file.module and names and not any(part in name for name in names for part in _HARMLESS):
            return True
    return False


# -- the program ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Unit:
    """Files that must be changed together: a program, or a file that no program loads with what it imports."""

    files: tuple[str, ...]
    program: Program | None

    @property
    def modes(self) -> frozenset[str]:
        """How the program says that it runs."""
        events = self.program.effects(RULE) if self.program is not None else ()
        return frozenset(event.item.payload for event in events)


def iter_units(facts: ProjectFacts) -> Iterator[Unit]:
    """Every program of the project, then every file that no program loads, tests among them."""
    covered: set[str] = set()
    for program in facts.programs:
        covered.update(program.files)
        yield Unit(program.files, program)
    for path, summary in facts.files.items():
        if path not in covered:
            yield Unit(facts.loaded_from(summary), None)


@dataclass(slots=True)
class Plan:
    """What the whole project decides: the files to swap, why others are not, and where v2 behaviour is turned off."""

    swap: set[str] = field(default_factory=set)
    refused: dict[str, str] = field(default_factory=dict)
    #: Entry path to the files it runs and an example of what needs v2 behaviour turned off.
    entries: dict[str, tuple[Unit, str]] = field(default_factory=dict)
    #: Files of a graph program: single renames to TF 2 names would not help them.
    graph: set[str] = field(default_factory=set)


def make_plan(facts: ProjectFacts) -> Plan:
    """Decide for all programs at once; a file that no program loads goes with the programs that share its imports."""
    notes = facts.facts_of(RULE)
    plan = Plan()
    held: dict[str, str] = {}
    ready: list[Unit] = []
    for unit in iter_units(facts):
        own = [path for path in unit.files if path in notes]
        graph = next((f"{path}:{notes[path]['graph']}" for path in own if notes[path]["graph"]), "")
        needs = [path for path in own if notes[path]["missing"]]
        compat = next((f"{path}:{notes[path]['compat']}" for path in own if notes[path]["compat"]), "")
        if not graph:
            continue
        plan.graph.update(own)
        why = _why_not(notes, own, unit.modes)
        if why is None and unit.program is None:
            why = next((held[path] for path in own if path in held), None)
        if why is not None:
            held.update({path: why for path in own if path not in held})
        elif needs:
            ready.append(unit)
        is_off = "disable" in unit.modes or bool(notes.get(unit.files[0], {}).get("disables"))
        is_asked = not is_off and (needs or (compat and not unit.modes))
        if why is None and is_asked and _starts(unit, notes):
            plan.entries[unit.files[0]] = (unit, graph)
    for unit in ready:
        for path in unit.files:
            if path in notes and notes[path]["plain"]:
                plan.swap.add(path)
    for path in sorted(plan.swap & held.keys()):
        if not notes[path]["missing"]:
            plan.swap.discard(path)
    plan.refused = {path: why for path, why in held.items() if path not in plan.swap}
    return plan


def _starts(unit: Unit, notes: Mapping[str, Any]) -> bool:
    """Does the first file start the program, rather than only define things (or is it a test module)?"""
    first = notes.get(unit.files[0], {})
    if unit.program is None or unit.program.entry.kind != "script":
        return unit.program is not None or bool(first.get("test"))
    body = unit.program.summary.bodies.get(unit.program.summary.module, ())
    return bool(first.get("module_level")) or any(item.kind in (CALL, METHOD) for item in body)


def _why_not(notes: Mapping[str, Any], paths: list[str], modes: frozenset[str]) -> str | None:
    """The first thing that keeps the files from running under `compat.v1`."""
    for path in paths:
        if notes[path]["blockers"]:
            return f"{path}: {notes[path]['blockers'][0]}"
        if notes[path]["eager"] and not modes & {"eager", "graph"}:
            return f"{path}: {notes[path]['eager']} runs eagerly, and a session needs a graph: cannot decide"
    return None


# -- turning v2 behaviour off ------------------------------------------------------------------------------


def disable_edits(facts: ProjectFacts, file: FileModel) -> tuple[Edit, ...] | None:
    """`tf.disable_v2_behavior()` at the entry point: after the imports, before the first that uses TensorFlow."""
    modules = {"tf": Module((PLAIN, COMPAT), COMPAT, ("tf", "tf1", "tf_v1"))}
    before = file.span(first_use(facts, file)).start
    return insert_preamble(file, modules=modules, lines=lambda names: [f"{names['tf']}.{DISABLE}()"], before=before)


def first_use(facts: ProjectFacts, file: FileModel) -> ast.stmt:
    """The first statement that may build something: a call, or an import whose module does."""
    for statement in file.tree.body:
        if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            continue
        span = file.span(statement)
        if isinstance(statement, (ast.Import, ast.ImportFrom)):
            if _imports_builder(facts, file.path, span):
                return statement
        elif any(span.start <= call.span.start < span.end and _is_tensorflow(call) for call in file.calls):
            return statement
    return file.tree.body[-1]


def _is_tensorflow(call: CallSite) -> bool:
    return not call.names or not all(name.startswith(("builtins.", "sys.", "os.", "warnings.")) for name in call.names)


def _imports_builder(facts: ProjectFacts, path: str, span: Span) -> bool:
    """Does the import load a file whose own body calls TensorFlow?"""
    summary, notes = facts.files[path], facts.facts_of(RULE)
    for item in summary.bodies.get(summary.module, ()):
        if item.kind == "import" and item.start == span.start:
            module = facts.find_module(summary, item.name)
            if module is not None and any(notes.get(p, {}).get("module_level") for p in facts.loaded_from(module)):
                return True
    return False
