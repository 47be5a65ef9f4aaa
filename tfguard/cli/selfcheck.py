"""`tfguard selfcheck`: does this machine, with this TensorFlow, compute the same bits twice?"""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import click

from tfguard.cli.program import RUNTIME, find_python, make_environment
from tfguard.errors import EXIT_CLEAN, EXIT_FINDINGS, TfguardError

#: Processes at the same time; they also disturb each other, as other programs do.
_AT_ONCE = 2
#: After so many processes that a signal ended a condition is given up.
_MOST_CRASHES = 3
#: What would turn one condition into another, so the probes don't inherit it.
LEFT_OUT = (
    *("TF_ENABLE_ONEDNN_OPTS", "TF_DETERMINISTIC_OPS", "TF_CUDNN_DETERMINISTIC", "TF_NUM_INTRAOP_THREADS"),
    *("TF_NUM_INTEROP_THREADS", "TF_XLA_FLAGS", "XLA_FLAGS", "OMP_NUM_THREADS", "KERAS_BACKEND", "TF_USE_LEGACY_KERAS"),
)
Found = dict[str, Any]


class SelfcheckError(TfguardError):
    """A machine that could not be checked."""


class CrashError(SelfcheckError):
    """A signal that ended a process, and the device, part and probe that it was at."""

    def __init__(self, signal_name: str, place: list[str]) -> None:
        super().__init__(f"the probes failed: {signal_name}" + (f" in {place[-1]}" if place else ""))
        self.signal = signal_name
        self.place = place


@dataclass(frozen=True, slots=True)
class Condition:
    """What the processes of one column have in common."""

    key: str
    title: str
    processes: int = 1
    threads: int | None = None
    op_determinism: bool = False
    onednn: str | None = None
    parts: tuple[str, ...] = ("operations", "trainings")


DEFAULT = Condition("default", "default", 2, parts=("operations", "trainings", "xla"))
ONE_THREAD = Condition("one_thread", "1 thread", 2, threads=1)
DETERMINISM = Condition("op_determinism", "determinism", 2, op_determinism=True)
SETTLED = Condition("op_determinism_one_thread", "both", 2, threads=1, op_determinism=True)


def plan(*, quick: bool) -> list[Condition]:
    """The conditions that are always tried; `SETTLED` follows where these don't suffice."""
    if quick:
        return [quicken(DEFAULT), quicken(DETERMINISM)]
    many = 2 * (os.cpu_count() or 1)
    return [
        DEFAULT,
        ONE_THREAD,
        Condition("many_threads", f"{many} threads", threads=many),
        Condition("onednn_on", "oneDNN on", onednn="1"),
        Condition("onednn_off", "oneDNN off", onednn="0"),
        DETERMINISM,
    ]


def quicken(condition: Condition) -> Condition:
    """The same without trainings and XLA."""
    return Condition(
        condition.key,
        condition.title,
        condition.processes,
        condition.threads,
        condition.op_determinism,
        parts=("operations",),
    )


@click.command("selfcheck")
@click.option("--device", type=click.Choice(["cpu", "gpu", "all"]), default="all", help="Default: all.")
@click.option("--quick", is_flag=True, help="Default settings and op determinism only, no training.")
@click.option("--python", metavar="PATH", help="The interpreter. Default: the active virtual environment's, else this.")
@click.option("--format", "--output-format", "output_format", type=click.Choice(["text", "json"]), default="text")
@click.pass_context
def command(ctx: click.Context, /, **options: Any) -> None:
    """Ask whether this machine is deterministic, by small computations repeated in fresh processes.

    Matrix products, convolutions, reductions, pooling, normalisation, dropout, attention, embedding, segments,
    scattering, resizing, sorting, random numbers, with their gradients; `tf.data`, sessions and two small trainings:
    repeated in one process and in two, with one thread and with twice the cores, with oneDNN on and off, under XLA and
    under op determinism. TensorFlow 1.15 or later.

    \b
    same     the same bits every time
    same*    the same bits every time, but others than in the default settings
    differs  not the same bits every time
    raises   an error; `--format json` has its text
    -        this version, or XLA, has no such operation

    The last column is what makes it repeat itself, as these processes showed. Where TensorFlow sees no GPU but Keras 3
    has another backend that does (JAX, PyTorch), its trainings are probed as well. What is written here has been tried
    on CPUs, with JAX on a CPU too; on GPUs, and with PyTorch, it is untried.

    \b
    The JSON document (schema 1): versions, machine, gpus; left_out: variables of this environment that the probes did
    not get; columns: [{"key": text, "title": text}]; probes: {device: {probe: {column: {"verdict": "same" | "differs" |
    "raises" | "absent", "as_default": true | false, "error": text}, "set": text}}}; recommended: {"op_determinism":
    true | false, "threads": number | null}; differing: [{"device": text, "probe": text, "verdict": text}], what differs
    or raises even so; backends: {name: versions, device, columns, probes and differing of Keras' other backends}.

    Exit codes: 0 every probe repeats itself in the recommended settings, 1 one does not, 2 it could not run.
    """
    from tfguard.cli.selfcheck_table import iter_lines

    result = check_machine(find_python(options["python"]), options["device"], quick=options["quick"])
    if options["output_format"] == "json":
        click.echo(json.dumps(result, indent=2))
    else:
        for line in iter_lines(result):
            click.echo(line)
    ctx.exit(EXIT_FINDINGS if is_differing(result) else EXIT_CLEAN)


