"""Where lines that set a program up are put, shown by running the program."""
# ruff: noqa: E501

import ast
import json
import sys
import types
import warnings

import pytest

from tfguard.analysis.preamble import Module, insert_preamble

MODULES = {
    "random": Module(("random",), "random", ("random",)),
    "np": Module(("numpy",), "numpy", ("np", "numpy")),
}


def seeds(names):
    return [f"{names['random']}.seed(1)", f"{names['np']}.random.seed(1)"]


def insert(file, **options):
    before = file.source.text.index("draw()")
    return insert_preamble(file, modules=MODULES, lines=seeds, before=before, **options)


# Each case: the file, and the file after the insertion (None: refused).
EXACT = {
    "imports": (
        "import random\nimport numpy as np\n\nlog.draw()\n",
        "import random\nimport numpy as np\n\nrandom.seed(1)\nnp.random.seed(1)\n\nlog.draw()\n",
    ),
    "aliases are kept": (
        "import random as R\nimport numpy\n\nlog.draw()\n",
        "import random as R\nimport numpy\n\nR.seed(1)\nnumpy.random.seed(1)\n\nlog.draw()\n",
    ),
    "no blank line": (
        "import random\nimport numpy as np\nlog.draw()\n",
        "import random\nimport numpy as np\n\nrandom.seed(1)\nnp.random.seed(1)\n\nlog.draw()\n",
    ),
    "a missing import": (
        "import numpy as np\n\nlog.draw()\n",
        "import random\n\nimport numpy as np\n\nrandom.seed(1)\nnp.random.seed(1)\n\nlog.draw()\n",
    ),
    "nothing is imported": (
        "log.draw()\n",
        "import random\n\nimport numpy as np\n\nrandom.seed(1)\nnp.random.seed(1)\n\nlog.draw()\n",
    ),
    "docstring and future": (
        '"""Doc."""\nfrom __future__ import annotations\n\nimport random\nimport numpy as np\n\nlog.draw()\n',
        '"""Doc."""\nfrom __future__ import annotations\n\nimport random\nimport numpy as np\n\nrandom.seed(1)\n'
        "np.random.seed(1)\n\nlog.draw()\n",
    ),
    "only a docstring": (
        '"""Doc."""\nlog.draw()\n',
        '"""Doc."""\nimport random\n\nimport numpy as np\n\nrandom.seed(1)\nnp.random.seed(1)\n\nlog.draw()\n',
    ),
    "carriage returns": (
        "import random\r\nimport numpy as np\r\n\r\nlog.draw()\r\n",
        "import random\r\nimport numpy as np\r\n\r\nrandom.seed(1)\r\nnp.random.seed(1)\r\n\r\nlog.draw()\r\n",
    ),
    "no final newline": (
        "import random\nimport numpy as np\nlog.draw()",
        "import random\nimport numpy as np\n\nrandom.seed(1)\nnp.random.seed(1)\n\nlog.draw()",
    ),
}

