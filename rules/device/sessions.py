"""What the config of a session says of the GPU's memory, and the edits that bound it (part of TFG201)."""

from __future__ import annotations

import ast
import enum
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from tfguard.rules.device.spelling import Spelling

from tfguard.analysis.calls import CallSite, Expr
from tfguard.analysis.file_model import FileModel
from tfguard.analysis.objects import Creation, History, Setting, history_of
from tfguard.analysis.values import Known
from tfguard.model import Edit
from tfguard.tables import load_toml


class Memory(enum.Enum):
    """How much of the GPU's memory a session may take, as far as the file tells."""

    #: Bounded, or the author's decision.
    BOUNDED = "bounded"
    UNBOUNDED = "unbounded"
    #: The config comes from elsewhere.
    UNDECIDED = "undecided"
    #: No GPU of this process: the devices are a server's, or the program has none.
    NOT_HERE = "not here"


@dataclass(frozen=True, slots=True)
class Kind:
    """A row of `[[session]]` in device.toml."""

    names: tuple[str, ...]
    argument: str
    position: int | None = None
    most: int = 99
    remote: tuple[str, int] | None = None
    default: str = ""
    passed: str = ""
    bounding: tuple[str, ...] = ()
    starts: bool = True
    since: tuple[int, int] = (0, 0)
    until: tuple[int, int] = (99, 0)


@dataclass(frozen=True, slots=True)
class Judgement:
    """What was found: the memory, whether a config is given, and the edits that bound it (None: no safe way)."""

    memory: Memory
    has_config: bool = False
    edits: tuple[Edit, ...] | None = None


@lru_cache(maxsize=1)
def device_table() -> Mapping[str, Any]:
    """device.toml."""
    return load_toml("device.toml")


@lru_cache(maxsize=1)
def _kinds() -> Mapping[str, Kind]:
    found: dict[str, Kind] = {}
    for row in device_table()["session"]:
        values: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in row.items()}
        kind = Kind(**values)
        found.update(dict.fromkeys(kind.names, kind))
    return found


def kind_of(call: CallSite) -> Kind | None:
    """The row of a call that starts a session, when all that it may call agree."""
    file = call.file
    kinds = {_kinds().get(file.knowledge.canonical(name)) for name in call.names}
    kind = kinds.pop() if len(kinds) == 1 else None
    return kind if kind is not None and file.target.tensorflow <= kind.until else None


def is_cpu_only(call: CallSite) -> bool:
    """Is the call in a test, or is the project's TensorFlow one without GPU?"""
    return is_cpu_target(call.file) or is_test(call)


def is_cpu_target(file: FileModel) -> bool:
    """Is the project's TensorFlow one without GPU?"""
    return file.target.device == "cpu"


def is_test_path(path: str) -> bool:
    """Is the file one of tests?"""
    *folders, name = path.split("/")
    base = name.rsplit(".", 1)[0]
    return base.startswith("test_") or base.endswith("_test") or bool({base, *folders} & {"conftest", "test", "tests"})


def is_test(call: CallSite) -> bool:
    """Does a test make the call?"""
    if is_test_path(call.file.path):
        return True
    resolver = call.file.resolver
    owners = [info for name, info in resolver.classes.items() if call.function.startswith(f"{name}.")]
    bases = [name for info in owners for base in info.node.bases for name in resolver.resolve(base).names]
    return any(name.rsplit(".", 1)[-1].endswith("TestCase") for name in bases)


def judge(call: CallSite, kind: Kind) -> Judgement:
    """How much memory the session may take."""
    if is_cpu_only(call) or is_remote(call, kind):
        return Judgement(Memory.NOT_HERE)
    if any(not call.argument(name).is_absent for name in kind.bounding):
        return Judgement(Memory.BOUNDED)
    given = call.argument(kind.argument, kind.position)
    starred = any(isinstance(argument, ast.Starred) for argument in call.node.args)
    if (given.is_absent and not starred and len(call.arguments) <= kind.most) or given.is_constant(None):
        return Judgement(Memory.BOUNDED) if kind.default == "grows" else _without_config(call, kind)
    if given.expr is None or kind.passed:
        return Judgement(Memory.UNDECIDED)
    return judge_config(given.expr, call)


