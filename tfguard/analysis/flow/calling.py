"""Calls: binding of arguments, functions, classes, objects; what belongs to a library is handed to it."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from tfguard.analysis.flow import natives
from tfguard.analysis.flow.machine import DEEPEST, Call, Frame, Machine, Status, unknown_of
from tfguard.analysis.flow.values import (
    NONE,
    Bound,
    Class,
    External,
    Function,
    Inherited,
    Instance,
    Mapping,
    Names,
    Sequence,
    Unknown,
    Value,
    alternatives,
    join,
    nodes_of,
)

Block = Callable[[Machine, list[ast.stmt], Frame], frozenset[Status]]

_PROPERTIES = ("property", "cached_property", "functools.cached_property")


class Given:
    """The arguments of a call, evaluated."""

    __slots__ = ("has_more", "keywords", "positional")

    def __init__(self, positional: list[Value], keywords: dict[str, Value], *, has_more: bool = False) -> None:
        self.positional = positional
        self.keywords = keywords
        self.has_more = has_more

    @property
    def values(self) -> list[Value]:
        """All of them."""
        return [*self.positional, *self.keywords.values()]

    def behind(self, first: Value) -> Given:
        """The same with one more in front (`self`)."""
        return Given([first, *self.positional], self.keywords, has_more=self.has_more)


# -- definitions --------------------------------------------------------------------------------------------


def define_function(m: Machine, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda, frame: Frame) -> Value:
    """The value of a `def` or `lambda`, its decorators applied."""
    from tfguard.analysis.flow.expressions import evaluate

    arguments = node.args
    defaults: dict[str, Value] = {}
    places = [*arguments.posonlyargs, *arguments.args]
    for place, default in zip(places[len(places) - len(arguments.defaults) :], arguments.defaults, strict=True):
        defaults[place.arg] = evaluate(m, default, frame)
    for place, given in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        if given is not None:
            defaults[place.arg] = evaluate(m, given, frame)
    value: Value = Function(frame.file, node, frame.names, defaults)
    for decorator in [] if isinstance(node, ast.Lambda) else reversed(node.decorator_list):
        value = _decorated(m, evaluate(m, decorator, frame), value, decorator, frame)
    return value


def _decorated(m: Machine, decorator: Value, value: Value, place: ast.expr, frame: Frame) -> Value:
    name = decorator.name if isinstance(decorator, External) else ""
    if name.startswith("builtins.") or name in _PROPERTIES:
        kind = name.rpartition(".")[2]
        return External(f"builtins.{kind}", arguments=(value,), made_by=_call_at(place))
    if isinstance(value, External) and value.name.startswith("builtins."):
        return value
    if isinstance(place, ast.Attribute) and place.attr in ("setter", "getter", "deleter"):
        return decorator
    return call_value(m, decorator, Given([value], {}), _call_at(place), frame)


def _call_at(place: ast.expr) -> ast.Call:
    """A call node for what a decorator does."""
    return ast.copy_location(ast.Call(func=place, args=[], keywords=[]), place)


def define_class(m: Machine, node: ast.ClassDef, frame: Frame, block: Block) -> Value:
    """The value of a `class`."""
    from tfguard.analysis.flow.expressions import evaluate

    bases = [evaluate(m, base, frame) for base in node.bases]
    inner = Names({}, frame.names, is_class=True)
    block(m, node.body, Frame(frame.file, inner))
    cls = Class(frame.file, node, inner.values, bases)
    for value in inner.values.values():
        inside = value.arguments[0] if isinstance(value, External) and value.arguments else value
        if isinstance(inside, Function) and inside.around is inner:
            inside.owner = cls
    return cls


# -- calls ------------------------------------------------------------------------------------------------------


def call_value(m: Machine, function: Value, given: Given, node: ast.Call, frame: Frame) -> Value:
    """What calling a value gives."""
    m.step()
    options = alternatives(function)
    m.callers.append((frame.file, node))
    found = []
    for option in options if len(options) > 1 else ():
        with m.unsure():
            found.append(_call_one(m, option, given, node, frame))
    result = join(found) if found else _call_one(m, options[0], given, node, frame)
    m.callers.pop()
    return result


def _call_one(m: Machine, function: Value, given: Given, node: ast.Call, frame: Frame) -> Value:
    if isinstance(function, Function):
        return invoke(m, function, given)
    if isinstance(function, Class):
        return instantiate(m, function, given)
    if isinstance(function, Bound):
        return _call_bound(m, function, given, node, frame)
    if isinstance(function, Instance):
        return _call_instance(m, function, given, node, frame)
    if isinstance(function, External):
        return call_library(m, function, given, node, frame)
    if isinstance(function, Inherited):
        call = Call(function.name, node, frame.file, given.positional, given.keywords, given.has_more)
        call.receiver = function.receiver
        note_call(m, call)
        m.library.inherited(m, call)
    escape(m, given, node)
    return unknown_of("it is not known what is called", function, *given.values, wild=True)


def _call_bound(m: Machine, function: Bound, given: Given, node: ast.Call, frame: Frame) -> Value:
    if isinstance(function.function, Function):
        return invoke(m, function.function, given.behind(function.receiver))
    if isinstance(function.function, External):
        return call_library(m, function.function, given, node, frame, function.receiver)
    return natives.call_method(m, function.receiver, function.function, given, frame)


def _call_instance(m: Machine, receiver: Instance, given: Given, node: ast.Call, frame: Frame) -> Value:
    for name in ("__call__", "call"):
        found = find_in_class(receiver.cls, name)
        if isinstance(found, Function):
            return invoke(m, found, given.behind(receiver))
    escape(m, given, node)
    return unknown_of("it is not known what the object does", receiver, *given.values, wild=True)


def call_library(
    m: Machine, function: External, given: Given, node: ast.Call, frame: Frame, receiver: Value | None = None
) -> Value:
    """Hand a call over to the language's own functions, or to the library."""
    if function.name.startswith("builtins.") and function.made_by is None:
        return natives.call_builtin(m, function.name.partition(".")[2], given, node, frame)
    owner = function if function.made_by is not None else receiver
    name = f"{function.name}.__call__" if function.made_by is not None else function.name
    call = Call(name, node, frame.file, given.positional, given.keywords, given.has_more, owner)
    note_call(m, call)
    call.result = m.library.call(m, call)
    return call.result


