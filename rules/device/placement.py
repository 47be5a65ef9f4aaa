"""Operations that are bound to a GPU, and sessions that insist on it (part of TFG208)."""

from __future__ import annotations

import ast
import re

from tfguard.rules.device.sessions import Kind, device_table, is_harmless, is_remote, kind_of, with_imports
from tfguard.rules.device.spelling import Spelling

from tfguard.analysis.calls import CallSite, Expr
from tfguard.analysis.objects import history_of
from tfguard.analysis.values import Known
from tfguard.model import Edit

_GPU = re.compile(r"^(?:/?(?:device:)?|.*/(?:device:)?)gpu(?::(\d+|%d|%i|%s|\{\w*\})?)?$", re.IGNORECASE)
#: A GPU whose number is computed.
SOME = -1


def gpu_of(call: CallSite) -> int | None:
    """The number of the GPU that `tf.device("/gpu:1")` names, SOME where it is computed, None where it names none."""
    given = call.argument("device_name_or_function", 0)
    expr = given.expr if given.expr is not None else call.argument("device_name").expr
    text = _text_of(expr) if expr is not None else None
    found = _GPU.match(text) if text is not None else None
    if found is None or _is_remote(text or ""):
        return None
    number = found[1]
    if number is None:
        return 0
    return int(number) if number.isdigit() else SOME


def _is_remote(text: str) -> bool:
    """Does the name belong to a cluster, where a server's session has the say?"""
    return "job:" in text.lower() or "task:" in text.lower()


def _text_of(expr: Expr) -> str | None:
    """The text of a constant, or of a format whose last part is the number."""
    if isinstance(expr.value, Known):
        return expr.value.value if isinstance(expr.value.value, str) else None
    node = expr.origin.node
    if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Mod, ast.Add)):
        left = expr.file.value_of(node.left)
        text = left.value if isinstance(left, Known) and isinstance(left.value, str) else None
        return text if text is None or isinstance(node.op, ast.Mod) else f"{text}%d"
    if isinstance(node, ast.JoinedStr) and len(node.values) == 2 and isinstance(node.values[0], ast.Constant):
        return f"{node.values[0].value!s}%d"
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "format":
        value = expr.file.value_of(node.func.value)
        return value.value if isinstance(value, Known) and isinstance(value.value, str) else None
    return None


def places_softly(call: CallSite, kind: Kind) -> bool | None:
    """May the session put an operation on another device than the one asked for? None: it cannot be told."""
    given = call.argument(kind.argument, kind.position)
    if is_remote(call, kind) or (given.expr is None and not given.is_absent):
        return None
    if given.expr is None or given.is_constant(None):
        return False
    return config_places_softly(given.expr)


def config_places_softly(expr: Expr) -> bool | None:
    """What a config says; setting the option at all is the author's decision."""
    option = device_table()["placement"]["option"]
    history = history_of(expr, is_harmless)
    if any(setting.path[:1] == (option,) for setting in history.settings):
        return True
    calls = [creation.expr.call for creation in history.creations]
    if history.reason is not None or not calls:
        return None
    proto = device_table()["config"]["proto"]
    for made in calls:
        if made is None or not made.names or {made.file.knowledge.canonical(name) for name in made.names} != {proto}:
            return None
        if not made.argument(option).is_absent:
            return True
    return False


# -- the fix ------------------------------------------------------------------------------------------------


def soft_edits(call: CallSite) -> tuple[Edit, ...] | None:
    """The edits by which a session places softly; None where the config comes from elsewhere."""
    kind = kind_of(call)
    option = f"{device_table()['placement']['option']}=True"
    if kind is None or not call.resolution.is_certain:
        return None
    given = call.argument(kind.argument, kind.position)
    if given.expr is None or given.is_constant(None):
        spelling = Spelling.of(call)
        proto = spelling.spell(device_table()["config"]["proto"]) if spelling is not None else None
        if spelling is None or proto is None:
            return None
        passed = call.file.rewrite.set_argument(call, kind.argument, f"{proto}({option})", kind.position)
        edits: tuple[Edit, ...] | None = with_imports(spelling, [passed])
        return edits
    creations = history_of(given.expr, is_harmless).creations
    calls = [creation.expr.call for creation in creations]
    added = [call.file.rewrite.add_argument(made, option) for made in calls if made is not None]
    found = [edit for edit in added if edit is not None]
    return tuple(sorted(set(found))) if found and len(found) == len(calls) else None
