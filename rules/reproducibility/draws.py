"""What one call draws, as `draws.toml` tells it from the call's name and arguments (part of the TFG10x rules)."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from tfguard.analysis.blocks import feeds, target_of
from tfguard.analysis.calls import Argument, CallSite, Expr
from tfguard.analysis.values import Known
from tfguard.errors import TableError
from tfguard.table_files import Version, parse_version
from tfguard.tables import load_toml

#: The three global generators, in the order in which they are seeded and named.
GENERATORS = ("python", "numpy", "tensorflow")


class Answer(enum.IntEnum):
    """Does it hold? Ordered so that `min` joins what must all hold."""

    NO = 0
    MAYBE = 1
    YES = 2


@dataclass(frozen=True, slots=True)
class Condition:
    """Something that is asked of one argument."""

    argument: str
    position: int | None = None
    values: tuple[object, ...] = ()
    other_than: tuple[object, ...] = ()
    names: tuple[str, ...] = ()
    given: bool = False
    none: bool = False
    #: A list that is written out with this many elements.
    elements: int | None = None
    #: What one of these calls made.
    made_by: tuple[str, ...] = ()

    def holds_for(self, call: CallSite) -> Answer:
        """Does the call's argument fulfil it?"""
        argument = call.argument(self.argument, self.position)
        if argument.is_absent:
            return Answer.NO
        if self.names:
            return _names_one_of(argument.expr, self.names)
        if self.elements is not None:
            return _has_elements(argument.expr, self.elements)
        if self.made_by:
            return _is_made_by(argument.expr, self.made_by)
        value = argument.value
        if self.given:
            return _given(argument, value)
        if not isinstance(value, Known):
            return Answer.MAYBE
        if self.none:
            return Answer(2 * (value.value is None))
        if self.other_than:
            return Answer(2 * (not _is_among(value.value, self.other_than)))
        return Answer(2 * _is_among(value.value, self.values))


def _given(argument: Argument, value: object) -> Answer:
    if isinstance(value, Known) and value.value is None:
        return Answer.NO
    return Answer.YES if argument.is_present else Answer.MAYBE


def _names_one_of(expr: Expr | None, names: tuple[str, ...]) -> Answer:
    if expr is None:
        return Answer.MAYBE
    canonical = expr.file.knowledge.canonical
    found = [canonical(name) in names for name in expr.resolution.names]
    return Answer.NO if not any(found) else Answer.YES if all(found) else Answer.MAYBE


def _has_elements(expr: Expr | None, count: int) -> Answer:
    elements = expr.origin.elements if expr is not None else None
    return Answer.MAYBE if expr is None else Answer(2 * (elements is not None and len(elements) == count))


def _is_made_by(expr: Expr | None, names: tuple[str, ...]) -> Answer:
    made = expr.origin.call if expr is not None else None
    if made is None:
        return Answer.MAYBE if expr is None else Answer.NO
    return Answer(2 * any(made.file.knowledge.canonical(name) in names for name in made.names))


