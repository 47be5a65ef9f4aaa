"""TFG201 by execution: what starts the GPU, and that fixed sessions and programs really bound its memory.

No GPU is needed: a session tells its config, and TensorFlow 2 tells what it would ask of a GPU that is made up. The
programs of TensorFlow 1 run on the installed TensorFlow through `compat.v1`, and on the TensorFlow of each environment
of `tests/era` that lies in the folder `TFGUARD_ERA_ENVS` (say tf12, tf110, tf115).
"""

from __future__ import annotations

import ast
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tfguard.rules.device.sessions import device_table

from running import run_fix, write_files

pytestmark = [
    pytest.mark.tensorflow,
    pytest.mark.skipif(importlib.util.find_spec("tensorflow") is None, reason="TensorFlow is not installed"),
]

#: Runs every file of a folder in a process of its own (forked after one import) and prints what each printed.
EACH = """
import json, os, sys, warnings
warnings.simplefilter("ignore")
import tensorflow
{prelude}
found = {{}}
for name in sorted(os.listdir(sys.argv[1])):
    with open(os.path.join(sys.argv[1], name)) as file:
        text = file.read()
    out, into = os.pipe()
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        os.dup2(into, 1)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        try:
            exec(compile(text, name, "exec"), {{"__name__": "__main__", "__file__": __file__}})
            {epilogue}
        except BaseException as error:
            print(repr(error))
        sys.stdout.flush()
        os._exit(0)
    os.close(into)
    with os.fdopen(out) as pipe:
        found[name] = pipe.read().split("\\n")[-2]
    os.waitpid(child, 0)
print(json.dumps(found))
"""

ERA = Path(os.environ.get("TFGUARD_ERA_ENVS", "/nowhere"))
ERAS = {"tf12": "1.2", "tf110": "1.10", "tf115": "1.15"}


def run_each(
    folder: Path, *, python: str = sys.executable, prelude: str = "", epilogue: str = "pass"
) -> dict[str, str]:
    """The last line that each program of a folder prints, by file name."""
    script = folder.parent / "run_each.py"
    script.write_text(EACH.format(prelude=prelude, epilogue=epilogue))
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
    command = [python, "-W", "ignore", str(script), str(folder)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=550)
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
    return found


# -- what starts the GPU ---------------------------------------------------------------------------------

#: A context that is made has made the GPUs too, and with them their pools of memory.
STARTED = "from tensorflow.python.eager import context; print(context.context()._context_handle is not None)"
IMPORTS = "import tensorflow as tf\nimport keras\n"


@pytest.mark.slow
@pytest.mark.parametrize("table", ["uses", "uses_since_2_11", "uses_of_keras_3", "quiet"])
def test_every_row_starts_the_gpu_or_does_not(table: str, tmp_path: Path) -> None:
    rows = {name: example for name, example in device_table()[table].items() if example}
    write_files(tmp_path / "rows", {name: f"{IMPORTS}{example}\n" for name, example in rows.items()})
    found = run_each(tmp_path / "rows", prelude="import keras", epilogue=STARTED)
    assert found == {name: str(table != "quiet") for name in rows}


# -- where the config goes -------------------------------------------------------------------------------

SIGNATURE = """import inspect
import tensorflow
tf = getattr(getattr(tensorflow, 'compat', None), 'v1', None) or tensorflow
if {name!r}.startswith('tensorflow.python.'):
    from tensorflow.python.client import device_lib
    found = device_lib
else:
    found = tf
for part in {name!r}.split('.')[{start}:]:
    owner, found = found, getattr(found, part)
names = list(inspect.signature(found).parameters)
if inspect.isclass(owner):
    names.remove('self')
print(names)
"""


def test_positions_are_those_of_the_installed_tensorflow(tmp_path: Path) -> None:
    rows = {name: row for row in device_table()["session"] for name in row["names"] if _is_in_tensorflow_2(name)}
    texts = {name: SIGNATURE.format(name=name, start=4 if ".python." in name else 1) for name in rows}
    write_files(tmp_path / "rows", texts)
    for name, printed in run_each(tmp_path / "rows").items():
        parameters, row = ast.literal_eval(printed), rows[name]
        at = parameters.index(row["argument"])
        assert at == row["position"] if "position" in row else at >= row["most"], name
        if "remote" in row:
            assert parameters.index(row["remote"][0]) == row["remote"][1], name


