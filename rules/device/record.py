"""What the rules of this family note of a program: everything that it does to, or with, the GPU (no rule)."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from tfguard.rules.device.models import makes_weights
from tfguard.rules.device.physical import device_of, is_certain, is_growth_on
from tfguard.rules.device.placement import gpu_of, places_softly
from tfguard.rules.device.sessions import Kind, Memory, device_table, judge, kind_of

from tfguard.analysis.calls import CallSite, StoreSite
from tfguard.analysis.project import Event, Program
from tfguard.analysis.values import Known, Value
from tfguard.rule import Recorder
from tfguard.tables import load_api_table, load_evidence, load_toml

KEY = "gpu"
record = Recorder(KEY, evidence=load_evidence())

_IN_2 = re.compile(r"(?<![.\d])2\.|-$")
_LAUNCHERS = ("subprocess", "multiprocessing", "concurrent")
_ROOTS = ("tfguard", "tensorflow", "keras", "tf_keras", "tf_slim", "tflearn", "tensorflow_datasets", "os", *_LAUNCHERS)
_LAUNCHES = re.compile(r"os\.(?:system|popen|exec\w+|spawn\w+|fork)$")

Note = dict[str, Any]

#: What an effect `is`. A session that is no finding (and takes its memory now), one without a config, one with one.
SETTLED, STARTED, BARE, CONFIGURED = "settled", "started", "bare", "configured"
#: Memory is bounded, for every session or for those without a config; every GPU is hidden; other devices do the work.
DECIDED, CONTEXT, HIDDEN, ELSEWHERE = "decided", "context", "hidden", "elsewhere"
#: The GPU is started, surely or maybe; the program builds graphs of TensorFlow 1; Keras is given a session.
USES, MAYBE, GRAPH, GIVEN = "uses", "maybe", "graph", "given"
#: Some GPUs are hidden; the GPUs are only looked at; devices are made, or listed by making them.
VISIBLE, LOOKED, LISTED = "visible", "looked", "listed"
#: Operations are bound to a GPU; placement is made soft or hard; other processes are started.
PLACED, SOFT, LAUNCHED = "placed", "soft", "launched"

#: What sessions are among them.
SESSIONS = frozenset({SETTLED, STARTED, BARE, CONFIGURED})


def what(event: Event) -> str:
    """What an event is."""
    found: str = event.item.payload["is"]
    return found


def makes_devices(event: Event) -> bool:
    """Does it list the devices by making them, without starting TensorFlow 2?"""
    is_session = what(event) == BARE and event.item.name.endswith(".list_local_devices")
    return is_session or event.item.payload.get("makes") == "devices"


def events_of(program: Program) -> list[Event]:
    """What a program does with the GPU in its own process, in the files that it loads.

    A method of an unknown object may be another file's; what is handed to `multiprocessing.Process` runs elsewhere.
    """
    events = [event for event in program.effects(KEY) if program.loads(event.path)]
    launches = {(event.path, event.item.start) for event in events if what(event) == LAUNCHED}
    return [event for event in events if launches.isdisjoint(event.chain[:-1])]


# -- calls ----------------------------------------------------------------------------------------------


@record.on_call(mentions=("tensorflow", "keras", "tf_slim", "tflearn", "environ", "putenv", "tfguard"))
def note_call(call: CallSite) -> Note | None:
    """What the call means for the GPU."""
    if call.names and not any(name.split(".", 1)[0] in _ROOTS for name in call.names):
        return None
    around = _lambdas_around(call)
    if any(_is_only_held(call, node) for node in around):
        return None
    kind = kind_of(call) if call.names else None
    if kind is not None:
        return _note_session(call)
    found = _note_name(call)
    # What a lambda is handed to may call it later, or never.
    return {"is": MAYBE} if around and found is not None and found["is"] == USES else found


def _lambdas_around(call: CallSite) -> list[ast.Lambda]:
    """The lambdas in whose bodies the call stands, innermost first."""
    found: list[ast.Lambda] = []
    scope = call.file.index.places[call.node].scope
    while scope.parent is not None and (scope.kind == "comprehension" or isinstance(scope.node, ast.Lambda)):
        if isinstance(scope.node, ast.Lambda):
            found.append(scope.node)
        scope = scope.parent
    return found


def _is_only_held(call: CallSite, node: ast.Lambda) -> bool:
    """Is a lambda put into a variable or a collection, and neither called at once nor handed to a call?"""
    return not isinstance(call.file.index.places[node].parent, (ast.Call, ast.keyword))


def _note_name(call: CallSite) -> Note | None:
    for name in call.names:
        if name.startswith(("os.", *(f"{root}." for root in _LAUNCHERS))):
            found = _environment_call(call, name)
        else:
            found = _api_call(call, call.file.knowledge.canonical(name))
        if found is not None:
            return found
    return None


def _note_session(call: CallSite) -> Note:
    kind = kind_of(call)
    assert kind is not None
    judgement = judge(call, kind)
    note: Note = {"is": SETTLED, "starts": kind.starts, "has_config": judgement.has_config}
    if judgement.memory is Memory.UNBOUNDED:
        note["is"] = CONFIGURED if judgement.has_config else BARE
    elif kind.starts and judgement.memory is not Memory.NOT_HERE:
        note |= {"is": STARTED, "bounded": judgement.memory is Memory.BOUNDED}
    if judgement.memory is Memory.UNDECIDED and (maker := _maker_of(call, kind)) is not None:
        note["config_of"] = maker
    if any(call.file.knowledge.canonical(name) in device_table()["placement"]["sessions"] for name in call.names):
        note["soft"] = places_softly(call, kind)
    return note


def _maker_of(call: CallSite, kind: Kind) -> str | None:
    """The function of the project whose config the session gets."""
    given = call.argument(kind.argument, kind.position).expr
    made = given.origin.call if given is not None else None
    name = made.name if made is not None else None
    return name if name is not None and not call.file.resolver.is_foreign(name) else None


def _api_call(call: CallSite, name: str) -> Note | None:
    bounds = device_table()["bounds"]
    if name in bounds["context"]:
        note = {"is": CONTEXT, "what": bounds["context"][name], "device": device_of(call)}
        return note | {"on": is_growth_on(call), "certain": is_certain(call)}
    if name in bounds["visible"]:
        return _visible(call)
    if name in bounds["looks"]:
        return {"is": LOOKED}
    if name in bounds["runtime"]:
        return None if call.argument("gpu_memory").is_constant(None) else {"is": DECIDED}
    if name in bounds["elsewhere"] or name in bounds["backend"]:
        return {"is": ELSEWHERE}
    if name in device_table()["placement"]["soft"]:
        return {"is": SOFT, "on": not call.argument("enabled", 0).is_constant(False)}
    found = _use_of(call, name)
    if name == device_table()["placement"]["device"] and gpu_of(call) is not None:
        return {"is": found or PLACED, "gpu": gpu_of(call)}
    if found == GRAPH and set(call.names) & _missing_in_2(call):
        return {"is": GRAPH, "old": True}
    if name in device_table()["lists"]["names"]:
        return {"is": found, "makes": "devices"}
    if found == USES and name in device_table()["keras_session"]["names"]:
        return {"is": found, "keras": True}
    return {"is": found} if found is not None else None


def _visible(call: CallSite) -> Note:
    first = call.argument("devices", 0)
    hides = first.expr is not None and first.expr.origin.elements == ()
    kind = call.argument("device_type", 1)
    of_gpus = kind.is_absent or kind.is_constant("GPU", None)
    return {"is": HIDDEN if hides else VISIBLE, "what": "visible" if of_gpus else "other"}


def _use_of(call: CallSite, name: str) -> str | None:
    table = device_table()
    target = call.file.target
    if name in table["keras_session"]["given"]:
        return GIVEN
    if target.tensorflow < (2, 0):
        if name in table["lists"]["names"]:
            return LISTED
        return USES if name in table["keras_session"]["names"] else None
    if _is_of_graphs(call, name):
        return GRAPH
    is_keras_3 = target.keras is not None and target.keras >= (3, 0)
    if makes_weights(call, name):
        return USES
    if name in table["uses_since_2_11"] and {"lr", "decay"} & {keyword for keyword, _ in call.keywords}:
        return MAYBE  # an optimizer of before
    found = _starts(name, is_keras_3, target.tensorflow >= (2, 11))
    return found if found is None or _is_below_module_or_class(call, name) else None


def _is_below_module_or_class(call: CallSite, name: str) -> bool:
    """Is it no method of a constant (`tf.__version__.split`, or a text that a module holds)?"""
    target = call.file.target
    owner = load_api_table().status(name.rpartition(".")[0], target.tensorflow, target.keras)
    return owner.element in (None, "module", "class") and owner.kind != "missing" and ".__" not in name


def _is_of_graphs(call: CallSite, name: str) -> bool:
    """Is it a name that tells a program of TensorFlow 1: one for graphs, or one that TensorFlow 2 never had?"""
    if name in _graph_names() or name.split(".", 1)[0] in device_table()["graph"]["roots"]:
        return True
    return bool(_missing_in_2(call))


def _missing_in_2(call: CallSite) -> frozenset[str]:
    """The names of the call that TensorFlow 2 never had."""
    target, table = call.file.target, load_api_table()
    written = {n: table.status(n, target.tensorflow, target.keras) for n in call.names if n.startswith("tensorflow.")}
    return frozenset(n for n, s in written.items() if s.kind == "missing" and not _IN_2.search(s.versions))


@lru_cache(maxsize=4096)
def _starts(name: str, is_keras_3: bool, is_2_11: bool) -> str | None:
    """What the longest row of `[uses]` and `[quiet]` that covers a name says."""
    table = device_table()
    uses = [table["uses"], *([table["uses_of_keras_3"]] if is_keras_3 else [])]
    uses += [table["uses_since_2_11"]] if is_2_11 or is_keras_3 else []
    parts = name.split(".")
    for row in [f"*.{parts[-1]}", name, *(".".join(parts[:end]) + "." for end in range(len(parts) - 1, 0, -1))]:
        if row in table["quiet"]:
            return None
        if any(row in rows for rows in uses):
            return USES
    return None if parts[0] == "os" else MAYBE


@lru_cache(maxsize=1)
def _graph_names() -> frozenset[str]:
    table = load_toml("graph_mode.toml")
    return frozenset(table["names"]) | {name for name, mode in table["calls"].items() if mode == "disable"}


# -- environment variables ------------------------------------------------------------------------------------


def _environment_call(call: CallSite, name: str) -> Note | None:
    if name in ("os.environ.setdefault", "os.putenv"):
        key, value = call.argument("key", 0), call.argument("value", 1)
        return _variable(key.value, value.value)
    if name == "os.environ.update":
        return next((found for key, value in _updated(call) if (found := _variable(key, value)) is not None), None)
    launches = name.split(".", 1)[0] in _LAUNCHERS or _LAUNCHES.match(name) is not None
    return {"is": LAUNCHED} if launches else None


def _updated(call: CallSite) -> Iterator[tuple[Value, Value]]:
    for word, expr in call.keywords:
        yield Known(word), expr.value
    for expr in call.arguments:
        for key, value in expr.items or ():
            yield key.value, value.value


@record.on_store(mentions="environ")
def note_store(store: StoreSite) -> Note | None:
    """What a write to `os.environ` means."""
    if "os.environ" not in store.names or isinstance(store.target, ast.Attribute):
        return None
    return _variable(store.key, store.value.value if store.value is not None else None)


def _variable(key: Value, value: Value | None) -> Note | None:
    table = device_table()["environment"]
    name = key.value if isinstance(key, Known) else None
    known = value.value if isinstance(value, Known) else None
    if name in table["decides"]:
        return {"is": DECIDED, "variable": name}
    if name in table["hides"] and known in table["hides"][name]:
        return {"is": HIDDEN, "variable": name}
    if name in table["selects"]:
        return {"is": VISIBLE, "variable": name}
    return {"is": ELSEWHERE} if name in table["backend"] and known not in table["backend"][name] else None
