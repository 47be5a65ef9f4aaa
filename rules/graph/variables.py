"""Variables of a followed program, by name, of layers and of optimizers; initialisers (part of the TFG3xx rules)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tfguard.rules.graph.dtypes import dtype_of
from tfguard.rules.graph.scopes import Reuse, leads_to, reuse_of, text_of
from tfguard.rules.graph.sessions import Initialiser

from tfguard.analysis.flow.containers import items_of
from tfguard.analysis.flow.graph import Kind, Mode, Node
from tfguard.analysis.flow.machine import Call, Machine
from tfguard.analysis.flow.values import Const, Tensor, Unknown, Value

if TYPE_CHECKING:
    from tfguard.rules.graph.library import TensorLibrary

_GET_VARIABLE = "tensorflow.get_variable"
_COLLECTIONS = "collections"
#: Which variables an initialiser covers; the others are given theirs.
_KINDS = {
    "global_variables_initializer": "global",
    "initialize_all_variables": "global",
    "local_variables_initializer": "local",
    "initialize_local_variables": "local",
}
#: Where the arguments stand.
_NAME, _TRAINABLE = "name", "trainable"


def make_variable(library: TensorLibrary, machine: Machine, call: Call) -> Value:
    """`tf.Variable(...)`."""
    node = machine.make("tensorflow.Variable", call.node, call.file, kind=Kind.VARIABLE)
    node.trainable = is_true(call.argument(_TRAINABLE, 1))
    node.label = text_of(call.argument(_NAME, 5)) or ""
    node.dtype = dtype_of(library.table, call, node.api)
    library.initial[node] = call.argument("initial_value", 0) or Unknown("it is not given")
    if call.argument(_COLLECTIONS, 2) is not None or call.has_more:
        library.elsewhere.add(node)
    return Tensor(node)


def get_variable(library: TensorLibrary, machine: Machine, call: Call) -> Value:
    """`tf.get_variable(...)`: the variable of that name in this scope, which may be there already."""
    scope = library.scopes.current(machine)
    own = text_of(call.argument(_NAME, 0))
    if own is None or scope.name is None:
        library.has_hidden = True
        node = machine.make(_GET_VARIABLE, call.node, call.file, kind=Kind.VARIABLE)
        node.many, node.wild, node.label = True, True, own or ""
        library.elsewhere.add(node)
        return Tensor(node)
    whole = f"{scope.name}/{own}" if scope.name else own
    known = find_or_clash(library, machine, call, whole, scope.reuse)
    if known is not None and scope.reuse is not Reuse.NO:
        return Tensor(known)
    node = machine.make(_GET_VARIABLE, call.node, call.file, kind=Kind.VARIABLE)
    library.scopes.named[machine.graph, whole] = node
    node.trainable, node.label = is_true(call.argument(_TRAINABLE, 5)), whole
    library.initial[node] = call.argument("initializer", 3) or Const(None)
    if call.argument(_COLLECTIONS, 6) is not None or call.has_more:
        library.elsewhere.add(node)
    if known is not None or scope.reuse is Reuse.UNKNOWN or machine.conditional:
        node.many = True
    return Tensor(node)


def operation_of(library: TensorLibrary, owner: Tensor) -> Tensor:
    """`variable.op`, whose name is the variable's without its number."""
    operation = Tensor(owner.node)
    library.operations.add(operation)
    return operation


def name_of(library: TensorLibrary, owner: Tensor) -> Value:
    """The name of a variable, where it is known to be the only one of its place."""
    node = owner.node
    if node.api != _GET_VARIABLE or node.many or not node.label:
        return Unknown("the name is not followed")
    return Const(node.label if owner in library.operations else f"{node.label}:0")


def find_or_clash(library: TensorLibrary, machine: Machine, call: Call, whole: str, reuse: Reuse) -> Node | None:
    """The variable of that name, where there is one; keep the case that TensorFlow refuses."""
    known: Node | None = library.scopes.named.get((machine.graph, whole))
    if machine.graph is None:
        return known
    if known is not None and reuse is Reuse.NO and leads_to(known.branches, tuple(machine.branches)):
        library.scopes.clash(machine, call, whole, known)
    if known is None and reuse is Reuse.YES and not library.has_hidden:
        library.scopes.clash(machine, call, whole, None)
    return known


