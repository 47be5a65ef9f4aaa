"""TFG202 to TFG208 beyond the fixtures: messages, grades, several files, notebooks, line ends, no GPU."""

from __future__ import annotations

from pathlib import Path

import pytest

from running import run_check, run_fix, write_files
from tfguard.model import Finding

OLD, NEW = "tensorflow==1.15", "tensorflow==2.21"
TF = "import tensorflow as tf\n\n"
GROWTH = 'for gpu in tf.config.list_physical_devices("GPU"):\n    tf.config.experimental.set_memory_growth(gpu, True)\n'
LATE = f"{TF}x = tf.constant(1)\n{GROWTH}print(x)\n"
VARIABLE = f'import os\n\n{TF}x = tf.constant(1)\nos.environ["CUDA_VISIBLE_DEVICES"] = "0"\nprint(x)\n'
BOTH = (
    f"{TF}gpu = tf.config.list_physical_devices('GPU')[0]\ntf.config.experimental.set_memory_growth(gpu, True)\n"
    "limits = [tf.config.LogicalDeviceConfiguration(memory_limit=1)]\n"
    "tf.config.set_logical_device_configuration(gpu, limits)\n"
)
UNUSED = f"{TF}config = tf.ConfigProto()\nconfig.gpu_options.allow_growth = True\nsess = tf.Session()\n"
SECOND = f"{TF}first = tf.Session()\nconfig = tf.ConfigProto(gpu_options=tf.GPUOptions(allow_growth=True))\n" + (
    "second = tf.Session(config=config)\n"
)
APART = f"{TF}sess = tf.Session(config=tf.ConfigProto(gpu_options=tf.GPUOptions(allow_growth=True)))\n" + (
    "model = tf.keras.Sequential()\nmodel.fit([1], [2])\n"
)
HARD = f"{TF}with tf.device('/gpu:2'):\n    x = tf.constant(1)\nsess = tf.Session()\n"
ALL = {
    "TFG202": (UNUSED, OLD),
    "TFG203": (LATE, NEW),
    "TFG204": (BOTH, NEW),
    "TFG205": (SECOND, OLD),
    "TFG206": (VARIABLE, NEW),
    "TFG207": (APART, OLD),
    "TFG208": (HARD, OLD),
}


def findings(
    folder: Path, files: dict[str, str], rule: str, *, target: str | None = None, **settings: object
) -> tuple[Finding, ...]:
    write_files(folder, files)
    return run_check(folder, select=[rule], target=target, **settings).findings


# -- messages ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "message", "note"),
    [
        ("TFG202", "no session is given `config`: it bounds no GPU memory", "this session has no config"),
        (
            "TFG203",
            "`tf.config.experimental.set_memory_growth` comes after `tf.constant`, which has started TensorFlow: it "
            "raises `RuntimeError: Physical devices cannot be modified after being initialized` where there is a GPU",
            "TensorFlow is started here",
        ),
        (
            "TFG204",
            "`tf.config.set_logical_device_configuration` after `tf.config.experimental.set_memory_growth`: with a "
            "memory limit TensorFlow drops the memory growth and says nothing",
            "the other one is set here",
        ),
        (
            "TFG205",
            "the config of `tf.Session` cannot bound the GPU memory: `tf.Session` comes first in this process and has "
            "taken nearly all of it",
            "the GPU is started here",
        ),
        (
            "TFG206",
            "`CUDA_VISIBLE_DEVICES` is set after `tf.constant`, which has asked for the GPUs: it has no effect any "
            "more",
            "the GPUs are asked for here",
        ),
        (
            "TFG207",
            "Keras never gets this `tf.Session`: it runs in a session of its own, without this config",
            "Keras makes its own session here",
        ),
        (
            "TFG208",
            "`tf.Session` does not place softly: where GPU 2 is missing, what is bound to it stops with "
            "`InvalidArgumentError: Cannot assign a device for operation`",
            "operations are bound to the GPU here",
        ),
    ],
)
def test_messages_say_what_happens_in_the_users_words(rule: str, message: str, note: str, tmp_path: Path) -> None:
    text, target = ALL[rule]
    (finding,) = findings(tmp_path, {"train.py": text}, rule, target=target)
    assert finding.message == message
    assert [found.message for found in finding.notes] == [note]


