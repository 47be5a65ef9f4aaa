"""The threads in the config of a TF 1 session: are they pinned, and the edits that pin them (part of TFG117)."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from tfguard.analysis.calls import CallSite
from tfguard.analysis.objects import Creation, History, history_of
from tfguard.model import Edit
from tfguard.tables import load_api_table, load_toml

INTRA, INTER = "intra_op_parallelism_threads", "inter_op_parallelism_threads"
_PLAIN, _COMPAT = "tensorflow", "tensorflow.compat.v1"
Kind = Mapping[str, Any]


@lru_cache(maxsize=1)
def _kinds() -> Mapping[str, Kind]:
    rows = [*load_toml("device.toml")["session"], *load_toml("determinism.toml")["session"]]
    return {name: row for row in rows for name in row["names"]}


def kind_of(call: CallSite) -> Kind | None:
    """The row of a call that surely starts a session of this process."""
    if not call.resolution.is_certain or len(call.names) != 1:
        return None
    kind = _kinds().get(call.file.knowledge.canonical(call.names[0]))
    if kind is None or call.file.target.tensorflow > tuple(kind.get("until", (99, 0))):
        return None
    remote = call.argument(*kind["remote"]) if "remote" in kind else None
    return kind if remote is None or remote.is_absent or remote.is_constant("", None) else None


def is_pinned(call: CallSite, kind: Kind, option: str = INTRA) -> bool:
    """Does the config say how many threads an operation may use (or, `INTER`, there are for operations), or may it?"""
    given = call.argument(kind["argument"], kind.get("position"))
    if given.is_absent or given.is_constant(None):
        most: int = kind.get("most", 99)
        return len(call.arguments) > most
    if given.expr is None or "passed" in kind:
        return True
    history = history_of(given.expr, _is_harmless)
    return not history.creations or history.reason is not None or _says_threads(history, option)


def _says_threads(history: History, option: str) -> bool:
    if any(setting.path[:1] == (option,) for setting in history.settings):
        return True
    calls = [creation.expr.call for creation in history.creations]
    return any(call is None or not _makes_config(call) or not call.argument(option).is_absent for call in calls)


def _makes_config(call: CallSite) -> bool:
    proto = load_toml("device.toml")["config"]["proto"]
    return call.resolution.is_certain and all(call.file.knowledge.canonical(name) == proto for name in call.names)


def _is_harmless(call: CallSite) -> bool:
    """Does the call leave a config that it is given as it is?"""
    return bool(call.names) and all(name.split(".", 1)[0] in ("tensorflow", "keras", "tf_slim") for name in call.names)


# -- edits ------------------------------------------------------------------------------------------------


def pin(call: CallSite, kind: Kind, options: Mapping[str, str]) -> tuple[Edit, ...] | None:
    """Put the options into the config of a session; None where that cannot be done safely.

    `{tf}` in the text of an option is TensorFlow as the call spells it.
    """
    base = _prefix_of(call)
    plain, prefix = base if base is not None else ("", "")
    if not plain and any("{tf}" in value for value in options.values()):
        return None
    options = {name: value.format(tf=plain) for name, value in options.items()}
    given = call.argument(kind["argument"], kind.get("position"))
    if given.is_present and not given.is_constant(None) and given.expr is not None:
        return _whole(_extend(creation, options) for creation in history_of(given.expr, _is_harmless).creations)
    if not plain or call.file.target.tensorflow < tuple(kind.get("since", (0, 0))):
        return None
    before = "allow_soft_placement=True, " if kind.get("default") == "soft" else ""
    after = f", gpu_options={prefix}.GPUOptions(allow_growth=True)" if kind.get("default") == "grows" else ""
    config = f"{prefix}.ConfigProto({before}{_arguments(options)}{after})"
    text = kind["passed"].format(tf=plain, config=config) if "passed" in kind else config
    return _whole([call.file.rewrite.set_argument(call, kind["argument"], text, kind.get("position"))])


def _arguments(options: Mapping[str, str]) -> str:
    return ", ".join(f"{name}={value}" for name, value in options.items())


def _whole(edits: Iterable[Edit | None]) -> tuple[Edit, ...] | None:
    made = list(edits)
    found = [edit for edit in made if edit is not None]
    return tuple(sorted(set(found))) if found and len(found) == len(made) else None


def _extend(creation: Creation, options: Mapping[str, str]) -> Edit | None:
    """Set the options right below the variable's assignment, else in the call that makes the config."""
    call = creation.expr.call
    if call is None:
        return None
    missing = {name: value for name, value in options.items() if call.argument(name).is_absent}
    if creation.statement is not None and re.fullmatch(r"[\w.]+", creation.target or ""):
        text = "\n".join(f"{creation.target}.{name} = {value}" for name, value in missing.items())
        line = call.file.rewrite.insert_after(creation.statement, text)
        if line is not None:
            return line
    return call.file.rewrite.add_argument(call, _arguments(missing))


def _prefix_of(call: CallSite) -> tuple[str, str] | None:
    """How TensorFlow is spelled in the called chain, and what the names of TensorFlow 1 stand below."""
    node = call.node.func
    while isinstance(node, ast.Attribute):
        node = node.value
        name = call.file.resolver.resolve(node).name
        text = call.file.text_of(call.file.span(node))
        if name in (_PLAIN, _COMPAT) and re.fullmatch(r"[\w.]+", text):
            return text, f"{text}.compat.v1" if name == _PLAIN and _is_modern(call) else text
    alias = call.file.rewrite.module_alias(_COMPAT) or call.file.rewrite.module_alias(_PLAIN)
    return (alias, alias) if alias is not None and not _is_modern(call) else None


def _is_modern(call: CallSite) -> bool:
    """Does the target have what is called under this very name? Then plain names of TensorFlow 1 would be wrong."""
    target = call.file.target
    if target.tensorflow < (2, 0) or any(name.startswith(f"{_COMPAT}.") for name in call.names):
        return False
    return all(load_api_table().status(n, target.tensorflow, target.keras).kind == "exists" for n in call.names)
