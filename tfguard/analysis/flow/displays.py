"""Displays and comprehensions: lists, tuples, sets and dicts as they are written."""

from __future__ import annotations

import ast
from typing import Any

from tfguard.analysis.flow.containers import LONGEST, element_of, items_of, set_item
from tfguard.analysis.flow.expressions import assign, evaluate, truth_of
from tfguard.analysis.flow.graph import Loop
from tfguard.analysis.flow.machine import Frame, Machine, unknown_of
from tfguard.analysis.flow.values import Mapping, Names, Sequence, Value, join


def sequence(m: Machine, node: ast.List | ast.Tuple | ast.Set, frame: Frame) -> Value:
    kind = {ast.List: "list", ast.Tuple: "tuple", ast.Set: "set"}[type(node)]
    items: list[Value] = []
    rest: list[Value] = []
    for element in node.elts:
        if isinstance(element, ast.Starred):
            value = evaluate(m, element.value, frame)
            inner = items_of(value)
            if inner is None:
                rest.append(element_of(m, value, element.value, frame))
            else:
                items += inner
        else:
            items.append(evaluate(m, element, frame))
    if rest:
        return Sequence(kind, None, join([*items, *rest]), m.conditional)
    return Sequence(kind, items, born=m.conditional)


def mapping(m: Machine, node: ast.Dict, frame: Frame) -> Value:
    found = Mapping({}, born=m.conditional)
    for key, element in zip(node.keys, node.values, strict=True):
        value = evaluate(m, element, frame)
        if key is None:
            if isinstance(value, Mapping):
                found.items.update(value.items)
                found.rest = join([v for v in (found.rest, value.rest) if v is not None]) if value.rest else found.rest
            else:
                found.rest = unknown_of("it is unpacked", value)
        else:
            set_item(m, found, evaluate(m, key, frame), value)
    return found


def comprehension(m: Machine, node: Any, frame: Frame) -> Value:
    inner = Frame(frame.file, Names({}, frame.names))
    items: list[Value] = []
    is_known = _fill(m, node, list(node.generators), inner, items)
    if isinstance(node, ast.DictComp):
        pairs = [item.items for item in items if isinstance(item, Sequence) and item.items]
        found = Mapping({}, born=m.conditional)
        for pair in pairs:
            set_item(m, found, pair[0], pair[1])
        if not is_known:
            found.rest = join([found.any_item()])
        return found
    kind = {ast.ListComp: "list", ast.SetComp: "set", ast.GeneratorExp: "generator"}[type(node)]
    if is_known:
        return Sequence(kind, items, born=m.conditional)
    return Sequence(kind, None, join(items) if items else None, m.conditional)


def _fill(m: Machine, node: Any, generators: list[ast.comprehension], frame: Frame, items: list[Value]) -> bool:
    """Collect the elements of a comprehension; are they all, and surely, known?"""
    if not generators:
        if isinstance(node, ast.DictComp):
            pair = [evaluate(m, node.key, frame), evaluate(m, node.value, frame)]
            items.append(Sequence("tuple", pair))
        else:
            items.append(evaluate(m, node.elt, frame))
        return True
    first, *rest = generators
    iterable = evaluate(m, first.iter, frame)
    elements = items_of(iterable)
    is_known = elements is not None and len(elements) <= LONGEST
    if not is_known:
        elements = [element_of(m, iterable, first.iter, frame)]
    is_repeated = not is_known
    m.repeated += is_repeated
    m.loops.append(Loop(node, frame.file, len(elements or ()) if is_known else None))
    for element in elements or ():
        assign(m, first.target, element, frame)
        truths = [truth_of(m, test, frame) for test in first.ifs]
        if False not in truths:
            is_known = _fill(m, node, rest, frame, items) and None not in truths and is_known
    m.loops.pop()
    m.repeated -= is_repeated
    return is_known
