"""`tfguard selfcheck`: does this machine, with this TensorFlow, compute the same bits twice?"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from typing import Any

import click

from tfguard.cli.program import RUNTIME, find_python, make_environment
from tfguard.errors import EXIT_CLEAN, EXIT_FINDINGS, TfguardError

#: Threads of the run that shows what depends on their number.
_THREADS = 1
_COLUMNS = ("one_process", "fresh_processes", "one_thread", "op_determinism")
_TITLES = ("one process", "fresh processes", "one thread", "op determinism")


@click.command("selfcheck")
@click.option("--device", type=click.Choice(["cpu", "gpu", "all"]), default="all", help="Default: all.")
@click.option("--quick", is_flag=True, help="Two processes, no training.")
@click.option("--python", metavar="PATH", help="The interpreter. Default: the active virtual environment's, else this.")
@click.option("--format", "--output-format", "output_format", type=click.Choice(["text", "json"]), default="text")
@click.pass_context
def command(ctx: click.Context, /, **options: Any) -> None:
    """Ask whether this machine is deterministic, by small computations repeated in fresh processes.

    Matrix products, convolutions, reductions, pooling, segments, gathering, scattering, resizing, sorting, random
    numbers, `tf.data`, sessions and two small trainings, with their gradients: repeated in one process, in two fresh
    processes, with one thread (are the bits those of all threads?) and with op determinism. Needs TensorFlow 2.8 or
    later.

    Exit codes: 0 every probe repeats itself, plainly or under op determinism, 1 one does not, 2 it could not run.
    """
    result = check_machine(find_python(options["python"]), options["device"], quick=options["quick"])
    if options["output_format"] == "json":
        click.echo(json.dumps(result, indent=2, sort_keys=True))
    else:
        for line in iter_lines(result):
            click.echo(line)
    ctx.exit(EXIT_CLEAN if not result["differing"] else EXIT_FINDINGS)


class SelfcheckError(TfguardError):
    """A machine that could not be checked."""


def check_machine(python: str, device: str, *, quick: bool) -> dict[str, Any]:
    """Run the probes under each condition and fold them into one table."""
    from tfguard.runtime.settings import Settings

    plain = Settings(seed=None)
    first, second = (run_probes(python, device, plain, quick=quick) for _ in range(2))
    if not first["devices"]:
        raise SelfcheckError("TensorFlow sees no GPU on this machine")
    others: dict[str, list[dict[str, Any]]] = {"one_thread": [], "op_determinism": []}
    if not quick:
        others["one_thread"] = [run_probes(python, device, plain._replace(threads=_THREADS), quick=quick)]
        fixed = Settings(seed=5, op_determinism=True)
        others["op_determinism"] = [run_probes(python, device, fixed, quick=quick) for _ in range(2)]
    table = {
        place: {name: judge(name, place, [first, second], others) for name in probes}
        for place, probes in first["devices"].items()
    }
    differing = [
        f"{name} on {place}"
        for place, probes in table.items()
        for name, verdict in probes.items()
        if is_differing(verdict)
    ]
    return {"schema": 1, "versions": first["versions"], "gpus": first["gpus"], "probes": table, "differing": differing}


def run_probes(python: str, device: str, settings: Any, *, quick: bool) -> dict[str, Any]:
    """One fresh process."""
    from tfguard.runtime.orders import Orders

    orders = Orders(settings, guards=False, quiet=True)
    environment = make_environment(orders.to_json(), hash_seed=0, threads=settings.threads)
    command = [python, str(RUNTIME / "probes.py"), "quick" if quick else "full", device]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, errors="replace", check=False)
    if done.returncode:
        said = done.stderr.strip().splitlines()[-1:] or [f"exit code {done.returncode}"]
        raise SelfcheckError(f"the probes failed: {said[0]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def judge(
    name: str, place: str, plain: list[dict[str, Any]], others: dict[str, list[dict[str, Any]]]
) -> dict[str, str]:
    """One row: what each condition gave."""
    first, second = (run["devices"][place][name] for run in plain)
    if "error" in first:
        return {"one_process": first["error"], "fresh_processes": first["error"]}
    verdict = {
        "one_process": say(len(set(first["digests"])) == 1),
        "fresh_processes": say(len({*first["digests"], *second.get("digests", ("none",))}) == 1),
    }
    for run in others["one_thread"]:
        verdict["one_thread"] = say(run["devices"][place][name].get("digests") == first["digests"])
    fixed = [run["devices"][place][name] for run in others["op_determinism"]]
    if fixed:
        digests = {value for run in fixed for value in run.get("digests", ())}
        verdict["op_determinism"] = fixed[0].get("error") or say(len(digests) == 1)
    return verdict


def say(same: bool) -> str:
    """In one word."""
    return "same" if same else "differs"


def is_differing(verdict: dict[str, str]) -> bool:
    """Does it repeat itself neither plainly nor under op determinism?"""
    plainly = verdict["one_process"] == verdict["fresh_processes"] == "same"
    return not plainly and verdict.get("op_determinism") != "same"


def iter_lines(result: dict[str, Any]) -> Iterator[str]:
    """A table for each device, and what to do."""
    yield ", ".join(f"{name} {version}" for name, version in sorted(result["versions"].items()))
    yield (
        f"GPUs: {', '.join(result['gpus'])}" if result["gpus"] else "GPUs: none seen by TensorFlow; the CPU is checked"
    )
    for place, probes in result["probes"].items():
        yield ""
        width = max(len(name) for name in probes)
        yield f"{place:<{width}}  " + "".join(f"{title:<17}" for title in _TITLES).rstrip()
        for name, verdict in probes.items():
            cells = (shorten(verdict.get(column, "-")) for column in _COLUMNS)
            yield f"{name:<{width}}  " + "".join(f"{cell:<17}" for cell in cells).rstrip()
    yield ""
    if result["differing"]:
        yield f"does not repeat itself: {', '.join(result['differing'])}"
    else:
        yield "every probe repeats itself on this machine, plainly or under op determinism"
    if any(
        verdict.get("one_thread") == "differs" for probes in result["probes"].values() for verdict in probes.values()
    ):
        yield "bits depend on the number of threads: pin them (`tfguard run --threads N`) to reproduce elsewhere"


def shorten(cell: str) -> str:
    """An error by its name alone."""
    return f"raises {cell.split('Error:')[0]}"[:16] if ":" in cell else cell
