"""What TensorFlow's calls do to the graph of a followed program, as `flow.toml` tells it (part of the TFG3xx rules)."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tfguard.rules.graph import compiling, steps, summaries, tapes, theano_gradients, variables, weights
from tfguard.rules.graph.arguments import count_parameters, is_function_of_values, is_set
from tfguard.rules.graph.dtypes import dtype_of
from tfguard.rules.graph.flow_table import load_flow as load_flow
from tfguard.rules.graph.scopes import Scopes, text_of
from tfguard.rules.graph.sessions import Sessions
from tfguard.rules.graph.tapes import Raised, Tape

from tfguard.analysis.flow.calling import call_back
from tfguard.analysis.flow.containers import items_of
from tfguard.analysis.flow.graph import Answer, Backward, Kind, Mode, Node
from tfguard.analysis.flow.machine import Call, Frame, Machine, unknown_of
from tfguard.analysis.flow.values import (
    Bound,
    Const,
    External,
    Function,
    Instance,
    Names,
    NoGradient,
    Sequence,
    Tensor,
    Unknown,
    Value,
    alternatives,
    join,
    nodes_of,
)

if TYPE_CHECKING:
    from tfguard.analysis.file_model import FileModel
    from tfguard.analysis.resolution import Knowledge

_TENSOR = "<tensor>"
#: Attributes of a tensor that say something of it, and those that are the tensor once more.
_FACTS = frozenset({"shape", "dtype", "name", "device", "graph", "ndim", "get_shape", "initializer", "constraint"})
_SELF = frozenset({"value", "read_value", "ref", "outputs", "initialized_value", "_ref", "_variable"})
_NAME = "name"
_APPLY = "Optimizer.apply_gradients"


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """A call that asks for gradients: of what, and for each variable what it gets."""

    call: Call
    ys: Value
    gradients: tuple[tuple[Value, Value], ...]
    #: The variables are listed where the call stands, or in a list that the program made itself.
    is_explicit: bool = True
    #: The tape that is asked; None: the graph.
    tape: Tape | None = None


class TensorLibrary:
    """Answers the questions of a machine for one program."""

    def __init__(self, knowledge: Knowledge) -> None:
        self.knowledge = knowledge
        self.table = load_flow()
        self.scopes = Scopes()
        self.sessions = Sessions()
        #: The values that variables begin with.
        self.initial: dict[Node, Value] = {}
        #: Variables of layers and optimizers, those that are local, those of which it is not known.
        self.hidden: set[Node] = set()
        self.local: set[Node] = set()
        self.elsewhere: set[Node] = set()
        #: What `variable.op` gave.
        self.operations: set[Tensor] = set()
        #: The summaries of the collection that `merge_all` merges, in order.
        self.summaries: list[Node] = []
        #: Variables are made that are not told apart: by layers, by libraries.
        self.has_hidden = False
        #: Ops may have other gradients than their own.
        self.is_overridden = False
        #: Functions are traced: a call of one is recorded as a whole, for the sake of any of its arguments.
        self.has_traced = False
        #: The call that asks now, and what its result is computed from.
        self.backward: tuple[Call, Backward] | None = None
        self.curves: steps.Curves | None = None
        #: Every call that asks for gradients.
        self.asked: list[Asked] = []
        #: The lists of variables that came from a collection.
        self.collected: list[Value] = []
        #: The tapes, by the identity of their value, and the calls of their methods that raise.
        self.tapes: dict[int, Tape] = {}
        self.raised: list[Raised] = []
        #: What the models of the program give whose `call` Keras calls.
        self.outputs: list[tuple[Instance, Value]] = []

    # -- the questions ----------------------------------------------------------------------------------

    def call(self, machine: Machine, call: Call) -> Value:
        """What a call of a library gives."""
        name = self.canonical(call.name)
        tapes.note_arguments(self, call)
        maker = _MAKERS.get(self.table.makers.get(name, "step" if name.endswith(_APPLY) else ""))
        if maker is not None:
            return maker(self, machine, call)
        if name.endswith(("Optimizer.compute_gradients", "Optimizer.minimize")) and call.receiver is not None:
            return self.of_optimizer(machine, call)
        root, last = name.partition(".")[0], name.rpartition(".")[2]
        self.is_overridden = self.is_overridden or last in self.table.overrides
        if name.startswith(f"{_TENSOR}."):
            return self.method_of_tensor(machine, call)
        if name in self.table.wild or (call.receiver is not None and last in self.table.wild_methods):
            return unknown_of("it may be any tensor", *call.arguments, wild=True)
        if root in self.table.graph_roots:
            return self.op(machine, call, name)
        if root in self.table.inert_roots:
            values: Value = tapes.of_values(self, machine, call, name)
            return values
        self.has_hidden = True
        return unknown_of(f"`{name}` is not known", *call.arguments, *call.keywords.values(), wild=True)

    def canonical(self, name: str) -> str:
        """The one spelling of a name."""
        return name if name.startswith(_TENSOR) else self.knowledge.canonical(name)

    def attribute(self, machine: Machine, owner: Value, name: str) -> Value | None:
        """What an attribute of a tensor, or of an object of a library, holds."""
        if isinstance(owner, Tensor):
            if name == "initializer" and owner.node.kind is Kind.VARIABLE:
                own: Value = variables.initialiser_of(self, machine, owner.node)
                return own
            if name in _FACTS - {"get_shape"}:
                known: Value = (
                    variables.name_of(self, owner) if name == "name" else Unknown(f"`{name}` is not followed")
                )
                return known
            return variables.operation_of(self, owner) if name == "op" else owner if name == "outputs" else None
        if isinstance(owner, Instance):
            trained: Value | None = weights.of_instance(self, owner, name)
            return trained
        if isinstance(owner, External) and owner in self.sessions.graphs and name == "graph":
            graph: Value | None = self.sessions.graph_attribute(owner)
            return graph
        if isinstance(owner, External) and self.canonical(owner.name).startswith("tensorflow.flags"):
            return Unknown("it is a flag")
        if isinstance(owner, External) and name in self.table.wild_methods:
            return unknown_of("it may be any tensor", owner, wild=True)
        return None

    def element(self, machine: Machine, owner: Tensor, place: ast.AST, file: FileModel, index: Value | None) -> Value:
        """An element of a tensor, or of the tensors that an op gives."""
        made = machine.make("[]", place, file)
        machine.connect(made, owner, Mode.FLOWS)
        whole = steps.needs_all(self.table, owner.node)
        made.needs += [owner.node] if whole else [node for node in owner.node.needs if node in self.hidden]
        if index is not None:
            machine.connect(made, index, Mode.BLOCKED)
        return Tensor(made)

    def enter(self, machine: Machine, context: Value) -> Value | None:
        """A `with` has begun: variable scopes, graphs and sessions are kept, tapes record."""
        tapes.note_enter(self, machine, context)
        if isinstance(context, External) and self.canonical(context.name) == "tensorflow.variable_scope":
            scope: Value = self.scopes.enter(machine, context)
            return scope
        bound: Value | None = self.sessions.enter(machine, context)
        return bound

    def is_object(self, value: External) -> bool:
        """The functions of TensorFlow that the table knows, and what calls of its classes make."""
        return value.made_by is not None or self.canonical(value.name) in self.table.modes

    def inherited(self, machine: Machine, call: Call) -> None:
        """A model of the program is compiled or trained: Keras will call its `call`."""
        compiling.follow_call(self, machine, call)

    def leave(self, machine: Machine, context: Value) -> None:
        """A `with` has ended."""
        self.scopes.leave(context)
        self.sessions.leave(machine, context)

    # -- ops --------------------------------------------------------------------------------------------------

    def op(self, machine: Machine, call: Call, name: str) -> Value:
        """A function of TensorFlow: an object of a class, or an op."""
        if self.knowledge.is_class(name) and name != "tensorflow.Tensor":
            thing = _object(machine, call)
            weights.note_made(self, machine, call, thing)
            return thing
        made = machine.make(name, call.node, call.file)
        if name.endswith(".__enter__"):
            machine.graph = None
        mode = self.table.modes.get(name, Mode.MAYBE)
        blocked = self.table.blocked_arguments.get(name, ())
        if blocked:
            mode = Mode.FLOWS
        walls = [call.argument(keyword, position) for keyword, position in blocked]
        for value in (*call.arguments, *call.keywords.values(), *([call.receiver] if call.receiver else ())):
            machine.connect(made, value, Mode.BLOCKED if any(value is wall for wall in walls) else mode)
            self.follow_functions(machine, call, value, made)
        if name.endswith(".__call__") or mode is Mode.MAYBE:
            self.has_hidden = self.has_hidden or not is_function_of_values(name)
        made.wild = made.wild or call.has_more
        if steps.computes_all(self.table, name):
            machine.require(made, *call.arguments, *call.keywords.values(), *([call.receiver] if call.receiver else ()))
        variables.own_variables(self, machine, call, name, made)
        return Tensor(made)

    def make_session(self, machine: Machine, call: Call) -> Value:
        """`tf.Session()`."""
        is_default = self.canonical(call.name).endswith("InteractiveSession")
        session: Value = self.sessions.make(machine, call, is_default=is_default)
        return session

    def follow_functions(self, machine: Machine, call: Call, value: Value, made: Node) -> None:
        """What functions of the program give that an op calls."""
        frame = Frame(call.file, Names({}))
        given: list[Value] = [unknown_of("an op gives it", *call.arguments, *call.keywords.values(), wild=True)] * 4
        for one in alternatives(value):
            if isinstance(one, (Function, Bound, Instance)):
                count = count_parameters(one)
                result = call_back(machine, one, given[:count] if count <= 4 else [], frame, call.node)
                if result is not None:
                    machine.connect(made, result, Mode.MAYBE)

    def method_of_tensor(self, machine: Machine, call: Call) -> Value:
        """A method of a tensor or variable."""
        method = call.name.rpartition(".")[2]
        receiver = call.receiver if call.receiver is not None else Unknown("no receiver", wild=True)
        if method in ("eval", "run"):
            result: Value = self.sessions.run_of_tensor(call, receiver)
            return result
        if method == "numpy":
            return Tensor(machine.make("numpy", call.node, call.file, inputs=[(receiver, Mode.BLOCKED)]))
        if method in _FACTS or method == "set_shape":
            return Unknown(f"`{method}` is not followed")
        if method in _SELF:
            return receiver
        made = machine.make(method, call.node, call.file)
        for value in (receiver, *call.arguments, *call.keywords.values()):
            machine.connect(made, value, Mode.MAYBE)
            if method in self.table.writers and value is not receiver:
                machine.require(made, value)
        return Tensor(made)

    # -- makers -------------------------------------------------------------------------------------------------

    def make_placeholder(self, machine: Machine, call: Call) -> Value:
        """`tf.placeholder(...)`."""
        node = machine.make(self.canonical(call.name), call.node, call.file, kind=Kind.PLACEHOLDER)
        node.label = text_of(call.argument(_NAME)) or ""
        return Tensor(node)

    def make_constant(self, machine: Machine, call: Call) -> Value:
        """Something that depends on no tensor but, at most, on its arguments."""
        node = machine.make(self.canonical(call.name), call.node, call.file)
        for value in (*call.arguments, *call.keywords.values()):
            machine.connect(node, value, Mode.MAYBE)
            machine.require(node, value)
        node.dtype = dtype_of(self.table, call, node.api)
        return Tensor(node)

    def cast(self, machine: Machine, call: Call) -> Value:
        """`tf.cast`: a gradient passes to numbers with a fraction."""
        wanted = call.argument("dtype", 1)
        text = wanted.name.rpartition(".")[2] if isinstance(wanted, External) else text_of(wanted)
        mode = Mode.MAYBE if text is None else Mode.FLOWS if text in self.table.smooth else Mode.BLOCKED
        value = call.argument("x", 0) or Unknown("it is not given", wild=True)
        made = machine.make("tensorflow.cast", call.node, call.file, inputs=[(value, mode)])
        made.dtype = {Mode.FLOWS: "float", Mode.BLOCKED: "int"}.get(mode, "")
        return Tensor(made)

    def transparent(self, machine: Machine, call: Call) -> Value:
        """A decorator that changes nothing of what a function computes."""
        self.has_traced = True
        first = call.arguments[0] if call.arguments else None
        if isinstance(first, (Function, Bound, Instance)):
            return first
        return unknown_of("it is a decorator", *call.arguments, wild=True)

    def inert(self, machine: Machine, call: Call) -> Value:
        """Something that is no tensor, and changes nothing in the graph."""
        return Unknown(f"`{call.name}` gives no tensor")

    def make_object(self, machine: Machine, call: Call) -> Value:
        """An object that is no tensor."""
        return _object(machine, call)

    def trainable_variables(self, machine: Machine, call: Call, *, whole: bool = False) -> Value:
        """The variables that are trained, made until now; `whole` where no scope is asked for."""
        found = [n for n in machine.nodes if n.kind is Kind.VARIABLE and n.trainable]
        values: list[Value] = [Tensor(node) for node in found]
        is_whole = whole or (not call.arguments and not call.keywords)
        is_known = is_whole and not self.has_hidden and not machine.conditional
        if is_known and not any(node.many for node in found):
            collected = Sequence("list", values)
            self.collected.append(collected)
            return collected
        return Sequence("list", None, join([*values, Unknown("it is one of the variables", wild=True)]))

    # -- gradients -----------------------------------------------------------------------------------------------

    def gradients(self, machine: Machine, call: Call) -> Value:
        """`tf.gradients(ys, xs)`: None where nothing leads from the variable to the result."""
        ys = call.argument("ys", 0) or call.argument("loss")
        xs = call.argument("xs", 1) or call.argument("variables")
        if ys is None or xs is None:
            return Unknown("an argument is not known", wild=True)
        targets = [xs] if isinstance(xs, Tensor) else items_of(xs)
        if targets is None:
            return Sequence("list", None, unknown_of("it is a gradient", ys, xs))
        found = [self.gradient(machine, call, ys, x) for x in targets]
        steps.add_needs(self, ys, list(zip(targets, found, strict=True)))
        self.note_asked(call, ys, tuple(zip(targets, found, strict=True)), xs)
        return Sequence("list", found, born=machine.conditional)

    def note_asked(
        self, call: Call, ys: Value, found: tuple[tuple[Value, Value], ...], xs: Value, tape: Tape | None = None
    ) -> None:
        """Keep a call that asks for gradients."""
        self.asked.append(Asked(call, ys, found, xs not in self.collected, tape))

    def of_optimizer(self, machine: Machine, call: Call) -> Value:
        """`compute_gradients(loss, var_list)` and `minimize(loss, ..., var_list)` of an optimizer of TensorFlow 1."""
        is_step = call.name.endswith(".minimize")
        loss, chosen = call.argument("loss", 0), call.argument("var_list", 2 if is_step else 1)
        everything = chosen is None or (isinstance(chosen, Const) and chosen.value is None)
        wanted = self.trainable_variables(machine, call, whole=True) if everything or chosen is None else chosen
        targets = [wanted] if isinstance(wanted, Tensor) else items_of(wanted)
        if is_step and loss is not None:
            step: Value = steps.minimize(self, machine, call, loss, None if everything else targets or [])
        if loss is None or targets is None:
            return step if is_step and loss is not None else unknown_of("it is a step", *call.arguments)
        found = [self.gradient(machine, call, loss, x) for x in targets]
        steps.add_needs(self, loss, list(zip(targets, found, strict=True)) if not is_step else [])
        is_explicit = not everything and wanted not in self.collected
        self.asked.append(Asked(call, loss, tuple(zip(targets, found, strict=True)), is_explicit))
        if is_step:
            return step
        return Sequence("list", [Sequence("tuple", [grad, x]) for x, grad in zip(targets, found, strict=True)])

    def gradient(self, machine: Machine, call: Call, ys: Value, x: Value) -> Value:
        """The gradient with respect to one variable."""
        results, wild = nodes_of(ys)
        is_plain = all(isinstance(y, (Tensor, Sequence)) for y in alternatives(ys))
        is_plain = is_plain and not self.is_overridden and not call.is_repeated
        if isinstance(x, Tensor) and is_plain and call.argument("stop_gradients", 7) is None:
            if self.backward is None or self.backward[0] is not call:
                self.backward = (call, Backward(results))
            found = self.backward[1].to(x.node, wild=wild)
            if found.answer is Answer.NO and not is_set(call.argument("unconnected_gradients", 8)):
                return NoGradient(x.node, call.node, found)
        inputs = [(ys, Mode.MAYBE), (x, Mode.MAYBE)]
        made = machine.make("gradient", call.node, call.file)
        for value, mode in inputs:
            machine.connect(made, value, mode)
        return Tensor(made)


def _object(machine: Machine, call: Call) -> External:
    """What a call makes that is no tensor."""
    made = External(call.name, call.node, tuple(call.arguments), dict(call.keywords))
    made.file, made.has_more, made.born = call.file, call.has_more, machine.conditional
    return made


_Maker = Callable[[TensorLibrary, Machine, Call], Value]
_MAKERS: dict[str, _Maker] = {
    "variable": variables.make_variable,
    "get_variable": variables.get_variable,
    "initialiser": variables.make_initialiser,
    "app": variables.run_of_app,
    "step": steps.apply_gradients,
    "summary": summaries.make_summary,
    "merge_all": summaries.merge_all,
    "collection": summaries.get_collection,
    "session": TensorLibrary.make_session,
    "run": lambda library, machine, call: library.sessions.run(call),
    "as_default": lambda library, machine, call: library.sessions.as_default(call),
    "default_graph": lambda library, machine, call: library.sessions.default_graph(machine, call),
    "reset": lambda library, machine, call: library.sessions.reset(machine, call),
    "scope": lambda library, machine, call: library.scopes.value_of(machine, call),
    "reuse": lambda library, machine, call: library.scopes.reuse_variables(machine, call),
    "placeholder": TensorLibrary.make_placeholder,
    "constant": TensorLibrary.make_constant,
    "cast": TensorLibrary.cast,
    "transparent": TensorLibrary.transparent,
    "inert": TensorLibrary.inert,
    "object": TensorLibrary.make_object,
    "variables": TensorLibrary.trainable_variables,
    "gradients": TensorLibrary.gradients,
    "compile": compiling.compile_model,
    "add a layer": weights.add_layer,
    **theano_gradients.MAKERS,
    **tapes.MAKERS,
}