#: Files in which the lines must run before the draw and after the imports, wherever that is.
PROGRAMS = {
    **{name: before for name, (before, _) in EXACT.items()},
    "shebang and cookie": "#!/usr/bin/env python\n# -*- coding: utf-8 -*-\n# Licence\nimport random\nlog.draw()\n",
    "licence": "# Copyright\n#\n# All rights\n\nlog.draw()\n",
    "licence and docstring": '# Copyright\n\n"""Doc."""\n\nimport os\n\nlog.draw()\n',
    "future without docstring": "from __future__ import annotations\nlog.draw()\n",
    "futures": "from __future__ import annotations\nfrom __future__ import division\nimport os\nlog.draw()\n",
    "try import": "try:\n    import numpy as np\nexcept ImportError:\n    np = None\nlog.draw()\n",
    "try import, alternatives": "try:\n    import numpy as np\nexcept ImportError:\n    import numpy as np\nlog.draw()\n",
    "if import": "import os\nif os.name:\n    import random\nlog.draw()\n",
    "type checking": "import random\nfrom typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import numpy as np\nlog.draw()\n",
    "import after code": "import os\nx = 1\nprint\nimport random\nimport numpy as np\nlog.draw()\n",
    "import after the draw": "import random\nlog.draw()\nimport numpy as np\n",
    "all imports after the draw": "log.draw()\nimport random\nimport numpy as np\n",
    "main guard": "import random\nimport numpy as np\ndef f():\n    log.draw()\nif __name__ == '__main__':\n    f()\n",
    "draw in the main guard": "import random\nif __name__ == '__main__':\n    import numpy as np\n    log.draw()\n",
    "function first": "def f():\n    log.draw()\nimport random\nimport numpy as np\nf()\n",
    "definition first": "import os\nclass A:\n    x = log.draw()\nimport random\n",
    "decorator": "import os\ndef deco(f):\n    return f\n@deco\ndef f():\n    pass\nlog.draw()\n",
    "draw under a decorator": "import os\n@(lambda f: f)\ndef f(x=log.draw()):\n    pass\n",
    "semicolons": "import os; import random; log.draw()\n",
    "semicolon imports": "import os; import random\nlog.draw()\n",
    "draw on the import line": "import random; log.draw()\nimport numpy as np\n",
    "one-line block": "import os\nif True: log.draw()\n",
    "block": "import os\nwith open(os.devnull) as f:\n    for i in range(1):\n        log.draw()\n",
    "parentheses": "from os import (\n    path,  # why\n    sep,\n)\nlog.draw()\n",
    "comment after the imports": "import os  # why\n# more\n\n# even more\nlog.draw()\n",
    "backslash": "import os, \\\n    random\nlog.draw()\n",
    "docstring on the import line": '"""Doc."""; import os\nlog.draw()\n',
    "random is something else": "random = 3\nlog.draw()\n",
    "np is something else": "import random\nnp = 3\nlog.draw()\n",
    "both aliases are taken": "import random\nnp = numpy = 3\nlog.draw()\n",
    "rebound below": "import random\nimport numpy as np\nlog.draw()\nnp = 3\n",
    "rebound above": "import random\nimport numpy as np\nnp = 3\nlog.draw()\n",
    "rebound by the draw": "import random\nimport numpy as np\nnp = log.draw()\n",
    "deleted": "import random\nimport numpy as np\ndel np\nlog.draw()\n",
    "imported in a function": "def f():\n    import random\n    import numpy as np\nf()\nlog.draw()\n",
    "from import": "from random import seed\nfrom numpy import random\nlog.draw()\n",
    "form feed": "import random\n\f\nimport numpy as np\n\f\nlog.draw()\n",
    "tabs": "import random\nif True:\n\tlog.draw()\n",
    "setup call": "import random\nimport numpy as np\nimport os\nos.getcwd()\nlog.draw()\n",
    "text over lines": 'import os\nx = """\nimport random\n"""\nlog.draw()\n',
    "constants between imports": "import os\nA = 1\nimport random\nB = 2\nlog.draw()\n",
    "draw between imports": "import os\nx = log.draw()\nimport random\nimport numpy as np\n",
    "assert first": "import os\nassert os\nimport random\nlog.draw()\n",
    "loop between imports": "import os\nfor i in range(1): pass\nimport random\nlog.draw()\n",
    "conditional definition": "import os\nif True:\n    import random\n    def f(): return log.draw()\nf()\n",
    "nested try": "try:\n    try:\n        import numpy as np\n    except ImportError:\n        raise\nfinally:\n    pass\nlog.draw()\n",
    "not ASCII": "import os  # ü\nx = 'ä'\nimport random  # 😀\nlog.draw()\n",
    "only the draw, no newline": "log.draw()",
    "global statement": "import random\nimport numpy as np\ndef f():\n    global np\n    np = 3\nlog.draw()\n",
    "for target": "import random\nfor np in range(2): pass\nlog.draw()\n",
    "exit in a try": "try:\n    import numpy as np\nexcept ImportError:\n    raise SystemExit\nimport random\nlog.draw()\n",
}