@pytest.mark.parametrize(
    ("first", "late", "message"),
    [
        ("x = tf.test.is_gpu_available()", GROWTH, "has taken the memory of every GPU: it has no effect"),
        ("x = tf.test.is_gpu_available()", "tf.config.set_visible_devices([], 'GPU')\n", None),
        ("x = tf.constant(1)", "tf.config.set_visible_devices([], 'GPU')\n", "`RuntimeError: Visible devices cannot"),
        ("x = tf.constant(1)", "tf.config.set_visible_devices([], 'CPU')\n", None),
        ("x = tf.constant(1)", BOTH[len(TF) :], "`RuntimeError: Physical devices cannot"),
    ],
)
def test_late_settings_of_every_kind(first: str, late: str, message: str | None, tmp_path: Path) -> None:
    found = findings(tmp_path, {"train.py": f"{TF}{first}\n{late}print(x)\n"}, "TFG203", target=NEW)
    assert [message in finding.message for finding in found[:1]] == ([True] if message else [])


@pytest.mark.parametrize(("rule", "row"), ALL.items())
def test_nothing_for_a_test(rule: str, row: tuple[str, str], tmp_path: Path) -> None:
    text, target = row
    assert not findings(tmp_path, {"tests/helpers.py": text}, rule, target=target)


@pytest.mark.parametrize("rule", ["TFG202", "TFG203", "TFG204", "TFG206", "TFG207"])
def test_nothing_for_a_machine_without_a_gpu(rule: str, tmp_path: Path) -> None:
    text, target = ALL[rule]
    assert not findings(tmp_path, {"train.py": text}, rule, target=target, device="cpu")


def test_hard_device_matters_most_without_a_gpu(tmp_path: Path) -> None:
    assert findings(tmp_path, {"train.py": HARD}, "TFG208", target=OLD, device="cpu")


# -- TFG202 -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["train.py", "notebook"])
def test_config_that_is_dropped_at_once(name: str, tmp_path: Path) -> None:
    text = f"{TF}tf.GPUOptions(per_process_gpu_memory_fraction=0.3)\nsess = tf.Session()\n"
    (finding,) = findings(tmp_path, {"train.py": text}, "TFG202", target=OLD)
    assert (finding.message, finding.fix) == ("no config is given `tf.GPUOptions`: it bounds no GPU memory", None)


def test_own_config_is_passed_by_tfg201_too(tmp_path: Path) -> None:
    write_files(tmp_path, {"train.py": UNUSED})
    run_fix(tmp_path, select=["TFG201"], target=OLD)
    assert (tmp_path / "train.py").read_text() == UNUSED.replace("Session()", "Session(config=config)")


def test_both_fixes_are_one(tmp_path: Path) -> None:
    write_files(tmp_path, {"train.py": UNUSED})
    run_fix(tmp_path, select=["TFG201", "TFG202"], target=OLD)
    assert (tmp_path / "train.py").read_text() == UNUSED.replace("Session()", "Session(config=config)")


@pytest.mark.parametrize(
    "body",
    [
        "if tf.x:\n    config = tf.ConfigProto()\n    config.gpu_options.allow_growth = True\nsess = tf.Session()\n",
        "sess = tf.Session()\nconfig = tf.ConfigProto()\nconfig.gpu_options.allow_growth = True\n",
        "config = tf.ConfigProto()\nconfig.gpu_options.allow_growth = True\n\n\n"
        "def f():\n    return tf.Session()\n\n\nf()\n",
    ],
)
def test_no_fix_where_the_config_may_not_be_ready(body: str, tmp_path: Path) -> None:
    (finding,) = findings(tmp_path, {"train.py": f"{TF}{body}"}, "TFG202", target=OLD)
    assert finding.fix is None


# -- moved lines ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("text", "rule"), [(LATE, "TFG203"), (VARIABLE, "TFG206")])
def test_moved_lines_keep_newlines(text: str, rule: str, tmp_path: Path) -> None:
    write_files(tmp_path, {"train.py": text.replace("\n", "\r\n")})
    run_fix(tmp_path, select=[rule], target=NEW)
    after = (tmp_path / "train.py").read_bytes()
    assert after != text.replace("\n", "\r\n").encode()
    assert after.count(b"\n") == after.count(b"\r\n")
    assert not run_check(tmp_path, select=[rule], target=NEW).findings


