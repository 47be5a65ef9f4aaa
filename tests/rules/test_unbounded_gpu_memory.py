"""TFG201 beyond the fixtures: settings, other rules' fixes beside it, grades, and the table against the API tables."""

from __future__ import annotations

from pathlib import Path

import pytest
from tfguard.rules.device.sessions import device_table

from running import found_in, run_check, run_fix, write_files
from tfguard.knowledge import load_knowledge
from tfguard.model import Finding, Safety

RULE = "TFG201"
OLD, NEW = "tensorflow==1.15", "tensorflow==2.21"
SESSION = "import tensorflow as tf\n\nsess = tf.Session()\n"
CONFIG = "import tensorflow as tf\n\nconfig = tf.ConfigProto()\nsess = tf.Session(config=config)\n"
KERAS = "import tensorflow as tf\n\nmodel = tf.keras.Sequential()\nmodel.compile('sgd', 'mse')\n"


def fixed(folder: Path, text: str, *, target: str, select: tuple[str, ...] = (RULE,), **settings: object) -> str:
    write_files(folder, {"train.py": text})
    run_fix(folder, select=select, target=target, **settings)
    return (folder / "train.py").read_bytes().decode()


def findings(
    folder: Path, files: dict[str, str], *, target: str | None = None, **settings: object
) -> tuple[Finding, ...]:
    write_files(folder, files)
    return run_check(folder, select=[RULE], target=target, **settings).findings


# -- settings ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (SESSION, "tf.Session(config=tf.ConfigProto(gpu_options=tf.GPUOptions(per_process_gpu_memory_fraction=0.4)))"),
        (CONFIG, "config.gpu_options.per_process_gpu_memory_fraction = 0.4"),
    ],
)
def test_fraction_of_a_session(text: str, line: str, tmp_path: Path) -> None:
    assert line in fixed(tmp_path, text, target=OLD, gpu_memory=0.4)


def test_session_has_no_limit_and_says_so(tmp_path: Path) -> None:
    (finding,) = findings(tmp_path, {"train.py": SESSION}, target=OLD, gpu_memory=4096)
    assert finding.fix is not None
    assert finding.fix.title == "Pass `config=` with `allow_growth=True` (a session has no limit in MB)"


@pytest.mark.parametrize(
    ("target", "line"),
    [
        (
            NEW,
            "    tf.config.set_logical_device_configuration("
            "gpu, [tf.config.LogicalDeviceConfiguration(memory_limit=4096)])",
        ),
        (
            "tensorflow==2.0",
            "    tf.config.experimental.set_virtual_device_configuration("
            "gpu, [tf.config.experimental.VirtualDeviceConfiguration(memory_limit=4096)])",
        ),
    ],
)
def test_limit_of_tensorflow_2(target: str, line: str, tmp_path: Path) -> None:
    assert line in fixed(tmp_path, KERAS, target=target, gpu_memory=4096).splitlines()


def test_tensorflow_2_has_no_fraction_and_says_so(tmp_path: Path) -> None:
    (finding,) = findings(tmp_path, {"train.py": KERAS}, target=NEW, gpu_memory=0.5)
    assert finding.fix is not None
    assert finding.fix.title == "Let GPU memory grow, set before it is first used (TensorFlow 2 has no fraction)"


def test_nothing_for_a_cpu(tmp_path: Path) -> None:
    files = {"session.py": SESSION, "keras_model.py": KERAS, "old.py": CONFIG}
    assert not findings(tmp_path, files, target=NEW, device="cpu")
    assert not findings(tmp_path, files, target=OLD, device="cpu")


# -- messages and grades -------------------------------------------------------------------------------------


def test_messages_say_what_happens_in_the_users_words(tmp_path: Path) -> None:
    found = findings(tmp_path, {"a.py": SESSION, "b.py": CONFIG}, target=OLD)
    assert [finding.message for finding in found] == [
        "`tf.Session` without a config takes nearly all the memory of every GPU that it sees",
        "`tf.Session` with a config that bounds no GPU memory takes nearly all the memory of every GPU that it sees",
    ]


def test_first_operation_in_another_file_is_a_note(tmp_path: Path) -> None:
    model = "import tensorflow as tf\n\n\ndef build():\n    return tf.Variable(1.0)\n"
    files = {"main.py": "import tensorflow as tf\nfrom model import build\n\nbuild()\n", "model.py": model}
    (finding,) = findings(tmp_path, files, target=NEW)
    assert (finding.path, finding.line) == ("main.py", 4)
    assert [(note.path, note.line, note.column) for note in finding.notes] == [("model.py", 5, 12)]


