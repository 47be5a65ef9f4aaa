"""Is PYTHONHASHSEED in force? It is read once, when the interpreter starts; `os.environ` may say something else."""

import os
import subprocess
import sys

from tfguard.runtime.telling import Telling

_PROBE = "tfguard"


def check_hash_seed(wanted: int, telling: Telling) -> None:
    """Say whether the order of sets of strings is that of the wanted hash seed."""
    if is_in_force(wanted):
        telling.say_done("hash seed {}".format(wanted))
        return
    os.environ["PYTHONHASHSEED"] = str(wanted)
    telling.say_missed(
        "too late for hash seed {}: this interpreter was started without it, so sets of strings have another order "
        "on every run".format(wanted),
        "start it as `PYTHONHASHSEED={} python ...` or with `tfguard run`".format(wanted),
    )


def is_in_force(wanted: int) -> bool:
    """True if this interpreter hashes strings with that seed."""
    if wanted == 0:
        return not sys.flags.hash_randomization
    if os.environ.get("PYTHONHASHSEED") != str(wanted) or not sys.flags.hash_randomization:
        return False
    return _hash_in_fresh_process(wanted) == hash(_PROBE)


def _hash_in_fresh_process(seed: int) -> int:
    """What an interpreter started with the seed makes of the probe; 0 where none can be started."""
    environment = dict(os.environ, PYTHONHASHSEED=str(seed))
    command = [sys.executable, "-S", "-c", "print(hash({!r}))".format(_PROBE)]
    try:
        return int(subprocess.check_output(command, env=environment, stderr=subprocess.DEVNULL))
    except (OSError, ValueError, subprocess.CalledProcessError):
        return 0