@pytest.mark.parametrize(
    "text",
    [
        f"{TF}def f(n):\n    n = [] if n else n\n    x = tf.constant(1)\n    tf.config.set_visible_devices(n, 'GPU')\n"
        "    return x\n\n\nf(1)\n",
        f"{TF}x = tf.constant(1)\nimport numpy as np\nnp.gpus = tf.config.set_visible_devices([], 'GPU')\n",
        f"{TF}x = tf.constant(1)\ny = tf.config.set_visible_devices([], 'GPU') or x\n",
        f"{TF}x = tf.constant(1)\ntf.config.set_visible_devices([], 'GPU'); y = 1\n",
        f"{TF}gpus = []\nx = tf.constant(1)\ngpus = tf.config.list_physical_devices('GPU')\n"
        "tf.config.set_visible_devices(gpus[0], 'GPU')\n",
        f"{TF}x = tf.constant(1)\nif __name__ == '__main__':\n    tf.config.set_visible_devices([], 'GPU')\n",
        f"{TF}x = tf.constant(1)\n\n\ndef f():\n    tf.config.set_visible_devices([], 'GPU')\n\n\nf()\n",
        f"{TF}def f():\n    print(input())\n    tf.config.set_visible_devices([], 'GPU')\n\n\n"
        "x = tf.constant(1)\nf()\n",
        f"{TF}x = tf.constant(1)\nprint(input(), tf.config.set_visible_devices([], 'GPU'))\n",
    ],
)
def test_nothing_is_moved_that_may_change_more(text: str, tmp_path: Path) -> None:
    (finding,) = findings(tmp_path, {"train.py": text}, "TFG203", target=NEW)
    assert finding.fix is None


def test_lines_at_the_end_and_their_comments_are_moved(tmp_path: Path) -> None:
    text = f"{TF}# data\nx = tf.constant(1)\n\n# as needed\n{GROWTH.rstrip()}"
    write_files(tmp_path, {"train.py": text})
    run_fix(tmp_path, select=["TFG203"], target=NEW)
    assert (tmp_path / "train.py").read_text() == f"{TF}# as needed\n{GROWTH}\n# data\nx = tf.constant(1)\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "def f(n):\n    x = tf.constant(n)\n    # hide\n"
            "    tf.config.set_visible_devices([], 'GPU')\n    return x\n\n\n"
            "f(1)\n",
            "def f(n):\n    # hide\n    tf.config.set_visible_devices([], 'GPU')\n"
            "    x = tf.constant(n)\n    return x\n\n\n"
            "f(1)\n",
        ),
        (
            "def f(n):\n    gpus = tf.config.list_physical_devices('GPU')\n"
            "    tf.config.set_visible_devices(gpus[n], 'GPU')\n\n\n"
            "def main():\n    x = tf.constant(0)\n    f(1)\n    return x\n\n\nif __name__ == '__main__':\n    main()\n",
            "def f(n):\n    gpus = tf.config.list_physical_devices('GPU')\n"
            "    tf.config.set_visible_devices(gpus[n], 'GPU')\n\n\n"
            "def main():\n    f(1)\n    x = tf.constant(0)\n    return x\n\n\nif __name__ == '__main__':\n    main()\n",
        ),
        (
            "if __name__ == '__main__':\n    x = tf.constant(1)\n    tf.config.set_visible_devices([], 'GPU')\n",
            "if __name__ == '__main__':\n    tf.config.set_visible_devices([], 'GPU')\n    x = tf.constant(1)\n",
        ),
    ],
)
def test_lines_are_moved_within_their_body(before: str, after: str, tmp_path: Path) -> None:
    write_files(tmp_path, {"train.py": TF + before})
    run_fix(tmp_path, select=["TFG203"], target=NEW)
    assert (tmp_path / "train.py").read_text() == TF + after
    assert not run_check(tmp_path, select=["TFG203"], target=NEW).findings