def _is_in_tensorflow_2(name: str) -> bool:
    """Is it no Estimator, contrib, tf_slim or Keras 2?"""
    return name.startswith("tensorflow.") and not name.startswith(("tensorflow.contrib.", "tensorflow.estimator."))


# -- sessions ----------------------------------------------------------------------------------------------

HEAD = {"1": "import tensorflow as tf\n", "2": "import tensorflow.compat.v1 as tf\n\ntf.disable_v2_behavior()\n"}
GROWS = """

def grows(config):
    print(config is not None and config.gpu_options.allow_growth)

"""
SESSIONS = {
    "session": "sess = tf.Session()\nprint(sess.run(tf.constant(2)))\ngrows(sess._config)\n",
    "graph": "sess = tf.Session('', tf.get_default_graph())\ngrows(sess._config)\n",
    "variable": "config = tf.ConfigProto()\nsess = tf.Session(config=config)\ngrows(sess._config)\n",
    "inline": "sess = tf.Session(config=tf.ConfigProto(allow_soft_placement=True))\ngrows(sess._config)\n",
    "options": (
        "options = tf.GPUOptions(allocator_type='BFC')\n"
        "sess = tf.Session(config=tf.ConfigProto(gpu_options=options))\ngrows(sess._config)\n"
    ),
    "interactive": "sess = tf.InteractiveSession(config=tf.ConfigProto())\ngrows(sess._config)\n",
    "helper": (
        "def make():\n    config = tf.ConfigProto()\n    return config\n\n\n"
        "sess = tf.Session(config=make())\ngrows(sess._config)\n"
    ),
    "monitored": (
        "tf.Variable(1)\nwith tf.train.MonitoredTrainingSession() as sess:\n    grows(sess._tf_sess()._config)\n"
    ),
    "creator": "tf.Variable(1)\nwith tf.train.MonitoredSession() as sess:\n    grows(sess._tf_sess()._config)\n",
    "singular": (
        "tf.Variable(1)\nwith tf.train.SingularMonitoredSession() as sess:\n    grows(sess.raw_session()._config)\n"
    ),
    "supervisor": (
        "tf.Variable(1)\nsv = tf.train.Supervisor()\nwith sv.managed_session() as sess:\n    grows(sess._config)\n"
    ),
    "server": (
        "cluster = {'worker': ['localhost:0']}\n"
        "server = tf.train.Server(cluster, job_name='worker', task_index=0, start=False)\n"
        "grows(server.server_def.default_session_config)\n"
    ),
}
#: Of TensorFlow 1 alone.
OLD_SESSIONS = {
    "keras": (
        "keras = tf.contrib.keras if hasattr(tf.contrib, 'keras') else tf.keras\n"
        "keras.backend.set_session(tf.Session())\ngrows(keras.backend.get_session()._config)\n"
    ),
    "estimator": (
        "est = tf.estimator.Estimator(lambda features, labels, mode: None, '/tmp/model')\n"
        "print(est._session_config.allow_soft_placement)\ngrows(est._session_config)\n"
    ),
}


def grow_before_and_after(
    folder: Path, sessions: dict[str, str], *, target: str, python: str = sys.executable
) -> tuple[dict[str, str], dict[str, str]]:
    """Whether the memory of each session grows, before the fix and after it."""
    head = HEAD[target.split(".", 1)[0]]
    write_files(folder / "programs", {f"{name}.py": head + GROWS + text for name, text in sessions.items()})
    before = run_each(folder / "programs", python=python)
    run_fix(folder / "programs", select=["TFG201"], target=f"tensorflow=={target}")
    return before, run_each(folder / "programs", python=python)


def test_fixed_sessions_got_the_option(tmp_path: Path) -> None:
    before, after = grow_before_and_after(tmp_path, SESSIONS, target="2.21")
    assert before == {f"{name}.py": "False" for name in SESSIONS}
    assert after == {f"{name}.py": "True" for name in SESSIONS}


