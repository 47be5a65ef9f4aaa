"""Training steps of TensorFlow 1, and what their losses are computed from (part of the TFG3xx rules)."""

from __future__ import annotations

from tfguard.analysis.flow.graph import Mode, Node
from tfguard.analysis.flow.machine import Call
from tfguard.analysis.flow.values import nodes_of

_STEPS = (".minimize", ".apply_gradients")


def is_step(call: Call, name: str) -> bool:
    """Is it a step of an optimizer of TensorFlow 1?"""
    return name.startswith("tensorflow.") and name.endswith(_STEPS) and "Optimizer" in name


def behind_step(call: Call) -> dict[Node, None]:
    """All that the loss, or the gradients, of a step are surely computed from."""
    given = call.argument("loss", 0) if call.name.endswith(".minimize") else call.argument("grads_and_vars", 0)
    starts, _ = nodes_of(given) if given is not None else ((), False)
    found = dict.fromkeys(starts)
    waiting = list(starts)
    while waiting:
        for before, mode in waiting.pop().inputs:
            if before not in found and mode is not Mode.BLOCKED:
                found[before] = None
                waiting.append(before)
    return found