def test_nothing_is_moved_in_a_notebook(tmp_path: Path) -> None:
    cell = '{"cell_type": "code", "execution_count": null, "metadata": {}, "outputs": [], "source": ['
    sources = (r'"import tensorflow as tf\n", "x = tf.constant(1)"', "\"tf.config.set_visible_devices([], 'GPU')\"")
    cells = ", ".join(f"{cell}{source}]}}" for source in sources)
    notebook = '{"cells": [' + cells + '], "metadata": {}, "nbformat": 4, "nbformat_minor": 4}'
    (finding,) = findings(tmp_path, {"a.ipynb": notebook}, "TFG203", target=NEW)
    assert finding.fix is None


# -- what comes before what ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("main", "count"),
    [
        ("import gpu\nx = tf.constant(1)\ngpu.grow()\n", 1),
        ("import gpu\ngpu.grow()\nx = tf.constant(1)\n", 0),
        ("import gpu\nimport model\ngpu.grow()\n", 1),
        ("import gpu\nif tf.flags:\n    import model\ngpu.grow()\n", 0),
        ("import gpu\nif tf.flags:\n    x = tf.constant(1)\n    gpu.grow()\n", 1),
        ("import gpu\ntry:\n    x = tf.constant(1)\nexcept ValueError:\n    gpu.grow()\n", 0),
        ("import gpu\nif tf.flags:\n    gpu.grow()\nelse:\n    x = tf.constant(1)\n    gpu.grow()\n", 1),
        ("import gpu\nif tf.flags:\n    gpu.grow()\nx = tf.constant(1)\ngpu.grow()\n", 0),
        ("import gpu\nx = gpu.Maker()\nx.start()\ngpu.grow()\n", 1),
        ("import gpu\nfor i in range(2):\n    x = tf.constant(i)\ngpu.grow()\n", 0),
        ("import gpu\nwith open('x'):\n    x = tf.constant(1)\ngpu.grow()\n", 1),
        ("import gpu\ngpu.start(tf.flags)\ngpu.grow()\n", 0),
        ("import gpu\ngpu.Maker().start()\ngpu.grow()\n", 1),
        ("import gpu\ntf.flags.start()\ngpu.grow()\n", 0),
    ],
)
def test_only_what_surely_comes_before_counts(main: str, count: int, tmp_path: Path) -> None:
    gpu = (
        f"{TF}def grow():\n    for gpu in tf.config.list_physical_devices('GPU'):\n"
        "        tf.config.experimental.set_memory_growth(gpu, True)\n\n\n"
        "def start(now):\n    if now:\n        tf.constant(1)\n\n\n"
        "class Maker:\n    def start(self):\n        tf.constant(1)\n"
    )
    files = {"main.py": TF + main, "gpu.py": gpu, "model.py": f"{TF}one = tf.constant(1)\n"}
    assert len(findings(tmp_path, files, "TFG203", target=NEW)) == count


@pytest.mark.parametrize(
    ("line", "count"),
    [
        ("print(1)", 1),
        ("import subprocess; subprocess.run(['train'])", 0),
        ("os.system('train')", 0),
        ("os.execv('train', [])", 0),
    ],
)
def test_variable_for_other_processes(line: str, count: int, tmp_path: Path) -> None:
    assert len(findings(tmp_path, {"train.py": f"{VARIABLE}{line}\n"}, "TFG206", target=NEW)) == count


# -- TFG204 --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("growth", "limit", "count"),
    [
        ("gpus[0]", "gpus[0]", 1),
        ("gpus[0]", "gpus[1]", 0),
        ("gpus[0]", "gpus[n]", 0),
        ("tf.config.list_physical_devices('GPU')[0]", "gpus[0]", 1),
        ("tf.config.list_physical_devices('CPU')[0]", "gpus[0]", 0),
        ("tf.config.list_physical_devices()[0]", "gpus[0]", 0),
        ("gpus[-1]", "gpus[-1]", 1),
    ],
)
def test_settings_of_the_same_gpu(growth: str, limit: str, count: int, tmp_path: Path) -> None:
    text = (
        f"{TF}n = len(tf.__version__)\ngpus = tf.config.list_physical_devices('GPU')\n"
        f"tf.config.experimental.set_memory_growth({growth}, True)\n"
        f"tf.config.set_logical_device_configuration({limit}, [tf.config.LogicalDeviceConfiguration(memory_limit=1)])\n"
    )
    assert len(findings(tmp_path, {"train.py": text}, "TFG204", target=NEW)) == count


