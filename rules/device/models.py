"""Models of Keras that have their weights as soon as they are made (no rule)."""

from __future__ import annotations

from tfguard.rules.device.sessions import device_table

from tfguard.analysis.calls import CallSite, Expr


def makes_weights(call: CallSite, name: str) -> bool:
    """Is it a model of which the inputs are known: its layers are called, and so make their weights?"""
    if name in (device_table()["models"]["functional"], device_table()["models"]["sequential"]) and _counts(call):
        return True
    if name == device_table()["models"]["functional"]:
        return call.argument("inputs", 0).is_present and call.argument("outputs", 1).is_present
    if name != device_table()["models"]["sequential"]:
        return False
    given = call.argument("layers", 0).expr
    layers = given.elements if given is not None else None
    if not layers or not _knows_inputs(layers[0]):
        return False
    return len(layers) > 1 or not _is_input(layers[0])


def _counts(call: CallSite) -> bool:
    """Is it of a Keras 2 whose models are made with counters, which are variables (seen from 2.6 to 2.15)?"""
    target = call.file.target
    return target.tensorflow >= (2, 6) and target.keras is not None and (2, 6) <= target.keras < (3, 0)


def _knows_inputs(layer: Expr) -> bool:
    made = layer.call
    keywords = {keyword for keyword, _ in made.keywords} if made is not None else set()
    return _is_input(layer) or bool(keywords & set(device_table()["models"]["shapes"]))


def _is_input(layer: Expr) -> bool:
    made = layer.call
    names = {made.file.knowledge.canonical(name) for name in made.names} if made is not None else set()
    return bool(names) and names <= set(device_table()["models"]["inputs"])