def is_remote(call: CallSite, kind: Kind) -> bool:
    """Do the session's devices belong to a server (`server.target`, "grpc://…")?"""
    if kind.remote is None:
        return False
    given = call.argument(*kind.remote)
    if given.expr is None:
        return False
    if isinstance(given.value, Known):
        return given.value.value not in ("", None)
    origin = given.expr.origin.node
    return isinstance(origin, ast.Attribute) and origin.attr == "target"


# -- no config -----------------------------------------------------------------------------------------


def option_of(call: CallSite) -> tuple[str, str]:
    """The option of GPUOptions that the settings ask for, and its value (a session has no limit in MB)."""
    wanted = call.file.config.gpu_memory
    return ("per_process_gpu_memory_fraction", str(wanted)) if isinstance(wanted, float) else ("allow_growth", "True")


def _without_config(call: CallSite, kind: Kind) -> Judgement:
    return Judgement(Memory.UNBOUNDED, edits=_pass_config(call, kind))


def _pass_config(call: CallSite, kind: Kind) -> tuple[Edit, ...] | None:
    spelling = Spelling.of(call)
    if spelling is None or not call.resolution.is_certain or call.file.target.tensorflow < kind.since:
        return None
    config = new_config(call, spelling, "allow_soft_placement=True, " if kind.default == "soft" else "")
    if config is None:
        return None
    text = config
    if kind.passed:
        if not spelling.prefix:
            return None
        text = kind.passed.format(tf=spelling.plain, config=config)
    return with_imports(spelling, [call.file.rewrite.set_argument(call, kind.argument, text, kind.position)])


def new_config(call: CallSite, spelling: Spelling, before: str = "") -> str | None:
    """The text of a config that bounds the memory."""
    table = device_table()["config"]
    option, value = option_of(call)
    proto, options = spelling.spell(table["proto"]), spelling.spell(table["options"])
    return f"{proto}({before}gpu_options={options}({option}={value}))" if proto and options else None


def with_imports(spelling: Spelling, edits: Iterable[Edit | None]) -> tuple[Edit, ...] | None:
    """Edits together with the imports that their spelling needs; None where one of them cannot be made."""
    made = [*edits, *spelling.import_edits()]
    found = [edit for edit in made if edit is not None]
    return tuple(sorted(set(found))) if len(found) == len(made) else None


# -- a config --------------------------------------------------------------------------------------------


def judge_config(expr: Expr, session: CallSite | None) -> Judgement:
    """What a config that a session is given says by then."""
    history = history_of(expr, is_harmless)
    if session is not None:
        history.settings = [setting for setting in history.settings if not _comes_later(setting, session)]
    if any(_settles(path) for path in _paths(history)):
        return Judgement(Memory.BOUNDED, has_config=True)
    parts = [_judge_creation(creation) for creation in history.creations]
    if history.reason is not None or not parts:
        return Judgement(Memory.UNDECIDED, has_config=True)
    return _combine(parts)


def is_harmless(call: CallSite) -> bool:
    """Does the call leave a config that it is given as it is?"""
    return bool(call.names) and all(name.split(".", 1)[0] in ("tensorflow", "keras", "tf_slim") for name in call.names)


def _comes_later(setting: Setting, session: CallSite) -> bool:
    """Is it surely set only after the session is made: further down in the same body, outside of loops?"""
    file = session.file
    if setting.value is None or file.enclosing(setting.value.node) != session.function:
        return False
    here, there = file.index.places[session.node], file.index.places[setting.value.node]
    in_loop = any(step[0] in file.index.loops for step in here.branch)
    return there.order > here.order and not in_loop


def _paths(history: History) -> list[tuple[str, ...]]:
    """The settings that were made; those with a value that changes nothing are left out."""
    idle = [s for s in history.settings if s.path[:2] == ("device_count", "GPU") and not _is_constant(s.value, 0)]
    return [setting.path for setting in history.settings if setting not in idle]


def _is_constant(expr: Expr | None, wanted: object) -> bool:
    return expr is not None and expr.value == Known(wanted)