def _is_among(value: object, values: tuple[object, ...]) -> bool:
    return any(type(value) is type(other) and value == other for other in values)


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table: what the calls of its names draw, and when."""

    source: str
    #: The argument that seeds this one operation, "" where there is none, and its position.
    seed: str = "seed"
    seed_position: int | None = None
    when: tuple[Condition, ...] = ()
    unless: tuple[Condition, ...] = ()
    #: Each parameter that initialises something, under all its names: the call draws if one of them does.
    initializers: tuple[tuple[tuple[str, int | None], ...], ...] = ()
    #: What it takes for the draw to happen: "variable": in a graph, that variables are initialised; "scope": that, and
    #: no other initialiser of the scope; "initializer": that a variable uses it; "training".
    needs: str = ""
    #: May an unknown object's method of this name be meant?
    method: bool = False
    #: Does it depend on what cannot be seen in the call (it wants a seed, and is no evidence)?
    maybe: bool = False

    def draws(self, call: CallSite) -> Answer:
        """Does the call draw from a global generator?"""
        answer = min((c.holds_for(call) for c in self.when), default=Answer.YES)
        answer = min(answer, *(Answer(2 - c.holds_for(call)) for c in self.unless), Answer.YES)
        if answer is Answer.NO or (self.seed and is_seeded(call, self.seed, self.seed_position)):
            return Answer.NO
        if self.maybe:
            answer = Answer.MAYBE
        if self.initializers:
            answer = min(answer, max(_initialises(call, group) for group in self.initializers))
        return answer


def is_seeded(call: CallSite, keyword: str, position: int | None) -> bool:
    """Is an op-level seed given (what cannot be known counts as one)?"""
    argument = call.argument(keyword, position)
    if argument.is_absent:
        return False
    value = argument.value
    return not (isinstance(value, Known) and value.value is None)


# -- initialisers -------------------------------------------------------------------------------------


def _initialises(call: CallSite, group: tuple[tuple[str, int | None], ...]) -> Answer:
    """Does a parameter (under any of its names) initialise at random? Without it the default does."""
    for name, position in group:
        argument = call.argument(name, position)
        if argument.is_present and argument.expr is not None:
            return _is_random(argument.expr)
        if not argument.is_absent:
            return Answer.MAYBE
    return Answer.YES


def _is_random(expr: Expr) -> Answer:
    """Does an initialiser draw?"""
    table = load_draws()
    value = expr.value
    if isinstance(value, Known):
        if value.value is None:
            return Answer.YES
        return Answer(2 * (isinstance(value.value, str) and value.value not in table.constant))
    origin = expr.origin
    made = origin.call
    if made is None:
        return table.random_name(origin.resolution.names, expr)
    answers = [_made_by(made, name) for name in made.names]
    return answers[0] if answers and all(answer is answers[0] for answer in answers) else Answer.MAYBE


def _made_by(made: CallSite, name: str) -> Answer:
    table = load_draws()
    canonical = made.file.knowledge.canonical(name)
    if canonical in table.constant_names:
        return Answer.NO
    rows = table.rows.get(canonical, ())
    return max((row.draws(made) for row in rows), default=Answer.MAYBE)


# -- the table ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Versions:
    """What a program runs on, as far as drawing is concerned."""

    tensorflow: Version
    keras: Version
    #: Does it build graphs of TF 1?
    graph: bool


@dataclass(frozen=True, slots=True)
class Table:
    """draws.toml."""

    rows: Mapping[str, tuple[Row, ...]]
    #: Rows by bare method name, for objects that nothing is known of.
    methods: Mapping[str, tuple[Row, ...]]
    sources: Mapping[str, tuple[Mapping[str, Any], ...]]
    constant: frozenset[str]
    constant_names: frozenset[str]
    #: What initialises, saves and restores variables.
    handled: Mapping[str, frozenset[str]]
    variables: frozenset[str]
    savers: frozenset[str]
    scopes: frozenset[str]
    trained_by: frozenset[str]
    roots: frozenset[str]

    def random_name(self, names: tuple[str, ...], expr: Expr) -> Answer:
        """Does an initialiser that is named, not called, draw?"""
        canonical = [expr.file.knowledge.canonical(name) for name in names]
        if canonical and all(name in self.constant_names for name in canonical):
            return Answer.NO
        return Answer.YES if canonical and all(name in self.rows for name in canonical) else Answer.MAYBE

    def behind(self, source: str, edition: str, versions: Versions) -> tuple[str, str]:
        """The generator behind a source for an edition of Keras, and why that may surprise."""
        keras = versions.keras
        if edition == "tf_keras":
            keras = min(keras, (2, 15))
        for case in self.sources.get(source, ({"generator": source},)):
            if case.get("standalone", False) and edition != "keras":
                continue
            if case.get("graph", False) and not versions.graph:
                continue
            if _is_below(keras, case.get("keras")) and _is_below(versions.tensorflow, case.get("tensorflow")):
                return case["generator"], case.get("why", "")
        raise TableError(f"draws.toml: no case of the source {source} holds")


def _is_below(version: Version, bound: str | None) -> bool:
    """Is the version below a bound (`<2.10`, `<3`)? Without a bound it is."""
    if bound is None:
        return True
    text = bound.removeprefix("<")
    return version < parse_version(text if "." in text else f"{text}.0")


@lru_cache(maxsize=1)
def load_draws() -> Table:
    """Read the table once a process."""
    data = load_toml("draws.toml")
    rows: dict[str, list[Row]] = {}
    methods: dict[str, list[Row]] = {}
    try:
        for raw in data["draw"]:
            row = _row(raw)
            for name in raw["names"]:
                for module in raw["in"]:
                    rows.setdefault(f"{module}.{name}", []).append(row)
                if row.method:
                    methods.setdefault(name, []).append(row)
        return Table(
            rows={name: tuple(found) for name, found in rows.items()},
            methods={name: tuple(found) for name, found in methods.items()},
            sources={source["name"]: tuple(source["cases"]) for source in data["source"]},
            constant=frozenset(data["initializers"]["constant"]),
            constant_names=frozenset(data["initializers"]["constant_names"]),
            handled={what: frozenset(data["variables"][f"{what}d_by"]) for what in ("initialise", "save", "restore")},
            variables=frozenset(data["variables"]["names"]),
            savers=frozenset(data["variables"]["savers"]),
            scopes=frozenset(data["variables"]["scopes"]),
            trained_by=frozenset(data["training"]["methods"]),
            roots=frozenset(data["programs"]["roots"]),
        )
    except (KeyError, TypeError) as error:
        raise TableError(f"draws.toml: {error}") from error


def _row(raw: Mapping[str, Any]) -> Row:
    return Row(
        source=raw["source"],
        seed=raw.get("seed", "seed"),
        seed_position=raw.get("seed_position"),
        when=tuple(_conditions(raw.get("when", ()))),
        unless=tuple(_conditions(raw.get("unless", ()))),
        initializers=tuple(tuple(map(_parameter, group)) for group in raw.get("initializers", ())),
        needs=raw.get("needs", ""),
        method=raw.get("method", False),
        maybe=raw.get("maybe", False),
    )


def _conditions(raw: Any) -> Iterator[Condition]:
    for one in raw:
        yield Condition(
            argument=one["argument"],
            position=one.get("position"),
            values=tuple(one.get("is", ())),
            other_than=tuple(one.get("not", ())),
            names=tuple(one.get("names", ())),
            given=one.get("given", False),
            none=one.get("none", False),
            elements=one.get("elements"),
            made_by=tuple(one.get("made_by", ())),
        )


def _parameter(text: str) -> tuple[str, int | None]:
    """`initializer@3`: the name and position of a parameter."""
    name, _, position = text.partition("@")
    return name, int(position) if position else None


# -- the effect of a call ----------------------------------------------------------------------------------


def draw_of(call: CallSite) -> dict[str, Any] | None:
    """What a call draws: `[source, edition, is it sure, what it needs to happen]` of each draw."""
    found: dict[tuple[str, str], tuple[Answer, str]] = {}
    sure = call.resolution.reason is None or bool(call.starred_names)
    for name, rows in _rows_of(call):
        answers = [(row, row.draws(call)) for row in rows]
        sure = sure and max((answer for _, answer in answers), default=Answer.NO) is Answer.YES
        for row, answer in answers:
            key = (row.source, _edition(call, name))
            found[key] = max(found.get(key, (Answer.NO, row.needs)), (answer, row.needs))
    draws = [
        [source, edition, sure and answer is Answer.YES, needs or _needs_of_use(call, source)]
        for (source, edition), (answer, needs) in found.items()
        if answer is not Answer.NO
    ]
    if not draws:
        return _handling(call)
    return {"draws": draws} if not _chooses_seed(call) else None


def _needs_of_use(call: CallSite, source: str) -> str:
    """An operation of TensorFlow that is a variable's first value is drawn when variables are initialised."""
    return "variable" if source == "tensorflow" and feeds(call, load_draws().variables) else ""


