"""Assignments that build on themselves without end must not keep the analysis busy without end."""

from __future__ import annotations

import pytest

_LOOPS = (
    # each round makes a longer name
    "import etils\npath = etils.path(a)\nfor part in parts:\n    path = path.joinpath(part)\nuse(path)",
    "import etils\nnode = etils.root\nwhile node:\n    node = node.parent\nuse(node)",
    "import etils\nx = etils.x\nwhile c:\n    x = x.a\n    x = x.b(x.c)\n    x, y = x.d, x.e\nuse(x)",
    "class A:\n    def f(self):\n        self.op = self.op.op\n        use(self.op)",
    "class A:\n    def f(self):\n        self.a = self.b.x()\n        self.b = self.a.y()\n        use(self.b)",
)


@pytest.mark.parametrize("text", _LOOPS)
def test_names_that_grow_in_a_loop_come_to_an_end(names, text):
    assert len(names(text)) < 5


def test_many_candidates_are_kept_up_to_a_point(names):
    def found(number: int) -> tuple[str, ...]:
        arms = "".join(f"    if a == {n}: x = tensorflow.f{n}\n" for n in range(number))
        return names(f"import tensorflow\ndef g():\n    x = tensorflow.f\n{arms}    use(x)")

    assert len(found(20)) == 21
    assert found(30) == ("?",)