def test_module_that_starts_the_gpu_when_it_is_imported(tmp_path: Path) -> None:
    files = {
        "main.py": "import os\n\nfrom model import one\n\nprint(one.numpy(), os)\n",
        "model.py": "import tensorflow as tf\n\none = tf.constant(1)\n",
    }
    (finding,) = findings(tmp_path, files, target=NEW)
    assert (finding.path, finding.line) == ("main.py", 3)
    assert finding.message.startswith("`from model import one` starts TensorFlow on the GPU")
    run_fix(tmp_path, select=[RULE], target=NEW)
    text = (tmp_path / "main.py").read_text()
    assert text.index("set_memory_growth") < text.index("from model")
    compile(text, "main.py", "exec")


def test_session_of_keras_is_unsafe_where_another_backend_may_run(tmp_path: Path) -> None:
    text = "from keras.models import Sequential\n\nmodel = Sequential()\nmodel.fit([1], [2])\n"
    (finding,) = findings(tmp_path / "a", {"train.py": text}, target="tensorflow==1.2")
    assert finding.fix is not None
    assert finding.fix.safety is Safety.UNSAFE
    after = fixed(tmp_path / "b", text, target="tensorflow==1.2", unsafe_fixes=True)
    assert "import tensorflow as tf\nimport keras\n\nkeras.backend.set_session(tf.Session(" in after
    assert not run_check(tmp_path / "b", select=[RULE], target="tensorflow==1.2").findings


@pytest.mark.parametrize(
    "call",
    [
        "tf.estimator.Estimator(len)",
        "tf.estimator.RunConfig()",
        "tf.contrib.learn.Estimator(*args)",
        "tf.train.Server({}, config=None)",
        "device_lib.list_local_devices()",
    ],
)
def test_argument_that_the_target_lacks_is_not_passed(call: str, tmp_path: Path) -> None:
    imports = "import tensorflow as tf\nfrom tensorflow.python.client import device_lib\n"
    text = f"{imports}\nargs = []\nprint({call}, device_lib)\n"
    found = findings(tmp_path, {"train.py": text}, target="tensorflow==1.2")
    fixes = [finding.fix is not None for finding in found]
    assert fixes == ([] if "*args" in call else [True] if "Server" in call else [False])


def test_fraction_for_keras_of_tensorflow_1(tmp_path: Path) -> None:
    text = "import tensorflow as tf\n\nmodel = tf.keras.Sequential()\nmodel.fit([1], [2])\n"
    after = fixed(tmp_path, text, target=OLD, gpu_memory=0.25)
    assert "tf.keras.backend.set_session(tf.Session(config=tf.ConfigProto(" in after
    assert "per_process_gpu_memory_fraction=0.25" in after


# -- what a program does elsewhere ------------------------------------------------------------------------------

MAIN = "from network import train\n{line}\ntrain()\n"
NETWORK = "import tensorflow as tf\n\n\ndef train():\n    return tf.Session()\n"


@pytest.mark.parametrize(
    ("line", "count"),
    [
        ("", 1),
        ("import os; os.environ['TF_FORCE_GPU_ALLOW_GROWTH'] = 'true'", 0),
        ("import os; os.environ.setdefault('TF_FORCE_GPU_ALLOW_GROWTH', 'true')", 0),
        ("import os; os.environ.update(TF_FORCE_GPU_ALLOW_GROWTH='true')", 0),
        ("import os; os.putenv('TF_FORCE_GPU_ALLOW_GROWTH', 'true')", 0),
        ("from os import environ; environ['CUDA_VISIBLE_DEVICES'] = '-1'", 0),
        ("import os; os.environ['CUDA_VISIBLE_DEVICES'] = '1'", 1),
        ("import os, sys\nif sys.argv: os.environ['CUDA_VISIBLE_DEVICES'] = ''", 1),
        ("import os; print(os.environ['TF_FORCE_GPU_ALLOW_GROWTH'])", 1),
        ("environ = {}; environ['TF_FORCE_GPU_ALLOW_GROWTH'] = 'true'", 1),
    ],
)
def test_environment_of_the_program(line: str, count: int, tmp_path: Path) -> None:
    files = {"main.py": MAIN.format(line=line), "network.py": NETWORK}
    assert len(findings(tmp_path, files, target=OLD)) == count


def test_library_that_no_program_loads(tmp_path: Path) -> None:
    own = "import os\n\nos.environ['TF_FORCE_GPU_ALLOW_GROWTH'] = 'true'\n"
    assert len(findings(tmp_path / "a", {"network.py": NETWORK}, target=OLD)) == 1
    assert not findings(tmp_path / "b", {"network.py": own + NETWORK}, target=OLD)


