"""Statements, followed on abstract values."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from tfguard.analysis.flow import expressions as ev
from tfguard.analysis.flow.calling import define_class, define_function
from tfguard.analysis.flow.containers import element_of, items_of
from tfguard.analysis.flow.graph import Loop
from tfguard.analysis.flow.importing import import_from, import_names
from tfguard.analysis.flow.machine import GOES_ON, Frame, Machine, Status, unknown_of
from tfguard.analysis.flow.operators import combine
from tfguard.analysis.flow.values import NONE, Const, Value, join

Ends = frozenset[Status]

#: Loops of known length up to this one are unrolled; others are taken this often.
_UNROLLED = 64
_ROUNDS = 3


def execute_block(m: Machine, body: Sequence[ast.stmt], frame: Frame) -> Ends:
    """Follow statements; how the block may end."""
    ends: set[Status] = set()
    raised = 0
    for statement in body:
        found = execute(m, statement, frame)
        ends |= found - GOES_ON
        if Status.NEXT not in found:
            break
        if not raised and ends - {Status.RAISE}:
            m.conditional += 1
            m.branches.append(object())
            raised = 1
    else:
        ends.add(Status.NEXT)
    m.conditional -= raised
    if raised:
        m.branches.pop()
    return frozenset(ends)


def execute(m: Machine, node: ast.stmt, frame: Frame) -> Ends:
    """Follow one statement."""
    m.step()
    follow = _STATEMENTS.get(type(node))
    return follow(m, node, frame) if follow is not None else GOES_ON


def _expression(m: Machine, node: ast.Expr, frame: Frame) -> Ends:
    ev.evaluate(m, node.value, frame)
    return GOES_ON


def _assign(m: Machine, node: ast.Assign, frame: Frame) -> Ends:
    value = ev.evaluate(m, node.value, frame)
    for target in node.targets:
        ev.assign(m, target, value, frame)
    return GOES_ON


def _annotated(m: Machine, node: ast.AnnAssign, frame: Frame) -> Ends:
    if node.value is not None:
        ev.assign(m, node.target, ev.evaluate(m, node.value, frame), frame)
    return GOES_ON


def _augmented(m: Machine, node: ast.AugAssign, frame: Frame) -> Ends:
    target = node.target
    before = ev.evaluate(m, target, frame)
    value = combine(m, node, node.op, before, ev.evaluate(m, node.value, frame), frame, in_place=True)
    ev.assign(m, target, value, frame)
    return GOES_ON


def _return(m: Machine, node: ast.Return, frame: Frame) -> Ends:
    frame.returns.append(ev.evaluate(m, node.value, frame) if node.value is not None else NONE)
    return frozenset({Status.RETURN})


def _if(m: Machine, node: ast.If, frame: Frame) -> Ends:
    truth = ev.truth_of(m, node.test, frame)
    if truth is not None:
        return execute_block(m, node.body if truth else node.orelse, frame)
    return fork(m, frame, [lambda: execute_block(m, node.body, frame), lambda: execute_block(m, node.orelse, frame)])


def fork(m: Machine, frame: Frame, arms: Sequence[Callable[[], Ends]], *, repeated: bool = False) -> Ends:
    """Take every arm from the same state, and join what they leave."""
    names = frame.names.values
    before = dict(names)
    left: list[dict[str, Value]] = []
    ends: set[Status] = set()
    for arm in arms:
        _replace(names, before)
        with m.unsure(repeated=repeated):
            found = arm()
        ends |= found
        if found - {Status.RETURN, Status.RAISE}:
            left.append(dict(names))
    _replace(names, _merged(left) if left else before)
    return frozenset(ends)


def _replace(names: dict[str, Value], values: dict[str, Value]) -> None:
    names.clear()
    names.update(values)


def _merged(states: list[dict[str, Value]]) -> dict[str, Value]:
    first, *others = states
    merged = dict(first)
    differing = {key: None for state in others for key, value in state.items() if merged.get(key) is not value}
    merged.update({key: join([state[key] for state in states if key in state]) for key in differing})
    return merged


def _for(m: Machine, node: ast.For | ast.AsyncFor, frame: Frame) -> Ends:
    iterable = ev.evaluate(m, node.iter, frame)
    items = items_of(iterable)
    rounds = len(iterable.value) if isinstance(iterable, Const) and isinstance(iterable.value, range) else None
    loop = Loop(node, frame.file, len(items) if items is not None else rounds)

    def once(item: Value) -> Callable[[], Ends]:
        def arm() -> Ends:
            ev.assign(m, node.target, item, frame)
            return execute_block(m, node.body, frame)

        return arm

    if items is not None and len(items) <= _UNROLLED:
        with m.loop(loop):
            ends = _unrolled(m, [once(item) for item in items], frame)
    else:
        first = once(items[0]) if items else None
        ends = _rounds(m, loop, once(element_of(m, iterable, node.iter, frame)), frame, first)
    return _after_loop(m, ends, node.orelse, frame)


def _while(m: Machine, node: ast.While, frame: Frame) -> Ends:
    truth = ev.truth_of(m, node.test, frame)
    if truth is False:
        return execute_block(m, node.orelse, frame)

    def arm() -> Ends:
        return execute_block(m, node.body, frame)

    def again() -> Ends:
        ev.evaluate(m, node.test, frame)
        return execute_block(m, node.body, frame)

    ends = _rounds(m, Loop(node, frame.file, None), again, frame, arm if truth else None)
    return _after_loop(m, ends, node.orelse, frame)


def _unrolled(m: Machine, arms: Sequence[Callable[[], Ends]], frame: Frame) -> Ends:
    ends: set[Status] = set()
    is_left = False
    for arm in arms:
        found = fork(m, frame, [arm, lambda: GOES_ON]) if is_left else arm()
        ends |= found
        is_left = is_left or bool(found & {Status.BREAK, Status.RETURN})
        if not found & {Status.NEXT, Status.CONTINUE}:
            break
    return frozenset(ends | GOES_ON) if not arms or ends - {Status.RETURN, Status.RAISE} else frozenset(ends)


def _rounds(m: Machine, loop: Loop, arm: Callable[[], Ends], frame: Frame, first: Callable[[], Ends] | None) -> Ends:
    """A loop of unknown length: the first round surely where it is known to be taken, the others maybe.

    Each begins as the one before it has ended, the last as any of them may have.
    """
    ends: set[Status] = set()
    if first is not None:
        m.repeated += 1
        with m.loop(replace(loop, is_first=True)):
            ends |= first()
        m.repeated -= 1
        if not ends & {Status.NEXT, Status.CONTINUE}:
            return frozenset(ends | (GOES_ON if Status.BREAK in ends else frozenset()))
    names = frame.names.values
    left = [dict(names)]
    for number in range(_ROUNDS):
        if number == _ROUNDS - 1:
            _replace(names, _merged(left))
        with m.unsure(repeated=True), m.loop(loop):
            found = arm()
        ends |= found
        if found - {Status.RETURN, Status.RAISE}:
            left.append(dict(names))
        if not found & {Status.NEXT, Status.CONTINUE}:
            break
    _replace(names, _merged(left))
    return frozenset(ends | GOES_ON)


def _after_loop(m: Machine, ends: Ends, orelse: Sequence[ast.stmt], frame: Frame) -> Ends:
    out = ends - {Status.BREAK, Status.CONTINUE}
    if not orelse or Status.NEXT not in out:
        return out
    if Status.BREAK in ends:
        return out | fork(m, frame, [lambda: execute_block(m, orelse, frame), lambda: GOES_ON])
    return (out - GOES_ON) | execute_block(m, orelse, frame)


def _with(m: Machine, node: ast.With | ast.AsyncWith, frame: Frame) -> Ends:
    entered: list[Value] = []
    for item in node.items:
        context = ev.evaluate(m, item.context_expr, frame)
        bound = ev.enter(m, context, item.context_expr, frame)
        m.contexts.append(context)
        entered.append(context)
        if item.optional_vars is not None:
            ev.assign(m, item.optional_vars, bound, frame)
    ends = execute_block(m, node.body, frame)
    for context in reversed(entered):
        m.contexts.pop()
        m.library.leave(m, context)
    return ends


def _try(m: Machine, node: ast.Try, frame: Frame) -> Ends:
    m.tries.append(node)
    ends = execute_block(m, node.body, frame)
    m.tries.pop()
    if node.orelse and Status.NEXT in ends:
        ends = (ends - GOES_ON) | execute_block(m, node.orelse, frame)
    if node.handlers:
        arms: list[Callable[[], Ends]] = [lambda: ends]
        arms += [_handler(m, handler, frame) for handler in node.handlers]
        raised = Status.RAISE in ends and Status.NEXT not in ends
        ends = fork(m, frame, arms[1:] if raised else arms)
    if node.finalbody:
        last = execute_block(m, node.finalbody, frame)
        ends = ends | (last - GOES_ON) if Status.NEXT in last else last
    return ends


def _handler(m: Machine, handler: ast.ExceptHandler, frame: Frame) -> Callable[[], Ends]:
    def arm() -> Ends:
        if handler.name is not None:
            frame.names.values[handler.name] = unknown_of("it is an exception")
        return execute_block(m, handler.body, frame)

    return arm


def _match(m: Machine, node: ast.Match, frame: Frame) -> Ends:
    subject = ev.evaluate(m, node.subject, frame)

    def arm(case: ast.match_case) -> Callable[[], Ends]:
        def follow() -> Ends:
            for inner in ast.walk(case.pattern):
                name = getattr(inner, "name", None) or getattr(inner, "rest", None)
                if isinstance(name, str):
                    frame.names.values[name] = unknown_of("it is matched", subject)
            return execute_block(m, case.body, frame)

        return follow

    return fork(m, frame, [*(arm(case) for case in node.cases), lambda: GOES_ON])


def _function(m: Machine, node: ast.FunctionDef | ast.AsyncFunctionDef, frame: Frame) -> Ends:
    frame.names.values[node.name] = define_function(m, node, frame)
    return GOES_ON


def _class(m: Machine, node: ast.ClassDef, frame: Frame) -> Ends:
    frame.names.values[node.name] = define_class(m, node, frame, execute_block)
    return GOES_ON


def _delete(m: Machine, node: ast.Delete, frame: Frame) -> Ends:
    for target in node.targets:
        if isinstance(target, ast.Name) and not m.conditional:
            frame.names.values.pop(target.id, None)
    return GOES_ON


def _elsewhere(m: Machine, node: ast.Global | ast.Nonlocal, frame: Frame) -> Ends:
    for name in node.names:
        here = frame.names.globals if isinstance(node, ast.Global) else frame.names.parent
        while isinstance(node, ast.Nonlocal) and here is not None and (name not in here.values or here.is_class):
            here = here.parent
        if here is not None:
            frame.names.elsewhere[name] = here
    return GOES_ON


def _import(m: Machine, node: ast.Import, frame: Frame) -> Ends:
    import_names(m, node, frame)
    return GOES_ON


def _import_from(m: Machine, node: ast.ImportFrom, frame: Frame) -> Ends:
    import_from(m, node, frame)
    return GOES_ON


def _ends(status: Status) -> Callable[[Machine, Any, Frame], Ends]:
    def follow(m: Machine, node: ast.stmt, frame: Frame) -> Ends:
        return frozenset({status})

    return follow


_STATEMENTS: dict[type, Callable[[Machine, Any, Frame], Ends]] = {
    ast.Expr: _expression,
    ast.Assign: _assign,
    ast.AnnAssign: _annotated,
    ast.AugAssign: _augmented,
    ast.Return: _return,
    ast.If: _if,
    ast.For: _for,
    ast.AsyncFor: _for,
    ast.While: _while,
    ast.With: _with,
    ast.AsyncWith: _with,
    ast.Try: _try,
    ast.Match: _match,
    ast.FunctionDef: _function,
    ast.AsyncFunctionDef: _function,
    ast.ClassDef: _class,
    ast.Delete: _delete,
    ast.Global: _elsewhere,
    ast.Nonlocal: _elsewhere,
    ast.Import: _import,
    ast.ImportFrom: _import_from,
    ast.Raise: _ends(Status.RAISE),
    ast.Break: _ends(Status.BREAK),
    ast.Continue: _ends(Status.CONTINUE),
}
#: `except*` came with Python 3.11.
if hasattr(ast, "TryStar"):
    _STATEMENTS[ast.TryStar] = _try