def is_differing(result: Found) -> bool:
    """Does something differ even in the recommended settings?"""
    return bool(result["differing"] or any(backend["differing"] for backend in result["backends"].values()))


def check_machine(python: str, device: str, *, quick: bool) -> Found:
    """Run the probes under each condition and fold them into one table."""
    from tfguard.cli.selfcheck_table import Table

    conditions = plan(quick=quick)
    runs = run_conditions(conditions, lambda condition: run_probes(python, device, condition))
    first = runs["default"][0]
    for run in runs["default"]:
        if "crashed" in run:
            raise SelfcheckError(f"the probes failed: {run['crashed']} in one after another")
    table = Table(conditions, runs)
    if table.needs_more:
        settled = quicken(SETTLED) if quick else SETTLED
        runs |= run_conditions([settled], lambda condition: run_probes(python, device, condition))
        table = Table([*conditions, settled], runs)
    from tfguard.cli.backends import check_backends

    backends = check_backends(python, first) if device != "cpu" and not first["gpus"] else {}
    if not first["devices"] and not any(found["device"] for found in backends.values()):
        raise SelfcheckError("TensorFlow sees no GPU on this machine")
    return {
        "schema": 1,
        **{key: first[key] for key in ("versions", "machine", "gpus")},
        "left_out": {name: os.environ[name] for name in LEFT_OUT if name in os.environ},
        "backends": backends,
        **table.to_json(),
    }


def run_conditions(conditions: Sequence[Condition], run: Callable[[Condition], Found]) -> dict[str, list[Found]]:
    """All processes of all conditions, a few at a time."""
    from tfguard.cli.progress import show_progress

    jobs = [condition for condition in conditions for _ in range(condition.processes)]
    found: dict[str, list[Found]] = {condition.key: [] for condition in conditions}
    with ThreadPoolExecutor(_AT_ONCE) as pool, show_progress(wanted=True, unit="processes") as progress:
        for number, (condition, result) in enumerate(zip(jobs, pool.map(run, jobs), strict=True), 1):
            found[condition.key].append(result)
            if progress is not None:
                progress(number, len(jobs))
    return found


def run_probes(python: str, device: str, condition: Condition) -> Found:
    """One fresh process."""
    from tfguard.runtime.orders import Orders
    from tfguard.runtime.settings import Settings

    settings = Settings(
        seed=5 if condition.op_determinism else None, op_determinism=condition.op_determinism, threads=condition.threads
    )
    orders = Orders(settings, guards=False, quiet=True)
    environment = make_environment(orders.to_json(), hash_seed=0, threads=settings.threads)
    for name in LEFT_OUT:
        if name in os.environ and environment.get(name) == os.environ[name]:
            del environment[name]
    if condition.threads is not None:
        environment |= {"TF_NUM_INTRAOP_THREADS": str(condition.threads)}
    if condition.onednn is not None:
        environment["TF_ENABLE_ONEDNN_OPTS"] = condition.onednn
    return survive([python, str(RUNTIME / "probing.py"), ",".join(condition.parts), device], environment)


def survive(command: Sequence[str], environment: dict[str, str]) -> Found:
    """The probes of one process; one that ends it, as a kernel with a bug does, is an error, and the next omits it."""
    lost: list[tuple[list[str], str]] = []
    while True:
        try:
            found = run_script([*command, json.dumps([place for place, _ in lost])], environment)
        except CrashError as crash:
            if not crash.place:
                raise
            if len(lost) == _MOST_CRASHES:
                return {"crashed": crash.signal}
            lost.append((crash.place, crash.signal))
            continue
        for (device, part, name), signal_name in lost:
            found["devices"].setdefault(device, {}).setdefault(part, {})[name] = {
                "error": f"the process: {signal_name}"
            }
        return found


def run_script(command: Sequence[str], environment: dict[str, str]) -> Found:
    """The JSON object in the last line that a script prints."""
    environment = {**environment, "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, errors="replace", check=False)
    lines = done.stdout.splitlines()
    if done.returncode < 0:
        raise CrashError(signal.Signals(-done.returncode).name, json.loads(lines[-1]) if lines else [])
    if done.returncode:
        said = done.stderr.strip().splitlines()[-1:] or [f"exit code {done.returncode}"]
        raise SelfcheckError(f"the probes failed: {said[0]}")
    found: Found = json.loads(lines[-1])
    return found