def _settles(path: tuple[str, ...]) -> bool:
    """Is it a setting by which the author decides how much memory is taken?"""
    if path[:1] == ("gpu_options",):
        return len(path) == 2 and path[1] in device_table()["config"]["bounding"]
    return path == ("device_count", "GPU")


def _combine(parts: list[Judgement]) -> Judgement:
    """One judgement of a config that may come from several places."""
    memories = {part.memory for part in parts}
    if memories != {Memory.UNBOUNDED}:
        return Judgement(Memory.BOUNDED if memories == {Memory.BOUNDED} else Memory.UNDECIDED, has_config=True)
    edits = [edit for part in parts for edit in part.edits or ()]
    whole = all(part.edits is not None for part in parts)
    return Judgement(Memory.UNBOUNDED, has_config=True, edits=tuple(sorted(set(edits))) if whole else None)


def _judge_creation(creation: Creation) -> Judgement:
    """What the call that made a config says; anything else is undecided."""
    call = creation.expr.call
    if call is None or not _makes(call, "proto"):
        return Judgement(Memory.UNDECIDED)
    counts, options = call.argument("device_count"), call.argument("gpu_options")
    if counts.expr is not None and _item_of(counts.expr, "GPU") is not None:
        none = _is_constant(_item_of(counts.expr, "GPU"), 0)
        if none or not isinstance(_item_of(counts.expr, "GPU").value, Known):  # type: ignore[union-attr]
            return Judgement(Memory.BOUNDED if none else Memory.UNDECIDED)
    if options.is_absent:
        return Judgement(Memory.UNBOUNDED, edits=_extend_config(creation, call))
    return _judge_options(options.expr) if options.expr is not None else Judgement(Memory.UNDECIDED)


def _makes(call: CallSite, what: str) -> bool:
    wanted = device_table()["config"][what]
    return call.resolution.is_certain and all(call.file.knowledge.canonical(name) == wanted for name in call.names)


def _item_of(expr: Expr, key: str) -> Expr | None:
    """The value under a constant key of a dict display."""
    items = expr.origin.items or ()
    return next((value for word, value in items if word.value == Known(key)), None)


def _judge_options(expr: Expr) -> Judgement:
    """What `gpu_options=` says."""
    bounding = device_table()["config"]["bounding"]
    history = history_of(expr, lambda call: is_harmless(call))
    if any(setting.path[0] in bounding for setting in history.settings):
        return Judgement(Memory.BOUNDED)
    calls = [creation.expr.call for creation in history.creations]
    if history.reason is not None or not calls:
        return Judgement(Memory.UNDECIDED)
    return _combine([_judge_options_call(call) for call in calls])


def _judge_options_call(call: CallSite | None) -> Judgement:
    if call is None or not _makes(call, "options"):
        return Judgement(Memory.UNDECIDED)
    given = [call.argument(name) for name in device_table()["config"]["bounding"]]
    if any(argument.is_present for argument in given) or call.argument("visible_device_list").is_constant(""):
        return Judgement(Memory.BOUNDED)
    if not all(argument.is_absent for argument in given):
        return Judgement(Memory.UNDECIDED)
    edit = call.file.rewrite.add_argument(call, "=".join(option_of(call)))
    return Judgement(Memory.UNBOUNDED, edits=(edit,) if edit is not None else None)


def _extend_config(creation: Creation, call: CallSite) -> tuple[Edit, ...] | None:
    """Set the option on the variable right after its assignment, or else in the call that makes the config."""
    option, value = option_of(call)
    rewrite = call.file.rewrite
    if creation.statement is not None and re.fullmatch(r"[\w.]+", creation.target or ""):
        line = rewrite.insert_after(creation.statement, f"{creation.target}.gpu_options.{option} = {value}")
        if line is not None:
            return (line,)
    spelling = Spelling.of(call)
    options = spelling.spell(device_table()["config"]["options"]) if spelling is not None else None
    if spelling is None or options is None:
        return None
    return with_imports(spelling, [rewrite.add_argument(call, f"gpu_options={options}({option}={value})")])
