"""TFG202 to TFG208 by execution, without a GPU.

What needs a GPU is shown on what stands in for one: two logical CPUs, which TensorFlow refuses late as it refuses a
GPU's settings, a GPU that is made up, which shows what would be asked of it, and sessions, which tell their config.
Every program runs in a process of its own, forked after one import. Programs of TensorFlow 1 and Keras 2 are recorded
by `tests/era/record_gpu_settings.py` in `goldens/gpu_settings.json`.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path

import pytest

from running import run_fix, write_files

sys.path.insert(0, str(Path(__file__).parent))
from test_unbounded_gpu_memory import PRETEND, run_each

pytestmark = [
    pytest.mark.tensorflow,
    pytest.mark.skipif(importlib.util.find_spec("tensorflow") is None, reason="TensorFlow is not installed"),
]

TF = "import tensorflow as tf\n\n"
OLD = "import tensorflow.compat.v1 as tf\n\ntf.disable_v2_behavior()\n"


def fixed(folder: Path, text: str, rule: str) -> str:
    """The text after `tfguard fix` with one rule; it has changed."""
    write_files(folder, {"train.py": text})
    run_fix(folder, select=[rule], target="tensorflow==2.21")
    after = (folder / "train.py").read_text()
    assert after != text
    return after


def run_all(folder: Path, programs: dict[str, str]) -> dict[str, str]:
    """The last line that each program prints."""
    write_files(folder / "programs", {f"{name}.py": text for name, text in programs.items()})
    return {name.removesuffix(".py"): line for name, line in run_each(folder / "programs").items()}


# -- TFG203: late settings -------------------------------------------------------------------------------------

TWO_CPUS = (
    'for device in tf.config.list_physical_devices("CPU"):\n'
    "    tf.config.set_logical_device_configuration(device, [tf.config.LogicalDeviceConfiguration()] * 2)\n"
)
STARTS = {
    "constant": "x = tf.constant(1)\n",
    "logical": "x = tf.config.list_logical_devices()\n",
    "strategy": "x = tf.distribute.MirroredStrategy()\n",
    "model": "i = tf.keras.Input((2,))\nx = tf.keras.Model(i, tf.keras.layers.Dense(1)(i))\n",
    "sequential": "x = tf.keras.Sequential([tf.keras.Input((2,)), tf.keras.layers.Dense(1)])\n",
    "input_shape": "x = tf.keras.Sequential([tf.keras.layers.Dense(1, input_shape=(2,))])\n",
    "optimizer": "x = tf.keras.optimizers.SGD()\n",
}
QUIET = {
    "layer": "x = tf.keras.layers.Dense(1)\n",
    "unbuilt": "x = tf.keras.Sequential([tf.keras.layers.Dense(1)])\n",
    "seed": "x = tf.random.set_seed(1)\n",
    "physical": "x = tf.config.list_physical_devices()\n",
}
COUNT = 'print(len(tf.config.list_logical_devices("CPU")))\n'


def test_late_settings_are_refused_and_fixed_ones_are_not(tmp_path: Path) -> None:
    programs = {name: f"{TF}{start}\n{TWO_CPUS}\n{COUNT}" for name, start in {**STARTS, **QUIET}.items()}
    growth = TWO_CPUS.replace('"CPU"', '"GPU"').replace("()]", "(memory_limit=64)]")
    for name, start in STARTS.items():
        moved = fixed(tmp_path / name, f"{TF}{start}\n{growth}\n{COUNT}", "TFG203")
        programs[f"{name}_fixed"] = moved.replace('"GPU"', '"CPU"').replace("(memory_limit=64)]", "()]")
    found = run_all(tmp_path, programs)
    refused = "RuntimeError('Virtual devices cannot be modified after being initialized')"
    assert {name: found[name] for name in STARTS} == dict.fromkeys(STARTS, refused)
    assert {name: found[name] for name in QUIET} == dict.fromkeys(QUIET, "2")
    assert {name: found[f"{name}_fixed"] for name in STARTS} == dict.fromkeys(STARTS, "2")


# -- TFG203 and TFG204 on a GPU that is made up ------------------------------------------------------------------

LIMIT = "tf.config.set_logical_device_configuration(gpu_0, [tf.config.LogicalDeviceConfiguration(memory_limit=64)])\n"
GROWTH = "tf.config.experimental.set_memory_growth(gpu_0, True)\n"
#: What lists the devices by making them does not start TensorFlow: growth is accepted, too late for the memory.
LISTED = "tf.test.is_gpu_available()\ntf.test.gpu_device_name()\nprint(context.context()._context_handle is None)\n"


def test_growth_and_limit_exclude_each_other(tmp_path: Path) -> None:
    found = run_all(
        tmp_path,
        {
            "limit_then_growth": f"{PRETEND}{LIMIT}{GROWTH}report()\n",
            "growth_then_limit": f"{PRETEND}{GROWTH}{LIMIT}report()\n",
            "limit": f"{PRETEND}{LIMIT}report()\n",
            "growth": f"{PRETEND}{GROWTH}report()\n",
            "listed": f"{PRETEND}{LISTED}",
            "late": f"{PRETEND}made._context_handle = object()\n{GROWTH}",
            "again": f"{PRETEND}{GROWTH}made._context_handle = object()\n{GROWTH}print('accepted')\n",
        },
    )
    assert found == {
        "limit_then_growth": "ValueError('Cannot set memory growth on device when virtual devices configured')",
        "growth_then_limit": "False [64.0]",
        "limit": "False [64.0]",
        "growth": "True []",
        "listed": "True",
        "late": "RuntimeError('Physical devices cannot be modified after being initialized')",
        "again": "accepted",
    }


# -- TFG202: a config that is passed to nothing -------------------------------------------------------------------

UNUSED = """
config = tf.ConfigProto()
config.gpu_options.allow_growth = True
sess = tf.Session()
print(sess._config is not None and sess._config.gpu_options.allow_growth)
"""


def test_unused_config_reaches_the_session(tmp_path: Path) -> None:
    text = OLD + UNUSED
    found = run_all(tmp_path, {"before": text, "after": fixed(tmp_path / "fix", text, "TFG202")})
    assert found == {"before": "False", "after": "True"}


# -- TFG208: hard placement ------------------------------------------------------------------------------------------

ADD = """
graph = tf.Graph()
with graph.as_default(), tf.device("/gpu:1"):
    total = tf.constant(1.0) + tf.constant(2.0)