def happenings(text):
    """What happens when the text runs with `random`, `numpy` and `log` that only take notes."""
    notes = []
    fake_random = types.ModuleType("random")
    fake_random.seed = lambda n: notes.append("random.seed")
    fake_numpy = types.ModuleType("numpy")
    fake_numpy.random = types.SimpleNamespace(seed=lambda n: notes.append("numpy.seed"))
    log = types.SimpleNamespace(draw=lambda: notes.append("draw"))
    kept = {name: sys.modules.get(name) for name in ("random", "numpy")}
    sys.modules.update(random=fake_random, numpy=fake_numpy)
    try:
        exec(compile(text, "a.py", "exec", dont_inherit=True), {"__name__": "__main__", "log": log})
    finally:
        for name, module in kept.items():
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module
    return notes


@pytest.mark.parametrize(("text", "expected"), EXACT.values(), ids=EXACT.keys())
def test_the_text_after_the_insertion(model, edited, text, expected):
    file = model(text.encode())
    assert edited(file, insert(file)) == expected


@pytest.mark.parametrize("text", PROGRAMS.values(), ids=PROGRAMS.keys())
@pytest.mark.parametrize("inside_guard", [False, True])
def test_the_lines_run_before_the_draw(model, edited, text, inside_guard):
    file = model(text.encode())
    before = happenings(text)
    edits = insert(file, inside_guard=inside_guard)
    if edits is None:
        return
    result = edited(file, edits)
    assert happenings(result) == ["random.seed", "numpy.seed", *before]
    old, new = ast.parse(text), ast.parse(result)
    assert ast.get_docstring(new) == ast.get_docstring(old)
    if text.startswith("#!"):
        assert result.split("\n")[:2] == text.split("\n")[:2]
    kept = iter(result.splitlines())
    assert all(line in kept for line in text.splitlines()), "a line was lost or moved"


REFUSED = {
    "both aliases are taken",
    "docstring on the import line",
    "from import",
    "random is something else",
}


def test_few_places_are_refused(model):
    refused = {name for name, text in PROGRAMS.items() if insert(model(text.encode())) is None}
    assert refused == REFUSED


def test_inside_the_main_guard(model, edited):
    text = "import random\nimport numpy as np\n\nif __name__ == '__main__':\n    # go\n    log.draw()\n"
    file = model(text)
    assert edited(file, insert(file, inside_guard=True)) == (
        "import random\nimport numpy as np\n\nif __name__ == '__main__':\n    # go\n    random.seed(1)\n    np.random.seed(1)\n"
        "\n    log.draw()\n"
    )


def notebook(*cells):
    rows = [
        {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None, "source": cell.splitlines(True)}
        for cell in cells
    ]
    return json.dumps({"cells": rows, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}, indent=1).encode()


NOTEBOOKS = {
    "imports in one cell": ["import random\nimport numpy as np", "log.draw()"],
    "imports in two cells": ["import random", "import numpy as np", "log.draw()"],
    "magics": [
        "%matplotlib inline\nimport random\n!ls",
        "%%time\nimport numpy as np",
        "import numpy as np",
        "log.draw()",
    ],
    "draw in the cell of the imports": ["import random\nimport numpy as np\nlog.draw()"],
    "no imports": ["x = 1", "log.draw()"],
}


@pytest.mark.parametrize("cells", NOTEBOOKS.values(), ids=NOTEBOOKS.keys())
def test_notebooks(model, cells):
    file = model(notebook(*cells), "a.ipynb")
    result = file.source.with_edits(insert(file))
    read = json.loads(result.raw)
    assert len(read["cells"]) == len(cells)
    assert happenings(result.text) == ["random.seed", "numpy.seed", "draw"]
    written = "".join(line for cell in read["cells"] for line in [*cell["source"], "\n"])
    assert written.count("seed(1)") == 2
    assert all(line in written for cell in cells for line in cell.splitlines())


def test_an_empty_file_has_no_place(model):
    file = model("")
    assert insert_preamble(file, modules=MODULES, lines=seeds, before=0) is None


def test_warnings_are_no_errors_of_the_snippets():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for text in PROGRAMS.values():
            compile(text, "a.py", "exec")