def test_program_that_loads_a_file_without_making_its_session(tmp_path: Path) -> None:
    hides = "import os\n\nos.environ['CUDA_VISIBLE_DEVICES'] = ''\n\n"
    main = f"{hides}import network\n\nprint(getattr(network, 'tr' + 'ain')())\n"
    assert not findings(tmp_path, {"main.py": main, "network.py": NETWORK}, target=OLD)


@pytest.mark.parametrize(
    "before",
    [
        "with tf.Session(config=make()) as first:\n    print(first)\n",
        "tf.InteractiveSession()\n",
    ],
)
def test_first_session_of_a_process_decides(before: str, tmp_path: Path) -> None:
    text = f"import tensorflow as tf\nfrom settings import make\n\n{before}\nprint(tf.Session())\n"
    assert not findings(tmp_path, {"train.py": text}, target=OLD)


def test_config_that_starts_nothing_decides_nothing(tmp_path: Path) -> None:
    text = (
        "import tensorflow as tf\n\n"
        "grown = tf.ConfigProto(gpu_options=tf.GPUOptions(allow_growth=True))\n"
        "settings = tf.estimator.RunConfig(session_config=grown)\n"
        "print(tf.Session(), settings)\n"
    )
    assert [finding.line for finding in findings(tmp_path, {"train.py": text}, target=OLD)] == [5]


def test_notebook_gets_one_loop(tmp_path: Path) -> None:
    cell = '{"cell_type": "code", "execution_count": null, "metadata": {}, "outputs": [], "source": ['
    cells = ", ".join(
        cell + source + "]}"
        for source in (r'"import tensorflow as tf\n", "print(1)"', r'"x = tf.constant(1)"', r'"y = tf.constant(2)"')
    )
    write_files(tmp_path, {"a.ipynb": '{"cells": [' + cells + '], "metadata": {}, "nbformat": 4, "nbformat_minor": 4}'})
    assert sum(map(len, found_in(run_check(tmp_path, select=[RULE], target=NEW)).values())) == 1
    run_fix(tmp_path, select=[RULE], target=NEW)
    assert (tmp_path / "a.ipynb").read_text().count("set_memory_growth") == 1
    assert not run_check(tmp_path, select=[RULE], target=NEW).findings


# -- beside other rules, and the text -------------------------------------------------------------------------


def test_program_of_tensorflow_1_on_today(tmp_path: Path) -> None:
    """The import is swapped first; then the config is spelled through the same alias."""
    text = (
        "import tensorflow as tf\n\nx = tf.placeholder(tf.float32)\n"
        "with tf.Session() as sess:\n    print(sess.run(x, {x: 1.0}))\n"
    )
    assert fixed(tmp_path, text, target=NEW, select=(RULE, "TFG401")) == (
        "import tensorflow.compat.v1 as tf\n\n"
        "tf.disable_v2_behavior()\n\n"
        "x = tf.placeholder(tf.float32)\n"
        "with tf.Session(config=tf.ConfigProto(gpu_options=tf.GPUOptions(allow_growth=True))) as sess:\n"
        "    print(sess.run(x, {x: 1.0}))\n"
    )


@pytest.mark.parametrize("text", [SESSION, CONFIG, KERAS])
def test_newlines_and_tabs_stay(text: str, tmp_path: Path) -> None:
    body = text.split("\n\n", 1)[1].rstrip("\n").replace("\n", "\n\t")
    crlf = f"import tensorflow as tf\n\ndef main():\n\t{body}\n\nmain()".replace("\n", "\r\n")
    after = fixed(tmp_path, crlf, target=OLD if "Session" in text else NEW)
    assert after != crlf
    assert after.count("\n") == after.count("\r\n")
    assert not after.endswith("\n")
    assert not run_check(tmp_path, select=[RULE], target=OLD if "Session" in text else NEW).findings


# -- the table ------------------------------------------------------------------------------------------------

LISTS = [
    *(name for row in device_table()["session"] for name in row["names"]),
    *(name for key in ("uses", "uses_since_2_11", "uses_of_keras_3", "quiet") for name in device_table()[key]),
    *(name for names in device_table()["bounds"].values() for name in names),
    *(name for names in device_table()["keras_session"].values() for name in names),
]


@pytest.mark.parametrize("name", sorted({name for name in LISTS if not name.startswith("*.")}))
def test_every_name_is_one_that_tensorflow_has_or_had(name: str) -> None:
    api = load_knowledge().api
    points = [(version, None) for version in ((0, 12), (1, 4), (1, 10), (1, 15), (2, 0), (2, 10), (2, 15))]
    points += [((2, 21), (3, 15))]  # type: ignore[list-item]
    kinds = {api.status(name.rstrip("."), version, keras, imported=True).kind for version, keras in points}
    assert kinds & {"exists", "unknown"}, kinds
