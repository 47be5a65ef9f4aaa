"""Edits that give a loss what it takes (part of softmax-twice)."""

from __future__ import annotations

import ast

from tfguard.rules.graph.crossentropy import Doubled, logits_place

from tfguard.analysis.calls import CallSite
from tfguard.model import Edit, Fix, Safety


def fix_of(doubled: Doubled) -> Fix | None:
    """The edit that is plainly right, if there is one."""
    site = doubled.call.file.call_site(doubled.call.node)
    if doubled.keras is None:
        return _unwrapped(doubled, site)
    if doubled.is_missing:
        return _said_logits(doubled, site)
    made = doubled.keras.made
    if made is None:
        return None
    given = made.file.call_site(made.node).argument("from_logits", 0 if made.node is not doubled.call.node else 2)
    if given.expr is None or made.file is not doubled.call.file or not given.is_constant(True):
        return None
    edit = made.file.rewrite.replace(given.expr, "False")
    return _fix("Say `from_logits=False`", edit, Safety.SAFE if doubled.is_seen_through else Safety.UNSAFE)


def _fix(title: str, edit: Edit | None, safety: Safety = Safety.UNSAFE) -> Fix | None:
    return Fix(title, (edit,), safety) if edit is not None else None


def _unwrapped(doubled: Doubled, site: CallSite) -> Fix | None:
    """`logits=tf.nn.softmax(x)` becomes `logits=x`, also where the softmax was given a name."""
    ending = doubled.ending
    given = site.argument(*logits_place(doubled.call, _canonical(doubled)))
    if given.expr is None or ending.call is None or ending.file is not site.file or ending.is_changed:
        return None
    softmax = given.expr.origin.node
    if softmax is not ending.call.node or not isinstance(softmax, ast.Call):
        return None
    if len(softmax.args) != 1 or softmax.keywords:
        return None
    inner = softmax.args[0]
    is_inline = given.expr.node is softmax
    if not is_inline and not (isinstance(inner, ast.Name) and _is_same_name(site, inner)):
        return None
    text = site.file.text_of(site.file.span(inner))
    title = f"Pass `{text}`, which goes into the {ending.kind}" if "\n" not in text else "Pass what goes into it"
    return _fix(title, site.file.rewrite.replace(given.expr, text))


def _is_same_name(site: CallSite, name: ast.Name) -> bool:
    """Is a variable bound once, in the function that the loss stands in?"""
    bindings = site.file.resolver.bindings_of(name)
    return len(bindings) == 1 and site.file.enclosing(name) == site.function


def _canonical(doubled: Doubled) -> str:
    name: str = doubled.call.file.knowledge.canonical(doubled.call.name)
    return name


def _said_logits(doubled: Doubled, site: CallSite) -> Fix | None:
    """`loss="..."` becomes the class with `from_logits=True`; a class or function gets the argument."""
    loss = doubled.keras
    assert loss is not None
    if loss.made is not None:
        if loss.made.file is not site.file:
            return None
        made = site.file.call_site(loss.made.node)
        position = 0 if loss.made.node is not doubled.call.node else 2
        return _fix("Say `from_logits=True`", site.file.rewrite.set_argument(made, "from_logits", "True", position))
    given = site.argument("loss", 1)
    has_classes = site.file.target.tensorflow >= (1, 14)
    if given.expr is None or not isinstance(given.expr.node, ast.Constant) or not has_classes:
        return None
    home = _losses_of(site)
    text = f"{home}.{loss.name}(from_logits=True)"
    return _fix(f"Pass `{text}`", site.file.rewrite.replace(given.expr, text)) if home else None


def _losses_of(site: CallSite) -> str | None:
    """How the file can spell `keras.losses`."""
    rewrite, start = site.file.rewrite, site.span.start
    alias = rewrite.module_alias("tensorflow", before=start)
    if alias is not None:
        return f"{alias}.keras.losses"
    keras = rewrite.module_alias("tensorflow.keras", "keras", "tf_keras", before=start)
    return f"{keras}.losses" if keras is not None else None