@pytest.mark.parametrize(
    ("test", "count"),
    [
        ("if gpus:", 1),
        ("if len(gpus) > 0:", 1),
        ("if gpus and tf.flags:", 0),
        ("if not gpus:", 0),
        ("for _ in range(1):", 0),
        ("while True:", 0),
        ("with open('x'):", 1),
    ],
)
def test_growth_that_surely_is_set(test: str, count: int, tmp_path: Path) -> None:
    text = (
        f"{TF}gpus = tf.config.list_physical_devices('GPU')\n"
        f"{test}\n    tf.config.experimental.set_memory_growth(gpus[0], True)\n"
        "limits = [tf.config.LogicalDeviceConfiguration(memory_limit=1)]\n"
        "tf.config.set_logical_device_configuration(gpus[0], limits)\n"
    )
    assert len(findings(tmp_path, {"train.py": text}, "TFG204", target=NEW)) == count


# -- TFG207 --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("imports", "line"),
    [
        ("from keras import backend as K\nimport keras", "K.set_session(sess)"),
        ("import keras", "keras.backend.set_session(sess)"),
        ("from keras.models import Sequential", None),
        ("from tensorflow import keras", "tf.keras.backend.set_session(sess)"),
        ("from tensorflow.keras import backend, Sequential", "backend.set_session(sess)"),
    ],
)
def test_backend_is_spelled_as_the_file_does(imports: str, line: str | None, tmp_path: Path) -> None:
    made = "Sequential()" if "Sequential" in imports else "keras.Sequential()"
    text = APART.replace("tf.keras.Sequential()", made).replace(TF, f"import tensorflow as tf\n{imports}\n\n")
    (finding,) = findings(tmp_path, {"train.py": text}, "TFG207", target=OLD)
    assert [edit.text.strip() for edit in (finding.fix.edits if finding.fix else ())] == ([line] if line else [])


# -- TFG208 --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("device", "gpu"),
    [
        ("'/gpu:0'", "GPU 0"),
        ("'GPU:3'", "GPU 3"),
        ("'/device:GPU:1'", "GPU 1"),
        ("'/gpu'", "GPU 0"),
        ("'/gpu:%d' % n", "the GPU"),
        ("'/gpu:{}'.format(n)", "the GPU"),
        ("f'/gpu:{n}'", "the GPU"),
        ("'/gpu:' + str(n)", "the GPU"),
        ("'/cpu:0'", None),
        ("'/job:worker/gpu:0'", None),
        ("'/%s:0' % n", None),
        ("n", None),
        ("lambda op: '/gpu:0'", None),
        ("n + '/gpu:0'", None),
        ("'/{}:0'.format(n)", None),
        ("f'{n}'", None),
        ("None", None),
        ("1", None),
    ],
)
def test_spellings_of_a_device(device: str, gpu: str | None, tmp_path: Path) -> None:
    text = f"{TF}n = len(tf.__version__)\nwith tf.device({device}):\n    x = tf.constant(1)\nsess = tf.Session()\n"
    found = findings(tmp_path, {"train.py": text}, "TFG208", target=OLD)
    assert [finding.message.split("where ")[1].split(" is missing")[0] for finding in found] == ([gpu] if gpu else [])


@pytest.mark.parametrize(
    ("session", "fixed"),
    [
        ("tf.Session(config=None)", "tf.Session(config=tf.ConfigProto(allow_soft_placement=True))"),
        ("tf.Session(config=tf.ConfigProto())", "tf.Session(config=tf.ConfigProto(allow_soft_placement=True))"),
        ("tf.Session(config=tf.ConfigProto(allow_soft_placement=False))", None),
        ("tf.Session(*[])", None),
        ("tf.Session('grpc://a')", None),
        ("tf.Session(config=make())", None),
    ],
)
def test_sessions_that_insist(session: str, fixed: str | None, tmp_path: Path) -> None:
    text = f"{TF}from settings import make\n\nwith tf.device('/gpu:1'):\n    x = make()\nsess = {session}\n"
    write_files(tmp_path, {"train.py": text})
    run_fix(tmp_path, select=["TFG208"], target=OLD)
    assert (tmp_path / "train.py").read_text() == text.replace(session, fixed or session)
