"""Which writes reach a read, on bindings made by hand."""

import ast

import pytest

from tfguard.analysis.scopes import (
    Binding,
    BindingKind,
    Flow,
    Scope,
    final,
    is_exclusive,
    lookup,
    reaching,
    visible_later,
)

THEN, ELSE = (1, 0, True), (1, 1, True)
LOOP, LOOP_ELSE = (2, 0, False), (2, 1, False)
INNER = (3, 0, False)
TRY, HANDLER = (4, 0, False), (4, 1, False)
CASE, OTHER_CASE = (5, 2, True), (5, 3, True)
FLOW = Flow(loops=frozenset({2, 3}))


def writes(*places, inside=()):
    """Bindings numbered 10, 20, ... on the branches given."""
    node = ast.Pass()
    return [
        Binding("x", BindingKind.ASSIGN, node, 10 * number, branch, from_inside=number in inside)
        for number, branch in enumerate(places, 1)
    ]


def orders(found):
    return [binding.order for binding in found]


CASES = {
    "nothing before": ([()], 5, (), []),
    "one before": ([()], 15, (), [10]),
    "the last of two": ([(), ()], 25, (), [20]),
    "the first of two": ([(), ()], 15, (), [10]),
    "under a condition": ([(), (THEN,)], 25, (), [10, 20]),
    "under the same condition": ([(), (THEN,)], 25, (THEN,), [20]),
    "under the other arm": ([(), (THEN,)], 25, (ELSE,), [10]),
    "both arms": ([(), (THEN,), (ELSE,)], 35, (), [20, 30]),
    "both arms, twice": ([(), (THEN,), (THEN,), (ELSE,)], 45, (), [30, 40]),
    "nested arms": ([(), (THEN,), (ELSE, (7, 0, True)), (ELSE, (7, 1, True))], 45, (), [20, 30, 40]),
    "nested, one arm open": ([(), (THEN,), (ELSE, (7, 0, True))], 45, (), [10, 20, 30]),
    "two cases do not make a match": ([(), (CASE,), (OTHER_CASE,)], 35, (), [10, 20, 30]),
    "another case": ([(), (CASE,)], 25, (OTHER_CASE,), [10]),
    "in a try": ([(), (TRY,)], 25, (HANDLER,), [10, 20]),
    "in the same try": ([(), (TRY,)], 25, (TRY,), [20]),
    "in a loop": ([(), (LOOP,)], 25, (), [10, 20]),
    "round the loop": ([(), (LOOP,)], 15, (LOOP,), [10, 20]),
    "round the loop, hidden": ([(LOOP,), (LOOP,)], 15, (LOOP,), [10]),
    "round the inner loop": ([(LOOP,), (LOOP, INNER)], 15, (LOOP, INNER), [10, 20]),
    "round the outer loop, hidden within": ([(LOOP, INNER), (LOOP,)], 15, (LOOP, INNER), [10]),
    "else of the loop does not come round": ([(), (LOOP_ELSE,)], 15, (LOOP,), [10]),
    "after the loop does not come round": ([(), ()], 15, (LOOP,), [10]),
}


@pytest.mark.parametrize(("places", "order", "branch", "expected"), CASES.values(), ids=CASES.keys())
def test_reaching(places, order, branch, expected):
    assert orders(reaching(writes(*places), order, branch, FLOW)) == expected


def test_a_write_in_an_arm_that_ends_stays_there():
    flow = Flow(ended=frozenset({(1, 0)}))
    assert orders(reaching(writes((), (THEN,)), 25, (), flow)) == [10]
    assert orders(reaching(writes((), (THEN,)), 25, (THEN,), flow)) == [20]
    assert orders(reaching(writes((), (ELSE,)), 25, (), flow)) == [20]


def test_writes_of_inner_functions_always_count():
    assert orders(reaching(writes((), (), (), inside={1}), 25, (), FLOW)) == [10, 20]
    assert orders(reaching(writes((), (), inside={2}), 15, (), FLOW)) == [10, 20]
    assert orders(final(writes((), (), (), inside={1}))) == [10, 30]


def test_a_function_sees_what_holds_when_it_is_made_and_all_later():
    assert orders(visible_later(writes((), (), ()), 25, (), FLOW)) == [20, 30]
    assert orders(visible_later(writes((), (THEN,), ()), 5, (), FLOW)) == [10, 20, 30]


def test_final():
    assert orders(final(writes((), (), (THEN,)))) == [20, 30]
    assert orders(final(writes((), (THEN,), (ELSE,)))) == [20, 30]


def test_exclusive_branches():
    assert is_exclusive((THEN,), (ELSE,))
    assert is_exclusive((LOOP, THEN, LOOP), (LOOP, ELSE))
    assert not is_exclusive((THEN,), ())
    assert not is_exclusive((THEN,), (THEN,))
    assert not is_exclusive((TRY,), (HANDLER,))
    assert not is_exclusive((THEN,), (CASE,))


def scope(kind, parent, *names):
    made = Scope(kind, ast.Pass(), parent, "m")
    for name in names:
        made.bind(Binding(name, BindingKind.ASSIGN, ast.Pass(), 1, ()))
    return made


def test_lookup_goes_outwards_and_passes_classes_over():
    module = scope("module", None, "a", "b")
    cls = scope("class", module, "a")
    method = scope("function", cls)
    comprehension = scope("comprehension", cls)
    assert lookup(cls, "a") is cls
    assert lookup(method, "a") is module
    assert lookup(comprehension, "a") is module
    assert lookup(method, "nowhere") is None


def test_lookup_follows_global():
    module = scope("module", None, "a")
    outer = scope("function", module, "a")
    inner = scope("function", outer)
    inner.redirected["a"] = module
    assert lookup(inner, "a") is module
    inner.redirected["b"] = module
    assert lookup(inner, "b") is None