@pytest.mark.era
@pytest.mark.parametrize("era", ERAS)
def test_fixed_sessions_got_the_option_on_their_own_tensorflow(era: str, tmp_path: Path) -> None:
    python = ERA / era / "bin" / "python"
    if not python.exists():
        pytest.skip(f"no environment {era} in TFGUARD_ERA_ENVS")
    sessions = {**SESSIONS, **OLD_SESSIONS}
    if era == "tf12":  # an Estimator takes no session config before 1.3
        del sessions["estimator"]
    before, after = grow_before_and_after(tmp_path, sessions, target=ERAS[era], python=str(python))
    assert before == {f"{name}.py": "False" for name in sessions}
    assert after == {f"{name}.py": "True" for name in sessions}


def test_interactive_session_grows_by_itself(tmp_path: Path) -> None:
    write_files(tmp_path / "programs", {"bare.py": f"{HEAD['2']}{GROWS}grows(tf.InteractiveSession()._config)\n"})
    assert run_each(tmp_path / "programs") == {"bare.py": "True"}


def test_session_without_config_takes_that_of_tf_config(tmp_path: Path) -> None:
    text = (
        HEAD["2"]
        + GROWS
        + "tf.config.set_soft_device_placement(True)\nprint(tf.Session()._config.allow_soft_placement)\n"
    )
    write_files(tmp_path / "programs", {"bare.py": text})
    assert run_each(tmp_path / "programs") == {"bare.py": "True"}


# -- programs of TensorFlow 2 ---------------------------------------------------------------------------------

PROGRAM = """import tensorflow as tf

model = tf.keras.Sequential([tf.keras.layers.Dense(1)])
model.compile("sgd", "mse")
model.fit(tf.zeros([4, 2]), tf.zeros([4, 1]), verbose=0)
print("trained")
"""
#: Makes up a GPU before the program and says, in place of its first layer, what TensorFlow would ask of it.
PRETEND = """import tensorflow as tf
from tensorflow.python.eager import context

made = context.context()
made._initialize_physical_devices()
gpu_0 = context.PhysicalDevice(name="/physical_device:GPU:0", device_type="GPU")
made._physical_devices.append(gpu_0)
made._physical_device_to_index[gpu_0] = len(made._physical_device_to_index)
made._visible_device_list.append(gpu_0)
made._memory_growth_map[gpu_0] = None


def report():
    options = made.config.gpu_options
    limits = [limit for device in options.experimental.virtual_devices for limit in device.memory_limit_mb]
    print(options.allow_growth, limits)

"""


def fixed(folder: Path, **settings: object) -> str:
    write_files(folder, {"train.py": PROGRAM})
    run_fix(folder, select=["TFG201"], target="tensorflow==2.21", **settings)
    return (folder / "train.py").read_text()


def run(folder: Path, text: str) -> str:
    write_files(folder / "programs", {"train.py": text})
    return run_each(folder / "programs")["train.py"]


def test_fixed_program_trains_without_a_gpu(tmp_path: Path) -> None:
    text = fixed(tmp_path)
    assert "set_memory_growth" in text
    assert run(tmp_path, text) == "trained"


def test_fixed_program_asks_a_gpu_to_grow(tmp_path: Path) -> None:
    text = fixed(tmp_path / "fixed")
    setting = text[: text.index("model =")]
    assert run(tmp_path / "before", f"{PRETEND}report()\n") == "False []"
    assert run(tmp_path / "after", f"{PRETEND}{setting}report()\n") == "True []"


def test_fixed_program_asks_for_a_limit(tmp_path: Path) -> None:
    text = fixed(tmp_path / "fixed", gpu_memory=2048)
    setting = text[: text.index("model =")]
    assert run(tmp_path / "trained", text) == "trained"
    assert run(tmp_path / "after", f"{PRETEND}{setting}report()\n") == "False [2048.0]"


def test_keras_alone_runs_with_the_variable(tmp_path: Path) -> None:
    text = PROGRAM.replace("import tensorflow as tf", "import keras\nimport numpy as np").replace("tf.keras", "keras")
    write_files(tmp_path / "fixed", {"train.py": text.replace("tf.zeros", "np.zeros")})
    run_fix(tmp_path / "fixed", select=["TFG201"], target="tensorflow==2.21")
    after = (tmp_path / "fixed" / "train.py").read_text()
    assert run(tmp_path, f'{after}print(os.environ["TF_FORCE_GPU_ALLOW_GROWTH"])\n') == "true"