"""
RUN = """
try:
    with tf.Session(graph=graph{config}) as sess:
        print(sess.run(total))
except tf.errors.InvalidArgumentError as error:
    print(error.message.replace("\\n", " "))
"""
BARE = RUN.format(config="")
CONFIG = RUN.format(config=", config=tf.ConfigProto(log_device_placement=False)")
ON_2 = 'import tensorflow as tf\n\nwith tf.device("/gpu:1"):\n    print((tf.constant(1.0) + 2.0).numpy())\n'


def test_hard_sessions_stop_and_soft_ones_do_not(tmp_path: Path) -> None:
    eager = "import tensorflow.compat.v1 as tf\n"
    programs = {"bare": OLD + ADD + BARE, "config": OLD + ADD + CONFIG, "config_on_2": eager + ADD + CONFIG}
    sound = {name: fixed(tmp_path / name, text, "TFG208") for name, text in programs.items()}
    sound |= {"bare_on_2": eager + ADD + BARE, "eager": ON_2}
    found = run_all(tmp_path, {**programs, **{f"{name}_sound": text for name, text in sound.items()}})
    for name in programs:
        assert "Cannot assign a device for operation" in found[name], name
        assert "was explicitly assigned to /device:GPU:1" in found[name], name
    assert {name: found[f"{name}_sound"] for name in sound} == dict.fromkeys(sound, "3.0")


# -- TFG206: the variable ------------------------------------------------------------------------------------------

LATE = """import os

import tensorflow as tf

x = tf.constant(1)
os.environ["CUDA_VISIBLE_DEVICES"] = "1"
print(x.numpy())
"""


def test_moved_variable_is_set_before_the_first_operation(tmp_path: Path) -> None:
    after = fixed(tmp_path / "fix", LATE, "TFG206")
    shown = "from tensorflow.python.eager import context\n\nprint(context.context()._context_handle is None)"
    line = 'os.environ["CUDA_VISIBLE_DEVICES"] = "1"'
    programs = {name: f"{text.split(line)[0]}{shown}\n" for name, text in {"before": LATE, "after": after}.items()}
    assert run_all(tmp_path, programs) == {"before": "False", "after": "True"}


# -- recorded on TensorFlow 1 ---------------------------------------------------------------------------------------

GOLDENS = Path(__file__).parent / "goldens" / "gpu_settings.json"


def test_recorded_versions_agree() -> None:
    """Every TensorFlow 1 that was run: hard sessions stop, and Keras takes only default and given sessions."""
    recorded = json.loads(GOLDENS.read_text())
    assert sorted(recorded) == ["1.10.0", "1.15.5", "1.2.1"]
    for version, rows in recorded.items():
        assert "Cannot assign a device for operation" in rows["hard_device.py"], version
        assert rows["hard_device.fixed.py"] == "3.0", version
        assert (rows["unused.py"], rows["unused.fixed.py"]) == ("False", "True"), version
        assert (rows["apart.py"], rows["apart.fixed.py"]) == ("False", "True"), version
        for name in ("with.py", "as_default.py", "interactive.py"):
            assert rows[name] == "True", (version, name)