def own_variables(library: TensorLibrary, machine: Machine, call: Call, name: str, made: Node) -> None:
    """The variables that a layer, a metric or a queue makes for itself: one stands for all."""
    row = library.table.layers.get(name)
    if row is None:
        return
    argument, first, kind = row
    scope = library.scopes.current(machine)
    own = text_of(call.argument(argument)) if argument else None
    whole = "/".join(part for part in (scope.name, own, first) if part) if scope.name is not None and own else None
    reuse = reuse_of(call.argument("reuse")) if call.argument("reuse") is not None else Reuse.NO
    reuse = scope.reuse if reuse is Reuse.NO else reuse
    known = find_or_clash(library, machine, call, whole, reuse) if whole is not None else None
    if kind == "local" and argument and not is_given(call.argument(argument)):
        return
    if known is None or reuse is Reuse.NO:
        known = machine.make(name, call.node, call.file, kind=Kind.VARIABLE)
        known.trainable, known.label = False, whole or ""
        library.initial[known] = Const(None)
        library.hidden.add(known)
        if kind == "local":
            library.local.add(known)
        if whole is not None:
            library.scopes.named[machine.graph, whole] = known
    machine.connect(made, Tensor(known), Mode.MAYBE)
    if reuse is Reuse.NO or whole is not None:
        made.needs.append(known)


def make_slots(library: TensorLibrary, machine: Machine, call: Call, step: Node) -> None:
    """The variables that an optimizer keeps for each that it trains, made with the step."""
    optimizer = library.canonical(call.name).rpartition(".")[0]
    if optimizer in library.table.slots:
        slot = machine.make(optimizer, call.node, call.file, kind=Kind.VARIABLE)
        slot.trainable, slot.label = False, f"the slots of `{optimizer.rpartition('.')[2]}`"
        library.hidden.add(slot)
        library.initial[slot] = Const(None)
        step.needs.append(slot)


def make_initialiser(library: TensorLibrary, machine: Machine, call: Call) -> Value:
    """`tf.global_variables_initializer()` and its like: what it covers is what there is now."""
    name = library.canonical(call.name)
    node = machine.make(name, call.node, call.file)
    kind = _KINDS.get(name.rpartition(".")[2], "")
    if kind:
        here = [n for n in machine.nodes if n.kind is Kind.VARIABLE and n.graph is machine.graph]
        covered = [n for n in here if (n in library.local) == (kind == "local") or n in library.elsewhere]
    else:
        given = items_of(call.argument("var_list", 0) or Unknown("it is not given"))
        known = given is not None and all(isinstance(one, Tensor) for one in given)
        covered = [one.node for one in given or () if isinstance(one, Tensor)]
        if not known:
            covered = [n for n in machine.nodes if n.kind is Kind.VARIABLE]
    library.sessions.initialisers[node] = Initialiser(node, kind, tuple(covered))
    for variable in covered:
        machine.require(node, library.initial.get(variable, Const(None)))
    return Tensor(node)


def initialiser_of(library: TensorLibrary, machine: Machine, variable: Node) -> Value:
    """`variable.initializer`."""
    node = machine.make("initializer", variable.place, variable.file)
    library.sessions.initialisers[node] = Initialiser(node, "", (variable,))
    machine.require(node, library.initial.get(variable, Const(None)))
    return Tensor(node)


def is_true(value: Value | None) -> bool:
    """Is it not surely False?"""
    return not (isinstance(value, Const) and value.value is False)


def is_given(value: Value | None) -> bool:
    """Is it given, and not None?"""
    return value is not None and not (isinstance(value, Const) and value.value is None)


def run_of_app(library: TensorLibrary, machine: Machine, call: Call) -> Value:
    """`tf.app.run(main)`: the program goes on in `main`, with the command line."""
    from tfguard.analysis.flow.calling import Given, invoke
    from tfguard.analysis.flow.values import Function, Sequence

    module = machine.modules.get(call.file.path)
    main = call.argument("main", 0) or (module.names.get("main") if module is not None else None)
    if isinstance(main, Function):
        count = len(main.node.args.args) + len(main.node.args.posonlyargs)
        invoke(machine, main, Given([Sequence("list", None, Unknown("an argument"))] if count else [], {}))
    return Const(None)
