"""Reads of a variable: what is done with it, and when it may be read unseen."""

from __future__ import annotations

import ast
from collections.abc import Callable

import pytest

from tfguard.analysis.file_model import FileModel
from tfguard.analysis.reads import reads_of

Model = Callable[..., FileModel]


def reads(file: FileModel) -> list[tuple[str, bool, str]] | None:
    """The reads of the target of the first assignment: path, is it a write, the call around it."""
    (target, *_) = [node for node in ast.walk(file.tree) if isinstance(node, ast.Name) and node.id == "c"]
    assert isinstance(target.ctx, ast.Store)
    found = reads_of(file, target)
    if found is None:
        return None
    return [(".".join(read.path), read.is_write, read.call.written if read.call else "") for read in found]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("c = f()", []),
        ("c = f()\nc.a.b = 1", [("a.b", True, "")]),
        ("c = f()\nc['x'] = 1", [("", True, "")]),
        ("c = f()\nc.run(1)", [("run", False, "c.run")]),
        ("c = f()\ng(c)", [("", False, "g")]),
        ("c = f()\ng(x=c)", [("", False, "g")]),
        ("c = f()\nd = c", [("", False, "")]),
        ("c = f()\ndef g():\n    return c", [("", False, "")]),
        ("c = f()\ndef g(c):\n    return c", []),
        ("c = f()\nc.a[0].append(2)", [("a", False, "c.a[0].append")]),
    ],
)
def test_reads_tell_what_is_done(text: str, found: list[tuple[str, bool, str]], model: Model) -> None:
    assert reads(model(text)) == found


@pytest.mark.parametrize(
    "text",
    [
        "c = f()\nprint(locals())",
        "c = f()\nexec('print(c)')",
        "c = f()\ndef g():\n    global c\n    c = 1",
    ],
)
def test_variable_that_may_be_read_unseen(text: str, model: Model) -> None:
    assert reads(model(text)) is None