def note_call(m: Machine, call: Call) -> None:
    """Keep a call of a library, or of a method that an object of the project has from a library's class."""
    call.contexts, call.position = tuple(m.contexts), len(m.nodes)
    call.is_conditional, call.is_repeated = m.conditional > 0, m.repeated > 0
    call.loops, call.branches, call.tries = tuple(m.loops), tuple(m.branches), tuple(m.tries)
    m.calls.append(call)


def escape(m: Machine, given: Given, node: ast.Call) -> None:
    """Somebody unknown has the arguments: containers may hold other things afterwards."""
    m.escaped.append((len(m.calls), node, tuple(given.values)))
    for value in given.values:
        for one in alternatives(value):
            if isinstance(one, Sequence) and one.kind == "list":
                one.forget_length(Unknown("it was passed on", wild=True))
            elif isinstance(one, Mapping):
                one.rest = Unknown("it was passed on", wild=True)
            elif isinstance(one, External):
                one.is_passed_on = True


def call_back(m: Machine, function: Value, arguments: list[Value], frame: Frame, node: ast.Call) -> Value | None:
    """What a function of the project gives that a library calls; None where it is none."""
    found = []
    for one in alternatives(function):
        if isinstance(one, (Function, Bound, Instance)):
            with m.unsure(repeated=True):
                found.append(call_value(m, one, Given(list(arguments), {}), node, frame))
    return join(found) if found else None


def invoke(m: Machine, function: Function, given: Given) -> Value:
    """Follow the body of a function."""
    from tfguard.analysis.flow.expressions import evaluate
    from tfguard.analysis.flow.statements import execute_block

    if m.depth >= DEEPEST:
        return unknown_of("the calls are nested too deeply", *given.values, wild=True)
    m.entered.add(function.node)
    names = Names(bind(function, given), function.around)
    frame = Frame(function.file, names, function)
    m.depth += 1
    try:
        if isinstance(function.node, ast.Lambda):
            return evaluate(m, function.node.body, frame)
        ends = execute_block(m, function.node.body, frame)
    finally:
        m.depth -= 1
    if frame.yields:
        return Sequence("generator", None, join(frame.yields))
    if Status.NEXT in ends or not frame.returns:
        frame.returns.append(NONE)
    return join(frame.returns)


def bind(function: Function, given: Given) -> dict[str, Value]:
    """The parameters of a function, from what is given and its defaults."""
    arguments = function.node.args
    places = [place.arg for place in (*arguments.posonlyargs, *arguments.args)]
    bound = dict(zip(places, given.positional, strict=False))
    keywords = dict(given.keywords)
    for place in [*places, *(a.arg for a in arguments.kwonlyargs)]:
        if place in bound:
            continue
        if place in keywords:
            bound[place] = keywords.pop(place)
        elif given.has_more:
            bound[place] = Unknown("it may be among `*args` or `**kwargs`", wild=True)
        else:
            bound[place] = function.defaults.get(place, Unknown(f"`{place}` is not given", wild=True))
    rest = given.positional[len(places) :]
    if arguments.vararg is not None:
        bound[arguments.vararg.arg] = Sequence("tuple", None if given.has_more else rest, join(rest) if rest else None)
    if arguments.kwarg is not None:
        more = Unknown("it may be among `**kwargs`", wild=True) if given.has_more else None
        bound[arguments.kwarg.arg] = Mapping({key: keywords[key] for key in keywords if key not in bound}, more)
    return bound


def instantiate(m: Machine, cls: Class, given: Given) -> Value:
    """A new object of a class of the project."""
    instance = Instance(cls, born=m.conditional)
    start = find_in_class(cls, "__init__")
    if isinstance(start, Function):
        invoke(m, start, given.behind(instance))
    return instance


def find_in_class(cls: Class, name: str) -> Value | None:
    """A name of a class or of its bases in the project, depth first."""
    waiting: list[Value] = [cls]
    seen: list[Any] = []
    while waiting:
        here = waiting.pop(0)
        if not isinstance(here, Class) or here in seen:
            continue
        seen.append(here)
        if name in here.names:
            return here.names[name]
        waiting = [*here.bases, *waiting]
    return None


def inherited(owner: Instance, name: str) -> Value:
    """An attribute that nobody in the project sets: a library's class among the bases may have it."""
    nodes, _ = nodes_of(owner)
    base = library_base(owner.cls)
    if base is None:
        return Unknown("the attribute is not set", nodes, wild=True)
    return Inherited("a library's class has it", nodes, True, name=f"{base}.{name}", receiver=owner)


def library_base(cls: Class) -> str | None:
    """The first class of a library among the bases, depth first."""
    waiting: list[Value] = list(cls.bases)
    seen: list[Value] = []
    while waiting:
        here = waiting.pop(0)
        if isinstance(here, External) and here.made_by is None:
            return here.name if here.name != "builtins.object" else None
        if isinstance(here, Class) and here not in seen:
            seen.append(here)
            waiting = [*here.bases, *waiting]
    return None
