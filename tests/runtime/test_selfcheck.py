"""`tfguard selfcheck` on this machine, and what its table makes of the digests."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from runtime.programs import clean_environment, era_python, needs_tensorflow, plain_python
from tfguard.cli import backends
from tfguard.cli.selfcheck import (
    DEFAULT,
    DETERMINISM,
    ONE_THREAD,
    SETTLED,
    Condition,
    SelfcheckError,
    is_differing,
    plan,
    run_probes,
    survive,
)
from tfguard.cli.selfcheck_table import Cell, Table, iter_lines, judge, judge_each

MACHINE = {
    "system": "Linux 6", "processor": "", "architecture": "x86_64", "usable_cores": 2, "instructions": ["avx2", "fma"],
    "driver": "", "gpus": [], "build": {},
}  # fmt: skip


def selfcheck(folder: Path, *options: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = clean_environment(**variables)
    command = [sys.executable, "-m", "tfguard", "selfcheck", *options]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)


@needs_tensorflow
def test_quick(tmp_path: Path) -> None:
    done = selfcheck(tmp_path, "--quick", "--device", "cpu", "--format", "json", TF_DETERMINISTIC_OPS="1")
    assert done.returncode in (0, 1), done.stderr
    result = json.loads(done.stdout)
    assert result["left_out"] == {"TF_DETERMINISTIC_OPS": "1"}
    assert result["machine"]["usable_cores"] >= 1
    assert result["versions"]["tensorflow"].startswith("2.")
    assert (done.returncode == 1) == bool(result["differing"])
    probes = result["probes"]["/CPU:0"]
    assert len(probes) > 30
    for name in ("matrix product", "sorting", "seeded random numbers", "session of compat.v1", "shuffled dataset"):
        cells = probes[name]
        assert [cells[key]["verdict"] for key in ("one_process", "default", "op_determinism")] == ["same"] * 3, name
        assert cells["set"] == "nothing"
    # Two that differ by default: their random numbers, or their terms, come in the order of the threads.
    assert probes["random parallel map"]["default"]["verdict"] == "differs"
    assert probes["random parallel map"]["set"] == "op determinism"
    assert not [row for row in probes.values() if row["default"]["verdict"] in ("raises", "absent")]


@needs_tensorflow
def test_one_process_trains_and_compiles() -> None:
    """Under XLA generators with a seed are not pinned by it, stateless ones are."""
    place = run_probes(sys.executable, "cpu", Condition("default", "", parts=("operations", "trainings", "xla")))
    found, compiled = (place["devices"]["/CPU:0"][part] for part in ("plain", "xla"))
    assert list(found) == list(compiled)
    assert len(set(found["training, convolutional"]["digests"])) == 1
    assert len(set(found["training, recurrent"]["digests"])) == 1
    assert len(compiled["training, recurrent"]["digests"]) == 1
    assert len(set(compiled["matrix product"]["digests"])) == 1
    assert len(set(compiled["stateless random numbers"]["digests"])) == 1
    assert len(set(compiled["seeded random numbers"]["digests"])) > 1
    assert "absent" in compiled["shuffled dataset"]


@pytest.mark.era
@pytest.mark.parametrize("name", ["tf115", "tf26", "tf215"])
def test_old_tensorflow(name: str) -> None:
    found = run_probes(era_python(name), "cpu", DEFAULT)["devices"]["/CPU:0"]
    assert not [name for name, one in found["plain"].items() if "digests" not in one]
    assert len(set(found["plain"]["training, convolutional"]["digests"])) == 1
    assert ("digests" in found["xla"]["matrix product"]) == (name != "tf115")


def test_without_tensorflow_it_says_so(tmp_path: Path) -> None:
    done = selfcheck(tmp_path, "--python", plain_python("3.11"))
    assert done.returncode == 2
    assert "the probes failed: ModuleNotFoundError: No module named" in done.stderr


@needs_tensorflow
def test_without_a_gpu_there_is_none_to_check(tmp_path: Path) -> None:
    done = selfcheck(tmp_path, "--quick", "--device", "gpu", CUDA_VISIBLE_DEVICES="-1")
    assert (done.returncode, done.stdout) == (2, "")
    assert "TensorFlow sees no GPU on this machine" in done.stderr


# -- from digests to words ------------------------------------------------------------------------------------------

A, B, C = {"digests": ["a", "a"]}, {"digests": ["b", "b"]}, {"digests": ["a", "b"]}
FAILED, MISSING = {"error": "UnimplementedError: no kernel"}, {"absent": "has no attribute"}


@pytest.mark.parametrize(
    ("found", "default", "cell", "shown"),
    [
        ([A, A], None, Cell("same"), "same"),
        ([A, B], None, Cell("differs"), "differs"),
        ([C, C], None, Cell("differs"), "differs"),
        ([A], "a", Cell("same", True), "same"),
        ([B], "a", Cell("same", False), "same*"),
        ([A, FAILED], "a", Cell("raises", error="UnimplementedError: no kernel"), "raises"),
        ([MISSING], "a", Cell("absent"), "-"),
    ],
)
def test_digests_become_words(found: list[dict[str, Any]], default: str | None, cell: Cell, shown: str) -> None:
    assert judge(found, default) == cell
    assert str(cell) == shown


def test_each_process_may_repeat_itself_while_two_differ() -> None:
    assert (judge_each([A, B]), judge_each([A, C])) == (Cell("same"), Cell("differs"))


def test_a_probe_that_ends_its_process_is_an_error_and_the_others_go_on(tmp_path: Path) -> None:
    """A script that stands for a TensorFlow with two kernels that crash."""
    script = tmp_path / "crashing.py"
    script.write_text(
        "import json, os, signal, sys\n"
        "found = {}\n"
        "for name in ('a', 'b', 'c'):\n"
        "    if ['/CPU:0', 'plain', name] in json.loads(sys.argv[1]): continue\n"
        "    print(json.dumps(['/CPU:0', 'plain', name]), flush=True)\n"
        "    if name != 'b': os.kill(os.getpid(), signal.SIGFPE)\n"
        "    found[name] = {'digests': ['x']}\n"
        "print(json.dumps({'devices': {'/CPU:0': {'plain': found}}}))\n"
    )
    found = survive([sys.executable, str(script)], clean_environment())
    crashed = {"error": "the process: SIGFPE"}
    assert found["devices"]["/CPU:0"]["plain"] == {"b": {"digests": ["x"]}, "a": crashed, "c": crashed}
    script.write_text('import os\nprint(\'["/CPU:0", "plain", "a"]\', flush=True)\nos.kill(os.getpid(), 8)\n')
    assert survive([sys.executable, str(script)], clean_environment()) == {"crashed": "SIGFPE"}
    with pytest.raises(SelfcheckError, match="SIGKILL"):
        survive([sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"], clean_environment())


def table_of(xla: Any = None, **found: list[dict[str, Any]]) -> Table:
    """A table of one probe."""
    conditions = {one.key: one for one in (*plan(quick=False), DEFAULT, ONE_THREAD, DETERMINISM, SETTLED)}
    runs = {
        key: [{"devices": {"/CPU:0": {"plain": {"probe": one}, "xla": {"probe": xla}}}} for one in processes]
        for key, processes in found.items()
    }
    return Table([conditions[key] for key in found], runs)


@pytest.mark.parametrize(
    ("found", "remedy", "recommended", "differing"),
    [
        ({"default": [A, A], "op_determinism": [B, B]}, "nothing", (False, None), []),
        ({"default": [A, B], "op_determinism": [B, B]}, "op determinism", (True, None), []),
        ({"default": [A, B], "one_thread": [A, A], "op_determinism": [A, B]}, "1 thread", (False, 1), []),
        ({"default": [A, B], "op_determinism": [FAILED, FAILED]}, "avoid it", (False, None), ["differs"]),
        (
            {"default": [A, B], "op_determinism": [A, B], "op_determinism_one_thread": [A, A]},
            "op determinism, 1 thread",
            (True, 1),
            [],
        ),
        # Agreed by luck: with more threads it differs.
        ({"default": [A, A], "many_threads": [C], "op_determinism": [A, A]}, "op determinism", (True, None), []),
        ({"default": [FAILED, FAILED], "op_determinism": [FAILED, FAILED]}, "-", (False, None), ["raises"]),
        ({"default": [MISSING, MISSING], "op_determinism": [MISSING, MISSING]}, "-", (False, None), []),
    ],
)
def test_what_to_set_is_the_least_that_helped(
    found: dict[str, list[dict[str, Any]]], remedy: str, recommended: tuple[bool, int | None], differing: list[str]
) -> None:
    document = table_of(**found).to_json()
    assert document["probes"]["/CPU:0"]["probe"]["set"] == remedy
    assert tuple(document["recommended"].values()) == recommended
    assert [one["verdict"] for one in document["differing"]] == differing


def test_a_condition_whose_processes_all_end_raises() -> None:
    table = table_of(default=[A, A], onednn_on=[A], op_determinism=[A, A])
    table.runs["onednn_on"][0] = {"crashed": "SIGFPE"}
    row = Table(table.conditions, table.runs).rows["/CPU:0"]["probe"]
    assert row.cells["onednn_on"] == Cell("raises", error="the process: SIGFPE")
    assert row.remedy() == "nothing"


def test_more_is_tried_only_where_op_determinism_does_not_mend() -> None:
    assert not table_of(default=[A, B], op_determinism=[A, A]).needs_more
    assert table_of(default=[A, B], op_determinism=[A, B]).needs_more
    assert table_of(default=[A, B], one_thread=[A, A], op_determinism=[A, B]).needs_more


def test_the_text() -> None:
    found = table_of(C, default=[A, B], one_thread=[B, B], op_determinism=[FAILED, FAILED]).to_json()
    heading = {"versions": {"tensorflow": "2.0"}, "machine": MACHINE, "gpus": [], "left_out": {}, "backends": {}}
    text = "\n".join(iter_lines({**heading, **found}))
    assert text.splitlines()[:4] == [
        "tensorflow 2.0",
        "Linux 6, x86_64, 2 cores",
        "instructions: avx2 fma",
        "GPUs: none seen by TensorFlow; the CPU is checked",
    ]
    assert text.splitlines()[6].split() == ["probe", "same", "differs", "differs", "same", "raises", "1", "thread"]
    assert "every probe repeats itself on this machine in `tfguard run --threads 1`" in text
    assert "under XLA these differ from run to run, so leave `jit_compile` off: probe" in text


def test_the_text_names_what_nothing_mends() -> None:
    found = table_of(default=[A, A], one_thread=[B, B], op_determinism=[A, A]).to_json()
    lines = list(
        iter_lines({"versions": {}, "machine": MACHINE, "gpus": [], "left_out": {"A": "1"}, "backends": {}, **found})
    )
    assert "set here, but not for the probes: A=1" in lines
    assert lines[-2] == "every probe repeats itself on this machine in the default settings"
    assert lines[-1] == "other bits with another number of threads (1): pin it elsewhere too (`--threads N`)"
    hopeless = table_of(default=[A, B], op_determinism=[A, B]).to_json()
    said = list(
        iter_lines({"versions": {}, "machine": MACHINE, "gpus": [], "left_out": {}, "backends": {}, **hopeless})
    )
    assert said[-1].endswith("even in the default settings: probe (differs, /CPU:0)")


# -- Keras on other backends ----------------------------------------------------------------------------------------


def test_other_backends_are_left_alone_without_a_sign_of_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(backends, "check_backend", lambda python, name, device: asked.append(name) or {})
    for sign, installed, expected in [(False, ["jax"], []), (True, [], []), (True, ["jax", "torch"], ["jax", "torch"])]:
        asked.clear()
        monkeypatch.setattr(backends, "may_have_gpu", lambda sign=sign: sign)
        backends.check_backends(sys.executable, {"backends": installed})
        assert asked == expected


def test_a_driver_or_its_program_is_a_sign(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(backends.platform, "system", lambda: "Linux")
    monkeypatch.setattr(backends.shutil, "which", lambda name: None)
    monkeypatch.setattr(backends, "_DRIVERS", (str(tmp_path / "nvidia[0-9]*"),))
    assert not backends.may_have_gpu()
    (tmp_path / "nvidia0").touch()
    assert backends.may_have_gpu()


def test_a_backend_without_a_gpu_says_so() -> None:
    """Where it is not installed the reason is Python's own, as here for a backend that nobody has."""
    found = backends.check_backend(sys.executable, "torch", "gpu")
    assert found["device"] is None
    assert found["differing"] == []
    lines = list(iter_lines({**empty_result(), "backends": {"torch": found}}))
    assert any(line.startswith("Keras on torch: ") for line in lines)


def empty_result() -> dict[str, Any]:
    return {
        "versions": {}, "machine": MACHINE, "gpus": [], "left_out": {}, "probes": {}, "columns": [], "differing": [],
        "recommended": {"op_determinism": False, "threads": None},
    }  # fmt: skip


@pytest.mark.skipif(
    not all(importlib.util.find_spec(name) for name in ("jax", "keras")), reason="JAX and Keras are not installed"
)
def test_keras_on_jax_repeats_itself_on_the_cpu() -> None:
    found = backends.check_backend(sys.executable, "jax", "any")
    assert {row["set"] for row in found["probes"].values()} == {"nothing"}
    assert not is_differing({"differing": [], "backends": {"jax": found}})