def _chooses_seed(call: CallSite) -> bool:
    """Does the call choose a seed (`seed = random.randint(0, 1000)`), to be set and shown later?"""
    target = target_of(call)
    return target is not None and target.lower().endswith("seed")


def _handling(call: CallSite) -> dict[str, Any] | None:
    """What a call does to the variables of the program: initialises, saves or restores them."""
    names = [call.file.knowledge.canonical(name) for name in call.names]
    last = call.written.rpartition(".")[2].strip()
    is_unknown = not names and call.receiver is not None
    for what, known in load_draws().handled.items():
        if any(name in known for name in names):
            return {"does": what}
        if is_unknown and what != "initialise" and any(name.endswith(f".{last}") for name in known):
            return {"does": what}
    return None


def _rows_of(call: CallSite) -> Iterator[tuple[str, tuple[Row, ...]]]:
    """The rows of everything that may be called; of an unknown object's method those of its name."""
    table = load_draws()
    refs = call.resolution.refs
    for ref in refs:
        canonical = call.file.knowledge.canonical(ref.name)
        yield ref.name, () if ref.is_instance else table.rows.get(canonical) or _rows_of_kept(call, ref.name)
    for name in call.starred_names:
        if rows := table.rows.get(call.file.knowledge.canonical(name), ()):
            yield name, rows
    if not refs and call.receiver is not None:
        yield "", table.methods.get(call.written.rpartition(".")[2].strip(), ())


def _rows_of_kept(call: CallSite, name: str) -> tuple[Row, ...]:
    """The rows of a method of what the file itself keeps in a module (`tf.model = Sequential()`, `tf.model.fit()`)."""
    owner, _, method = name.rpartition(".")
    module, _, attribute = owner.rpartition(".")
    if method not in load_draws().methods:
        return ()
    kept = [store for store in call.file.stores if store.key == Known(attribute) and module in store.names]
    types = {kind for store in kept for kind in (store.value.resolution.types if store.value is not None else ("",))}
    canonical = [call.file.knowledge.canonical(f"{kind}.{method}") for kind in sorted(types)]
    return load_draws().rows.get(canonical[0], ()) if len(set(canonical)) == 1 else ()


def _edition(call: CallSite, name: str) -> str:
    """The package that a Keras name is spelled from: `keras`, `tensorflow.keras`, `tf_keras`; "" for other names."""
    prefix, plain = call.file.knowledge.split(name)
    if not plain.startswith("keras."):
        return ""
    return prefix or "keras"
