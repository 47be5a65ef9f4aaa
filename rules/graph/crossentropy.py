"""Losses that are given logits for probabilities, or probabilities for logits (part of softmax-twice)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tfguard.rules.graph.endings import LINEAR, SIGMOID, SOFTMAX, Ending, Endings, load_losses, made_call
from tfguard.rules.graph.following import Followed

from tfguard.analysis.flow.machine import Call
from tfguard.analysis.flow.values import Const, External, Value, alternatives
from tfguard.model import Span
from tfguard.targets import Version, parse_version

LOSS_WORDS = ("cross_entropy", "crossentropy", "Crossentropy", "sequence_loss")
_APPLIED = (SOFTMAX, SIGMOID)


@dataclass(frozen=True, slots=True)
class KerasLoss:
    """A loss of Keras, as it is given or called."""

    #: The name of the class.
    name: str
    from_logits: bool
    #: The call that makes it or is it; None where it is a name or a text.
    made: Call | None = None

    @property
    def title(self) -> str:
        """What messages call it."""
        return self.name


@dataclass(frozen=True, slots=True, eq=False)
class Doubled:
    """A loss whose input ends in what it does not expect."""

    call: Call
    ending: Ending
    #: The loss of Keras; None for a function of TensorFlow.
    keras: KerasLoss | None = None
    #: The loss looks through the activation, in this version; None: where it is compiled into a graph.
    is_seen_through: bool | None = False

    @property
    def is_missing(self) -> bool:
        """Logits are taken for probabilities."""
        return bool(self.ending.kind == LINEAR)

    @property
    def file_place(self) -> Span:
        """Where the call stands."""
        span: Span = self.call.file.span(self.call.node)
        return span

    @property
    def message(self) -> str:
        """What goes wrong."""
        written = self.call.file.call_site(self.call.node).written
        if self.keras is None:
            again = "softmax" if "softmax" in written or "sequence_loss" in written else "sigmoid"
            return (
                f"`{written}` applies the {again} itself and is given the output of a {self.ending.kind}: "
                "the loss of a perfect prediction is not 0, and training is slow"
            )
        if self.is_missing:
            return (
                f"`{self.keras.title}` takes probabilities unless `from_logits=True`, and what it is given ends "
                "without activation: the loss is wrong, and most of its gradient is lost"
            )
        if self.is_seen_through:
            return (
                f"`from_logits=True`, but what `{self.keras.title}` is given ends in a {self.ending.kind}: Keras warns "
                "and takes what went into it; where it cannot see it, the loss is wrong"
            )
        where = " wherever it is not compiled into a graph" if self.is_seen_through is None else ""
        return (
            f"`from_logits=True`, but what `{self.keras.title}` is given ends in a {self.ending.kind}, which is then "
            f"applied twice{where}: the loss of a perfect prediction is not 0, and training is slow"
        )


def doubled_in(followed: Followed) -> Iterator[Doubled]:
    """The losses of one followed program, in the order in which it calls them."""
    table, endings = load_losses(), Endings(followed)
    for call in followed.machine.calls:
        name = endings.canonical(call.name)
        if name in table.logits:
            ending = endings.of(_logits(call, name))
            if ending is not None and ending.kind in _APPLIED:
                yield Doubled(call, ending)
        elif name == "keras.Model.compile":
            loss = _keras_loss(endings, call.argument("loss", 1))
            found = _disagreement(call, loss, endings.of_model(call.receiver), in_graph=not _is_eager(call))
            if found is not None:
                yield found
        else:
            given = _called_loss(endings, call, name)
            if given is not None:
                loss, value = given
                found = _disagreement(call, loss, endings.of(value), in_graph=False)
                if found is not None:
                    yield found


def _logits(call: Call, name: str) -> Value | None:
    """What is given for the logits."""
    keyword, position = logits_place(call, name)
    if keyword in call.keywords or call.has_more:
        return call.keywords.get(keyword)
    return call.arguments[position] if position < len(call.arguments) else None


def logits_place(call: Call, name: str) -> tuple[str, int]:
    """The keyword of the logits, and where they stand among the arguments."""
    row = load_losses().logits[name]
    is_old = call.file.target.tensorflow < (1, 0)
    return str(row["keyword"]), int(row["before_1" if is_old else "since_1"])


def _is_eager(call: Call) -> bool:
    return call.argument("run_eagerly") is not None


def _disagreement(call: Call, loss: KerasLoss | None, ending: Ending | None, *, in_graph: bool) -> Doubled | None:
    """The finding about a loss of Keras, if what it is given is not what it takes."""
    if loss is None or ending is None:
        return None
    if not loss.from_logits:
        return Doubled(call, ending, loss) if ending.kind == LINEAR else None
    if ending.kind not in _APPLIED:
        return None
    return Doubled(call, ending, loss, _is_seen_through(call, loss, ending, in_graph=in_graph))


def _is_seen_through(call: Call, loss: KerasLoss, ending: Ending, *, in_graph: bool) -> bool | None:
    """Does the loss take what went into the activation? None: only where it is compiled into a graph."""
    version, since = call.file.target.tensorflow, load_losses().looks_through
    undone = load_losses().keras[loss.name]["activation"]
    if ending.is_changed or (ending.kind != undone and ending.by != "keras"):
        return False
    if ending.by == "keras":
        return _is_since(version, since["keras"])
    if not _is_since(version, since["graph"]):
        return False
    return True if in_graph else None


def _is_since(version: Version, text: str) -> bool:
    return bool(version >= parse_version(text, "tensorflow", "losses.toml"))


def _keras_loss(endings: Endings, value: Value | None) -> KerasLoss | None:
    """The loss that `compile` is given, when it is one of those that take probabilities or logits."""
    options = alternatives(value) if value is not None else ()
    if len(options) != 1:
        return None
    one = options[0]
    if isinstance(one, Const) and isinstance(one.value, str):
        return _named(one.value)
    if not isinstance(one, External):
        return None
    name = endings.canonical(one.name)
    owner, _, last = name.rpartition(".")
    if owner not in ("keras.losses", "keras.metrics", "keras.objectives"):
        return None
    if one.made_by is None:
        return _named(last) if last.islower() else None
    made = made_call(one)
    from_logits = _truth(made.argument("from_logits", 0), default=False)
    return KerasLoss(last, from_logits, made) if last in load_losses().keras and from_logits is not None else None


def _named(text: str) -> KerasLoss | None:
    """The loss of a name: `categorical_crossentropy`, `CategoricalCrossentropy`."""
    for name, row in load_losses().keras.items():
        if text in (name, row["function"]):
            return KerasLoss(name, False)
    return None


def _called_loss(endings: Endings, call: Call, name: str) -> tuple[KerasLoss, Value] | None:
    """A loss of Keras that is called with labels and predictions: the loss, and the predictions."""
    if name.startswith("keras.losses.") and name.endswith(".__call__"):
        loss = _keras_loss(endings, call.receiver)
        value = call.argument("y_pred", 1)
        return (loss, value) if loss is not None and value is not None else None
    owner, _, last = name.rpartition(".")
    if owner not in ("keras.losses", "keras.metrics", "keras.backend") or not last.islower():
        return None
    known, value = _named(last), call.argument("output" if owner == "keras.backend" else "y_pred", 1)
    from_logits = _truth(call.argument("from_logits", 2), default=False)
    if known is None or value is None or from_logits is None:
        return None
    return KerasLoss(known.name, from_logits, call), value


def _truth(value: Value | None, *, default: bool) -> bool | None:
    """A constant truth value; None when it is not known."""
    if value is None:
        return default
    return bool(value.value) if isinstance(value, Const) else None
